"""The picture of a sweep: regret against runs and against lab days, the median of each variation with its quartiles.

Rule of this file: up to three variations share their axes with bands; of more, each value of the first key has axes of
its own, and where bands would still hide each other the quartiles stand at the end of the lines.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from orchestrator.display.wording import clean, named, number, plural, with_unit
from orchestrator.report.drawing import HUES, style
from orchestrator.sweep.outcome import Group, Sweep
from orchestrator.sweep.plan import told

Colour = str | tuple[float, float, float, float]

_HUES = ("accent", "orange", "best", "violet", "red", "teal")
_MOST_BANDS = 3
_LEGEND = 110  # characters side by side
_N_DAYS = 400
_WIDTH, _LEFT, _RIGHT, _BETWEEN = 9.6, 0.72, 0.15, 0.32  # inches, as those below
_HEAD, _FOOT, _AXES, _GAP, _LINE = 0.72, 0.5, 2.6, 0.2, 0.22
_DPI = 200


def draw(sweep: Sweep, path: Path) -> None:
    """Write the picture as PNG.

    Args:
        sweep: At least one of its campaigns ended.
        path: The file.
    """
    with style():
        figure(sweep).savefig(path, dpi=_DPI, facecolor=HUES["paper"], metadata={"Software": None})


def figure(sweep: Sweep) -> Figure:
    """Return the picture, to be drawn within `style`."""
    rows = _rows([group for group in sweep.groups if group.ended])
    legends = [_LINE * -(-len(groups) // _n_columns(groups)) + 0.1 for _, groups in rows]
    height = _HEAD + _FOOT + len(rows) * _AXES + sum(legends) + (len(rows) - 1) * _GAP
    drawn, top = Figure(figsize=(_WIDTH, height)), height - _HEAD
    end_h = max(group.lab_hours.max() for _, groups in rows for group in groups)
    pairs = []
    for (title, groups), legend in zip(rows, legends, strict=True):
        by_runs, by_days = pair = _pair(drawn, (top - legend - _AXES) / height, _AXES / height)
        _lines(by_runs, by_days, groups, end_h)
        by_runs.set_title(title, loc="left", color=HUES["ink"], fontweight="bold", pad=7)
        top -= legend + _AXES + _GAP
        pairs.append(pair)
    _label(pairs, sweep)
    _head(drawn, sweep, height)
    return drawn


def _pair(drawn: Figure, bottom: float, height: float) -> tuple[Axes, Axes]:
    """Return axes for runs and for lab days, side by side."""
    width = (_WIDTH - _LEFT - _RIGHT - _BETWEEN) / 2
    lefts = (_LEFT, _LEFT + width + _BETWEEN)
    by_runs, by_days = (drawn.add_axes((left / _WIDTH, bottom, width / _WIDTH, height)) for left in lefts)
    by_days.tick_params(labelleft=False)
    return by_runs, by_days


def _rows(groups: Sequence[Group]) -> list[tuple[str, list[Group]]]:
    """Return which variations share a pair of axes, with the heading of each pair."""
    labels = list(groups[0].variation.labels)
    if len(groups) <= _MOST_BANDS or len(labels) < 2:
        return [("", list(groups))]
    first = labels[0]
    rows: dict[str, list[Group]] = {}
    for group in groups:
        rows.setdefault(told({first: group.variation.labels[first]}), []).append(group)
    return list(rows.items())


def _lines(by_runs: Axes, by_days: Axes, groups: Sequence[Group], end_h: float) -> None:
    hours = np.linspace(0.0, end_h, _N_DAYS)
    for i, (group, name, colour) in enumerate(zip(groups, _names(groups), _colours(len(groups)), strict=True)):
        runs = np.arange(group.n_runs + 1)
        own = hours[hours <= group.lab_hours.max()]
        place = None if len(groups) <= _MOST_BANDS else i + 1
        by_runs.plot([], [], color=colour, label=name)
        _line(by_runs, runs, group.by_runs(runs), colour, place)
        _line(by_days, own / 24, group.by_hours(own), colour, place)
    if len(groups) > 1:
        n = _n_columns(groups)
        by_days.legend(
            *by_runs.get_legend_handles_labels(),
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),
            ncols=n,
            handlelength=1.4,
            borderaxespad=0.1,
        )


def _line(ax: Axes, x: NDArray[Any], quartiles: NDArray[np.float64], colour: Colour, place: int | None) -> None:
    """Draw a median with its quartiles: a band, or at some place beyond its end."""
    low, median, high = quartiles
    ax.plot(x, median, color=colour, drawstyle="steps-post", linewidth=1.8)
    if place is None:
        ax.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0, step="post")
    else:
        ax.vlines(x[-1] * (1 + 0.012 * place), low[-1], high[-1], color=colour, linewidth=1.4)


def _names(groups: Sequence[Group]) -> list[str]:
    """Return what tells the groups apart: keys that have one value in all of them are left out."""
    labels = [group.variation.labels for group in groups]
    apart = [key for key in labels[0] if len(groups) == 1 or len({repr(one[key]) for one in labels}) > 1]
    return [told({key: one[key] for key in apart}) for one in labels]


def _n_columns(groups: Sequence[Group]) -> int:
    """Return how many names of the legend stand side by side."""
    widest = max(map(len, _names(groups))) + 6
    return max(1, min(len(groups), _LEGEND // widest))


def _colours(n: int) -> list[Colour]:
    if n <= len(_HUES):
        return [HUES[hue] for hue in _HUES[:n]]
    return [mpl.colormaps["viridis"](place) for place in np.linspace(0.0, 0.92, n)]


def _label(pairs: Sequence[tuple[Axes, Axes]], sweep: Sweep) -> None:
    """Give all axes of a kind the same ends, and names with units."""
    objective = sweep.yardstick.objective
    ends = [max(pair[i].get_xlim()[1] for pair in pairs) for i in (0, 1)]
    top = max(ax.get_ylim()[1] for pair in pairs for ax in pair)
    unit = "" if objective.unit == "1" else f" ({clean(objective.unit)})"
    for pair in pairs:
        for ax, end in zip(pair, ends, strict=True):
            ax.set_xlim(0.0, end)
            ax.set_ylim(0.0, top)
            ax.grid(visible=True, axis="y")
            ax.tick_params(labelbottom=pair is pairs[-1])
        pair[0].set_ylabel(f"regret of {named(clean(objective.name), objective.unit)}{unit}")
        pair[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    pairs[-1][0].set_xlabel("runs ended")
    pairs[-1][1].set_xlabel("lab days")


def _head(drawn: Figure, sweep: Sweep, height: float) -> None:
    """Say what is drawn, and that nothing of it was measured."""
    n, first = sum(len(group.ended) for group in sweep.groups), sweep.plan.variations[0]
    origin = " AND ".join(sorted({str(o).upper() for v in sweep.plan.variations for o in v.origins}))
    best = with_unit(number(sweep.yardstick.best), sweep.yardstick.objective.unit)
    name = clean(first.campaign.settings.campaign, 40)
    title = f"{name}: {plural(n, 'campaign')} rehearsed"
    if len(sweep.plan.variations) == 1 and first.labels:
        title += f", {first.name}"
    drawn.text(_LEFT / _WIDTH, 1 - 0.3 / height, title, fontsize=12.5, fontweight="bold", va="center")
    words = f"median and quartiles over seeds; regret 0 is {best}, {sweep.yardstick.words}"
    drawn.text(_LEFT / _WIDTH, 1 - 0.54 / height, words, fontsize=8.5, color=HUES["muted"], va="center")
    tag: dict[str, Any] = {"boxstyle": "round,pad=0.35", "facecolor": "none", "edgecolor": HUES["orange"]}
    drawn.text(
        1 - _RIGHT / _WIDTH,
        1 - 0.3 / height,
        f"{origin} DATA",
        fontsize=8.5,
        color=HUES["orange"],
        ha="right",
        va="center",
        bbox=tag,
    )
