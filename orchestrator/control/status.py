"""What a campaign is doing right now, read from its ledger alone; nothing is written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from orchestrator.display.summary import lines, summary
from orchestrator.display.wording import asked, clean, lasting, plural
from orchestrator.ledger import Run, State, Step

_DAY_S = 86400.0


@dataclass(frozen=True)
class Calendar:
    """The dates of lab times.

    Args:
        epoch: The moment of lab time zero.
        now_s: Lab time now; that of the last event where lab time is not that on the wall.
        is_real: Whether lab time is that on the wall.
    """

    epoch: datetime
    now_s: float
    is_real: bool

    @classmethod
    def of(cls, state: State, now: datetime) -> "Calendar":
        """Return the calendar of a campaign.

        Args:
            state: The campaign.
            now: The moment on the wall.
        """
        opened = state.opened or {}
        epoch, laboratory = datetime.fromisoformat(opened["epoch"]), opened["configuration"]["laboratory"]
        is_real = laboratory["clock"] == "wall" and laboratory.get("rate", 1) == 1
        return cls(epoch, max(state.lab_s, (now - epoch).total_seconds()) if is_real else state.lab_s, is_real)

    def date(self, lab_s: float) -> str:
        """Return a lab time as a date of this computer's time zone."""
        return (self.epoch + timedelta(seconds=lab_s)).astimezone().strftime("%Y-%m-%d %H:%M")

    def since(self, lab_s: float) -> str:
        """Return a lab time that is past, with how long ago it was if that is known on the wall."""
        if not self.is_real:
            return self.date(lab_s)
        return f"{self.date(lab_s)} ({lasting(max(0.0, self.now_s - lab_s) / _DAY_S)} ago)"


def status_lines(state: State, holder: str, now: datetime) -> list[tuple[str, str]]:
    """Return pairs of a label and a line; a label is "" where the line before it goes on.

    Args:
        state: The campaign.
        holder: Who writes its ledger, in words; empty for nobody.
        now: The moment on the wall.
    """
    calendar, facts = Calendar.of(state, now), summary(state)
    budget = (state.opened or {})["configuration"]["budget"]["runs"]
    shown = [pair for pair in lines(facts) if pair[0] != facts.status]
    label, texts = "now", list(under_way(state, calendar))
    return [
        ("campaign", f"{facts.campaign}, {facts.origin} data"),
        ("state", _standing(state, holder, calendar)),
        *((("asked", asked(state.requests[-1], is_soon=state.is_asked_to_end_soon)),) if state.requests else ()),
        *((label if i == 0 else "", text) for i, text in enumerate(texts)),
        ("budget", f"{len(state.finished)} of {plural(budget, 'run')} done"),
        *shown,
        ("last event", calendar.since(state.lab_s)),
    ]


def _standing(state: State, holder: str, calendar: Calendar) -> str:
    if state.status == "running":
        if holder:
            return f"running: {clean(holder)} writes its ledger"
        return "not running: nobody writes its ledger, and it neither paused nor closed; run-campaign CONFIG goes on"
    by = f" by {clean(state.who)}" if state.who else ""
    ending = f"; {clean(holder)} has not let the ledger go yet" if holder else ""
    return f"{state.status} since {calendar.since(state.since_s)}{by}: {clean(state.reason)}{ending}"


def under_way(state: State, calendar: Calendar) -> Iterator[str]:
    """Yield in words what each open run is at: the step, since when, and when it is expected to end."""
    usual = _usual_s(state)
    for run in state.open_runs:
        step = run.steps[-1] if run.steps else None
        if step is None or not step.is_under_way:
            yield _resting(run, calendar) or f"run {run.number} is between two steps{_backing_off(run, calendar)}"
            continue
        expected_s = usual.get((step.instrument, step.action), step.expected_s)
        yield f"step {_told(step, calendar)}{_end(step, expected_s, calendar)}"


def _told(step: Step, calendar: Calendar) -> str:
    attempt, doubt = step.last, ", in doubt" if step.status == "in doubt" else ""
    told = f"{attempt.id} {clean(step.instrument)}.{clean(step.action)}{doubt} since {calendar.since(attempt.start_s)}"
    phase = attempt.phase
    if phase is None:
        return told
    return f"{told}; latest phase {clean(phase['phase'], 40)}, told {calendar.date(phase['end_s'])}"


def _end(step: Step, expected_s: float | None, calendar: Calendar) -> str:
    if expected_s is None:
        return ""
    end_s = step.last.start_s + expected_s
    left = end_s - calendar.now_s
    when = f"in {lasting(left / _DAY_S)}" if left > 0 else f"{lasting(-left / _DAY_S)} ago, it takes longer than usual"
    return f"; expected to end about {calendar.date(end_s)} ({when})"


def _resting(run: Run, calendar: Calendar) -> str:
    if run.waits is None:
        return ""
    step, until = f"{run.waits['instrument']}.{run.waits['action']}", calendar.date(run.waits["until_s"])
    return f"run {run.number} waits until {until} to begin {clean(step)}: {clean(run.waits['reason'])}"


def _backing_off(run: Run, calendar: Calendar) -> str:
    step = run.steps[-1] if run.steps else None
    if step is None or step.is_over or step.last.not_before_s <= calendar.now_s:
        return ""
    return f": {clean(step.instrument)}.{clean(step.action)} again at {calendar.date(step.last.not_before_s)}"


def _usual_s(state: State) -> Mapping[tuple[str, str], float]:
    """Return how long each action has usually taken on each instrument: the median of the attempts that succeeded."""
    taken: dict[tuple[str, str], list[float]] = {}
    for run in state.runs.values():
        for step in run.steps:
            if step.status == "done" and step.last.end_s is not None:
                key = (step.instrument, step.action)
                taken.setdefault(key, []).append(step.last.end_s - step.last.start_s)
    return {key: median(lengths) for key, lengths in taken.items()}
