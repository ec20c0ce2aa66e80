"""What drives a model: shares of variance, mean effects, permutation importance and Shapley values."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from orchestrator.display.wording import clean, named, number, setting, signed
from orchestrator.report.drawing import HUES, Mark, label, logarithmic
from orchestrator.report.material import with_bracket
from orchestrator.screening.influence import Influence, recommended_point
from orchestrator.screening.result import FloatArray, ModelResult, Screening
from orchestrator.sensitivity.permutation import Importance
from orchestrator.sensitivity.shapley import Attribution
from orchestrator.space import Parameter

ALONE = Mark("", "■", "accent")
TOGETHER = Mark("", "■", "soft")
RAISES = Mark("", "■", "best")
LOWERS = Mark("", "■", "orange")

_WIDTH, _WIDER, _ROW, _LABELS, _BOTTOM, _TOP = 3.9, 5.5, 0.36, 1.25, 0.46, 0.3  # inches
_WORTH_TELLING = 0.01  # share of the variance
_SMALL = (3.9, 2.5)


def varied(screening: Screening) -> list[int]:
    """Return which parameters have more than one value on the grid."""
    return [i for i, p in enumerate(screening.space.parameters) if len(screening.axes[p.name]) > 1]


def shares(screening: Screening, model: ModelResult) -> Figure:
    """Draw the share of the variance of each parameter, alone and with its interactions."""
    shown = varied(screening)
    figure, ax = _rows(_names(screening, shown))
    total, first = 100 * model.variance.total[shown], 100 * model.variance.first_order[shown]
    ax.barh(range(len(total)), total, height=0.62, color=HUES[TOGETHER.hue], linewidth=0)
    ax.barh(range(len(first)), first, height=0.62, color=HUES[ALONE.hue], linewidth=0)
    ax.set_xlim(0, 100)
    _title(ax, "share of the variance, %")
    return figure


def permutation(screening: Screening, found: Importance) -> Figure:
    """Draw how much the error on unseen rows grows when a parameter is shuffled, with one sd over the shuffles."""
    shown = varied(screening)
    figure, ax = _rows(_names(screening, shown))
    places = range(len(shown))
    ax.barh(places, found.mean[shown], height=0.62, color=HUES["accent"], linewidth=0)
    ax.errorbar(found.mean[shown], places, xerr=found.sd[shown], fmt="none", ecolor=HUES["muted"], elinewidth=1.1)
    ax.axvline(0, color=HUES["muted"], linewidth=0.7)
    _title(ax, with_bracket("growth of the error", screening.objective.unit))
    return figure


def sizes(screening: Screening, values: FloatArray) -> Figure:
    """Draw the mean size of the Shapley values over the target rows."""
    shown = varied(screening)
    figure, ax = _rows(_names(screening, shown))
    ax.barh(range(len(shown)), values[shown], height=0.62, color=HUES["accent"], linewidth=0)
    _title(ax, with_bracket("mean size", screening.objective.unit))
    return figure


def path(screening: Screening, model: ModelResult, found: Attribution) -> Figure:
    """Draw the way from the mean prediction to the recommended one, parameter by parameter, the strongest first."""
    point, parameters = recommended_point(model).point, screening.space.parameters
    order = [i for i in np.argsort(-np.abs(found.values), kind="stable") if not parameters[i].is_constant]
    names = [_set(parameters[i], point[parameters[i].name]) for i in order]
    figure, ax = _rows(["mean of rows", *names, "prediction"], labels=1.75, width=_WIDER)
    parts = found.values[order]
    ends = found.base + np.concatenate([[0.0], np.cumsum(parts)])
    for row, (start, part) in enumerate(zip(ends[:-1], parts, strict=True), start=1):
        hue = HUES[RAISES.hue if part >= 0 else LOWERS.hue]
        ax.barh(row, part, left=start, height=0.62, color=hue, linewidth=0, zorder=2)
        ax.annotate(
            signed(float(part), 2),
            (max(start, start + part), row),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=HUES["ink"],
        )
    for row, value in ((0, found.base), (len(parts) + 1, found.prediction)):
        ax.plot([value, value], [row - 0.31, row + 0.31], color=HUES["ink"], linewidth=2)
        ax.annotate(
            number(float(value), 3),
            (value, row),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=HUES["ink"],
        )
    steps = np.arange(len(ends))
    ax.vlines(ends, steps, steps + 1, color=HUES["muted"], linewidth=0.7, zorder=1)
    low, high = float(ends.min()), float(ends.max())
    spread = (high - low) or 1.0
    ax.set_xlim(low - 0.08 * spread, high + 0.3 * spread)
    _title(ax, with_bracket("predicted", screening.objective.unit))
    return figure


def main_effect(screening: Screening, model: ModelResult, i: int) -> Figure:
    """Draw the mean prediction at each level of a parameter, over all levels of the others."""
    parameter, effects = screening.space.parameters[i], model.variance.effects
    figure, (width, height), left = Figure(figsize=_SMALL, dpi=72), _SMALL, 0.55
    ax = figure.add_axes(
        (left / width, _BOTTOM / height, (width - left - 0.1) / width, (height - _BOTTOM - _TOP) / height)
    )
    axis = screening.axes[parameter.name]
    if parameter.choices:
        ax.scatter(range(len(axis)), effects[i], s=40, color=HUES["accent"], zorder=3)
        ax.set_xlim(-0.5, len(axis) - 0.5)
        ax.set_xticks(range(len(axis)), [clean(choice, 12) for choice in axis])
    else:
        ax.plot(np.array(axis, dtype=float), effects[i], color=HUES["accent"])
        values = np.array([float(point[parameter.name]) for point in screening.target.points])
        place = ax.get_xaxis_transform()
        ax.plot(values, np.full(len(values), 0.03), "|", transform=place, color=HUES["ink"], markersize=7)
        if parameter.scale == "log":
            ax.set_xscale("log")
            logarithmic(ax.xaxis)
    ax.axhline(model.variance.mean, color=HUES["muted"], linestyle=(0, (4, 3)), linewidth=1)
    low, high = min(float(e.min()) for e in effects), max(float(e.max()) for e in effects)
    edge = 0.12 * (high - low) or 0.5
    ax.set_ylim(low - edge, high + edge)
    ax.yaxis.grid(visible=True)
    objective = screening.objective
    label(ax, with_bracket(parameter.name, parameter.unit), f"mean {with_bracket(objective.name, objective.unit)}")
    return figure


def parts(screening: Screening, model: ModelResult, found: Influence) -> list[tuple[str, Figure, str]]:
    """Return name, drawing and caption of everything that tells what drives a model."""
    drawn = []
    if not model.variance.is_constant:
        text = "Share of the variance of the predictions over the whole grid: alone, and what interactions add."
        text += strongest_pair(screening, model)
        drawn.append(("shares", shares(screening, model), text))
    text = "By how much the mean absolute error on unseen rows grows when a parameter's values are shuffled."
    drawn.append(("permutation", permutation(screening, found.permutation), text))
    if found.at_rows is not None:
        drawn.append(("sizes", sizes(screening, found.at_rows), "Shapley values at the target rows: their mean size."))
    return drawn


def strongest_pair(screening: Screening, model: ModelResult) -> str:
    """Return the strongest interaction of two parameters in words, "" where there is hardly any."""
    for (i, j), share in list(model.variance.pairs.items())[:1]:
        if share >= _WORTH_TELLING:
            one, other = _names(screening, (i, j))
            return f" The strongest is of {one} with {other}, {100 * share:.0f} %."
    return ""


def _names(screening: Screening, shown: Sequence[int]) -> list[str]:
    return [named(screening.space.parameters[i].name, screening.space.parameters[i].unit) for i in shown]


def _rows(names: Sequence[str], labels: float = _LABELS, width: float = _WIDTH) -> tuple[Figure, Axes]:
    height = _BOTTOM + _TOP + _ROW * len(names)
    figure = Figure(figsize=(width, height), dpi=72)
    place = labels / width, _BOTTOM / height, (width - labels - 0.15) / width, _ROW * len(names) / height
    ax = figure.add_axes(place)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_yticks(range(len(names)), [clean(name, 24) for name in names])
    ax.tick_params(axis="y", length=0, labelcolor=HUES["ink"])
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5))
    ax.xaxis.grid(visible=True)
    return figure, ax


def _title(ax: Axes, text: str) -> None:
    ax.set_title(text, loc="left", color=HUES["ink"])


def _set(parameter: Parameter, value: float | str) -> str:
    unit = "" if parameter.unit == "1" else f" {clean(parameter.unit)}"
    return f"{named(parameter.name, parameter.unit)} {setting(value, 3)}{unit}"
