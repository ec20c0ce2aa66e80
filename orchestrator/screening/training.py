"""Fit a model to the target rows, and once more without each fold, so that every row is also predicted unseen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from orchestrator.screening.catalogue import Entry
from orchestrator.screening.material import Material
from orchestrator.screening.result import Predictions


@dataclass(frozen=True)
class Fitted:
    """A model fitted to all target rows, and what models without a fold said of the rows in it.

    Args:
        estimator: Fitted to all target rows.
        in_sample: At the target rows.
        out_of_fold: At the target rows, each by an estimator that was fitted without the row's fold.
        fold_weights: The weight the source earned without each fold.
        fold_estimators: For each fold, the estimator that was fitted without it.
    """

    estimator: Any
    in_sample: Predictions
    out_of_fold: Predictions
    fold_weights: tuple[float, ...]
    fold_estimators: tuple[Any, ...]


def fitted(entry: Entry, material: Material, folds: NDArray[np.int_]) -> Fitted:
    """Fit a model and predict every target row seen and unseen.

    Nested cross-validation: an estimator chooses its hyper-parameters, and the weight of its source, from the rows it
    is fitted to, so without a fold both are chosen without that fold.

    Args:
        entry: The model.
        material: The rows, and what they are of.
        folds: The fold of each target row.
    """
    space, target = material.space, material.target
    X = space.encode(target.points, natural=entry.is_natural)
    unfitted = entry.build(space, material.objective, material.source if entry.borrows else None)
    whole = clone(unfitted).fit(X, target.values)
    mean, sd, parts = np.empty(len(X)), np.empty(len(X)), []
    for fold in range(folds.max() + 1):
        out = folds == fold
        part = clone(unfitted).fit(X[~out], target.values[~out])
        mean[out], sd[out] = part.predict(X[out], return_std=True)
        parts.append(part)
    weights = tuple(float(part.source_weight_) for part in parts)
    return Fitted(whole, Predictions(*whole.predict(X, return_std=True)), Predictions(mean, sd), weights, tuple(parts))


def hyperparameters(estimator: Any) -> Mapping[str, float | str]:  # noqa: ANN401 - sklearn has no stubs
    """Return what a fit chose, or nothing for a model that does not tell."""
    return dict(getattr(estimator, "hyperparameters_", {}))
