"""The allowed region: the part of the unit cube in which every constraint is met, and how to draw points in it.

Rule of this file: a state is an array of quantiles, shape (n, n_free), one column for each parameter that is searched
and does not follow from an equality. What is tested is always the decoded point, levels and choices snapped.
"""

from collections.abc import Sequence
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from orchestrator.space.constraint import Columns, Constraint, followers
from orchestrator.space.parameter import FloatArray, Parameter, SpaceError
from orchestrator.space.walk import descend, walk

_MOST_POINTS = 100_000  # of a space that is listed as a whole
_N_FIRST = 20_000  # random points by which the share of the box is estimated
_N_SEEDS = 2048
_N_TARGETS = 256
_ENOUGH = 0.02  # share of the box from which points are drawn and tested until there are enough
_NEARBY = 0.3  # of the difference between two points
_N_STEPS = 12  # of a walk from a seed to a new point
_N_HALVINGS = 40
_SAME = 1e-6  # columns closer than this are equal


class Region:
    """The points that meet every constraint.

    Args:
        parameters: The parameters of the space, in order.
        constraints: At least one.

    Raises:
        SpaceError: No point meets them.
    """

    def __init__(self, parameters: Sequence[Parameter], constraints: Sequence[Constraint]) -> None:
        self._parameters, self._constraints = tuple(parameters), tuple(constraints)
        self.followers = followers(constraints, parameters)
        following = {f.parameter.name for f in self.followers}
        self._free = tuple(p for p in parameters if p.fixed is None and p.name not in following)
        self._scales = np.ones(len(self._constraints))
        n_points = prod(len(p.options) for p in self._free) if all(p.options for p in self._free) else 0
        self.is_listed = 0 < n_points <= _MOST_POINTS
        if self.is_listed:
            self.share, self._seeds = self._listed()
        else:
            self.share, self._seeds = self._searched()

    def values(self, columns: FloatArray) -> Columns:
        """Return the values of every parameter at encoded columns, followers as they follow from the others."""
        blocks = np.split(columns, np.cumsum([p.n_columns for p in self._parameters])[:-1], axis=1)
        values = {p.name: p.natural(block) for p, block in zip(self._parameters, blocks, strict=True)}
        for follower in self.followers:
            values[follower.parameter.name] = follower.settled(follower.value(values, len(columns)))[0]
        return values

    def allowed(self, columns: FloatArray) -> NDArray[np.bool_]:
        """Return which encoded points meet every constraint, shape (n,)."""
        states = self._states(columns)
        is_allowed = self._excess(states) <= 0
        for settled, given in zip(self._columns(states).T, columns.T, strict=True):  # by column: rows are short
            is_allowed &= np.abs(settled - given) <= _SAME
        return is_allowed

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Return n allowed encoded points: uniform over the region, a listed one without repeats while it lasts."""
        if self.is_listed:
            chosen = rng.choice(len(self._seeds), size=n, replace=n > len(self._seeds))
            return self._columns(self._seeds[chosen])
        if self.share >= _ENOUGH:
            return self._columns(self._tested(n, rng))
        start = self._seeds[rng.integers(len(self._seeds), size=n)]
        return self._columns(walk(start, self._is_allowed, rng, _N_STEPS, along=self._seeds))

    def snap(self, columns: FloatArray) -> FloatArray:
        """Return encoded points that are allowed: those that are, as they are, others moved towards an allowed one."""
        states = self._states(columns)
        broken = self._excess(states) > 0
        if broken.any():
            start = self._nearest(states[broken])
            states[broken] = start if self.is_listed else self._pulled(start, states[broken])
        return self._columns(states)

    def nearby(self, centres: FloatArray, n: int, rng: np.random.Generator, reach: float = 1.0) -> FloatArray:
        """Return n allowed points around each allowed one, as encoded points, shape (n * n_centres, n_columns).

        Steps go along differences of the region's points, every other one a tenth as far: a thin region needs both.
        """
        start = np.tile(self._states(centres), (n, 1))
        i, j = rng.integers(len(self._seeds), size=(2, len(start)))
        usual = np.where(np.arange(len(start)) // len(centres) % 2, _NEARBY, _NEARBY / 10)
        along = reach * usual * rng.standard_normal(len(start))
        moved = np.clip(start + along[:, None] * (self._seeds[i] - self._seeds[j]), 0.0, 1.0)
        broken = self._excess(moved) > 0
        if broken.any():
            moved[broken] = self._pulled(start[broken], moved[broken])
        return self._columns(moved)

    def _pulled(self, start: FloatArray, states: FloatArray) -> FloatArray:
        """Go from an allowed state towards each state as far as all is allowed."""
        low, high = np.zeros(len(states)), np.ones(len(states))
        for _ in range(_N_HALVINGS):
            middle = (low + high) / 2
            fine = self._is_allowed(start + middle[:, None] * (states - start))
            low, high = np.where(fine, middle, low), np.where(fine, high, middle)
        return np.asarray(start + low[:, None] * (states - start))

    def _nearest(self, states: FloatArray) -> FloatArray:
        targets = self._seeds if self.is_listed else self._seeds[:_N_TARGETS]
        nearest = [int(((targets - state) ** 2).sum(axis=1).argmin()) for state in states]
        return np.asarray(targets[nearest])

    def _is_allowed(self, states: FloatArray) -> NDArray[np.bool_]:
        return self._excess(states) <= 0

    def _excess(self, states: FloatArray) -> FloatArray:
        """Return by how much the worst constraint is broken, shape (n,), in units of what is usual in the box."""
        if not len(states):
            return np.empty(0)
        return np.asarray(self._all_excesses(states).max(axis=0))

    def _all_excesses(self, states: FloatArray) -> FloatArray:
        values, off = self._at(states)
        scaled = [c.excess(values) / scale for c, scale in zip(self._constraints, self._scales, strict=True)]
        return np.array([*scaled, *off])

    def _at(self, states: FloatArray) -> tuple[Columns, list[FloatArray]]:
        """Return the values at states, and how far each follower would be outside of what it can take."""
        n = len(states)
        values = {p.name: p.at(states[:, i]) for i, p in enumerate(self._free)}
        values |= {p.name: np.full(n, p.fixed) for p in self._parameters if p.fixed is not None}
        off = []
        for follower in self.followers:
            values[follower.parameter.name], apart = follower.settled(follower.value(values, n))
            off.append(apart)
        return values, off

    def _states(self, columns: FloatArray) -> FloatArray:
        edges = np.cumsum([0, *(p.n_columns for p in self._parameters)])
        start = {p.name: int(edges[i]) for i, p in enumerate(self._parameters)}
        parts = [p.quantile(columns[:, start[p.name] : start[p.name] + p.n_columns]) for p in self._free]
        return np.column_stack(parts) if parts else np.empty((len(columns), 0))

    def _columns(self, states: FloatArray) -> FloatArray:
        states = np.clip(states, 0.0, 1.0)
        values, _ = self._at(states)
        rank = {p.name: i for i, p in enumerate(self._free)}
        blocks = [
            p.spread(states[:, rank[p.name]]) if p.name in rank else p.encode(list(values[p.name]))
            for p in self._parameters
        ]
        return np.hstack(blocks)

    def _tested(self, n: int, rng: np.random.Generator) -> FloatArray:
        found = np.empty((0, len(self._free)))
        while len(found) < n:
            states = rng.random((int((n - len(found)) / self.share * 1.1) + 64, len(self._free)))
            found = np.vstack([found, states[self._is_allowed(states)]])
        return found[:n]

    def _listed(self) -> tuple[float, FloatArray]:
        lists = [(np.arange(len(p.options)) + 0.5) / len(p.options) for p in self._free]
        states = np.array(list(product(*lists))).reshape(prod(map(len, lists)), len(lists))
        allowed = self._is_allowed(states)
        if not allowed.any():
            raise self._nothing(states, "none of all {n} points does")
        return float(allowed.mean()), states[allowed]

    def _searched(self) -> tuple[float, FloatArray]:
        rng = np.random.default_rng(0)
        states = rng.random((_N_FIRST, len(self._free)))
        self._scales = self._usual(states)
        allowed = self._is_allowed(states)
        if allowed.mean() >= _ENOUGH:
            return float(allowed.mean()), states[allowed][:_N_SEEDS]
        share, states = descend(states, self._excess, rng, _N_SEEDS)
        allowed = self._is_allowed(states)
        if not allowed.any():
            raise self._nothing(states, "none was found by an ever closer search")
        seeds = states[allowed][rng.integers(int(allowed.sum()), size=_N_SEEDS)]
        return share, walk(seeds, self._is_allowed, rng, 3 * _N_STEPS, along=seeds)

    def _usual(self, states: FloatArray) -> FloatArray:
        excesses = self._all_excesses(states)[: len(self._constraints)]
        finite = [np.abs(e[np.isfinite(e)]) for e in excesses]
        return np.array([float(np.median(e)) if len(e) and np.median(e) > 0 else 1.0 for e in finite])

    def _nothing(self, states: FloatArray, how: str) -> SpaceError:
        """Return the error that the region is empty, with the constraint that the nearest points break."""
        excesses = self._all_excesses(states)
        i = int(excesses[:, excesses.max(axis=0).argmin()].argmax())
        worst = self._constraints[i].text if i < len(self._constraints) else self._behind(i - len(self._constraints))
        texts = ", ".join(repr(text) for text in dict.fromkeys(c.text for c in self._constraints))
        return SpaceError(
            f"no point meets the constraints {texts}: {how.format(n=len(states))}; "
            f"the nearest miss {worst!r}: loosen it, or widen the bounds"
        )

    def _behind(self, i: int) -> str:
        name = self.followers[i].parameter.name
        return next(c.text for c in self._constraints if c.is_equality and name in c.comparison.names)
