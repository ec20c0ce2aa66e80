"""What regressions in the unit cube share: values scaled to unit variance, left-out residuals, a standard deviation.

Rule of this file: a learner turns rows into a predictor; all else is the same for a network, a tree or a process.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from orchestrator.surrogates.deviation import Deviation, smoothness
from orchestrator.surrogates.guard import Learner, Predictor, deal_folds, judge, left_out
from orchestrator.surrogates.source import Source, fixed_weight, source_of
from orchestrator.surrogates.steps import Steps

FloatArray = NDArray[np.float64]


@runtime_checkable
class Committee(Protocol):
    """A predictor of several members, which may disagree."""

    def disagreement(self, X: FloatArray) -> FloatArray:
        """Return the standard deviation of the members' predictions at each row."""
        ...


@runtime_checkable
class Stepped(Protocol):
    """A predictor that is constant between thresholds."""

    def thresholds(self) -> list[FloatArray]:
        """Return the sorted thresholds along each column; a row is on the lower side if single(x) <= threshold."""
        ...


class OnGrid(Protocol):
    """A prediction on a grid, as `orchestrator.grid` asks for it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        ...

    @property
    def magnitude(self) -> float:
        """What rounding errors are relative to; 0 where the values themselves say it."""
        ...

    def fill(self, first: int, out: FloatArray) -> None:
        """Write consecutive rows of the grid's layout."""
        ...


class ScaledRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no stubs
    """Regression on features in the unit cube, with a predictive standard deviation.

    The prediction is (1 - w) f_0(x) + w f_1(x): f_0 learned from the target rows alone, f_1 with the help of a source,
    and w given by `source_weight` or by the guard. Without a source, w is 0.

    The standard deviation is that of a Gaussian process scaled to left-out residuals
    (`orchestrator.surrogates.deviation`), or the disagreement of the members where a predictor has some and theirs is
    the larger. It is never zero and grows away from the rows.

    Attributes:
        source_weight_: The weight w.
        source_evidence_: JSON-ready record of the left-out error of each weight and the rule that chose.
        hyperparameters_: What the fit chose.
    """

    def fit(self, X: ArrayLike, y: ArrayLike, n_imagined: int = 0) -> Self:
        """Fit to target rows.

        Args:
            X: Target features, shape (n_rows, n_columns), unit cube.
            y: Target values, shape (n_rows,).
            n_imagined: How many of the last rows were not measured; a source is not judged by those.

        Raises:
            ValueError: NaN or infinity, or shapes that do not fit.
        """
        features, values = validate_data(self, X, y, dtype=float, y_numeric=True)
        values = np.asarray(values, dtype=float)
        self.offset_, self.spread_ = float(values.mean()), float(values.std()) or 1.0
        self.hyperparameters_: dict[str, float | str] = {}
        with config_context(assume_finite=True, skip_parameter_validation=True):
            residuals = self._fit(features, (values - self.offset_) / self.spread_, len(values) - n_imagined)
        self._doubt(features, (values - self.offset_) / self.spread_, residuals)
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - sklearn's signature
        """Return predicted values, shape (n_rows,), and with `return_std` their standard deviations too."""
        check_is_fitted(self)
        features = validate_data(self, X, dtype=float, reset=False)
        with config_context(assume_finite=True, skip_parameter_validation=True):
            mean = self.offset_ + self.spread_ * sum(w * predict(features) for w, predict in self.shares_)
            return (mean, self._sd(features)) if return_std else mean

    def thresholds(self) -> list[FloatArray] | None:
        """Return the thresholds along each column where the prediction is constant between them, else None."""
        found = [predict.thresholds() if isinstance(predict, Stepped) else None for _, predict in self.shares_]
        if any(f is None for f in found):
            return None
        return [np.unique(np.concatenate(column)) for column in zip(*(f for f in found if f), strict=True)]

    def separable(self, axes: Sequence[FloatArray]) -> OnGrid | None:
        """Return the prediction on a grid where it is cheaper than asking at every point (`orchestrator.grid`).

        Args:
            axes: For each column its values on the grid, as `predict` takes them.
        """
        check_is_fitted(self)
        thresholds = self.thresholds()
        return None if thresholds is None else Steps.between(thresholds, axes, self.predict)

    @abstractmethod
    def _learner(self, X: FloatArray, y: FloatArray, folds: NDArray[np.int_]) -> Learner:
        """Return how to learn from target rows alone, hyper-parameters chosen."""

    def _borrower(self, n_rows: int) -> Learner | None:  # noqa: ARG002 - those that borrow ask
        """Return how to learn with the source, or None."""
        return None

    def _fit(self, X: FloatArray, y: FloatArray, n_measured: int) -> FloatArray:
        """Set `shares_`, the weighted predictors, and return the left-out residuals."""
        self.shares_: tuple[tuple[float, Predictor], ...]
        folds = deal_folds(X, y)
        learn, borrow = self._learner(X, y, folds), self._borrower(len(y))
        plain = left_out(learn, X, y, folds)
        self.source_weight_, self.source_evidence_ = 0.0, {"rule": "no source is used", "rows": len(y), "error": {}}
        if borrow is None:
            self.shares_ = ((1.0, learn(X, y)),)
            return np.asarray(y - plain)
        borrowed = left_out(borrow, X, y, folds)
        seen, scale = slice(n_measured), self.spread_
        self.source_weight_, self.source_evidence_ = judge(
            y[seen] * scale, plain[seen] * scale, borrowed[seen] * scale, fixed_weight(self)
        )
        w = self.source_weight_
        self.shares_ = tuple((s, f(X, y)) for s, f in ((1 - w, learn), (w, borrow)) if s > 0)
        return np.asarray(y - (1 - w) * plain - w * borrowed)

    def _checked_source(self) -> Source | None:
        """Return the source with its values scaled as the target's are, or None."""
        source = source_of(self, self.n_features_in_)
        return None if source is None else (source[0], (source[1] - self.offset_) / self.spread_)

    def _doubt(self, X: FloatArray, y: FloatArray, residuals: FloatArray) -> None:
        found = smoothness(X, y)
        self.lengths_ = found.lengths
        self.deviation_ = Deviation(X / found.lengths, residuals, found.noise)

    def _sd(self, X: FloatArray) -> FloatArray:
        sd = self.deviation_.at(X / self.lengths_)
        for weight, predict in self.shares_:
            if isinstance(predict, Committee):
                sd = np.maximum(sd, weight * predict.disagreement(X))
        return np.asarray(self.spread_ * sd)


def members_disagree(predictions: Sequence[FloatArray]) -> FloatArray:
    """Return the standard deviation over members, shape (n_rows,), of their predictions, each of that shape."""
    return np.asarray(np.std(predictions, axis=0), dtype=float)
