"""What another run was expected to gain, suggestion by suggestion: whether it is time to stop."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from orchestrator.ledger import Run
from orchestrator.report.drawing import HUES, WIDE, blank, label, logarithmic
from orchestrator.report.material import Material, with_bracket

_LEAST = 1e-6  # of the largest gain: what is below is nothing, and would stretch the axis


def gaining(material: Material) -> list[Run]:
    """Return the runs whose suggestion said what it was expected to gain."""
    return [run for run in material.runs if run.why.get("expected_gain") is not None]


def expected_gains(material: Material, least: float | None) -> Figure:
    """Draw the expected gain of each suggestion, and the gain below which the campaign stops if there is such a rule.

    Args:
        material: The campaign.
        least: `stop.expected_gain` of the configuration.
    """
    figure, ax = blank(WIDE)
    runs = gaining(material)
    gains = [float(run.why["expected_gain"]) for run in runs]
    floor = _LEAST * max(*gains, least or 0.0)
    ax.semilogy(
        [run.number for run in runs], [max(gain, floor) for gain in gains], color=HUES["accent"], marker="o", ms=4
    )
    if least is not None:
        ax.axhline(least, color=HUES["red"], linestyle=(0, (4, 3)), linewidth=1)
    ax.set_xlim(0.3, max(run.number for run in material.runs) + 0.7)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=20))
    logarithmic(ax.yaxis)
    ax.yaxis.grid(visible=True)
    label(ax, "run", with_bracket("expected gain", material.objective.unit))
    return figure
