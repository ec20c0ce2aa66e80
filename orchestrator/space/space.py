"""The space as a whole: from points to the unit cube and back, random points, the initial design.

A point is a plain dict from parameter name to number or text, in parameter order, never a numpy scalar.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice, pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.config.schema import ParameterConfig
from orchestrator.formula import Names
from orchestrator.recipe import Point
from orchestrator.space.constraint import Columns, Constraint, nameable, read_constraints
from orchestrator.space.parameter import FloatArray, Parameter, SpaceError, Value
from orchestrator.space.region import Region
from orchestrator.space.spread import well_spread

_MOST_CORNERS = 1024
_N_SPREAD = 2000  # points from which those of a design are chosen
_NEARBY = 0.05  # standard deviation of points nearby, unit cube
_SAME = 1e-6  # columns closer than this are equal


class ParameterSpace:
    """The inputs a campaign searches.

    Args:
        parameters: The parameters, in order; at least one is searched.
        candidates: The only points that can be performed (a pool); None allows every point of the space. Those that
            have another value of a fixed parameter, or break a constraint, are left out.
        constraints: Rules that every suggested point meets, as text: `a + b <= 1`, `1 <= pressure * distance`.

    Raises:
        SpaceError: A candidate is outside the bounds, a constraint that cannot be read, or no point is left.
    """

    def __init__(
        self,
        parameters: Sequence[Parameter],
        candidates: Sequence[Point] | None = None,
        constraints: Sequence[str] = (),
    ) -> None:
        self.parameters = tuple(parameters)
        self.names = tuple(p.name for p in self.parameters)
        self.n_columns = sum(p.n_columns for p in self.parameters)
        self.searched = tuple(p for p in self.parameters if p.fixed is None)
        if not self.searched:
            message = f"every parameter ({', '.join(self.names)}) is fixed; leave at least one to be searched"
            raise SpaceError(message)
        self._given, self._pool = tuple(constraints), candidates
        self.constraints: tuple[Constraint, ...] = read_constraints(constraints, self.parameters)
        self.candidates = None if candidates is None else self._eligible(candidates)
        self._region = Region(self.parameters, self.constraints) if self.constraints and candidates is None else None

    def _eligible(self, candidates: Sequence[Point]) -> list[dict[str, Value]]:
        fixed = {p.name: p.fixed for p in self.parameters if p.fixed is not None}
        checked = [self._checked(point) for point in candidates]
        found = [p for p in checked if all(p[name] == v for name, v in fixed.items()) and not self.broken(p)]
        if not found:
            why = f"none of {len(checked)} meets the constraints and fixed values" if checked else "there are none"
            message = f"the pool of candidates is empty: {why}; widen the bounds or give a table with more rows"
            raise SpaceError(message)
        return found

    @classmethod
    def from_config(
        cls,
        parameters: Mapping[str, ParameterConfig],
        candidates: Sequence[Point] | None = None,
        constraints: Sequence[str] = (),
    ) -> "ParameterSpace":
        """Build the space a configuration describes."""
        built = [Parameter.from_config(name, config) for name, config in parameters.items()]
        return cls(built, candidates, constraints)

    def at(self, context: Mapping[str, Value]) -> "ParameterSpace":
        """Return the space in which some parameters are fixed, so that every point of it has these values.

        Raises:
            SpaceError: A value that the parameter cannot take, or no point is left.
        """
        fixed = [replace(p, fixed=p.check(context[p.name])) if p.name in context else p for p in self.parameters]
        return ParameterSpace(fixed, self._pool, self._given)

    @cached_property
    def whole(self) -> "ParameterSpace":
        """The space with nothing fixed that could have another value: that of every context, and of past rows."""
        freed = [p if p.is_constant else replace(p, fixed=None) for p in self.parameters]
        return self if tuple(freed) == self.parameters else ParameterSpace(freed, self._pool, self._given)

    @property
    def nameable(self) -> Names:
        """What a formula over the parameters may name."""
        return nameable(self.parameters)

    def bound(self, point: Point) -> dict[str, str]:
        """Return which instrument has to fill a role at a point, by role."""
        return {p.instrument: str(point[p.name]) for p in self.parameters if p.instrument}

    def context(self, instruments: Mapping[str, str]) -> dict[str, Value]:
        """Return the values of the parameters that name instruments.

        Args:
            instruments: Who fills a role, by role.
        """
        return {p.name: instruments[p.instrument] for p in self.parameters if p.instrument in instruments}

    @property
    def columns(self) -> tuple[range, ...]:
        """Which encoded columns each parameter takes, in order."""
        ends = np.cumsum([0, *(p.n_columns for p in self.parameters)]).tolist()
        return tuple(range(start, end) for start, end in pairwise(ends))

    @property
    def is_discrete(self) -> bool:
        """Whether there are only finitely many points."""
        return self.candidates is not None or all(p.options for p in self.searched)

    @property
    def has_equality(self) -> bool:
        """Whether a parameter follows from others, so that the allowed points fill no volume of the unit cube."""
        return any(c.is_equality for c in self.constraints)

    @property
    def share(self) -> float:
        """The share of the box that the constraints leave, estimated; with equalities, of the free parameters' box."""
        return 1.0 if self._region is None else self._region.share

    def check(self, point: Point) -> dict[str, Value]:
        """Return the point in parameter order with plain values.

        Raises:
            SpaceError: A parameter is missing, unknown or outside its bounds, or a constraint is not met.
        """
        checked = self._checked(point)
        for constraint in self.broken(checked):
            message = f"point {checked}: {constraint.broken_by(checked)}; change the point or the constraint"
            raise SpaceError(message)
        return checked

    def broken(self, point: Point) -> list[Constraint]:
        """Return the constraints that a point breaks, by more than a relative 1e-9."""
        return [constraint for constraint in self.constraints if not constraint.is_met(point)]

    def allowed(self, columns: FloatArray) -> NDArray[np.bool_]:
        """Return which encoded points may be suggested, shape (n,): on their levels and within every constraint."""
        if self._region is not None:
            return self._region.allowed(columns)
        return np.asarray((np.abs(self.snap(columns) - columns) <= _SAME).all(axis=1))

    def corners(self) -> list[dict[str, Value]]:
        """Return the corners of the space, at most a thousand; with constraints, allowed points towards each."""
        ends = [_ends(p) for p in self.parameters]
        points = [dict(zip(self.names, values, strict=True)) for values in islice(product(*ends), _MOST_CORNERS)]
        if self._region is None:
            return points
        pulled = self.points(self.snap(self.encode(points)))
        return [dict(items) for items in dict.fromkeys(tuple(point.items()) for point in pulled)]

    def _checked(self, point: Point) -> dict[str, Value]:
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
            is_number = natural and not p.choices and not p.is_constant
            blocks.append(np.array(values, dtype=float)[:, None] if is_number else p.encode(values))
        return np.hstack(blocks)

    def natural(self, columns: FloatArray) -> Columns:
        """Return the values at unit-cube columns by parameter, arrays of shape (n,), each parameter on its own."""
        blocks = zip(self.parameters, self._blocks(columns), strict=True)
        return {p.name: p.natural(block) for p, block in blocks}

    def decode(self, columns: FloatArray) -> list[dict[str, Value]]:
        """Return the points at unit-cube columns, levels and choices snapped to the nearest."""
        values = [p.decode(block) for p, block in zip(self.parameters, self._blocks(columns), strict=True)]
        if self._region is not None and self._region.followers:
            followed = self._region.values(np.asarray(columns, dtype=float))
            for follower in self._region.followers:
                p = follower.parameter
                values[self.names.index(p.name)] = follower.plain(followed[p.name])
        return [dict(zip(self.names, row, strict=True)) for row in zip(*values, strict=True)]

    def snap(self, columns: FloatArray) -> FloatArray:
        """Return the encoded points nearest to unit-cube columns, shape (n, n_columns), moved to what is allowed."""
        if self._region is not None:
            return self._region.snap(np.asarray(columns, dtype=float))
        return np.hstack([p.snap(block) for p, block in zip(self.parameters, self._blocks(columns), strict=True)])

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Return n random encoded points, uniform over the allowed part of the unit cube.

        Those of a pool, or of the few points that constraints leave of levels, come without repeats while they last.
        """
        if self._region is not None:
            return self._region.draw(n, rng)
        if self.candidates is None:
            return self._spread(rng.random((n, len(self.searched))))
        pool = self.encode(self.candidates)
        return pool[rng.choice(len(pool), size=n, replace=n > len(pool))]

    def nearby(self, centres: FloatArray, n: int, rng: np.random.Generator, reach: float = 1.0) -> FloatArray:
        """Return n random allowed points around each of some, as encoded points, shape (n * n_centres, n_columns).

        Args:
            centres: Encoded points, allowed ones.
            n: How many around each.
            rng: What they are drawn from.
            reach: How far away, in what is usual.
        """
        if self._region is not None:
            return self._region.nearby(centres, n, rng, reach)
        near = centres + reach * _NEARBY * rng.standard_normal((n, *centres.shape))
        return self.snap(near.reshape(-1, centres.shape[1]))

    def sample(self, n: int, rng: np.random.Generator) -> list[dict[str, Value]]:
        """Return n random points, drawn as `draw` does."""
        return self.points(self.draw(n, rng))

    def points(self, columns: FloatArray) -> list[dict[str, Value]]:
        """Return the points at encoded columns, exactly as they stand in the pool where there is one."""
        return self.decode(columns) if self.candidates is None else self._nearest_candidates(columns)

    def design(self, n: int, seed: int) -> list[dict[str, Value]]:
        """Return n points of a maximin Latin hypercube; with a pool, the nearest candidate of each, no repeats.

        With constraints they are spread over the allowed region instead.
        """
        if self._region is not None:
            drawn = self._region.draw(max(_N_SPREAD, 8 * n), np.random.default_rng(seed))
            return self.points(drawn[well_spread(drawn, n)])
        from skopt.sampler import Lhs  # noqa: PLC0415 - skopt takes seconds to import

        cube = [(0.0, 1.0)] * len(self.searched)
        quantiles = np.array(Lhs(criterion="maximin", iterations=200).generate(cube, n, random_state=seed))
        return self.points(self._spread(quantiles))

    def _spread(self, quantiles: FloatArray) -> FloatArray:
        columns = iter(quantiles.T)
        blocks = [
            p.spread(next(columns)) if p.fixed is None else p.snap(np.empty((len(quantiles), p.n_columns)))
            for p in self.parameters
        ]
        return np.hstack(blocks)

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


def _ends(p: Parameter) -> tuple[Value, ...]:
    if p.fixed is not None:
        return (p.fixed,)
    return p.choices or (p.low, p.high)
