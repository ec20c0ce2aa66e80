"""The noiseless truth of a simulated tool, all over the space: what no real laboratory has."""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.screening.material import Material
from orchestrator.screening.optimum import Axes
from orchestrator.screening.result import FloatArray, Truth
from orchestrator.space import Parameter, ParameterSpace, Value

_N_POINTS = 64_000
_BLOCK = 500_000

Columns = Mapping[str, NDArray[Any]]


def survey(material: Material, axes: Axes) -> Truth:
    """Return the truth at about 64 thousand points spread evenly, and the best point of the search grid.

    Raises:
        ValueError: The truth is not a finite number for each point, or nowhere.
    """
    if material.truth is None:
        message = "a survey needs a truth"
        raise ValueError(message)
    points = _midpoints(material.space)
    values = _asked(material, points)
    best_point, best = _best(material, axes)
    return Truth(material.truth_name, points, values, best_point, best)


def _midpoints(space: ParameterSpace) -> Columns:
    """Return the midpoints of equal cells, in which every level and every choice has an equal share."""
    n = int(round(_N_POINTS ** (1 / len(space.parameters)), 6))
    options = [_options(p, n) for p in space.parameters]
    return _columns(space, options, np.arange(prod(map(len, options))))


def _options(parameter: Parameter, n: int) -> list[Value]:
    if parameter.choices or parameter.levels:
        return list(parameter.choices or parameter.levels)
    return parameter.decode((np.arange(n)[:, None] + 0.5) / n)


def _columns(space: ParameterSpace, options: list[Any], index: NDArray[np.int_]) -> Columns:
    places = np.unravel_index(index, tuple(map(len, options)))
    return {p.name: np.array(o)[i] for p, o, i in zip(space.parameters, options, places, strict=True)}


def _best(material: Material, axes: Axes) -> tuple[dict[str, Value], float]:
    options, sign = [axes[name] for name in material.space.names], material.objective.sign
    shape = tuple(map(len, options))
    best, found = -np.inf, 0
    for start in range(0, prod(shape), _BLOCK):
        index = np.arange(start, min(start + _BLOCK, prod(shape)))
        values = sign * _asked(material, _columns(material.space, options, index))
        if values.max() > best:
            best, found = float(values.max()), int(index[values.argmax()])
    place = np.unravel_index(found, shape)
    return {name: axes[name][i] for name, i in zip(material.space.names, place, strict=True)}, sign * best


def _asked(material: Material, columns: Columns) -> FloatArray:
    n = len(next(iter(columns.values())))
    values = np.asarray(material.truth(columns), dtype=float)  # type: ignore[misc]  # asked only where there is one
    if values.shape != (n,) or not np.isfinite(values).all():
        message = (
            f"{material.truth_name}: returned shape {values.shape} for {n} points, {np.sum(~np.isfinite(values))} of "
            "them not finite; it must return one finite number for each"
        )
        raise ValueError(message)
    return values
