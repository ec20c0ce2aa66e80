"""The search of the paper: predict every point of an even grid and take the best, saying how far it is from data."""

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.grid import traverse
from orchestrator.objective import Objective
from orchestrator.planner.extrapolation import novelty
from orchestrator.recipe import Point
from orchestrator.screening.result import FloatArray, Optimum, Predictions
from orchestrator.space import Parameter, ParameterSpace, Value

LEVELS = 200
_USUAL_POINTS = 200**3
_MOST_POINTS = 400**3
_POOL_POINTS = 250_000  # where the grid is a picture only, and tables have hundreds of rows
_BLOCK = 200_000

Axes = Mapping[str, tuple[Value, ...]]


def axes_of(space: ParameterSpace, levels: int | None = None) -> Axes:
    """Return the values of each parameter on the search grid, by name.

    Choices are taken as they are. A range is cut into even levels on its scale, both ends included; of more levels
    than that, even ones are taken. A fixed parameter has one value.

    Args:
        space: The parameters.
        levels: How many levels a range has at most. By default 200, and fewer where the grid would exceed 8e6 points;
            a given number is reduced where it would exceed 6.4e7. Where only the points of a table can be performed,
            2.5e5 points are enough for a picture.
    """
    usual = _USUAL_POINTS if space.candidates is None else _POOL_POINTS
    most = usual if levels is None else _MOST_POINTS
    n = levels or LEVELS
    while n > 2 and prod(_size(p, n) for p in space.parameters) > most:
        n -= 1
    return {p.name: _axis(p, n) for p in space.parameters}


def _size(p: Parameter, n: int) -> int:
    if p.fixed is not None:
        return 1
    return len(p.choices) or min(n, len(p.levels) or n)


def _axis(p: Parameter, n: int) -> tuple[Value, ...]:
    if p.fixed is not None:
        return (p.fixed,)
    if p.levels:
        return tuple(p.levels[i] for i in np.linspace(0, len(p.levels) - 1, min(n, len(p.levels))).round().astype(int))
    return p.choices or tuple(p.decode(np.linspace(0, 1, n)[:, None]))


def predicted(space: ParameterSpace, estimator: Any, axes: Axes, *, is_natural: bool) -> FloatArray:  # noqa: ANN401
    """Return a model's prediction at every point of a grid, shape (n_1, n_2, ...) in parameter order.

    Args:
        space: The parameters.
        estimator: A fitted model.
        axes: The values of each parameter, by name.
        is_natural: Whether the model takes features in their own units; else in the unit cube.
    """
    columns = [_encoded(p, axes[p.name], is_natural=is_natural) for p in space.parameters]
    shape = tuple(map(len, columns))
    choices = [i for i, p in enumerate(space.parameters) if p.choices]
    values = np.empty(shape)
    for picked in product(*(range(shape[i]) for i in choices)):
        place: list[Any] = [slice(None)] * len(shape)
        for i, k in zip(choices, picked, strict=True):
            place[i] = slice(k, k + 1)
        values[tuple(place)] = _numeric(estimator, [c[s] for c, s in zip(columns, place, strict=True)])
    return values


def _numeric(estimator: Any, columns: list[FloatArray]) -> FloatArray:  # noqa: ANN401 - sklearn has no stubs
    """Return the predictions on a grid of column blocks, each of shape (n_i, n_columns_i)."""
    seen = [block for block in columns if block.shape[1]]  # a parameter of one value has no column
    if all(block.shape[1] == 1 for block in seen):
        return traverse(estimator, [block[:, 0] for block in seen]).reshape(tuple(map(len, columns)))
    return _everywhere(estimator, columns)


def _everywhere(estimator: Any, columns: list[FloatArray]) -> FloatArray:  # noqa: ANN401 - sklearn has no stubs
    shape = tuple(map(len, columns))
    values = np.empty(prod(shape))
    for start in range(0, len(values), _BLOCK):
        index = np.unravel_index(np.arange(start, min(start + _BLOCK, len(values))), shape)
        values[start : start + _BLOCK] = estimator.predict(
            np.hstack([c[i] for c, i in zip(columns, index, strict=True)])
        )
    return values.reshape(shape)


def _encoded(parameter: Parameter, axis: Sequence[Value], *, is_natural: bool) -> FloatArray:
    if is_natural and not parameter.choices and not parameter.is_constant:
        return np.array(axis, dtype=float)[:, None]
    return parameter.encode(axis)


def predict(
    space: ParameterSpace,
    estimator: Any,  # noqa: ANN401 - sklearn has no stubs
    points: Sequence[Point],
    *,
    is_natural: bool,
) -> Predictions:
    """Return a model's predictions at points."""
    return Predictions(*estimator.predict(space.encode(points, natural=is_natural), return_std=True))


def optimum(
    space: ParameterSpace,
    objective: Objective,
    values: FloatArray,
    axes: Axes,
    allowed: NDArray[np.bool_] | None = None,
) -> tuple[dict[str, Value], float, int]:
    """Return the best allowed point of a grid of predictions, its value and how many points share it.

    Of points that share the value, as on the steps of a tree, the one nearest to their centre is taken, the first in
    parameter order of several.
    """
    scores = objective.sign * values if allowed is None else np.where(allowed, objective.sign * values, -np.inf)
    tied = np.argwhere(scores == scores.max())
    ends = np.array(values.shape) - 1
    apart = (((tied - tied.mean(axis=0)) / np.maximum(ends, 1)) ** 2).sum(axis=1)
    index = tied[int(apart.argmin())]
    return (
        {name: axes[name][i] for name, i in zip(space.names, index, strict=True)},
        float(values[tuple(index)]),
        len(tied),
    )


def described(
    space: ParameterSpace,
    point: Point,
    predicted_there: Predictions,
    measured: Sequence[Point],
    *,
    true: float | None,
    n_tied: int = 1,
) -> Optimum:
    """Return an optimum with all that a reader must know of it."""
    new = novelty(space, point, measured)
    apart: NDArray[Any] = ((space.encode(measured) - space.encode([point])) ** 2).sum(axis=1)
    return Optimum(
        point=dict(point),
        value=float(predicted_there.mean[0]),
        sd=float(predicted_there.sd[0]),
        true=true,
        n_tied=n_tied,
        at_bounds=tuple(p.name for p in space.searched if not p.choices and point[p.name] in (p.low, p.high)),
        extrapolating=new.extrapolating,
        nearest=float(np.sqrt(apart.min())),
        nearest_row=dict(measured[int(apart.argmin())]),
        words=new.words,
    )
