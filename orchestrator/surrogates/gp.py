"""A Gaussian process surrogate: Matern kernel with a length for each column, and a noise it finds itself."""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.utils.validation import check_is_fitted, validate_data


class GaussianProcess(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no stubs
    """Gaussian process on the unit cube; it borrows from no source.

    Attributes:
        source_weight_: Always 0.
        source_evidence_: Why.

    Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, equations 2.25, 2.26 and 4.17.
    """

    def fit(self, X: ArrayLike, y: ArrayLike, n_imagined: int = 0) -> Self:  # noqa: ARG002 - one call for all surrogates
        """Fit to rows X, shape (n_rows, n_columns), with values y, shape (n_rows,); imagined rows count as any.

        Raises:
            ValueError: NaN or infinity, or shapes that do not fit.
        """
        features, values = validate_data(self, X, y, dtype=float, y_numeric=True)
        self.offset_, self.spread_ = float(np.mean(values)), float(np.std(values)) or 1.0
        lengths = np.full(features.shape[1], 0.5)
        kernel = ConstantKernel(1.0, (1e-2, 1e2)) * Matern(lengths, (0.05, 20.0), nu=2.5)
        kernel += WhiteKernel(1e-2, (1e-5, 1.0))
        self.process_ = GaussianProcessRegressor(kernel, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a length at its bound is an answer: no influence
            self.process_.fit(features, (np.asarray(values) - self.offset_) / self.spread_)
        self.source_weight_ = 0.0
        self.source_evidence_ = {"rule": "the gp surrogate borrows from no source", "rows": len(values), "error": {}}
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - sklearn's signature
        """Return predicted values, shape (n_rows,), and with `return_std` the sd of the noiseless value too."""
        check_is_fitted(self)
        features = validate_data(self, X, dtype=float, reset=False)
        if not return_std:
            return self.offset_ + self.spread_ * self.process_.predict(features)
        mean, sd = self.process_.predict(features, return_std=True)
        noise = self.process_.kernel_.k2.noise_level
        latent = np.sqrt(np.maximum(sd**2 - noise, 1e-12))
        return self.offset_ + self.spread_ * mean, self.spread_ * latent
