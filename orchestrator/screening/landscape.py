"""What all predictions of a model together say: which parameters drive them, and how wide the optimum is."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.objective import Objective
from orchestrator.recipe import Point
from orchestrator.screening.optimum import Axes
from orchestrator.screening.result import FloatArray, Region
from orchestrator.sensitivity.window import threshold, window
from orchestrator.space import ParameterSpace, Value

Ranges = dict[str, tuple[float, float]]


def region(
    space: ParameterSpace, objective: Objective, values: FloatArray, axes: Axes, optimum: Mapping[str, Value]
) -> Region | None:
    """Return how far each number may move from the optimum of a grid, at the optimum's choices.

    Args:
        space: The parameters.
        objective: What is measured.
        values: The predictions, shape (n_1, n_2, ...) in parameter order.
        axes: The values of each parameter on the grid, by name.
        optimum: The best point of the grid.

    Returns:
        The region, or None where all parameters are choices.
    """
    names = [p.name for p in space.searched if not p.choices]
    if not names:
        return None
    places = {name: axes[name].index(optimum[name]) for name in space.names}
    cut: list[Any] = [slice(None) if name in names else places[name] for name in space.names]
    found = window(values[tuple(cut)], objective.sign, optimum=tuple(places[name] for name in names))
    ranges = {
        name: (float(axes[name][low]), float(axes[name][high]))
        for name, (low, high) in zip(names, found.ranges, strict=True)
    }
    return Region(found.threshold, found.rule, ranges, found.share, found.n_elsewhere, found.share_elsewhere)


def good_candidates(space: ParameterSpace, objective: Objective, values: FloatArray, pool: Sequence[Point]) -> Region:
    """Return which points of a pool are predicted to be about as good as the best of them.

    Args:
        space: The parameters.
        objective: What is measured.
        values: The predictions at the pool's points, shape (n_points,).
        pool: The only points that can be performed.
    """
    level, rule = threshold(values, objective.sign)
    is_good = objective.sign * values >= objective.sign * level
    good = [point for point, enough in zip(pool, is_good.tolist(), strict=True) if enough]
    ranges: Ranges = {}
    for p in space.searched:
        if not p.choices:
            numbers = [float(point[p.name]) for point in good]
            ranges[p.name] = min(numbers), max(numbers)
    return Region(level, rule, ranges, len(good) / len(pool))
