"""Permutation importance: how much worse a model predicts unseen rows when one parameter tells it nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_N_REPEATS = 20


@dataclass(frozen=True)
class Importance:
    """What each parameter is worth to a model, in the unit of the values.

    Args:
        error: Mean absolute error on rows that the model had not seen.
        mean: By how much that error grows when the parameter is shuffled, shape (n_parameters,), mean over shuffles;
            about zero or below for a parameter that the model has no use for.
        sd: Standard deviation over the shuffles, shape (n_parameters,).
    """

    error: float
    mean: FloatArray
    sd: FloatArray


def permutation_importance(
    estimators: Sequence[Any],
    X: FloatArray,
    y: FloatArray,
    folds: NDArray[np.int_],
    rng: np.random.Generator,
    *,
    columns: Sequence[Sequence[int]] | None = None,
    n_repeats: int = _N_REPEATS,
) -> Importance:
    """Return how the error on unseen rows grows when each parameter is shuffled among all rows.

    Each row is predicted by the model that was fitted without the row's fold. A parameter is shuffled among all rows,
    not within its fold, because three rows of a fold have few orders.

    Args:
        estimators: For each fold, a regression that was fitted without it.
        X: Features, shape (n_rows, n_columns).
        y: Values, shape (n_rows,).
        folds: The fold of each row, from 0.
        rng: Shuffles.
        columns: The columns of each parameter; by default each column is a parameter.
        n_repeats: Shuffles of each parameter.

    Raises:
        ValueError: Not one estimator for each fold.

    Source: Breiman, "Random Forests", Machine Learning 45, 5 (2001), section 10.
    """
    if len(estimators) != folds.max() + 1:
        message = f"permutation importance: {len(estimators)} estimators for {folds.max() + 1} folds; give one for each"
        raise ValueError(message)

    def errors(tables: FloatArray) -> FloatArray:
        predicted = np.empty(tables.shape[:2])
        for fold, estimator in enumerate(
            estimators
        ):  # all tables at once: a forest takes as long for one row as for a thousand
            out = folds == fold
            rows = tables[:, out]
            predicted[:, out] = estimator.predict(rows.reshape(-1, X.shape[1])).reshape(rows.shape[:2])
        return np.asarray(np.abs(y - predicted).mean(axis=1))

    parts = columns if columns is not None else [[i] for i in range(X.shape[1])]
    known = float(errors(X[None])[0])
    growth = np.array([errors(np.stack([_shuffled(X, part, rng) for _ in range(n_repeats)])) for part in parts]) - known
    return Importance(known, growth.mean(axis=1), growth.std(axis=1))


def _shuffled(X: FloatArray, part: Sequence[int], rng: np.random.Generator) -> FloatArray:
    shuffled, columns = X.copy(), np.array(part, dtype=int)  # a fixed parameter has none
    shuffled[:, columns] = X[rng.permutation(len(X))][:, columns]
    return shuffled
