"""Which parameters the recommended model listens to: on unseen rows, over all rows, and at its best point."""

from dataclasses import dataclass

import numpy as np

from orchestrator.chance import stream
from orchestrator.screening.result import FloatArray, ModelResult, Optimum, Screening
from orchestrator.sensitivity.permutation import Importance, permutation_importance
from orchestrator.sensitivity.shapley import MOST_PARAMETERS, Attribution, shapley

_MOST_ROWS = 64


@dataclass(frozen=True)
class Influence:
    """What each parameter does for one model; arrays of shape (n_parameters,), in the objective's unit.

    Args:
        permutation: Growth of the error on unseen rows when a parameter is shuffled.
        at_rows: Mean size of the Shapley values at the target rows; None for more than eight parameters.
        at_best: Shapley values at the recommended point against the target rows; None likewise.
    """

    permutation: Importance
    at_rows: FloatArray | None
    at_best: Attribution | None


def influence(screening: Screening, model: ModelResult) -> Influence:
    """Return what each parameter does for a model.

    Of more than 64 target rows an even selection is explained and compared with; permutations are drawn from a fixed
    seed, so that the same rows give the same figures.
    """
    space, target = screening.space, screening.target
    X = space.encode(target.points, natural=model.is_natural)
    rng = stream(0, "screening", "permutation")
    found = permutation_importance(model.fold_estimators, X, target.values, screening.folds, rng, columns=space.columns)
    if len(space.parameters) > MOST_PARAMETERS:
        return Influence(found, None, None)
    rows = X[np.unique(np.linspace(0, len(X) - 1, min(len(X), _MOST_ROWS)).round().astype(int))]
    best = space.encode([recommended_point(model).point], natural=model.is_natural)
    *known, at_best = shapley(model.estimator.predict, np.vstack([rows, best]), rows, space.columns)
    return Influence(found, np.abs([one.values for one in known]).mean(axis=0), at_best)


def recommended_point(model: ModelResult) -> Optimum:
    """Return the point that a model recommends: the best of the pool where there is one, else of the grid."""
    return model.candidate or model.optimum
