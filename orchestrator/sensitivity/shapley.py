"""Shapley values: how much each parameter moved one prediction away from the average one.

Rule of this file: exact enumeration of all coalitions, no sampling, so that the values sum to the whole difference.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Predict = Callable[[FloatArray], FloatArray]
Columns = Sequence[Sequence[int]]

MOST_PARAMETERS = 8
_BLOCK = 65536  # rows predicted at once


@dataclass(frozen=True)
class Attribution:
    """A prediction as a sum: the base and what each parameter adds.

    Args:
        base: Mean prediction over the background rows.
        values: What each parameter adds, shape (n_parameters,), in the unit of the prediction.
        prediction: At the point; base plus the sum of the values.
    """

    base: float
    values: FloatArray
    prediction: float


def shapley(
    predict: Predict, points: FloatArray, background: FloatArray, columns: Columns | None = None
) -> list[Attribution]:
    """Return which parameters drove the prediction at each point.

    A coalition is worth the mean prediction where its parameters have the point's values and all others those of a
    background row, averaged over the rows (interventional: parameters outside the coalition do not follow those in
    it). All 2^d coalitions are predicted.

    Args:
        predict: Predictions, shape (n,), from features, shape (n, n_columns).
        points: Points to explain, shape (n_points, n_columns).
        background: Rows to compare with, shape (n_rows, n_columns), at least one.
        columns: The columns of each parameter; by default each column is a parameter.

    Raises:
        ValueError: More than eight parameters, no background, or shapes that do not fit.

    Source: Shapley, "A value for n-person games", 1953, equation 12; Janzing, Minorics, Bloebaum, AISTATS 2020, for the
        interventional worth of a coalition.
    """
    parts = [list(part) for part in columns] if columns is not None else [[i] for i in range(points.shape[1])]
    _check(points, background, parts)
    n = len(parts)
    worths = np.array([_worth(predict, points, background, parts, members) for members in _coalitions(n)])
    weights = _weights(n)
    moved = weights @ worths  # (n_parameters, n_points)
    return [Attribution(float(worths[0, i]), moved[:, i], float(worths[-1, i])) for i in range(len(points))]


def _check(points: FloatArray, background: FloatArray, parts: Columns) -> None:
    n_columns = sum(len(part) for part in parts)
    if len(parts) > MOST_PARAMETERS:
        message = (
            f"Shapley values: {len(parts)} parameters make {2 ** len(parts)} coalitions; exact enumeration stops at "
            f"{MOST_PARAMETERS} parameters, use permutation importance instead"
        )
        raise ValueError(message)
    if points.ndim != 2 or points.shape[1:] != background.shape[1:] or points.shape[1] != n_columns:
        message = (
            f"Shapley values: points of shape {points.shape} and background of shape {background.shape}; "
            f"both need {n_columns} columns"
        )
        raise ValueError(message)
    if not len(background):
        message = "Shapley values: the background is empty; give at least one row to compare with"
        raise ValueError(message)


def _coalitions(n: int) -> list[tuple[int, ...]]:
    return [members for size in range(n + 1) for members in combinations(range(n), size)]


def _weights(n: int) -> FloatArray:
    """Return how much each coalition's worth counts for each parameter, shape (n_parameters, n_coalitions)."""
    coalitions = _coalitions(n)
    weights = np.zeros((n, len(coalitions)))
    for j, members in enumerate(coalitions):
        size = len(members)
        for i in range(n):
            others = size - 1 if i in members else size
            share = factorial(others) * factorial(n - others - 1) / factorial(n)
            weights[i, j] = share if i in members else -share
    return weights


def _worth(
    predict: Predict, points: FloatArray, background: FloatArray, parts: Columns, members: tuple[int, ...]
) -> FloatArray:
    """Return what a coalition is worth at each point, shape (n_points,)."""
    taken = [column for i in members for column in parts[i]]
    if len(members) == len(parts):
        return predict(points)
    worth = np.empty(len(points))
    step = max(_BLOCK // len(background), 1)
    for start in range(0, len(points), step):
        block = points[start : start + step]
        rows = np.repeat(background[None], len(block), axis=0)
        rows[:, :, taken] = block[:, None, taken]
        worth[start : start + step] = predict(rows.reshape(-1, points.shape[1])).reshape(len(block), -1).mean(axis=1)
    return worth
