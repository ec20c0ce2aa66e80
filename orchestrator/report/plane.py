"""The plane of two parameters: its axes, what was measured in it and where runs failed."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from orchestrator.recipe import Point
from orchestrator.report.drawing import BEST, HUES, THIRD, blank, label, logarithmic, mark_of
from orchestrator.report.material import Material, with_bracket
from orchestrator.space import Parameter, Value

_MOST_AXES = 4


def shown_axes(material: Material, anchor: Point | None) -> list[Parameter]:
    """Return the numeric parameters to show: up to four, those along which the prediction changes most."""
    axes = [p for p in material.space.parameters if not p.choices and p.high > p.low]
    if anchor is None or len(axes) <= _MOST_AXES:
        return axes[:_MOST_AXES]
    lines: list[list[Point]] = [[{**anchor, p.name: value} for value in ticks(p, 21)] for p in axes]
    mean = material.predict([point for line in lines for point in line])[0]
    parts = np.split(mean, np.cumsum([len(line) for line in lines])[:-1])
    chosen = sorted(np.argsort([-np.ptp(part) for part in parts], kind="stable")[:_MOST_AXES])
    return [axes[i] for i in chosen]


def ticks(parameter: Parameter, n: int) -> list[Value]:
    """Return values along a parameter: its levels, or n values from end to end."""
    return list(parameter.levels) or parameter.decode(np.linspace(0, 1, n)[:, None])


def coordinates(points: Sequence[Point], x: Parameter, y: Parameter) -> tuple[list[float], list[float]]:
    """Return where points are in the plane of two numeric parameters."""
    return [float(point[x.name]) for point in points], [float(point[y.name]) for point in points]


def frame(ax: Axes, x: Parameter, y: Parameter) -> None:
    """Label and scale both axes."""
    label(ax, with_bracket(x.name, x.unit), with_bracket(y.name, y.unit))
    for axis, scale, limit, p in ((ax.xaxis, ax.set_xscale, ax.set_xlim, x), (ax.yaxis, ax.set_yscale, ax.set_ylim, y)):
        if p.scale == "log":
            scale("log")
            limit(p.low, p.high)
            logarithmic(axis)
        else:
            axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
            margin = 0.02 * (p.high - p.low)
            limit(p.low - margin, p.high + margin)


def draw_failures(ax: Axes, material: Material, x: Parameter, y: Parameter, size: float = 26) -> None:
    """Draw every failed run, a mark for each class."""
    for failure, runs in material.summary.failures.items():
        mark = mark_of(failure)
        xs, ys = coordinates([run.point for run in runs], x, y)
        ax.scatter(
            xs, ys, s=size, marker=mark.marker, color=HUES[mark.hue], edgecolor=HUES["paper"], linewidth=0.6, zorder=4
        )


def draw_best(ax: Axes, point: Point, x: Parameter, y: Parameter) -> None:
    """Draw the point that the figure goes through."""
    xs, ys = coordinates([point], x, y)
    ax.scatter(
        xs, ys, s=210, marker=BEST.marker, color=HUES[BEST.hue], edgecolor=HUES["paper"], linewidth=1.3, zorder=5
    )


def failures(material: Material, axes: Sequence[Parameter]) -> list[tuple[Parameter, Parameter, Figure]]:
    """Draw where runs failed and where they did not, for each pair of parameters."""
    found = []
    for x, y in combinations(axes, 2):
        figure, ax = blank(THIRD)
        xs, ys = coordinates([run.point for run in material.measured], x, y)
        ax.scatter(xs, ys, s=14, color=HUES["accent"], zorder=2)
        draw_failures(ax, material, x, y, size=44)
        frame(ax, x, y)
        ax.grid(visible=True)
        found.append((x, y, figure))
    return found
