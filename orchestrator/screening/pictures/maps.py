"""Maps through the recommended point: what the model predicts, where it was measured, where it extrapolates."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from orchestrator.recipe import Point
from orchestrator.report import maps
from orchestrator.report.drawing import HALF, HUES, Mark, blank, label
from orchestrator.report.maps import Slice, value_range
from orchestrator.report.material import with_bracket
from orchestrator.report.plane import coordinates, frame, ticks
from orchestrator.screening.allowed import drawn
from orchestrator.screening.influence import recommended_point
from orchestrator.screening.result import FloatArray, ModelResult, Screening
from orchestrator.space import Parameter, SpaceError

RECOMMENDED = Mark("*", "★", "red")
PUBLISHED = Mark("D", "◇", "ink")
TRUE_BEST = Mark("P", "✚", "best")
WINDOW = Mark("", "━", "red")

_MOST_AXES = 3
_N_GRID = 60  # a side
_MOST_DRAWN = 1500  # points within equalities


@dataclass(frozen=True)
class Map:
    """A drawing over a pair of parameters, or along a single one.

    Args:
        axes: One or two parameters.
        figure: The drawing.
    """

    axes: tuple[Parameter, ...]
    figure: Figure


def shown_axes(screening: Screening, model: ModelResult) -> list[Parameter]:
    """Return the numeric parameters to draw along: up to three, those with the largest total index."""
    totals = dict(zip(screening.space.names, model.variance.total.tolist(), strict=True))
    numeric = [p for p in screening.space.searched if not p.choices and p.high > p.low]
    chosen = sorted(numeric, key=lambda p: -totals[p.name])[:_MOST_AXES]
    return [p for p in numeric if p in chosen]


def draw(screening: Screening, model: ModelResult) -> tuple[list[Map], tuple[float, float]]:
    """Draw a map for each pair of the shown parameters, or a curve for a single one.

    Returns:
        The maps, and lowest and highest value of their colour scale.
    """
    axes, anchor = shown_axes(screening, model), recommended_point(model).point
    pairs = list(combinations(axes, 2))
    pool = shown_pool(screening)
    if pool is not None and pairs:
        means = _predict(screening, model, pool)
        return [Map(pair, _pool(screening, model, pool, pair, means)) for pair in pairs], value_range(means)
    if not pairs:
        return [Map((x,), _curve(screening, model, anchor, x)) for x in axes], (0.0, 1.0)
    slices = [Slice(x, y, _N_GRID, anchor) for x, y in pairs]
    means = _predict(screening, model, [point for one in slices for point in one.points])
    edges = np.cumsum([0, *(len(one.points) for one in slices)])
    return [
        Map((one.x, one.y), _contours(screening, model, one, means[a:b], value_range(means)))
        for one, (a, b) in zip(slices, pairwise(edges), strict=True)
    ], value_range(means)


def shown_pool(screening: Screening) -> Sequence[Point] | None:
    """Return the points that are drawn one by one: of a table, or within equalities, which a slice would leave."""
    space = screening.space
    return drawn(space)[:_MOST_DRAWN] if space.candidates is None and space.has_equality else space.candidates


def printed_optima(screening: Screening) -> list[Point]:
    """Return the printed optima that are points of this space."""
    found: list[Point] = []
    for printed in screening.published:
        try:
            found.append(screening.space.check(printed.point))
        except SpaceError:
            continue
    return found


def _predict(screening: Screening, model: ModelResult, points: Sequence[Point]) -> FloatArray:
    return np.asarray(model.estimator.predict(screening.space.encode(points, natural=model.is_natural)), dtype=float)


def _contours(
    screening: Screening, model: ModelResult, one: Slice, means: FloatArray, limits: tuple[float, float]
) -> Figure:
    figure, ax = maps.contours(screening.space, screening.target.points, one, means, limits)
    if model.region is not None:
        _window(ax, one, means, model.region.threshold, screening.objective.sign)
    if screening.space.constraints:
        _blank(ax, screening, one)
    _points(ax, screening, one.anchor, (one.x, one.y))
    frame(ax, one.x, one.y)
    return figure


def _blank(ax: Axes, screening: Screening, one: Slice) -> None:
    """Take out what breaks a constraint."""
    xs, ys = (np.array(side, dtype=float) for side in one.sides)
    broken = ~screening.space.allowed(screening.space.encode(one.points))
    if broken.any():
        where = broken.reshape(len(ys), len(xs)).astype(float)
        ax.contourf(xs, ys, where, levels=[0.5, 1.5], colors=[HUES["paper"]], antialiased=False)
        ax.contour(xs, ys, where, levels=[0.5], colors=HUES["muted"], linewidths=0.7)


def _window(ax: Axes, one: Slice, means: FloatArray, level: float, sign: float) -> None:
    """Shade and outline what is about as good as the best."""
    if not means.min() < level < means.max():
        return
    xs, ys = (np.array(side, dtype=float) for side in one.sides)
    means = means.reshape(len(ys), len(xs))
    good = [level, means.max() + 1] if sign > 0 else [means.min() - 1, level]
    ax.contourf(xs, ys, means, levels=good, colors=[HUES["red"]], alpha=0.18)
    ax.contour(xs, ys, means, levels=[level], colors=HUES["red"], linewidths=1.6)


def _points(ax: Axes, screening: Screening, anchor: Point, plane: tuple[Parameter, Parameter]) -> None:
    marks = [(TRUE_BEST, 110, screening.truth.best_point)] if screening.truth is not None else []
    marks += [(RECOMMENDED, 210, anchor)]
    marks += [(PUBLISHED, 34, point) for point in printed_optima(screening)]
    for mark, size, point in marks:
        face = HUES["paper"] if mark is PUBLISHED else HUES[mark.hue]
        edge = HUES["ink"] if mark is PUBLISHED else HUES["paper"]
        xs, ys = coordinates([point], *plane)
        ax.scatter(
            xs, ys, s=size, marker=mark.marker, color=face, edgecolor=edge, linewidth=1.1, zorder=5, clip_on=False
        )


def _pool(
    screening: Screening,
    model: ModelResult,
    pool: Sequence[Point],
    plane: tuple[Parameter, Parameter],
    means: FloatArray,
) -> Figure:
    measured = screening.target.points
    if all(point in measured for point in pool):
        measured = ()  # a ring round every point tells nothing
    figure, ax = maps.pool(pool, screening.objective.sign, measured, plane, means)
    _points(ax, screening, recommended_point(model).point, plane)
    frame(ax, *plane)
    return figure


def _curve(screening: Screening, model: ModelResult, anchor: Point, x: Parameter) -> Figure:
    figure, ax = blank(HALF)
    values = sorted(ticks(x, 121), key=float)
    columns = screening.space.encode([{**anchor, x.name: value} for value in values], natural=model.is_natural)
    mean, sd = model.estimator.predict(columns, return_std=True)
    rows = zip(screening.target.points, screening.target.values.tolist(), strict=True)
    maps.band(ax, np.array(values, dtype=float), mean, sd, [(float(point[x.name]), value) for point, value in rows])
    if model.region is not None:
        ax.axvspan(*model.region.ranges[x.name], color=HUES["red"], alpha=0.12, linewidth=0)
    best = recommended_point(model)
    ax.scatter([float(best.point[x.name])], [best.value], s=210, marker="*", color=HUES[RECOMMENDED.hue], zorder=5)
    objective = screening.objective
    label(ax, with_bracket(x.name, x.unit), with_bracket(objective.name, objective.unit))
    return figure
