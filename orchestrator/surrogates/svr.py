"""CORAL-SVR: support vector regression that may borrow from a source, with a predictive standard deviation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.svm import SVR
from sklearn.utils.validation import check_is_fitted, validate_data

from orchestrator.surrogates.coral import align
from orchestrator.surrogates.deviation import Deviation, Smoothness, smoothness
from orchestrator.surrogates.guard import deal_folds, judge, left_out
from orchestrator.surrogates.kernels import radial
from orchestrator.surrogates.separable import Separable
from orchestrator.surrogates.source import Source, fixed_weight, source_of

FloatArray = NDArray[np.float64]

# Source: the LiPON paper's 6-fold grid search; for features in cm, W, Pa and values in uS/cm.
PAPER = {"C": 192.0, "epsilon": 0.01, "gamma": 1e-4}
# The paper's grid is not printed. This one is ours; it holds the published settings.
SEARCHED = {"C": (1.0, 12.0, 48.0, 192.0, 768.0), "epsilon": (0.01, 0.05, 0.1), "gamma": (1e-5, 1e-4, 1e-3, 1e-2, 0.1)}
_COSTS = (2.0, 8.0, 32.0)  # on values of unit variance, as is epsilon
_EPSILON = 0.05
_SAME = 1e-9
_RIDGE = 1e-3  # squared units of the unit cube


@dataclass(frozen=True)
class Settings:
    """What a support vector machine is fitted with; its kernel is exp(-sum((x - x')^2 / (2 length^2)))."""

    cost: float
    epsilon: float
    lengths: FloatArray

    @property
    def named(self) -> dict[str, float | str]:
        """The settings by their usual names; one gamma where all lengths are equal."""
        gammas = 0.5 / self.lengths**2
        equal = bool(np.ptp(gammas) < _SAME * gammas[0])
        gamma = float(f"{gammas[0]:.6g}") if equal else " ".join(f"{gamma:.3g}" for gamma in gammas)
        return {"C": self.cost, "epsilon": self.epsilon, "gamma": gamma}


class CoralSVR(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no stubs
    """Support vector regression on target rows, helped by the rows of a source as far as they earn it.

    The source rows are moved by CORAL to the mean and covariance of the target rows. The prediction is

        (1 - w) f_0(x) + w f_1(x)

    f_0 is an SVR on the target rows alone. f_1 borrows: in mode "paper" it is one SVR on aligned source and target
    rows together, with the published hyper-parameters on raw features; mode "paper-search" is the same with those of a
    6-fold grid search (`SEARCHED`, smallest left-out error on target rows). In mode "scaled" it is a + b g(x) + h(x)
    with g an SVR on the aligned source, a and b fitted to the target (the values of a source tool keep an offset that
    CORAL does not see) and h an SVR on what remains. The weight w is given, or decided by the guard
    (`orchestrator.surrogates.guard`) from predictions on left-out rows; w = 0 is exactly the plain SVR.

    The standard deviation is that of a Gaussian process with the kernel of the SVR, scaled to left-out residuals
    (`orchestrator.surrogates.deviation`): it grows away from the rows and is never zero.

    Args:
        source_X: Source features, shape (n_source, n_columns), or None for the plain SVR.
        source_y: Source values, shape (n_source,).
        mode: "scaled" expects features in the unit cube; "paper" and "paper-search" expect them in cm, W and Pa.
        source_weight: "guarded", or a fixed weight between 0 and 1.

    Attributes:
        source_weight_: The weight used.
        source_evidence_: JSON-ready record of the left-out error of each weight, the rule that chose, and in mode
            "scaled" the ratio b by which the source's prediction enters (in sd of either set of values).

    Source: the LiPON transfer-learning paper (CORAL-SVR); ratio and residual: see `orchestrator.surrogates.guard`.
    """

    def __init__(
        self,
        source_X: ArrayLike | None = None,
        source_y: ArrayLike | None = None,
        mode: str = "scaled",
        source_weight: str | float = "guarded",
    ) -> None:
        self.source_X = source_X
        self.source_y = source_y
        self.mode = mode
        self.source_weight = source_weight

    def fit(self, X: ArrayLike, y: ArrayLike, n_imagined: int = 0) -> Self:
        """Fit to target rows.

        Args:
            X: Target features, shape (n_rows, n_columns).
            y: Target values, shape (n_rows,).
            n_imagined: How many of the last rows were not measured; the source is not judged by those.

        Raises:
            ValueError: NaN or infinity, shapes that do not fit, an unknown mode or weight.
        """
        features, values = validate_data(self, X, y, dtype=float, y_numeric=True)
        self._check_settings()
        source = source_of(self, features.shape[1])
        with config_context(assume_finite=True, skip_parameter_validation=True):
            self._fit(features, np.asarray(values, dtype=float), source, len(values) - n_imagined)
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - sklearn's signature
        """Return predicted values, shape (n_rows,), and with `return_std` their standard deviations too."""
        check_is_fitted(self)
        features = validate_data(self, X, dtype=float, reset=False)
        shares = ((1 - self.source_weight_, self.plain_), (self.source_weight_, self.borrowing_))
        mean = self.offset_ + self.spread_ * sum(w * predict(features) for w, predict in shares if w > 0)
        return (mean, self.sd_at(features)) if return_std else mean

    def separable(self, axes: Sequence[FloatArray]) -> Separable:
        """Return the prediction on a grid as a sum of products, one factor for each axis (`orchestrator.grid`).

        Args:
            axes: For each column its values on the grid, as `predict` takes them.
        """
        check_is_fitted(self)
        shares = ((1 - self.source_weight_, self.plain_), (self.source_weight_, self.borrowing_))
        parts = [part.separable(axes).scaled(weight) for weight, part in shares if weight > 0]
        return Separable.total(parts).scaled(self.spread_, self.offset_)

    def sd_at(self, X: FloatArray) -> FloatArray:
        """Return the standard deviation at rows, shape (n_rows,), without the mean."""
        return np.asarray(self.spread_ * self.deviation_.at(X / self.smoothness_.lengths), dtype=float)

    def sd_around(self, X: FloatArray, reaches: FloatArray) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
        """Return the standard deviation at rows, and what it cannot fall below or exceed around them.

        Args:
            X: Rows, shape (n_rows, n_columns).
            reaches: How far around them along each column, the same shape.
        """
        return self.deviation_.spanning(X, reaches, self.smoothness_.lengths, self.spread_)

    def _check_settings(self) -> None:
        if self.mode not in {"scaled", "paper", "paper-search"}:
            message = f"CoralSVR: mode {self.mode!r} is unknown; use 'scaled', 'paper' or 'paper-search'"
            raise ValueError(message)
        fixed_weight(self)

    def _fit(self, X: FloatArray, y: FloatArray, source: Source | None, n_measured: int) -> None:
        paper = self.mode != "scaled"
        self.offset_, self.spread_ = (0.0, 1.0) if paper else (float(y.mean()), float(y.std()) or 1.0)
        y = (y - self.offset_) / self.spread_
        folds = deal_folds(X, y)
        self.settings_, self.smoothness_ = _published(X, y) if paper else _searched(X, y, folds)
        if self.mode == "paper-search":
            self.settings_ = _grid_searched(source, X, y, folds)
        self.hyperparameters_ = self.settings_.named
        plain = left_out(partial(_machine, self.settings_), X, y, folds)
        learn = self._borrower(source, len(y))
        borrowed = plain if learn is None else left_out(learn, X, y, folds)
        self.plain_ = _machine(self.settings_, X, y)
        self.borrowing_ = self.plain_ if learn is None else learn(X, y)
        seen = slice(n_measured)
        self._weigh(y[seen], plain[seen], borrowed[seen], has_source=learn is not None)
        residuals = y - (1 - self.source_weight_) * plain - self.source_weight_ * borrowed
        self.deviation_ = Deviation(X / self.smoothness_.lengths, residuals, self.smoothness_.noise)

    def _borrower(self, source: Source | None, n_rows: int) -> "Callable[[FloatArray, FloatArray], _Part] | None":
        if source is None or min(len(source[1]), n_rows - 1) < 2:
            return None
        if self.mode != "scaled":
            return partial(_pooled, self.settings_, source)
        return partial(
            _residual, self.settings_, (source[0], (source[1] - source[1].mean()) / (source[1].std() or 1.0))
        )

    def _weigh(self, y: FloatArray, plain: FloatArray, borrowed: FloatArray, *, has_source: bool) -> None:
        fixed = None if self.source_weight == "guarded" else float(self.source_weight)
        weight, record = judge(y * self.spread_, plain * self.spread_, borrowed * self.spread_, fixed)
        if not has_source:
            weight, record = 0.0, {"rule": "no source is used", "rows": len(y), "error": {}}
        if isinstance(self.borrowing_, _Transferred):
            record["ratio"] = self.borrowing_.b
        self.source_weight_, self.source_evidence_ = weight, record


@dataclass(frozen=True)
class _Machine:
    """A support vector machine on columns divided by their lengths; one matrix product is faster than its `predict`."""

    lengths: FloatArray
    svr: SVR

    def __call__(self, X: FloatArray) -> FloatArray:
        values = radial(X / self.lengths, self.svr.support_vectors_) @ self.svr.dual_coef_[0] + self.svr.intercept_[0]
        return np.asarray(values, dtype=float)

    def separable(self, axes: Sequence[FloatArray]) -> Separable:
        scaled = [axis / length for axis, length in zip(axes, self.lengths, strict=True)]
        halves = np.full(len(scaled), 0.5)
        return Separable.radial(
            scaled, self.svr.support_vectors_, halves, self.svr.dual_coef_[0], float(self.svr.intercept_[0])
        )


@dataclass(frozen=True)
class _Transferred:
    """a + b g(x) + h(x): the source's prediction scaled to the target, and a regression on what remains."""

    a: float
    b: float
    g: _Machine
    h: _Machine

    def __call__(self, X: FloatArray) -> FloatArray:
        return self.a + self.b * self.g(X) + self.h(X)

    def separable(self, axes: Sequence[FloatArray]) -> Separable:
        return Separable.total([self.g.separable(axes).scaled(self.b, self.a), self.h.separable(axes)])


_Part = _Machine | _Transferred


def _machine(settings: Settings, X: FloatArray, y: FloatArray) -> _Machine:
    svr = SVR(C=settings.cost, epsilon=settings.epsilon, gamma=0.5)
    return _Machine(settings.lengths, svr.fit(X / settings.lengths, y))


def _pooled(settings: Settings, source: Source, X: FloatArray, y: FloatArray) -> _Machine:
    aligned = align(source[0], X)
    return _machine(settings, np.vstack([aligned, X]), np.concatenate([source[1], y]))


def _residual(settings: Settings, source: Source, X: FloatArray, y: FloatArray) -> _Transferred:
    g = _machine(settings, align(source[0], X, ridge=_RIDGE), source[1])
    known = g(X)
    covariance = float(np.mean((known - known.mean()) * (y - y.mean())))
    b = max(covariance, 0.0) / (float(known.var()) + _RIDGE)
    a = float(y.mean() - b * known.mean())
    return _Transferred(a, b, g, _machine(settings, X, y - a - b * known))


def _published(X: FloatArray, y: FloatArray) -> tuple[Settings, Smoothness]:
    """Return the paper's settings, and the smoothness of the values on columns scaled to their ranges.

    The published kernel hardly sees two of three inputs, and would be as sure of them far away as near.
    """
    ranges = np.ptp(X, axis=0)
    ranges[ranges == 0] = 1.0
    found = smoothness(X / ranges, y - y.mean())
    lengths = np.full(X.shape[1], (2 * PAPER["gamma"]) ** -0.5)
    return Settings(PAPER["C"], PAPER["epsilon"], lengths), Smoothness(found.lengths * ranges, found.noise)


def _grid_searched(source: Source | None, X: FloatArray, y: FloatArray, folds: NDArray[np.int_]) -> Settings:
    """Return the settings of `SEARCHED` with the smallest left-out error on target rows, the first of equals.

    With a source, the machine on aligned source and target rows together is judged.
    """
    usable = source if source is not None and min(len(source[1]), len(y) - 1) >= 2 else None

    def learner(settings: Settings) -> Callable[[FloatArray, FloatArray], _Part]:
        return partial(_machine, settings) if usable is None else partial(_pooled, settings, usable)

    grid = [
        Settings(cost, epsilon, np.full(X.shape[1], (2 * gamma) ** -0.5))
        for cost, epsilon, gamma in product(*SEARCHED.values())
    ]
    errors = [np.abs(y - left_out(learner(settings), X, y, folds)).mean() for settings in grid]
    return grid[int(np.argmin(errors))]


def _searched(X: FloatArray, y: FloatArray, folds: NDArray[np.int_]) -> tuple[Settings, Smoothness]:
    """Return the likeliest lengths with the cost of the smallest left-out error, and the noise."""
    found = smoothness(X, y)
    grid = [Settings(cost, _EPSILON, found.lengths) for cost in _COSTS]
    errors = [np.abs(y - left_out(partial(_machine, settings), X, y, folds)).mean() for settings in grid]
    return grid[int(np.argmin(errors))], found
