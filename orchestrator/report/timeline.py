"""Who was busy when: the laboratory's steps in lab days, one lane for each instrument."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from orchestrator.display.wording import clean
from orchestrator.ledger import Attempt, Run, Step
from orchestrator.report.drawing import BEST, HUES, WIDE, blank, label
from orchestrator.report.material import Material

FAILED = "red"
_DAY_S = 86400.0
_SHORTEST = 1e-6  # days
_LANE_IN = 0.62
_NARROWEST = 0.0018  # share of the axis at which a bar can still be seen
_ROOM_FOR_A_NUMBER = 0.016  # share of the axis that a run's number needs


@dataclass(frozen=True)
class _Bar:
    """One attempt at one step, in lab days."""

    lane: int
    hue: str
    start: float
    width: float
    run: int


def timeline(material: Material) -> Figure:
    """Draw a bar for each attempt at each step, a cross where it failed, and the best run in its own colour."""
    lanes = list(material.state.identities)
    figure, ax = blank((WIDE[0], 0.7 + _LANE_IN * max(len(lanes), 1)), left=1.3)
    end = max(material.summary.lab_days, _SHORTEST)
    attempts = [a for a in _attempts(material.runs) if a[1].instrument in lanes]
    bars = [_bar(material, run, lanes.index(step.instrument), attempt) for run, step, attempt in attempts]
    _draw(ax, bars, end)
    ax.set_xlim(0, end * 1.005)
    ax.set_ylim(len(lanes) - 0.4, -0.6)
    labels = [f"{clean(lane, 18)}\n{share:.0%} busy" for lane, share in _shares(material, lanes)]
    ax.set_yticks(range(len(lanes)), labels)
    ax.tick_params(axis="y", length=0, labelcolor=HUES["ink"])
    ax.spines["left"].set_visible(False)
    ax.xaxis.grid(visible=True)
    label(ax, "lab days", "")
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


def _bar(material: Material, run: Run, lane: int, attempt: Attempt) -> _Bar:
    start = attempt.start_s / _DAY_S
    stop = (material.state.lab_s if attempt.end_s is None else attempt.end_s) / _DAY_S
    best = material.summary.best
    hue = BEST.hue if best is not None and run.number == best.number else ("soft", "accent")[run.number % 2]
    width = max(stop - start, _NARROWEST * material.summary.lab_days)
    return _Bar(lane, FAILED if attempt.failure else hue, start, width, run.number)


def _draw(ax: Axes, bars: Sequence[_Bar], end: float) -> None:
    for lane, hue in sorted({(bar.lane, bar.hue) for bar in bars}):
        spans = [(bar.start, bar.width) for bar in bars if (bar.lane, bar.hue) == (lane, hue)]
        ax.broken_barh(spans, (lane - 0.26, 0.52), color=HUES[hue], edgecolor=HUES["paper"], linewidth=0.4)
    failed = [bar for bar in bars if bar.hue == FAILED]
    xs, ys = [bar.start + bar.width for bar in failed], [bar.lane - 0.36 for bar in failed]
    ax.scatter(xs, ys, marker="x", s=14, color=HUES[FAILED], linewidth=1.1, clip_on=False)
    for bar in bars:
        if bar.width > _ROOM_FOR_A_NUMBER * end:
            ink = HUES["ink"] if bar.hue == "soft" else HUES["paper"]
            place = bar.start + bar.width / 2, bar.lane
            ax.text(*place, str(bar.run), ha="center", va="center", fontsize=7.5, color=ink)
