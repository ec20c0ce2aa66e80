"""TrAdaBoost.R2: boosted trees on source and target rows together, the source rows that mislead losing their weight."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.tree import DecisionTreeRegressor

from orchestrator.surrogates.guard import Learner, deal_folds, judge_misses
from orchestrator.surrogates.scaled import FloatArray, ScaledRegressor, members_disagree
from orchestrator.surrogates.source import Source, fixed_weight
from orchestrator.surrogates.trees import thresholds_of

_N_STAGES = 6  # the source's weight falls from 1 to 0 in steps of a fifth
_TOO_WRONG = 0.5  # weighted loss at which boosting stops
_LEAST_LOSS = 1e-9
_ROUNDING = 1e-12  # relative; misses below are none
_HALVINGS = 60


class TrAdaBoost(ScaledRegressor):
    """Two-stage TrAdaBoost.R2 with regression trees.

    In six stages the weight of the source rows falls from that of target rows to nothing, those first on which a tree
    errs most. At each stage AdaBoost.R2 is run with the source's weights frozen. Which stage is used is decided by
    cross-validation over target rows; the last stage, which has no source, is kept unless another beats it by the
    margin of the guard (the published algorithm takes the smallest error without a margin).

    Args:
        source_X: Source features in the unit cube, shape (n_source, n_columns), or None for plain AdaBoost.R2.
        source_y: Source values, shape (n_source,), in the unit of the target's.
        source_weight: "guarded", or a weight between 0 and 1 whose nearest stage is used.
        n_trees: Rounds of boosting at each stage.
        depth: Depth of each tree.

    Attributes:
        source_weight_: Weight of all source rows over what they would have if each counted as a target row.

    Source: Pardoe and Stone, "Boosting for Regression Transfer", ICML 2010, algorithms 3 and 4; Drucker, "Improving
    Regressors using Boosting Techniques", ICML 1997, linear loss.
    """

    def __init__(
        self,
        source_X: ArrayLike | None = None,
        source_y: ArrayLike | None = None,
        source_weight: str | float = "guarded",
        n_trees: int = 20,
        depth: int = 4,
    ) -> None:
        self.source_X = source_X
        self.source_y = source_y
        self.source_weight = source_weight
        self.n_trees = n_trees
        self.depth = depth

    def _learner(self, X: FloatArray, y: FloatArray, folds: NDArray[np.int_]) -> Learner:  # noqa: ARG002 - nothing to choose
        return lambda X, y: boost(_Table.of(X, y, None), _even(len(y)), self.n_trees, self.depth)

    def _fit(self, X: FloatArray, y: FloatArray, n_measured: int) -> FloatArray:
        self.hyperparameters_ = {"trees": self.n_trees, "depth": self.depth}
        source = self._checked_source()
        if source is None:
            return super()._fit(X, y, n_measured)
        table = _Table.of(X, y, source)
        stages = _stages(table, self.depth)
        folds = deal_folds(X, y)
        predicted = {share: self._left_out(table, weights, folds) for share, weights in stages.items()}
        seen, scale = slice(n_measured), self.spread_
        misses = {share: np.abs(y - p)[seen] * scale for share, p in predicted.items()}
        fixed = fixed_weight(self)
        nearest = None if fixed is None else min(stages, key=lambda share: (abs(share - fixed), share))
        share, self.source_evidence_ = judge_misses(misses, nearest)
        self.source_weight_ = share
        self.shares_ = ((1.0, boost(table, stages[share], self.n_trees, self.depth)),)
        return np.asarray(y - predicted[share])

    def _left_out(self, table: "_Table", weights: FloatArray, folds: NDArray[np.int_]) -> FloatArray:
        """Return the prediction of each target row by boosted trees that have not seen its fold."""
        predicted = np.full(len(folds), table.y[table.n_source :].mean())
        for fold in range(folds.max() + 1) if folds.max() else ():
            kept = np.append(np.full(table.n_source, fill_value=True), folds != fold)
            part = weights[kept] / weights[kept].sum()
            boosted = boost(table.where(kept), part, self.n_trees, self.depth)
            predicted[folds == fold] = boosted(table.X[table.n_source :][folds == fold])
        return predicted


@dataclass(frozen=True)
class _Table:
    """Source rows, then target rows."""

    X: FloatArray
    y: FloatArray
    n_source: int

    @classmethod
    def of(cls, X: FloatArray, y: FloatArray, source: Source | None) -> "_Table":
        if source is None:
            return cls(X, y, 0)
        return cls(np.vstack([source[0], X]), np.concatenate([source[1], y]), len(source[1]))

    def where(self, kept: NDArray[np.bool_]) -> "_Table":
        return _Table(self.X[kept], self.y[kept], int(kept[: self.n_source].sum()))


@dataclass(frozen=True)
class Boosted:
    """Trees with their say; the prediction is the weighted median.

    Args:
        trees: Fitted trees.
        says: Weight of each in the median, shape (n_trees,).
    """

    trees: tuple[Any, ...]
    says: FloatArray

    def __call__(self, X: FloatArray) -> FloatArray:
        """Return the weighted median of the trees' predictions."""
        predictions = np.array([tree.predict(X) for tree in self.trees]).T
        order = np.argsort(predictions, axis=1, kind="stable")
        said = np.cumsum(self.says[order], axis=1)
        median = (said >= 0.5 * said[:, -1:]).argmax(axis=1)
        rows = np.arange(len(X))
        return np.asarray(predictions[rows, order[rows, median]], dtype=float)

    def disagreement(self, X: FloatArray) -> FloatArray:
        """Return the standard deviation of the trees' predictions."""
        return members_disagree([tree.predict(X) for tree in self.trees])

    def thresholds(self) -> list[FloatArray]:
        """Return where any tree splits, by column."""
        return thresholds_of(self.trees, self.trees[0].n_features_in_)


