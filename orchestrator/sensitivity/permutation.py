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
    estimator: Any,  # noqa: ANN401 - sklearn has no stubs
    X: FloatArray,
    y: FloatArray,
    folds: NDArray[np.int_],
    rng: np.random.Generator,
    *,
    columns: Sequence[Sequence[int]] | None = None,
    n_repeats: int = _N_REPEATS,
) -> Importance:
    """Return how the error on unseen rows grows when each parameter is shuffled among all rows.

    Each row is predicted by a model that was fitted without the row's fold. A parameter is shuffled among all rows, not
    within its fold, because three rows of a fold have few orders.

    Args:
        estimator: An sklearn regression; clones of it are fitted.
        X: Features, shape (n_rows, n_columns).
        y: Values, shape (n_rows,).
        folds: The fold of each row, from 0; at least two folds.
        rng: Shuffles.
        columns: The columns of each parameter; by default each column is a parameter.
        n_repeats: Shuffles of each parameter.

    Raises:
        ValueError: All rows are in one fold.

    Source: Breiman, "Random Forests", Machine Learning 45, 5 (2001), section 10.
    """
    from sklearn.base import clone  # noqa: PLC0415 - sklearn takes seconds to import

    outs = [folds == fold for fold in np.unique(folds)]
    if len(outs) < 2:
        message = f"permutation importance: all {len(y)} rows are in one fold, so none is unseen; give two or more"
        raise ValueError(message)
    models = [(out, clone(estimator).fit(X[~out], y[~out])) for out in outs]

    def error(shuffled: FloatArray) -> float:
        predicted = np.empty(len(y))
        for out, model in models:
            predicted[out] = model.predict(shuffled[out])
        return float(np.abs(y - predicted).mean())

    parts = columns if columns is not None else [[i] for i in range(X.shape[1])]
    known = error(X)
    growth = np.array([[error(_shuffled(X, part, rng)) - known for _ in range(n_repeats)] for part in parts])
    return Importance(known, growth.mean(axis=1), growth.std(axis=1))


def _shuffled(X: FloatArray, part: Sequence[int], rng: np.random.Generator) -> FloatArray:
    shuffled, columns = X.copy(), np.array(part, dtype=int)  # a fixed parameter has none
    shuffled[:, columns] = X[rng.permutation(len(X))][:, columns]
    return shuffled
