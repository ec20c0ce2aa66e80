"""Which points of a grid may be performed: those that meet every constraint of the space."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.chance import stream
from orchestrator.space import ParameterSpace, Value

N_DRAWN = 20_000
_BLOCK = 500_000

Columns = Mapping[str, NDArray[Any]]


def meets(space: ParameterSpace, columns: Columns) -> NDArray[np.bool_]:
    """Return which points meet every constraint, shape (n,).

    Args:
        space: The parameters and their constraints.
        columns: Values by parameter name, each of shape (n,).
    """
    n = len(next(iter(columns.values())))
    met = np.ones(n, dtype=bool)
    for constraint in space.constraints:
        met &= constraint.excess(columns) <= 0
    return met


def allowed_on(space: ParameterSpace, axes: Mapping[str, Sequence[Value]]) -> NDArray[np.bool_] | None:
    """Return which points of a grid meet every constraint, shape (n_1, n_2, ...); None where there is no constraint."""
    if not space.constraints:
        return None
    options = [np.array(axes[name]) for name in space.names]
    shape = tuple(map(len, options))
    found = np.empty(prod(shape), dtype=bool)
    for start in range(0, len(found), _BLOCK):
        places = np.unravel_index(np.arange(start, min(start + _BLOCK, len(found))), shape)
        columns = {name: o[i] for name, o, i in zip(space.names, options, places, strict=True)}
        found[start : start + _BLOCK] = meets(space, columns)
    return found.reshape(shape)


def drawn(space: ParameterSpace) -> list[dict[str, Value]]:
    """Return random points that meet every constraint, the same for the same space."""
    return space.points(space.draw(N_DRAWN, stream(0, "screening")))


def columns_of(space: ParameterSpace, points: Sequence[Mapping[str, Value]]) -> Columns:
    """Return points as columns by parameter name."""
    return {name: np.array([point[name] for point in points]) for name in space.names}
