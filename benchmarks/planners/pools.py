"""Tables of past measurements as laboratories: real values, real scatter, and only the table's own points.

The tables are not part of the project; they are read from the folder `../shared/data` beside it, or from the one that
the environment variable PLANNERS_DATA names.
"""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.planners.laboratory import Laboratory, Row
from orchestrator.chance import stream
from orchestrator.config.pool import read_pool
from orchestrator.config.schema import ObjectiveConfig, ParameterConfig
from orchestrator.data import read_csv
from orchestrator.files.table import number_in
from orchestrator.recipe import Point
from orchestrator.space import ParameterSpace

FloatArray = NDArray[np.float64]
Values = Mapping[tuple[object, ...], list[float]]

_N_INITIAL = 10
_KNOWN = 0.8  # initial rows are drawn from this lower share of the table
_SUZUKI = ("suzuki_i", "suzuki_ii", "suzuki_iii", "suzuki_iv")
_SUZUKI_INPUTS = ("ligand", "res_time", "temperature", "catalyst_loading")


def folder() -> Path:
    """Return where the tables are."""
    beside = Path(__file__).parents[2].parent / "shared" / "data"
    return Path(os.environ.get("PLANNERS_DATA", beside))


@dataclass(frozen=True)
class _Table:
    """A table read: its space, and all measured values of each point, in the table's order."""

    space: ParameterSpace
    values: Values


def composites(family: str, seed: int) -> Laboratory:
    """Return the composite films: five fractions that sum to 100 %, conductivity in S/cm."""
    return _laboratory(family, seed, _read("p3ht_cnt"))


def barrels(family: str, seed: int) -> Laboratory:
    """Return the printed barrels: four dimensions, toughness in J, three replicates a point."""
    return _laboratory(family, seed, _read("crossed_barrel"))


def couplings(family: str, seed: int) -> Laboratory:
    """Return one of four Suzuki couplings, yield in %, with another of them as the source; seeds take turns."""
    turn = seed // 2
    name = _SUZUKI[turn % 4]
    other = _SUZUKI[(turn % 4 + 1 + turn // 4 % 3) % 4]
    table, source = (_read(file, _SUZUKI_INPUTS, "yield") for file in (name, other))
    past = [
        (dict(zip(_SUZUKI_INPUTS, point, strict=True)), v) for point, values in source.values.items() for v in values
    ]
    return _laboratory(family, seed, table, past, {"table": name, "source": other})


def _laboratory(
    family: str, seed: int, table: _Table, source: Sequence[Row] = (), traits: Mapping[str, str] | None = None
) -> Laboratory:
    rng = stream(seed, family, "laboratory")
    pool = table.space.candidates or []

    def replicates(point: Point) -> Sequence[float]:
        return table.values[tuple(point.values())]

    def truth(points: Sequence[Point]) -> FloatArray:
        return np.array([np.mean(replicates(point)) for point in points])

    def fails(points: Sequence[Point]) -> NDArray[np.bool_]:
        return np.zeros(len(points), dtype=bool)

    means = truth(pool)
    lower = np.flatnonzero(means <= np.quantile(means, _KNOWN))
    drawn = [pool[i] for i in rng.choice(lower, _N_INITIAL, replace=False)]
    initial = tuple((dict(point), float(rng.choice(replicates(point)))) for point in drawn)
    return Laboratory(
        family,
        seed,
        table.space,
        truth,
        fails,
        float(means.max()),
        float(means.min()),
        initial,
        tuple(source),
        traits or {"source": "none"},
        replicates,
    )


def _read(name: str, inputs: Sequence[str] = (), objective: str | None = None) -> _Table:
    table = read_csv(folder() / f"{name}.csv")
    named = {column: ParameterConfig() for column in inputs}
    parameters, goal, points = read_pool(table, named, ObjectiveConfig(name=objective))
    space = ParameterSpace.from_config(parameters, points)
    columns = [
        [cell if p.choices else float(number_in(cell)) for cell in table.column(p.name)] for p in space.parameters
    ]
    values: dict[tuple[object, ...], list[float]] = defaultdict(list)
    for point, cell in zip(zip(*columns, strict=True), table.column(str(goal.name)), strict=True):
        values[point].append(float(number_in(cell)))
    return _Table(space, values)
