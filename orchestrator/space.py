"""The parameter space: named inputs with units, and the way from points to the unit cube and back.

A point is a plain dict from parameter name to float or text, in parameter order, never a numpy scalar.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.config.schema import ParameterConfig
from orchestrator.recipe import Point

FloatArray = NDArray[np.float64]
Value = float | str


class SpaceError(ValueError):
    """A point or a pool that the parameter space does not allow."""


@dataclass(frozen=True)
class Parameter:
    """One named input: bounds, or numeric levels, or text choices.

    Args:
        name: Its name.
        unit: Its unit; "1" for a pure number.
        low: Lower bound in its unit; with levels, the lowest.
        high: Upper bound in its unit; with levels, the highest.
        levels: The only numbers it can take, or empty.
        choices: The only texts it can take, or empty.
        scale: "linear" or "log": how it is spread over the unit interval.
    """

    name: str
    unit: str = "1"
    low: float = 0.0
    high: float = 1.0
    levels: tuple[float, ...] = ()
    choices: tuple[str, ...] = ()
    scale: str = "linear"

    @property
    def n_columns(self) -> int:
        """How many columns it takes when encoded: one, or one for each choice."""
        return len(self.choices) or 1

    def check(self, value: object) -> Value:
        """Return the value as the plain float or text it stands for.

        Raises:
            SpaceError: It is no value of this parameter.
        """
        if self.choices:
            return self._check_choice(value)
        if isinstance(value, (str, bool)) or not isinstance(value, (int, float, np.integer, np.floating)):
            message = f"parameter {self.name!r}: {value!r} is not a number; give one in {self.unit}"
            raise SpaceError(message)
        number = float(value)
        if not self.low <= number <= self.high:  # NaN fails too
            message = (
                f"parameter {self.name!r}: {number:g} {self.unit} is outside "
                f"{self.low:g} to {self.high:g} {self.unit}; change the point or the bounds"
            )
            raise SpaceError(message)
        return self._check_level(number)

    def _check_choice(self, value: object) -> str:
        if value not in self.choices:
            message = f"parameter {self.name!r}: {value!r} is not one of {', '.join(self.choices)}"
            raise SpaceError(message)
        return str(value)

    def _check_level(self, number: float) -> float:
        for level in self.levels:
            if math.isclose(number, level, rel_tol=1e-9, abs_tol=1e-12):
                return level
        if self.levels:
            levels = ", ".join(f"{level:g}" for level in self.levels)
            message = f"parameter {self.name!r}: {number:g} {self.unit} is not one of its levels {levels} {self.unit}"
            raise SpaceError(message)
        return number

    def encode(self, values: Sequence[Value]) -> FloatArray:
        """Return the values in the unit cube: array, shape (n, n_columns)."""
        if self.choices:
            return np.array([[float(v == choice) for choice in self.choices] for v in values])
        numbers = self._stretched(np.array(values, dtype=float))
        low, high = self._stretched(np.array([self.low, self.high]))
        return np.asarray((numbers - low) / (high - low), dtype=float)[:, None]

    def decode(self, columns: FloatArray) -> list[Value]:
        """Return the values nearest to the encoded columns, levels and choices snapped."""
        if self.choices:
            return [self.choices[i] for i in np.argmax(columns, axis=1)]
        if self.levels:
            nearest = np.abs(columns - self.encode(self.levels)[:, 0]).argmin(axis=1)
            return [self.levels[i] for i in nearest]
        low, high = self._stretched(np.array([self.low, self.high]))
        stretched = low + np.clip(columns[:, 0], 0.0, 1.0) * (high - low)
        numbers = np.exp(stretched) if self.scale == "log" else stretched
        return [float(v) for v in np.clip(numbers, self.low, self.high)]

    def spread(self, quantiles: FloatArray) -> FloatArray:
        """Return the encoded columns at uniform quantiles: every level and every choice gets an equal share."""
        options: tuple[Value, ...] = self.choices or self.levels
        if not options:
            return quantiles[:, None]
        return np.asarray(self.encode(options)[np.minimum((quantiles * len(options)).astype(int), len(options) - 1)])

    def snap(self, columns: FloatArray) -> FloatArray:
        """Return the encoded columns of the nearest value, shape (n, n_columns)."""
        if self.choices or self.levels:
            return self.encode(self.decode(columns))
        return np.asarray(np.clip(columns, 0.0, 1.0))

    def _stretched(self, numbers: FloatArray) -> FloatArray:
        return np.log(numbers) if self.scale == "log" else numbers


class ParameterSpace:
    """The inputs a campaign searches.

    Args:
        parameters: The parameters, in order.
        candidates: The only points that can be performed (a pool); None allows every point of the space.

    Raises:
        SpaceError: A candidate is outside the space, or there are none.
    """

    def __init__(self, parameters: Sequence[Parameter], candidates: Sequence[Point] | None = None) -> None:
        self.parameters = tuple(parameters)
        self.names = tuple(p.name for p in self.parameters)
        self.n_columns = sum(p.n_columns for p in self.parameters)
        self.candidates = None if candidates is None else [self.check(point) for point in candidates]
        if self.candidates == []:
            message = "the pool of candidates is empty; widen the bounds or give a table with more rows"
            raise SpaceError(message)

    @classmethod
    def from_config(
        cls, parameters: Mapping[str, ParameterConfig], candidates: Sequence[Point] | None = None
    ) -> "ParameterSpace":
        """Build the space a configuration describes."""
        return cls([_parameter(name, config) for name, config in parameters.items()], candidates)

    @property
    def columns(self) -> tuple[range, ...]:
        """Which encoded columns each parameter takes, in order."""
        ends = np.cumsum([0, *(p.n_columns for p in self.parameters)]).tolist()
        return tuple(range(start, end) for start, end in pairwise(ends))

    @property
    def is_discrete(self) -> bool:
        """Whether there are only finitely many points."""
        return self.candidates is not None or all(p.levels or p.choices for p in self.parameters)

    def check(self, point: Point) -> dict[str, Value]:
        """Return the point in parameter order with plain values.

        Raises:
            SpaceError: A parameter is missing, unknown or outside its bounds.
        """
        missing = [name for name in self.names if name not in point]
        unknown = [name for name in point if name not in self.names]
        if missing or unknown:
            problem = [f"lacks {', '.join(missing)}"] if missing else []
            problem += [f"has unknown {', '.join(unknown)}"] if unknown else []
            message = f"point {dict(point)} {' and '.join(problem)}; the parameters are {', '.join(self.names)}"
            raise SpaceError(message)
        return {p.name: p.check(point[p.name]) for p in self.parameters}

    def encode(self, points: Sequence[Point], *, natural: bool = False) -> FloatArray:
        """Return the points as an array, shape (n_points, n_columns).

        Args:
            points: Points of this space.
            natural: Leave numbers in their own units instead of the unit cube; choices are one-hot in both.
        """
        if not points:
            return np.empty((0, self.n_columns))
        blocks: list[Any] = []
        for p in self.parameters:
            values = [point[p.name] for point in points]
            blocks.append(np.array(values, dtype=float)[:, None] if natural and not p.choices else p.encode(values))
        return np.hstack(blocks)

    def decode(self, columns: FloatArray) -> list[dict[str, Value]]:
        """Return the points at unit-cube columns, levels and choices snapped to the nearest."""
        values = [p.decode(block) for p, block in zip(self.parameters, self._blocks(columns), strict=True)]
        return [dict(zip(self.names, row, strict=True)) for row in zip(*values, strict=True)]

    def snap(self, columns: FloatArray) -> FloatArray:
        """Return the encoded points nearest to unit-cube columns, shape (n, n_columns)."""
        return np.hstack([p.snap(block) for p, block in zip(self.parameters, self._blocks(columns), strict=True)])

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Return n random encoded points, uniform over the unit cube; a pool without repeats while it lasts."""
        if self.candidates is None:
            return self._spread(rng.random((n, len(self.parameters))))
        pool = self.encode(self.candidates)
        return pool[rng.choice(len(pool), size=n, replace=n > len(pool))]

    def sample(self, n: int, rng: np.random.Generator) -> list[dict[str, Value]]:
        """Return n random points, drawn as `draw` does."""
        return self.points(self.draw(n, rng))

    def points(self, columns: FloatArray) -> list[dict[str, Value]]:
        """Return the points at encoded columns, exactly as they stand in the pool where there is one."""
        return self.decode(columns) if self.candidates is None else self._nearest_candidates(columns)

    def design(self, n: int, seed: int) -> list[dict[str, Value]]:
        """Return n points of a maximin Latin hypercube; with a pool, the nearest candidate of each, no repeats."""
        from skopt.sampler import Lhs  # noqa: PLC0415 - skopt takes seconds to import

        cube = [(0.0, 1.0)] * len(self.parameters)
        quantiles = np.array(Lhs(criterion="maximin", iterations=200).generate(cube, n, random_state=seed))
        return self.points(self._spread(quantiles))

    def _spread(self, quantiles: FloatArray) -> FloatArray:
        return np.hstack([p.spread(column) for p, column in zip(self.parameters, quantiles.T, strict=True)])

    def _blocks(self, columns: FloatArray) -> list[FloatArray]:
        return np.split(
            np.asarray(columns, dtype=float), np.cumsum([p.n_columns for p in self.parameters])[:-1], axis=1
        )

    def _nearest_candidates(self, columns: FloatArray) -> list[dict[str, Value]]:
        candidates = self.candidates or []
        pool = self.encode(candidates)
        n_uses = np.zeros(len(pool))
        chosen = []
        for x in columns:
            i = np.lexsort((((pool - x) ** 2).sum(axis=1), n_uses))[0]  # the least used, then the nearest
            n_uses[i] += 1
            chosen.append(dict(candidates[i]))
        return chosen


def _parameter(name: str, config: ParameterConfig) -> Parameter:
    if config.choices is not None:
        return Parameter(name, config.unit, choices=tuple(config.choices))
    if config.levels is not None:
        levels = tuple(sorted(config.levels))
        return Parameter(name, config.unit, levels[0], levels[-1], levels=levels, scale=config.scale)
    if config.low is None or config.high is None:
        message = f"parameter {name!r} has no bounds; give low and high, or levels, or choices"
        raise SpaceError(message)
    return Parameter(name, config.unit, config.low, config.high, scale=config.scale)
