"""Traverse a grid in blocks: all values, or the exact maximum without holding them."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from orchestrator.grid.axes import check_model, checked
from orchestrator.grid.expansion import field_of
from orchestrator.grid.fields import Field, Predicted
from orchestrator.surrogates.separable import Layout
from orchestrator.threads import one_thread

FloatArray = NDArray[np.float64]

_BLOCK = 2**18  # values of a block: 2 MiB
_ROUNDING = 64 * np.finfo(float).eps  # of the terms' magnitude: what two orders of summation may differ by
_FEWEST_POINTS = 4  # of a grid for each value of an axis; thinner ones have factors as large as themselves
_AGREES = 1e-9  # relative: an expansion that says anything else than the model itself is not used


@dataclass(frozen=True)
class Block:
    """Consecutive values of a grid.

    Args:
        start: Place of the first one in C order.
        values: Shape (n_values,).
    """

    start: int
    values: FloatArray


@dataclass(frozen=True)
class Maximum:
    """The best point of a grid.

    Args:
        index: Its place along each axis.
        point: Its coordinates, in the units of the axes.
        value: The value predicted there.
    """

    index: tuple[int, ...]
    point: tuple[float, ...]
    value: float


def traverse(model: Any, axes: Sequence[ArrayLike]) -> FloatArray:  # noqa: ANN401 - sklearn has no stubs
    """Return the prediction of a fitted model at every point of a grid, shape (n_1, n_2, ...).

    Support vector machines, Gaussian processes and kernel ridge regressions with a radial kernel, alone, scaled, in
    ensembles or with transformed targets, are taken apart into one factor for each axis, which is two orders faster
    than their `predict`. Every other model is asked at every point, block by block.

    Args:
        model: Anything fitted that has `predict` and one output.
        axes: For each column of the model its values on the grid, in the units the model was fitted in; they may be
            in any order and at any distances.

    Raises:
        TypeError: An axis does not consist of numbers, or the model cannot predict.
        ValueError: An axis is empty or not finite, there are too many or too few, or the model has several outputs.
        MemoryError: The values do not fit into memory; `maximum` and `blocks` need none.
    """
    field = _field(model, axes)
    layout = Layout(field.shape)
    values = np.empty((layout.n_rows, layout.n_columns))
    n_rows = max(_BLOCK // layout.n_columns, 1)
    for row in range(0, layout.n_rows, n_rows):
        _fill(field, row, values[row : row + n_rows])
    return values.reshape(field.shape)


def blocks(model: Any, axes: Sequence[ArrayLike]) -> Iterator[Block]:  # noqa: ANN401 - sklearn has no stubs
    """Yield what `traverse` returns, some hundred thousand values at a time, in C order.

    Raises:
        TypeError: As `traverse`, when the first block is asked for.
        ValueError: As `traverse`, when the first block is asked for.
    """
    for block in _filled(_field(model, axes)):
        yield Block(block.start, block.values.copy())


def maximum(
    model: Any,  # noqa: ANN401 - sklearn has no stubs
    axes: Sequence[ArrayLike],
    *,
    minimise: bool = False,
) -> Maximum:
    """Return the exact maximum over a grid; no more than a block of it is held.

    Values that differ by less than rounding can make of them count as equal, and of equal ones the first in C order is
    taken: matrix products of different libraries add in different orders, and the point must not depend on that.

    Args:
        model: As for `traverse`.
        axes: As for `traverse`.
        minimise: Look for the smallest prediction instead.

    Raises:
        TypeError: As `traverse`.
        ValueError: As `traverse`, or a prediction is NaN.
    """
    coordinates = checked(axes)
    field, sign = _field(model, axes), -1.0 if minimise else 1.0
    highest = [_highest(block, sign, field) for block in _filled(field)]
    best = max(highest)
    slack = _ROUNDING * (field.magnitude or abs(best))
    number = next(i for i, value in enumerate(highest) if value >= best - slack)
    block = next(itertools.islice(_filled(field, first=number), 1))
    place = int((sign * block.values >= best - slack).argmax())
    index = np.unravel_index(block.start + place, field.shape)
    point = tuple(float(axis[i]) for axis, i in zip(coordinates, index, strict=True))
    return Maximum(tuple(map(int, index)), point, float(block.values[place]))


def _highest(block: Block, sign: float, field: Field) -> float:
    highest = float((sign * block.values).max())
    if math.isnan(highest):
        place = block.start + int(np.isnan(block.values).argmax())
        index = tuple(map(int, np.unravel_index(place, field.shape)))
        message = f"grid: the model predicts NaN at the point of places {index} along the axes; it has no maximum"
        raise ValueError(message)
    return highest


def _filled(field: Field, first: int = 0) -> Iterator[Block]:
    """Yield the blocks of a field from one of them on; each is valid until the next is asked for."""
    layout = Layout(field.shape)
    n_rows = max(_BLOCK // layout.n_columns, 1)
    values = np.empty((n_rows, layout.n_columns))
    for row in range(first * n_rows, layout.n_rows, n_rows):
        part = values[: layout.n_rows - row]
        _fill(field, row, part)
        yield Block(row * layout.n_columns, part.reshape(-1))


def _fill(field: Field, row: int, part: FloatArray) -> None:
    with one_thread():
        field.fill(row, part)


def _field(model: Any, axes: Sequence[ArrayLike]) -> Field:  # noqa: ANN401 - sklearn has no stubs
    """Return the field of a model, taken apart if it can be and what comes of it agrees with the model."""
    coordinates = checked(axes)
    check_model(model, coordinates)
    lengths = [len(axis) for axis in coordinates]
    if sum(lengths) * _FEWEST_POINTS > math.prod(lengths):
        return Predicted(model, coordinates)
    for share in (0.0, 0.5, 1.0):
        point = tuple(axis[[int(share * (len(axis) - 1))]] for axis in coordinates)
        asked = float(Predicted(model, point).at([np.array([0])] * len(point))[0])
        if not math.isclose(_single(field_of(model, point)), asked, rel_tol=_AGREES, abs_tol=_AGREES):
            return Predicted(model, coordinates)
    return field_of(model, coordinates)


def _single(field: Field) -> float:
    value = np.empty((1, 1))
    field.fill(0, value)
    return float(value[0, 0])
