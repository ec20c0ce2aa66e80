"""The noiseless truth of a simulated tool, all over the space: what no real laboratory has."""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.screening.allowed import columns_of, drawn, meets
from orchestrator.screening.material import Material
from orchestrator.screening.optimum import Axes
from orchestrator.screening.result import FloatArray, Truth
from orchestrator.space import Parameter, ParameterSpace, Value

_N_POINTS = 64_000
_BLOCK = 500_000

Columns = Mapping[str, NDArray[Any]]


def survey(material: Material, axes: Axes) -> Truth:
    """Return the truth at about 64 thousand points spread evenly, and the best point of the search grid.

    A point without a finite truth, as where no film can be made, is left out. Within constraints it is asked at random
    allowed points instead.

    Raises:
        ValueError: The truth fails, is not one number for each point, or finite nowhere.
    """
    if material.truth is None:
        message = "a survey needs a truth"
        raise ValueError(message)
    space = material.space
    points = columns_of(space, drawn(space)) if space.constraints else _midpoints(space)
    values = _asked(material, points)
    known = np.isfinite(values)
    if not known.any():
        message = f"{material.truth_name}: is finite at none of {len(values)} points of the space"
        raise ValueError(message)
    points, values = {name: column[known] for name, column in points.items()}, values[known]
    best_point, best = _best(material, axes)
    if best is None:
        place = int((material.objective.sign * values).argmax())
        best_point, best = {name: column[place].item() for name, column in points.items()}, float(values[place])
    return Truth(material.truth_name, points, values, best_point, best)


def _midpoints(space: ParameterSpace) -> Columns:
    """Return the midpoints of equal cells, in which every level and every choice has an equal share."""
    n = int(round(_N_POINTS ** (1 / len(space.searched)), 6))
    options = [_options(p, n) for p in space.parameters]
    return _columns(space, options, np.arange(prod(map(len, options))))


def _options(parameter: Parameter, n: int) -> list[Value]:
    if parameter.fixed is not None or parameter.options:
        return [parameter.fixed] if parameter.fixed is not None else list(parameter.options)
    return parameter.decode((np.arange(n)[:, None] + 0.5) / n)


def _columns(space: ParameterSpace, options: list[Any], index: NDArray[np.int_]) -> Columns:
    places = np.unravel_index(index, tuple(map(len, options)))
    return {p.name: np.array(o)[i] for p, o, i in zip(space.parameters, options, places, strict=True)}


def _best(material: Material, axes: Axes) -> tuple[dict[str, Value], float | None]:
    """Return the best allowed point of the grid and its value, None where no point is allowed."""
    options, sign = [axes[name] for name in material.space.names], material.objective.sign
    shape = tuple(map(len, options))
    best, found = -np.inf, 0
    for start in range(0, prod(shape), _BLOCK):
        index = np.arange(start, min(start + _BLOCK, prod(shape)))
        columns = _columns(material.space, options, index)
        values = sign * _asked(material, columns)
        values = np.where(np.isfinite(values) & meets(material.space, columns), values, -np.inf)
        if values.max() > best:
            best, found = float(values.max()), int(index[values.argmax()])
    if not np.isfinite(best):
        return {}, None
    place = np.unravel_index(found, shape)
    return {name: axes[name][i] for name, i in zip(material.space.names, place, strict=True)}, sign * best


def _asked(material: Material, columns: Columns) -> FloatArray:
    n = len(next(iter(columns.values())))
    try:
        values = np.asarray(material.truth(columns), dtype=float)  # type: ignore[misc]  # asked only where there is one
    except Exception as error:
        message = (
            f"{material.truth_name}: raised {type(error).__name__}: {error}; a truth takes one mapping of arrays by "
            "parameter name and returns an array of values"
        )
        raise ValueError(message) from error
    if values.shape != (n,):
        message = f"{material.truth_name}: returned shape {values.shape} for {n} points; it must return one for each"
        raise ValueError(message)
    return values
