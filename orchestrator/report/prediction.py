"""What was predicted before each run against what was measured, and how much the source was trusted."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from orchestrator.display.wording import clean, number, plural
from orchestrator.ledger import Run
from orchestrator.report.drawing import BEST, HALF, HUES, MEASURED, blank, label
from orchestrator.report.material import Material

Z_80 = 1.2816
"""Standard deviations either side of the mean that hold 80 % of a normal distribution."""


def predicted_runs(material: Material) -> list[Run]:
    """Return the measured runs that were predicted, their values as the planner learnt them: drift taken out."""
    learnt = zip(material.state.finished, material.observed, strict=True)
    return [
        replace(run, value=seen.value, sd=seen.sd)
        for run, seen in learnt
        if seen.value is not None and run.why.get("mean") is not None
    ]


def prediction(material: Material) -> Figure:
    """Draw measured values over predicted ones, each with its sd, and the line where both agree."""
    runs = predicted_runs(material)
    figure, ax = blank(HALF)
    means, sds = [run.why["mean"] for run in runs], [run.why.get("sd") or 0.0 for run in runs]
    values, errors = [run.value or 0.0 for run in runs], [run.sd or 0.0 for run in runs]
    ax.errorbar(means, values, xerr=sds, yerr=errors, fmt="none", ecolor=HUES["soft"], elinewidth=1, zorder=2)
    ax.scatter(means, values, s=24, marker=MEASURED.marker, color=HUES[MEASURED.hue], zorder=3)
    for best in (run for run in runs if run.number == getattr(material.summary.best, "number", None)):
        ax.scatter([best.why["mean"]], [best.value or 0.0], s=150, marker=BEST.marker, color=HUES[BEST.hue], zorder=4)
    ends = [min(*means, *values), max(*means, *values)]
    ax.axline((ends[0], ends[0]), slope=1, color=HUES["muted"], linestyle=(0, (4, 3)), linewidth=1, zorder=1)
    label(ax, f"predicted {material.value_axis}", f"measured {material.value_axis}")
    ax.grid(visible=True)
    return figure


def coverage(material: Material) -> str:
    """Return in words how often the 80 % interval of the prediction held the measured value."""
    runs = [run for run in predicted_runs(material) if run.why.get("sd")]
    n_held = sum(_is_within(run) for run in runs)
    return (
        f"The 80 % interval of the prediction, with the measurement's own sd, held {n_held} of "
        f"{plural(len(runs), 'measured value')}."
    )


def _is_within(run: Run) -> bool:
    away = abs((run.value or 0.0) - run.why["mean"])
    return bool(away <= Z_80 * math.hypot(run.why["sd"], run.sd or 0.0))


def weighted_runs(material: Material) -> list[Run]:
    """Return the runs for which the planner decided how much to trust the source."""
    if material.summary.source is None:
        return []
    return [run for run in material.runs if run.why.get("source_weight") is not None]


def source_weight(material: Material) -> Figure:
    """Draw the weight that the source was given at each suggestion, from none to full."""
    runs = weighted_runs(material)
    figure, ax = blank(HALF)
    numbers, weights = [run.number for run in runs], [run.why["source_weight"] for run in runs]
    ax.step(numbers, weights, where="mid", color=HUES["soft"], linewidth=1.4)
    ax.scatter(numbers, weights, s=22, color=HUES["accent"], zorder=3)
    ax.set_ylim(-0.05, 1.05)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.grid(visible=True)
    label(ax, "run suggested", "source weight")
    return figure


@dataclass(frozen=True)
class Evidence:
    """Why the source has the weight it has.

    Args:
        rule: The rule that chose the last weight, "" where none is known.
        columns: What the table of the evidence shows.
        rows: Its rows.
        told: What the numbers are, in a word.
    """

    rule: str
    columns: tuple[str, str]
    rows: list[tuple[str, str]]
    told: str


def evidence(material: Material) -> Evidence:
    """Return the evidence of the last suggestion: left-out errors by weight, or how many members use the source how."""
    runs = weighted_runs(material)
    found: Mapping[str, Any] = runs[-1].why.get("source_evidence") or {} if runs else {}
    rule, ways = clean(found.get("rule", "")), found.get("ways")
    if ways:
        rows = [(clean(way), number(share, 3)) for way, share in ways.items()]
        return Evidence(rule, ("way of the source", "share of the members"), rows, "shares")
    errors = [
        (clean(weight), number(error, 3)) for weight, error in (found.get("error") or {}).items() if error is not None
    ]
    return Evidence(rule, ("source weight", "left-out error"), errors, "errors")