def boost(table: _Table, weights: FloatArray, n_trees: int, depth: int) -> Boosted:
    """Return AdaBoost.R2 with the weights of source rows frozen.

    Args:
        table: Source and target rows.
        weights: Of all rows, summing to one.
        n_trees: Rounds at most; fewer where a tree is perfect or worse than guessing.
        depth: Depth of each tree.

    Source: Pardoe and Stone 2010, section 3.3 (AdaBoost.R2'); Drucker 1997.
    """
    if not weights[: table.n_source].any():  # rows without weight would still scale the losses
        table, weights = (
            _Table.of(table.X[table.n_source :], table.y[table.n_source :], None),
            weights[table.n_source :],
        )
    target = slice(table.n_source, None)
    total = float(weights[target].sum())
    trees: list[Any] = []
    says: list[float] = []
    for _ in range(n_trees):
        tree = DecisionTreeRegressor(max_depth=depth, random_state=0).fit(table.X, table.y, sample_weight=weights)
        losses = _losses(table, tree)[target]
        loss = float(losses @ weights[target]) / total
        if trees and loss >= _TOO_WRONG:
            break
        beta = max(loss, _LEAST_LOSS) / (1.0 - min(loss, 1.0 - _LEAST_LOSS))
        trees.append(tree)
        says.append(max(-np.log(beta), _LEAST_LOSS))
        if loss <= _LEAST_LOSS or loss >= _TOO_WRONG:
            break
        weights = weights.copy()
        weights[target] *= beta ** (1.0 - losses)
        weights[target] *= total / weights[target].sum()
    return Boosted(tuple(trees), np.array(says))


def _stages(table: _Table, depth: int) -> Mapping[float, FloatArray]:
    """Return the weights of all rows at each stage, by the share that the source keeps, from 1 to 0.

    Source: Pardoe and Stone 2010, algorithm 4: a source row's weight is multiplied by beta^loss, beta found by
    bisection so that the target's weight grows linearly to one.
    """
    weights = _even(len(table.y))
    even = table.n_source / len(table.y)
    stages = {}
    for stage in range(_N_STAGES):
        share = round(1.0 - stage / (_N_STAGES - 1), 3)
        if share == 0.0:
            weights = np.where(np.arange(len(weights)) < table.n_source, 0.0, weights)
            weights = weights / weights.sum()
        elif stage > 0:
            tree = DecisionTreeRegressor(max_depth=depth, random_state=0).fit(table.X, table.y, sample_weight=weights)
            weights = _reduced(weights, _losses(table, tree)[: table.n_source], even * share)
        stages[share] = weights
    return stages


def _reduced(weights: FloatArray, losses: FloatArray, wanted: float) -> FloatArray:
    """Return the weights with the source's multiplied by beta^loss so that they hold the wanted share of all."""
    n, rest = len(losses), float(weights[len(losses) :].sum())
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        beta = 0.5 * (low + high)
        kept = float((weights[:n] * beta**losses).sum())
        low, high = (beta, high) if kept / (kept + rest) < wanted else (low, beta)
    source = weights[:n] * (0.5 * (low + high)) ** losses
    # Where no beta reaches the share, as with rows on which no tree errs, all are scaled alike.
    source *= wanted / (1.0 - wanted) * rest / source.sum()
    reduced = np.concatenate([source, weights[n:]])
    return np.asarray(reduced / reduced.sum())


def _losses(table: _Table, tree: Any) -> FloatArray:  # noqa: ANN401 - sklearn has no stubs
    """Return the absolute error of each row as a share of the largest, the linear loss."""
    misses = np.abs(table.y - tree.predict(table.X))
    largest = float(misses.max())
    is_rounding = largest <= _ROUNDING * float(np.abs(table.y).max())
    return np.zeros(len(misses)) if is_rounding else np.asarray(misses / largest)


def _even(n: int) -> FloatArray:
    return np.full(n, 1.0 / n)
