"""The reference point, again and again: how each instrument drifted, and what the planner was told of it."""

import math

from matplotlib.figure import Figure

from orchestrator.display.wording import clean, number, plural
from orchestrator.engine import Drift, Trend
from orchestrator.report.drawing import HUES, MEASURED, WIDE, blank, label
from orchestrator.report.material import Material

SERIES = ("accent", "orange", "violet", "teal", "rose")
"""Hues of the instruments, in the order of the configuration."""


def references(material: Material, drift: Drift) -> Figure:
    """Draw what each instrument measured at the reference point over lab days, with the level that was found."""
    figure, ax = blank(WIDE)
    for (name, trend), hue in zip(drift.trends.items(), _hues(drift), strict=True):
        ax.plot(trend.days, trend.values, linestyle="", marker=MEASURED.marker, ms=5, color=HUES[hue], zorder=3)
        ends = [0.0, max(*trend.days, material.summary.lab_days)]
        levels = [_level(drift, trend, day) for day in ends]
        ax.plot(ends, levels, color=HUES[hue], linewidth=1.4, zorder=2)
        ax.annotate(
            clean(name, 18),
            (ends[1], levels[1]),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=HUES[hue],
            fontsize=8.5,
        )
    ax.margins(x=0.06, y=0.25)
    ax.yaxis.grid(visible=True)
    label(ax, "lab days", material.value_axis)
    return figure


def words(drift: Drift) -> str:
    """Return in words what the references show, and what was done about it."""
    if not drift.trends:
        return "No instrument has three references yet, so nothing is said about drift."
    told = "; ".join(_of_one(drift, name, trend) for name, trend in drift.trends.items())
    if drift.is_none:
        return f"{told}. So nothing was corrected."
    first = clean(next(iter(drift.trends)), 18)
    return (
        f"{told}. Before the planner learns from a run it takes this out, so that every value counts as {first} "
        "would have measured it on the first day; tables and figures show what was measured."
    )


def _of_one(drift: Drift, name: str, trend: Trend) -> str:
    n = plural(len(trend.values), "reference")
    change, apart = _amount(drift, trend.per_day), _amount(drift, drift.offsets[name])
    slope = f"{change} a day (p {trend.p_value:.2g})" if trend.per_day else "no trend that is not chance"
    offset = f", {apart} against the first" if drift.offsets[name] else ""
    return f"{clean(name, 18) or 'the laboratory'}: {n}, {slope}{offset}"


def _amount(drift: Drift, shift: float) -> str:
    return f"{100 * math.expm1(shift):+.2g} %" if drift.is_relative else number(shift)


def _level(drift: Drift, trend: Trend, day: float) -> float:
    level = trend.at(day)
    return math.exp(level) if drift.is_relative else level


def _hues(drift: Drift) -> list[str]:
    return [SERIES[i % len(SERIES)] for i in range(len(drift.trends))]
