"""How a model's predictions follow the measured rows: against them, and in their order."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from orchestrator.report.drawing import HUES, Mark, blank, label
from orchestrator.report.material import with_bracket
from orchestrator.screening.result import ModelResult, Screening

SEEN = Mark("o", "○", "muted")
UNSEEN = Mark("o", "●", "accent")
MEASURED = Mark("", "━", "ink")

_SQUARE = (3.9, 3.4)
_FLAT = (3.9, 2.5)
_EDGE = 0.06  # of the range, free at either end
_CROWD = 120  # rows from which points are drawn small


def limits(screening: Screening) -> tuple[float, float]:
    """Return the range that holds every measured and predicted value, the same for all models."""
    values = [screening.target.values]
    values += [found.mean for model in screening.models for found in (model.in_sample, model.out_of_fold)]
    low, high = float(min(v.min() for v in values)), float(max(v.max() for v in values))
    edge = _EDGE * (high - low) or 0.5
    return low - edge, high + edge


def parity(screening: Screening, model: ModelResult, ends: tuple[float, float]) -> Figure:
    """Draw predictions over measured values, of rows that were seen and of rows that were not."""
    figure, ax = blank(_SQUARE)
    values, size = screening.target.values, _size(screening)
    ax.axline((ends[0], ends[0]), slope=1, color=HUES["muted"], linestyle=(0, (4, 3)), linewidth=1, zorder=1)
    unseen = model.out_of_fold
    ax.errorbar(values, unseen.mean, yerr=unseen.sd, fmt="none", ecolor=HUES["soft"], elinewidth=0.9, zorder=2)
    ax.scatter(
        values, model.in_sample.mean, s=size, facecolor="none", edgecolor=HUES[SEEN.hue], linewidth=0.9, zorder=3
    )
    ax.scatter(values, unseen.mean, s=size, color=HUES[UNSEEN.hue], zorder=4)
    ax.set_xlim(*ends)
    ax.set_ylim(*ends)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    ax.grid(visible=True)
    name = with_bracket(screening.objective.name, screening.objective.unit)
    label(ax, f"measured {name}", "predicted")
    return figure


def sequence(screening: Screening, model: ModelResult, ends: tuple[float, float]) -> Figure:
    """Draw measured and predicted values by the number of the row."""
    figure, ax = blank(_FLAT)
    numbers, size = np.arange(1, len(screening.target) + 1), _size(screening)
    ax.plot(numbers, screening.target.values, color=HUES[MEASURED.hue], linewidth=1, zorder=2)
    unseen = model.out_of_fold
    ax.errorbar(numbers, unseen.mean, yerr=unseen.sd, fmt="none", ecolor=HUES["soft"], elinewidth=0.9, zorder=2)
    ax.scatter(
        numbers, model.in_sample.mean, s=size, facecolor="none", edgecolor=HUES[SEEN.hue], linewidth=0.9, zorder=3
    )
    ax.scatter(numbers, unseen.mean, s=size, color=HUES[UNSEEN.hue], zorder=4)
    ax.set_ylim(*ends)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.grid(visible=True)
    label(ax, "row", with_bracket(screening.objective.name, screening.objective.unit))
    return figure


def _size(screening: Screening) -> float:
    return 22 if len(screening.target) < _CROWD else 6
