"""Ensembles of regression trees: random forest, extra trees, gradient boosting."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor

from orchestrator.surrogates.guard import Learner
from orchestrator.surrogates.scaled import FloatArray, ScaledRegressor, members_disagree


class RandomForest(ScaledRegressor):
    """Mean of trees that were each grown on a resampled table.

    The standard deviation is that across the trees where it is the larger.

    Args:
        n_trees: How many.

    Source: Breiman, Machine Learning 45, 5 (2001); spread across trees: Hutter, Xu, Hoos, Leyton-Brown, Artif. Intell.
    206, 79 (2014), section 4.3.2.
    """

    def __init__(self, n_trees: int = 100) -> None:
        self.n_trees = n_trees

    def _learner(self, X: FloatArray, y: FloatArray, folds: NDArray[np.int_]) -> Learner:  # noqa: ARG002 - nothing to choose
        self.hyperparameters_ = {"trees": self.n_trees}
        return partial(_grown, partial(RandomForestRegressor, n_estimators=self.n_trees, random_state=0))


class ExtraTrees(ScaledRegressor):
    """Mean of trees that were split at random thresholds.

    The standard deviation is that across the trees where it is the larger.

    Args:
        n_trees: How many.

    Source: Geurts, Ernst, Wehenkel, Machine Learning 63, 3 (2006).
    """

    def __init__(self, n_trees: int = 100) -> None:
        self.n_trees = n_trees

    def _learner(self, X: FloatArray, y: FloatArray, folds: NDArray[np.int_]) -> Learner:  # noqa: ARG002 - nothing to choose
        self.hyperparameters_ = {"trees": self.n_trees}
        return partial(_grown, partial(ExtraTreesRegressor, n_estimators=self.n_trees, random_state=0))


class GradientBoosting(ScaledRegressor):
    """Sum of small trees, each fitted to what those before it left; how many is decided by the left-out error.

    Args:
        depth: Depth of each tree: how many columns may act together.
        rate: Share of each tree that is added.
        sizes: How many trees to choose from.

    Source: Friedman, Ann. Statist. 29, 1189 (2001).
    """

    def __init__(self, depth: int = 2, rate: float = 0.1, sizes: tuple[int, ...] = (25, 50, 100, 200)) -> None:
        self.depth = depth
        self.rate = rate
        self.sizes = sizes

    def _learner(self, X: FloatArray, y: FloatArray, folds: NDArray[np.int_]) -> Learner:
        build = partial(GradientBoostingRegressor, max_depth=self.depth, learning_rate=self.rate, random_state=0)
        missed = np.zeros(len(self.sizes))
        for fold in range(folds.max() + 1) if folds.max() else ():
            out = folds == fold
            grown = build(n_estimators=max(self.sizes)).fit(X[~out], y[~out])
            stages = list(grown.staged_predict(X[out]))
            missed += [np.abs(y[out] - stages[n - 1]).sum() for n in self.sizes]
        n_stages = self.sizes[int(np.argmin(missed))]
        self.hyperparameters_ = {"trees": n_stages, "depth": self.depth, "rate": self.rate}
        return partial(_boosted, partial(build, n_estimators=n_stages))


@dataclass(frozen=True)
class Forest:
    """Fitted trees and their mean."""

    forest: Any

    def __call__(self, X: FloatArray) -> FloatArray:
        """Return the mean of the trees' predictions."""
        return np.asarray(self.forest.predict(X), dtype=float)

    def disagreement(self, X: FloatArray) -> FloatArray:
        """Return the standard deviation of the trees' predictions."""
        return members_disagree([tree.predict(X) for tree in self.forest.estimators_])

    def thresholds(self) -> list[FloatArray]:
        """Return where any tree splits, by column."""
        return thresholds_of(self.forest.estimators_, self.forest.n_features_in_)


@dataclass(frozen=True)
class _Boosted:
    """A fitted sum of trees."""

    trees: Any

    def __call__(self, X: FloatArray) -> FloatArray:
        return np.asarray(self.trees.predict(X), dtype=float)

    def thresholds(self) -> list[FloatArray]:
        """Return where any tree splits, by column."""
        return thresholds_of(self.trees.estimators_.ravel(), self.trees.n_features_in_)


def thresholds_of(trees: Any, n_columns: int) -> list[FloatArray]:  # noqa: ANN401 - sklearn has no stubs
    """Return the sorted thresholds of trees along each column."""
    features = np.concatenate([tree.tree_.feature for tree in trees])
    thresholds = np.concatenate([tree.tree_.threshold for tree in trees])
    return [np.unique(thresholds[features == column]) for column in range(n_columns)]


def _grown(build: Any, X: FloatArray, y: FloatArray) -> Forest:  # noqa: ANN401 - sklearn has no stubs
    return Forest(build().fit(X, y))


def _boosted(build: Any, X: FloatArray, y: FloatArray) -> _Boosted:  # noqa: ANN401 - sklearn has no stubs
    return _Boosted(build().fit(X, y))
