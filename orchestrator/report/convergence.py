"""The value of each run in order, and the best so far."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from orchestrator.objective import Objective
from orchestrator.report.drawing import BEST, HUES, MEASURED, WIDE, blank, label, mark_of
from orchestrator.report.material import Material


def convergence(material: Material) -> Figure:
    """Draw values with sd by run number, the best so far, the best initial row, and failures along the bottom."""
    figure, ax = blank(WIDE)
    runs = material.measured
    if runs:
        numbers, values = [run.number for run in runs], [run.value or 0.0 for run in runs]
        sds = [run.sd or 0.0 for run in runs]
        _step(ax, material)
        ax.errorbar(numbers, values, yerr=sds, fmt="none", ecolor=HUES["soft"], elinewidth=1.2, zorder=3)
        ax.scatter(numbers, values, s=24, marker=MEASURED.marker, color=HUES[MEASURED.hue], zorder=4)
    _best(ax, material)
    _initial(ax, material)
    _failures(ax, material)
    ax.set_xlim(0.3, max([run.number for run in material.runs], default=1) + 0.7)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=20))
    ax.yaxis.grid(visible=True)
    label(ax, "run", material.value_axis)
    return figure


def _step(ax: Axes, material: Material) -> None:
    """Draw the best so far, of the runs that keep the limits of further objectives."""
    runs = [run for run in material.measured if material.merit.counts(run)]
    if runs:
        best = _so_far([run.value or 0.0 for run in runs], material.objective)
        numbers, end = [run.number for run in runs], max(run.number for run in material.runs)
        ax.step([*numbers, end], [*best, best[-1]], where="post", color=HUES["best"], linewidth=1.6, zorder=2)


def _so_far(values: Sequence[float], objective: Objective) -> list[float]:
    best: list[float] = []
    for value in values:
        best.append(value if not best or objective.better(value, best[-1]) else best[-1])
    return best


def _best(ax: Axes, material: Material) -> None:
    run = material.summary.best
    if run is not None and run.value is not None:
        ax.scatter([run.number], [run.value], s=150, marker=BEST.marker, color=HUES[BEST.hue], zorder=5)


def _initial(ax: Axes, material: Material) -> None:
    initial = material.summary.initial
    if initial is not None and initial.best is not None:
        ax.axhline(initial.best, color=HUES["muted"], linestyle=(0, (4, 3)), linewidth=1)


def _failures(ax: Axes, material: Material) -> None:
    if not material.failed:
        return
    low, high = ax.get_ylim()
    ax.set_yticks([tick for tick in ax.get_yticks() if low <= tick <= high])  # none beside the failures
    ax.set_ylim(low - 0.14 * (high - low), high)
    for run in material.failed:
        mark = mark_of(run.failure)
        place = ax.get_xaxis_transform()
        ax.scatter([run.number], [0.05], transform=place, marker=mark.marker, s=34, color=HUES[mark.hue], zorder=4)
