"""One Gaussian process over two tools: how much the source says about the target is a correlation the data decide."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import LinAlgError, cholesky, solve_triangular
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from orchestrator.surrogates.kernels import radial
from orchestrator.surrogates.separable import Separable
from orchestrator.surrogates.source import fixed_weight, source_of

FloatArray = NDArray[np.float64]

_LENGTHS = tuple(float(x) for x in np.geomspace(0.1, 3.0, 11))  # unit cube, by column
_NOISES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)  # noise variance per signal variance
_CORRELATIONS = {0.0: 0.3, 0.5: 0.15, 0.7: 0.2, 0.85: 0.2, 0.95: 0.15}
"""How the tools may be correlated, each with its prior probability: 0 is no transfer."""
_SIZES = (0.7, 1.0, 1.4)  # of the source's variation, in that of the target
_STRETCHES = (0.8, 1.25)  # of all lengths at once
_USUAL_LENGTH, _SPREAD_OF_LENGTH = 0.5, 0.8  # per root of columns over three; of the logarithm
_USUAL_NOISE, _SPREAD_OF_NOISE = 1e-2, 2.0  # of the logarithm
_SPREAD_OF_SIZE = 0.4  # of the logarithm
_SWEEPS = 4
_LEAST_GAIN = 1e-9
_SMALLEST_VARIANCE = 1e-10


@dataclass(frozen=True)
class _Shape:
    """What the process looks like: lengths by column, noise, correlation of the tools and size of the source."""

    lengths: FloatArray
    noise: float
    correlation: float
    size: float


Direction = Callable[[_Shape], list[_Shape]]


class JointProcess(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no stubs
    """A Gaussian process over the rows of a target and of a source tool, each with a mean of its own.

    The covariance of two rows is a radial kernel with a length for each column, times the correlation of the two tools
    where the rows are of different ones. Lengths, noise and correlation are the most probable ones on a grid, by
    coordinate ascent of the marginal likelihood with the means integrated out. Correlation 0, no transfer, is one of
    the values with a prior of its own: this is the guard. A grid, unlike a gradient method, gives bit for bit the same
    answer on every linear algebra library.

    Args:
        source_X: Source features, shape (n_source, n_columns), or None for one tool alone.
        source_y: Source values, shape (n_source,).
        source_weight: "guarded", or a fixed correlation between 0 and 1.

    Attributes:
        source_weight_: The correlation used.
        source_evidence_: JSON-ready record: the rule, and the log of the posterior at each correlation.

    Source: Bonilla, Chai, Williams, "Multi-task Gaussian Process Prediction", NIPS 2007, equation 2, for two tools;
    Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, equations 2.42, 2.45 and 5.8.
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

    def fit(self, X: ArrayLike, y: ArrayLike, n_imagined: int = 0) -> Self:  # noqa: ARG002 - one call for all surrogates
        """Fit to rows X, shape (n_rows, n_columns), unit cube, with values y, shape (n_rows,); imagined rows count.

        Raises:
            ValueError: NaN or infinity, or shapes that do not fit.
        """
        features, values = validate_data(self, X, y, dtype=float, y_numeric=True)
        values = np.asarray(values, dtype=float)
        self.offset_, self.spread_ = float(values.mean()), float(values.std()) or 1.0
        scaled = (values - self.offset_) / self.spread_
        self.is_source_ = np.zeros(len(scaled), dtype=bool)
        self.rows_, self.values_ = features, scaled
        source = source_of(self, features.shape[1])
        if source is not None and len(source[1]) > 1:
            others, theirs = source
            self.rows_ = np.vstack([features, others])
            self.values_ = np.append(scaled, (theirs - theirs.mean()) / self.spread_)
            self.is_source_ = np.append(self.is_source_, np.ones(len(theirs), dtype=bool))
        self._solve(self._most_probable())
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - sklearn's signature
        """Return predicted values, shape (n_rows,), and with `return_std` the sd of the noiseless value too."""
        check_is_fitted(self)
        features = validate_data(self, X, dtype=float, reset=False)
        kernel = self._shares[:, None] * radial(self.rows_ / self.shape_.lengths, features / self.shape_.lengths)
        mean = self.offset_ + self.spread_ * (self._mean + self._weights @ kernel)
        if not return_std:
            return mean
        whitened = solve_triangular(self._lower, kernel, lower=True, check_finite=False)
        known = np.einsum("ij,ij->j", whitened, whitened)
        # The mean is found from the rows, too: far from them the doubt about it comes on top.
        unsure = (1.0 - self._target_means @ whitened) ** 2 / self._certainty
        variance = self.variance_ * np.maximum(1.0 - known + unsure, _SMALLEST_VARIANCE)
        return mean, self.spread_ * np.sqrt(variance)

    def separable(self, axes: Sequence[FloatArray]) -> Separable:
        """Return the prediction on a grid as a sum of products, one factor for each axis (`orchestrator.grid`).

        Args:
            axes: For each column its values on the grid, as `predict` takes them.
        """
        check_is_fitted(self)
        scaled = [axis / length for axis, length in zip(axes, self.shape_.lengths, strict=True)]
        halves, weights = np.full(len(scaled), 0.5), self._weights * self._shares
        found = Separable.radial(scaled, self.rows_ / self.shape_.lengths, halves, weights, self._mean)
        return found.scaled(self.spread_, self.offset_)

    def _most_probable(self) -> _Shape:
        usual = _USUAL_LENGTH * np.sqrt(self.rows_.shape[1] / 3)
        squares = (self.rows_[:, None, :] - self.rows_[None]) ** 2
        fixed = fixed_weight(self)
        correlations = tuple(_CORRELATIONS) if fixed is None else (fixed,)
        correlations = correlations if self.is_source_.any() else (0.0,)

        def probability(shape: _Shape) -> float:
            prior = float((np.log(shape.lengths / usual) ** 2).sum()) / _SPREAD_OF_LENGTH**2
            prior += (np.log(shape.noise / _USUAL_NOISE) / _SPREAD_OF_NOISE) ** 2
            prior += (np.log(shape.size) / _SPREAD_OF_SIZE) ** 2
            chance = np.log(_CORRELATIONS.get(shape.correlation, 1.0))
            return float(self._likelihood(np.exp(-0.5 * squares @ shape.lengths**-2), shape) - 0.5 * prior + chance)

        start = _Shape(np.full(len(squares[0, 0]), usual), _USUAL_NOISE, correlations[len(correlations) // 2], 1.0)
        best, found = probability(start), start
        for _ in range(_SWEEPS):
            before = best
            for options in self._directions(correlations):
                for option in options(found):
                    value = probability(option)
                    if value > best + _LEAST_GAIN:
                        best, found = value, option
            if best <= before:
                break
        self._record(found, {c: probability(replace(found, correlation=c)) for c in correlations}, fixed)
        return found

    def _directions(self, correlations: Sequence[float]) -> list[Direction]:
        """Return what may be varied alone, each a function from a shape to its variations."""
        found: list[Direction] = [partial(_lengths_along, j) for j in range(self.rows_.shape[1])]
        found.append(lambda shape: [replace(shape, noise=v) for v in _NOISES])
        if self.is_source_.any():
            found.append(lambda shape: [replace(shape, correlation=v) for v in correlations])
            found.append(lambda shape: [replace(shape, size=v) for v in _SIZES])
        found.append(lambda shape: [replace(shape, lengths=shape.lengths * v) for v in _STRETCHES])
        return found

    def _gram(self, kernel: FloatArray, shape: _Shape) -> FloatArray:
        sizes = np.where(self.is_source_, shape.size, 1.0)
        together = self.is_source_[:, None] == self.is_source_[None]
        gram = kernel * np.where(together, 1.0, shape.correlation) * sizes[:, None] * sizes[None]
        gram[np.diag_indices_from(gram)] += shape.noise * sizes**2
        return np.asarray(gram)

    def _means(self) -> FloatArray:
        """Return one column for the mean of each tool, shape (n_rows, n_tools)."""
        tools = [~self.is_source_, self.is_source_] if self.is_source_.any() else [~self.is_source_]
        return np.array(tools, dtype=float).T

    def _likelihood(self, kernel: FloatArray, shape: _Shape) -> float:
        """Return the log marginal likelihood, the means integrated and the variance maximised out."""
        try:
            lower = cholesky(self._gram(kernel, shape), lower=True, check_finite=False)
        except LinAlgError:
            return -np.inf
        both = solve_triangular(lower, np.column_stack([self._means(), self.values_]), lower=True, check_finite=False)
        means, values = both[:, :-1], both[:, -1]
        certainty = means.T @ means
        rest = values - means @ np.linalg.solve(certainty, means.T @ values)
        n = max(len(values) - means.shape[1], 1)
        explained = -0.5 * n * np.log(max(rest @ rest / n, _SMALLEST_VARIANCE))
        return float(explained - np.log(np.diag(lower)).sum() - 0.5 * np.linalg.slogdet(certainty)[1])

    def _solve(self, shape: _Shape) -> None:
        self.shape_ = shape
        rows = self.rows_ / shape.lengths
        self._lower = cholesky(self._gram(radial(rows, rows), shape), lower=True, check_finite=False)
        both = solve_triangular(self._lower, np.column_stack([self._means(), self.values_]), lower=True)
        means, values = both[:, :-1], both[:, -1]
        certainty = means.T @ means
        levels = np.linalg.solve(certainty, means.T @ values)
        rest = values - means @ levels
        n = max(len(values) - means.shape[1], 1)
        self.variance_ = max(float(rest @ rest) / n, _SMALLEST_VARIANCE)
        self._mean = float(levels[0])
        self._weights = solve_triangular(self._lower, rest, lower=True, trans="T")
        self._shares = np.where(self.is_source_, shape.correlation * shape.size, 1.0)
        self._target_means, self._certainty = means[:, 0], float(certainty[0, 0])

    def _record(self, found: _Shape, evidence: dict[float, float], fixed: float | None) -> None:
        self.source_weight_ = found.correlation if self.is_source_.any() else 0.0
        rule = "the most probable correlation of the two tools" if fixed is None else "fixed by the configuration"
        rule = rule if self.is_source_.any() else "no source is used"
        self.source_evidence_ = {"rule": rule, "rows": int((~self.is_source_).sum()), "error": {}}
        if self.is_source_.any():
            best = max(evidence.values())
            self.source_evidence_["log_posterior"] = {f"{c:g}": round(v - best, 3) for c, v in evidence.items()}


def _lengths_along(column: int, shape: _Shape) -> list[_Shape]:
    is_it = np.arange(len(shape.lengths)) == column
    return [replace(shape, lengths=np.where(is_it, v, shape.lengths)) for v in _LENGTHS]
