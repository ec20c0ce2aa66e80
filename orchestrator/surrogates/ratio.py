"""Ratio plus residual: the source's prediction scaled to the target, and a regression on what it leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_solve, cholesky
from sklearn.utils.validation import check_is_fitted

from orchestrator.surrogates.deviation import Smoothness, smoothness
from orchestrator.surrogates.guard import Learner
from orchestrator.surrogates.kernels import radial
from orchestrator.surrogates.scaled import FloatArray, ScaledRegressor
from orchestrator.surrogates.separable import Separable

_LEAST_POWER = 1e-12


class RatioResidual(ScaledRegressor):
    """Gaussian process regression on target rows, helped by a source whose values are a multiple of the target's.

    With the source, f_1(x) = r g(x) + h(x): g the posterior mean of a Gaussian process on the source rows, r the ratio
    that brings g nearest to the target values (least squares through zero, in the values' own unit), h the posterior
    mean on what remains. Without it, f_0 is the posterior mean on the target rows. The guard weighs the two.

    A ratio asks for values with a true zero, such as a conductivity, a yield or a time; it is not for temperatures in
    degrees Celsius.

    Args:
        source_X: Source features in the unit cube, shape (n_source, n_columns), or None.
        source_y: Source values, shape (n_source,), in the unit of the target's.
        source_weight: "guarded", or a fixed weight between 0 and 1.

    Source: the scaled low-fidelity term and the process on the residual are those of Kennedy, O'Hagan, Biometrika 87,
    1 (2000), equation 1, with the ratio fitted first; posterior mean: Rasmussen and Williams, 2006, equation 2.25.
    """

    def __init__(
        self,
        source_X: ArrayLike | None = None,
        source_y: ArrayLike | None = None,
        source_weight: str | float = "guarded",
    ) -> None:
        self.source_X = source_X
        self.source_y = source_y
        self.source_weight = source_weight

    def separable(self, axes: Sequence[FloatArray]) -> Separable:
        """Return the prediction on a grid as a sum of products, one factor for each axis (`orchestrator.grid`).

        Args:
            axes: For each column its values on the grid, as `predict` takes them.
        """
        check_is_fitted(self)
        parts = [part.separable(axes).scaled(w) for w, part in self.shares_ if isinstance(part, PosteriorMean | Scaled)]
        return Separable.total(parts).scaled(self.spread_, self.offset_)

    def sd_at(self, X: FloatArray) -> FloatArray:
        """Return the standard deviation at rows, shape (n_rows,), without the mean."""
        return np.asarray(self.spread_ * self.deviation_.at(X / self.lengths_), dtype=float)

    def sd_around(self, X: FloatArray, reaches: FloatArray) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
        """Return the standard deviation at rows, and what it cannot fall below or exceed around them.

        Args:
            X: Rows, shape (n_rows, n_columns).
            reaches: How far around them along each column, the same shape.
        """
        return self.deviation_.spanning(X, reaches, self.lengths_, self.spread_)

    def _learner(self, X: FloatArray, y: FloatArray, folds: NDArray[np.int_]) -> Learner:  # noqa: ARG002 - the likelihood chooses
        self._smoothness = smoothness(X, y)
        return partial(posterior_mean, self._smoothness)

    def _borrower(self, n_rows: int) -> Learner | None:
        source = self._checked_source()
        if source is None or min(len(source[1]), n_rows - 1) < 2:
            return None
        known = smoothness(source[0], source[1] - source[1].mean())
        return partial(_scaled, self._smoothness, posterior_mean(known, *source), self.offset_ / self.spread_)

    def _fit(self, X: FloatArray, y: FloatArray, n_measured: int) -> FloatArray:
        residuals = super()._fit(X, y, n_measured)
        for _, predict in self.shares_:
            if isinstance(predict, Scaled):
                self.hyperparameters_["ratio"] = self.source_evidence_["ratio"] = predict.ratio
        return residuals


@dataclass(frozen=True)
class PosteriorMean:
    """offset + sum_i c_i exp(-sum((x - x_i)^2 / (2 length^2))): the mean of a Gaussian process."""

    lengths: FloatArray
    centres: FloatArray
    coefficients: FloatArray
    offset: float

    def __call__(self, X: FloatArray) -> FloatArray:
        """Return the mean at each row."""
        return np.asarray(self.offset + radial(X / self.lengths, self.centres) @ self.coefficients, dtype=float)

    def separable(self, axes: Sequence[FloatArray]) -> Separable:
        """Return the mean on a grid."""
        scaled = [axis / length for axis, length in zip(axes, self.lengths, strict=True)]
        return Separable.radial(scaled, self.centres, np.full(len(scaled), 0.5), self.coefficients, self.offset)


@dataclass(frozen=True)
class Scaled:
    """r g(x) + h(x), in the target's scaled values, whose zero lies `zero` below their mean."""

    ratio: float
    zero: float
    g: PosteriorMean
    h: PosteriorMean

    def __call__(self, X: FloatArray) -> FloatArray:
        """Return the sum at each row."""
        return self.ratio * (self.g(X) + self.zero) - self.zero + self.h(X)

    def separable(self, axes: Sequence[FloatArray]) -> Separable:
        """Return the sum on a grid."""
        borrowed = self.g.separable(axes).scaled(self.ratio, (self.ratio - 1.0) * self.zero)
        return Separable.total([borrowed, self.h.separable(axes)])


def posterior_mean(found: Smoothness, X: FloatArray, y: FloatArray) -> PosteriorMean:
    """Return the posterior mean of a Gaussian process of known smoothness about the mean of its values."""
    centres, offset = X / found.lengths, float(y.mean())
    lower = cholesky(radial(centres, centres) + found.noise * np.eye(len(y)), lower=True)
    return PosteriorMean(found.lengths, centres, cho_solve((lower, True), y - offset), offset)


def _scaled(found: Smoothness, g: PosteriorMean, zero: float, X: FloatArray, y: FloatArray) -> Scaled:
    expected, values = g(X) + zero, y + zero
    ratio = max(float(expected @ values), 0.0) / max(float(expected @ expected), _LEAST_POWER)
    return Scaled(ratio, zero, g, posterior_mean(found, X, values - ratio * expected))
