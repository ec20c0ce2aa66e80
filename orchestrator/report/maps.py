"""What the planner predicts around the best point: a map for each pair of parameters, or a curve for a single one.

Rule of this file: a map is a slice. All other parameters have the value of the point it goes through. What lies outside
the hull of the measured rows is hatched, because there the prediction extrapolates; what a constraint forbids is blank.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.optimize import nnls

from orchestrator.recipe import Point
from orchestrator.report.drawing import HALF, HUES, THIRD, blank, label
from orchestrator.report.material import Material
from orchestrator.report.plane import coordinates, draw_best, draw_failures, frame, ticks
from orchestrator.space import Parameter, ParameterSpace, Value

FloatArray = NDArray[np.float64]

COLOURS = "viridis"
_N_GRID = 40  # a side
_N_HULL = 26  # a side; the hull is smoother than the prediction and dearer
_N_LEVELS = 12
_OUTSIDE = 0.01  # of the unit cube: so far beyond the hull counts as outside


@dataclass(frozen=True)
class Map:
    """What is predicted over a pair of parameters.

    Args:
        x: The parameter along the horizontal axis.
        y: The parameter along the vertical axis.
        figure: The drawing.
        low: Lowest predicted value of all maps.
        high: Highest predicted value of all maps.
    """

    x: Parameter
    y: Parameter
    figure: Figure
    low: float
    high: float


@dataclass(frozen=True)
class Slice:
    """The points of a map, row by row.

    Args:
        x: The parameter along the horizontal axis.
        y: The parameter along the vertical axis.
        n: How many values along each.
        anchor: The point that gives all other parameters.
    """

    x: Parameter
    y: Parameter
    n: int
    anchor: Point

    @property
    def sides(self) -> tuple[list[Value], list[Value]]:
        """The values along both axes."""
        return ticks(self.x, self.n), ticks(self.y, self.n)

    @property
    def points(self) -> list[dict[str, Value]]:
        """The points, the first row along x first."""
        xs, ys = self.sides
        return [{**self.anchor, self.x.name: a, self.y.name: b} for b in ys for a in xs]


def maps(material: Material, anchor: Point, axes: Sequence[Parameter]) -> list[Map]:
    """Draw a map for each pair of parameters; a pool of candidates is drawn as what it is, single points."""
    pairs = list(combinations(axes, 2))
    if not pairs:
        return []
    if material.space.candidates is not None:
        means = material.predict(material.space.candidates)[0]
        return [Map(x, y, _pool(material, anchor, x, y, means), *value_range(means)) for x, y in pairs]
    slices = [Slice(x, y, _N_GRID, anchor) for x, y in pairs]
    means = material.predict([point for one in slices for point in one.points])[0]
    edges = np.cumsum([0, *(len(one.points) for one in slices)])
    return [
        Map(one.x, one.y, _contours(material, one, means[a:b], value_range(means)), *value_range(means))
        for one, (a, b) in zip(slices, pairwise(edges), strict=True)
    ]


def value_range(means: FloatArray) -> tuple[float, float]:
    """Return lowest and highest value, apart, so that a flat prediction can be drawn too."""
    low, high = float(means.min()), float(means.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _contours(material: Material, one: Slice, means: FloatArray, limits: tuple[float, float]) -> Figure:
    figure, ax = contours(material.space, _measured(material), one, means, limits)
    draw_failures(ax, material, one.x, one.y)
    draw_best(ax, one.anchor, one.x, one.y)
    frame(ax, one.x, one.y)
    return figure


def _measured(material: Material) -> list[Point]:
    return [o.point for o in material.known if o.value is not None]


def contours(
    space: ParameterSpace, measured: Sequence[Point], one: Slice, means: FloatArray, limits: tuple[float, float]
) -> tuple[Figure, Axes]:
    """Draw the predictions of a slice, hatched where they extrapolate, and what was measured.

    Args:
        space: The parameters.
        measured: The measured points, at least one.
        one: The slice.
        means: The predictions at its points.
        limits: Lowest and highest value of the colour scale.
    """
    figure, ax = blank(THIRD)
    xs, ys = (np.array(side, dtype=float) for side in one.sides)
    levels = np.linspace(*limits, _N_LEVELS + 1)
    ax.contourf(xs, ys, means.reshape(len(ys), len(xs)), levels=levels, cmap=COLOURS)
    _hatch(ax, space, measured, Slice(one.x, one.y, _N_HULL, one.anchor))
    _cover(ax, space, one)
    _draw_measured(ax, space, measured, one)
    return figure, ax


def _cover(ax: Axes, space: ParameterSpace, one: Slice) -> None:
    """Cover what a constraint forbids. An equality is left out: a slice that holds all else breaks it everywhere."""
    xs, ys = (np.array(side, dtype=float) for side in one.sides)
    values = {name: np.array([point[name] for point in one.points]) for name in space.names}
    for constraint in space.constraints:
        excess = constraint.excess(values).reshape(len(ys), len(xs))
        if constraint.is_equality or not (excess > 0).any():
            continue
        most = max(float(excess[np.isfinite(excess)].max(initial=0.0)), 1e-9)
        excess = np.minimum(excess, most)  # where a formula has no value
        ax.contourf(xs, ys, excess, levels=[0.0, most], colors=[HUES["paper"]], zorder=2.2)
        if excess.min() < 0:
            ax.contour(xs, ys, excess, levels=[0.0], colors=HUES["muted"], linewidths=0.7, zorder=2.3)


def _hatch(ax: Axes, space: ParameterSpace, measured: Sequence[Point], one: Slice) -> None:
    xs, ys = (np.array(side, dtype=float) for side in one.sides)
    beyond = distances(space.encode(one.points), space.encode(measured)).reshape(len(ys), len(xs))
    if beyond.max() > _OUTSIDE:
        outside = [_OUTSIDE, beyond.max() + 1]
        ax.contourf(xs, ys, beyond, levels=outside, colors=[HUES["paper"]], alpha=0.35)
        ax.contourf(xs, ys, beyond, levels=outside, colors="none", hatches=["////"])
        if beyond.min() < _OUTSIDE:
            ax.contour(xs, ys, beyond, levels=[_OUTSIDE], colors=HUES["ink"], linewidths=0.7)


def distances(points: FloatArray, measured: FloatArray) -> FloatArray:
    """Return how far points are from the convex hull of measured rows, in the unit cube; 0 inside.

    Args:
        points: Encoded points, shape (n_points, n_columns).
        measured: Encoded rows, shape (n_rows, n_columns); at least one.
    """
    A = np.vstack([measured.T, np.ones(len(measured))])
    return np.array([nnls(A, np.append(point, 1.0))[1] for point in points])


def _draw_measured(ax: Axes, space: ParameterSpace, points: Sequence[Point], one: Slice) -> None:
    """Draw what was measured, the smaller the farther it is from the slice."""
    away = np.zeros(len(points))
    for p in space.parameters:
        if p not in (one.x, one.y):
            away += ((p.encode([point[p.name] for point in points]) - p.encode([one.anchor[p.name]])) ** 2).sum(axis=1)
    sizes = 5 + 27 * np.exp(-np.sqrt(away) / 0.35)
    xs, ys = coordinates(points, one.x, one.y)
    ax.scatter(xs, ys, s=sizes, color=HUES["paper"], edgecolor=HUES["ink"], linewidth=0.8, zorder=3)


def _pool(material: Material, anchor: Point, x: Parameter, y: Parameter, means: FloatArray) -> Figure:
    figure, ax = pool(material.space.candidates or [], material.objective.sign, _measured(material), (x, y), means)
    draw_failures(ax, material, x, y)
    draw_best(ax, anchor, x, y)
    frame(ax, x, y)
    return figure


def pool(
    candidates: Sequence[Point],
    sign: float,
    measured: Sequence[Point],
    plane: tuple[Parameter, Parameter],
    means: FloatArray,
) -> tuple[Figure, Axes]:
    """Draw the candidates of a pool by what is predicted there, and which of them were measured.

    Args:
        candidates: The points of the pool.
        sign: 1 where larger values are better, -1 where smaller ones are; the best lie on top.
        measured: The measured points.
        plane: The parameters along the horizontal and the vertical axis.
        means: The predictions at the candidates.
    """
    figure, ax = blank(THIRD)
    low, high = value_range(means)
    order = np.argsort(sign * means, kind="stable")
    xs, ys = coordinates([candidates[i] for i in order], *plane)
    ax.scatter(xs, ys, c=means[order], cmap=COLOURS, vmin=low, vmax=high, s=20, linewidth=0)
    xs, ys = coordinates(measured, *plane)
    ax.scatter(xs, ys, s=44, facecolor="none", edgecolor=HUES["ink"], linewidth=0.9, zorder=3)
    return figure, ax


def curve(material: Material, anchor: Point, x: Parameter) -> Figure:
    """Draw the prediction with its sd along the only numeric parameter, and what was measured."""
    figure, ax = blank(HALF)
    pool = material.space.candidates
    values = ticks(x, 121) if pool is None else sorted({point[x.name] for point in pool}, key=float)
    mean, sd = material.predict([{**anchor, x.name: value} for value in values])
    rows = [(float(o.point[x.name]), o.value) for o in material.known if o.value is not None]
    band(ax, np.array(values, dtype=float), mean, sd, rows)
    label(ax, material.axis(x.name), material.value_axis)
    return figure


def band(ax: Axes, at: FloatArray, mean: FloatArray, sd: FloatArray, rows: Sequence[tuple[float, float]]) -> None:
    """Draw a prediction with one sd either side, and what was measured as (place, value)."""
    ax.fill_between(at, mean - sd, mean + sd, color=HUES["soft"], alpha=0.4, linewidth=0)
    ax.plot(at, mean, color=HUES["accent"])
    xs, ys = [pair[0] for pair in rows], [pair[1] for pair in rows]
    ax.scatter(xs, ys, s=24, color=HUES["paper"], edgecolor=HUES["ink"], linewidth=0.8, zorder=3)
