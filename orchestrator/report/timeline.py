"""Who was busy when: the laboratory's steps in lab days, one lane for each instrument."""

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from orchestrator.ledger import Attempt, Run, Step
from orchestrator.report.drawing import BEST, HUES, WIDE, blank
from orchestrator.report.material import Material
from orchestrator.wording import clean

_DAY_S = 86400.0
_SHORTEST = 1e-6  # days
_LANE_IN = 0.62
_NARROWEST = 0.0018  # share of the axis at which a bar can still be seen
_ROOM_FOR_A_NUMBER = 0.016  # share of the axis that a run's number needs


def timeline(material: Material) -> Figure:
    """Draw a bar for each attempt at each step, a cross where it failed, and the best run in its own colour."""
    lanes = list(material.state.identities)
    figure, ax = blank((WIDE[0], 0.7 + _LANE_IN * max(len(lanes), 1)), left=1.3)
    end = max(material.summary.lab_days, _SHORTEST)
    for run, step, attempt in _attempts(material.runs):
        if step.instrument in lanes:
            _bar(ax, material, run, attempt, lane=lanes.index(step.instrument))
    ax.set_xlim(0, end * 1.005)
    ax.set_ylim(len(lanes) - 0.4, -0.6)
    ax.set_yticks(
        range(len(lanes)), [f"{clean(lane, 18)}\n{share:.0%} busy" for lane, share in _shares(material, lanes)]
    )
    ax.tick_params(axis="y", length=0, labelcolor=HUES["ink"])
    ax.spines["left"].set_visible(False)
    ax.xaxis.grid(visible=True)
    ax.set_xlabel("lab days")
    return figure


def has_failures(material: Material) -> bool:
    """Whether any attempt failed, also one that was repeated with success."""
    return any(attempt.failure for _, _, attempt in _attempts(material.runs))


def _attempts(runs: Iterable[Run]) -> list[tuple[Run, Step, Attempt]]:
    return [(run, step, attempt) for run in runs for step in run.steps for attempt in step.attempts]


def _shares(material: Material, lanes: list[str]) -> list[tuple[str, float]]:
    """Return the share of the campaign's time that each instrument was busy."""
    end_s = material.state.lab_s
    busy_s = dict.fromkeys(lanes, 0.0)
    for _, step, attempt in _attempts(material.runs):
        if step.instrument in busy_s:
            busy_s[step.instrument] += (end_s if attempt.end_s is None else attempt.end_s) - attempt.start_s
    return [(lane, busy_s[lane] / end_s if end_s else 0.0) for lane in lanes]


def _bar(ax: Axes, material: Material, run: Run, attempt: Attempt, *, lane: int) -> None:
    end = max(material.summary.lab_days, _SHORTEST)
    start = attempt.start_s / _DAY_S
    stop = (material.state.lab_s if attempt.end_s is None else attempt.end_s) / _DAY_S
    width = max(stop - start, _NARROWEST * end)
    best = material.summary.best
    hue = BEST.hue if best is not None and run.number == best.number else ("soft", "accent")[run.number % 2]
    hue = "red" if attempt.failure else hue
    ax.barh(lane, width, left=start, height=0.52, color=HUES[hue], edgecolor=HUES["paper"], linewidth=0.4)
    if attempt.failure:
        ax.scatter([start + width], [lane - 0.36], marker="x", s=14, color=HUES["red"], linewidth=1.1, clip_on=False)
    if width > _ROOM_FOR_A_NUMBER * end:
        ink = HUES["ink"] if hue == "soft" else HUES["paper"]
        ax.text(start + width / 2, lane, str(run.number), ha="center", va="center", fontsize=7.5, color=ink)
