"""Random walks in a region that is known only by a test: hit and run, and the way down into a small one.

Rule of this file: arithmetic only element by element, so that a seed gives the same points on every machine.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from orchestrator.space.parameter import FloatArray

_N_SHRINKS = 40
_KEPT = 0.2  # of the points, at each level on the way down
_N_MOVES = 4  # of each point, at each level, or as many as dimensions: fewer leave the share too small
_MOST_LEVELS = 60
_PATIENCE = 5  # levels that come hardly closer
_CLOSER = 0.98  # of the level before

Test = Callable[[FloatArray], NDArray[np.bool_]]


def walk(start: FloatArray, test: Test, rng: np.random.Generator, n_steps: int, *, along: FloatArray) -> FloatArray:
    """Move points inside a region, each on its own, so that each tends to a uniform draw.

    Every step takes a line through the point and draws on it until the test is passed, the line cut off at each
    failure. Lines alternate between any direction and those between points of the region, which suits thin ones.

    Args:
        start: Points that pass, shape (n, d), in the unit cube.
        test: Which points pass.
        rng: Chance.
        n_steps: Steps of each point.
        along: Points of the region, shape (n_points, d), the differences of which are directions.

    Source:
        Smith (1984), Operations Research 32, 1296 (hit and run); Neal (2003), Annals of Statistics 31, 705, section 5
        (cutting off).
    """
    states = start.copy()
    for step in range(n_steps):
        directions = rng.standard_normal(states.shape)
        if step % 2:
            i, j = rng.integers(len(along), size=(2, len(states)))
            apart = along[i] - along[j]
            directions = np.where((apart != 0).any(axis=1, keepdims=True), apart, directions)
        _step(states, directions, test, rng)
    return states


def _step(states: FloatArray, directions: FloatArray, test: Test, rng: np.random.Generator) -> None:
    low, high = _ends(states, directions)
    todo = np.arange(len(states))
    for _ in range(_N_SHRINKS):
        if not len(todo):
            return
        t = low[todo] + rng.random(len(todo)) * (high[todo] - low[todo])
        moved = np.clip(states[todo] + t[:, None] * directions[todo], 0.0, 1.0)
        fine = test(moved)
        states[todo[fine]] = moved[fine]
        todo, t = todo[~fine], t[~fine]
        low[todo], high[todo] = np.where(t < 0, t, low[todo]), np.where(t < 0, high[todo], t)


def _ends(states: FloatArray, directions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return how far one can go both ways before leaving the unit cube."""
    with np.errstate(divide="ignore", invalid="ignore"):
        to_zero, to_one = -states / directions, (1.0 - states) / directions
    still = directions == 0
    low = np.where(still, -np.inf, np.minimum(to_zero, to_one)).max(axis=1)
    high = np.where(still, np.inf, np.maximum(to_zero, to_one)).min(axis=1)
    return np.minimum(low, 0.0), np.maximum(high, 0.0)


def descend(
    states: FloatArray, excess: Callable[[FloatArray], FloatArray], rng: np.random.Generator, n: int
) -> tuple[float, FloatArray]:
    """Find a small region by lowering, level by level, how much points may break its rules.

    Args:
        states: Uniform points of the unit cube, shape (n_states, d).
        excess: By how much points break the rules; at most 0 in the region.
        rng: Chance.
        n: Points to go on with.

    Returns:
        The estimated share of the unit cube, and the points of the last level, inside or as near as was found.

    Source:
        Au and Beck (2001), Probabilistic Engineering Mechanics 16, 263 (subset simulation).
    """
    share, nearest, patience = 1.0, np.inf, _PATIENCE
    broken, n_moves = excess(states), max(_N_MOVES, states.shape[1])
    for _ in range(_MOST_LEVELS):
        inside = float((broken <= 0).mean())
        if inside >= _KEPT or not patience:
            return share * inside, states
        level = max(float(np.sort(broken)[int(_KEPT * len(broken))]), 0.0)
        kept = broken <= level
        share *= float(kept.mean())
        patience = patience - 1 if level > _CLOSER * nearest else _PATIENCE
        nearest = min(level, nearest)
        survivors = states[kept]
        states = survivors[rng.integers(len(survivors), size=n)]
        states = walk(states, lambda moved, level=level: excess(moved) <= level, rng, n_moves, along=survivors)  # type: ignore[misc]
        broken = excess(states)
    return share * float((broken <= 0).mean()), states
