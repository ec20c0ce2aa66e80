"""State is a fold over events: `State.apply` is all that anyone may know of a campaign.

The table `TRANSITIONS` is the state machine of runs and steps; everything else reads it.
"""

from bisect import insort
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from sys import intern
from typing import Any

from orchestrator.ledger.events import Ask, Event, Kind
from orchestrator.ledger.run import Attempt, Run, Step, join_origins

TRANSITIONS: Mapping[tuple[str, str], str] = {
    ("none", Kind.SUGGESTED): "suggested",
    ("suggested", Kind.RUN_STARTED): "running",
    ("running", Kind.RUN_WAITS): "running",
    ("running", Kind.RUN_FINISHED): "finished",
    ("finished", Kind.VERDICT_CHANGED): "finished",
    ("idle", Kind.STEP_STARTED): "performing",
    ("performing", Kind.TELEMETRY): "performing",
    ("performing", Kind.STEP_FINISHED): "done",
    ("performing", Kind.STEP_FAILED): "failed",
    ("performing", Kind.STEP_IN_DOUBT): "in doubt",
    ("in doubt", Kind.DOUBT_RESOLVED): "performing",
    ("in doubt", Kind.STEP_IN_DOUBT): "in doubt",
    ("in doubt", Kind.TELEMETRY): "in doubt",
    ("failed", Kind.STEP_STARTED): "performing",
}
"""(status, kind of event) -> next status, for runs (first five lines) and for steps."""


class TransitionError(ValueError):
    """An event that the state machine does not allow where it stands."""


@dataclass(repr=False)
class State:
    """Everything the ledger says, as of its last event.

    `who` brought the campaign to its present status, at lab time `since_s`; `requests` are what other processes have
    asked of it since it runs.

    What is asked at every instant is kept as events come, so that its price does not grow with the campaign: `finished`
    are the runs that are over, by number; `n_failed` of these came to nothing; `concluded` are the numbers of runs as
    they were told to be over, and once more at each verdict. `called_by` is the run and step whose failure called for a
    person, until the campaign has paused.

    Runs and maintenance share one sequence of numbers. `shown` is the last number that each instrument gave for each of
    its outputs, with its lab time; `maintained` is when each kind of maintenance was last done, by instrument and
    action; `lost` are the runs whose sample was lost and whose point was not repeated. `made` are the runs that made a
    sample, by its name; `brought` are names of samples that steps were told and none had made.
    """

    opened: Mapping[str, Any] | None = None
    runs: dict[int, Run] = field(default_factory=dict)
    maintenance: dict[int, Run] = field(default_factory=dict)
    unfinished: dict[int, Run] = field(default_factory=dict)
    finished: list[Run] = field(default_factory=list)
    n_failed: int = 0
    concluded: list[int] = field(default_factory=list)
    identities: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    shown: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    maintained: dict[tuple[str, str], float] = field(default_factory=dict)
    lost: list[int] = field(default_factory=list)
    made: dict[str, int] = field(default_factory=dict)
    brought: set[str] = field(default_factory=set)
    n_searches: int = 0
    instrument_states: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    status: str = "new"
    reason: str = ""
    exit_code: int = 0
    who: str = ""
    since_s: float = 0.0
    requests: list[Mapping[str, Any]] = field(default_factory=list)
    resumed_after_run: int = 0
    called_by: tuple[int, int] | None = None
    last_message: int = 0
    lab_s: float = 0.0
    n_events: int = 0
    head: str = ""

    def __repr__(self) -> str:
        """Return what fits into a line; the whole of it would fill a screen for each run."""
        return f"State({self.status}, {len(self.runs)} runs, {self.n_events} events, head {self.head[:12]})"

    def following(self, event: Event) -> str:
        """Return the status that an event leads to, of the run or the step it is about; "" if it is about neither.

        Raises:
            TransitionError: The state machine does not allow it here.
        """
        return _next(self, event) if event.kind in _TAKE else ""

    def apply(self, event: Event, following: str | None = None) -> None:
        """Take one event into account.

        Args:
            event: The event.
            following: What `following` has said of it, if it was asked already.

        Raises:
            TransitionError: The state machine does not allow it here.
        """
        status = self.following(event) if following is None else following
        self.n_events, self.head = event.seq, event.hash
        self.lab_s = max(self.lab_s, event.lab_s)
        self.last_message = max(self.last_message, event.body.get("message", 0))
        take = _TAKE.get(event.kind)
        if take is not None:
            take(self, event, status)

    def run(self, number: int | None) -> Run:
        """Return a run of any purpose.

        Raises:
            KeyError: There is none of that number.
        """
        found = self.runs.get(number or 0)
        return self.maintenance[number or 0] if found is None else found

    @property
    def all_runs(self) -> list[Run]:
        """Runs of every purpose, maintenance among them, by number."""
        return sorted([*self.runs.values(), *self.maintenance.values()], key=attrgetter("number"))

    @property
    def n_started(self) -> int:
        """How many runs were started, maintenance apart."""
        return len(self.runs) - sum(
            run.stage == "suggested" and not run.is_maintenance for run in self.unfinished.values()
        )

    @property
    def next_number(self) -> int:
        """The number of the next run, of whatever purpose."""
        return len(self.runs) + len(self.maintenance) + 1

    @property
    def open_runs(self) -> list[Run]:
        """Runs that were started and are not over, by number."""
        return [run for run in self.unfinished.values() if run.is_open]

    @property
    def under_way(self) -> list[tuple[Run, Step]]:
        """Steps whose outcome is still to come, or in doubt, each with its run."""
        return [(run, step) for run in self.open_runs for step in run.steps[-1:] if step.is_under_way]

    @property
    def unstarted(self) -> Run | None:
        """A suggestion whose run has not been started, to be used again."""
        return next((run for run in self.unfinished.values() if run.stage == "suggested"), None)

    @property
    def is_asked_to_end_soon(self) -> bool:
        """Whether `pause`, or a second `stop`, asks it to end after the steps under way and not after the runs."""
        asks = [request["ask"] for request in self.requests]
        return Ask.PAUSE in asks or asks.count(Ask.STOP) > 1

    @property
    def origin(self) -> str:
        """Where the campaign's readings come from."""
        return join_origins(str(i["origin"]) for i in self.identities.values())


def _next(state: State, event: Event) -> str:
    """Return the status that the event leads to, of the run or the step it is about."""
    status = _status(state, event)
    if status is None:
        return ""
    following = TRANSITIONS.get((status, event.kind))
    if following is None:
        message = f"event {event.seq}: {event.kind} of run {event.run} step {event.step} while {status!r}"
        raise TransitionError(message)
    return following


def _status(state: State, event: Event) -> str | None:
    """Return the present status of what the event is about; None for events about neither run nor step."""
    if event.kind in _CAMPAIGN_KINDS:
        return None
    run = state.runs.get(event.run or 0) or state.maintenance.get(event.run or 0)
    if event.kind == Kind.SUGGESTED:
        return "none" if run is None else run.stage
    if run is None:
        message = f"event {event.seq}: {event.kind} of run {event.run}, which was never suggested"
        raise TransitionError(message)
    if event.kind in (Kind.RUN_STARTED, Kind.RUN_WAITS, Kind.RUN_FINISHED, Kind.VERDICT_CHANGED):
        return run.stage
    number = event.step or 0
    if event.kind == Kind.STEP_STARTED and run.is_open and number == len(run.steps) + 1:
        return "idle"
    if not 1 <= number <= len(run.steps):
        message = f"event {event.seq}: {event.kind} of run {event.run} step {event.step}, which was never started"
        raise TransitionError(message)
    return run.steps[number - 1].status


def _opened(state: State, event: Event, _: str) -> None:
    state.opened, state.status, state.since_s = event.body, "running", event.lab_s


def _configuration_changed(state: State, event: Event, _: str) -> None:
    state.opened = {**(state.opened or {}), "configuration": event.body["configuration"]}
    if state.status != "running":
        state.status, state.since_s = "running", event.lab_s


def _connected(state: State, event: Event, _: str) -> None:
    state.identities[event.body["instrument"]] = event.body
    if event.body.get("state"):
        state.instrument_states.append((event.body["instrument"], event.body["state"]))


def _suggested(state: State, event: Event, _: str) -> None:
    number, body = event.run or 0, event.body
    run = Run(number, body["point"], body["why"], suggested_s=event.lab_s)
    run.purpose, run.units = body.get("purpose", run.purpose), body.get("units", run.units)
    run.concerns = body.get("concerns", run.concerns)
    state.n_searches += run.purpose == "search"
    if run.purpose == "repeat":
        state.lost.remove(run.concerns["run"])
    (state.maintenance if run.purpose == "maintenance" else state.runs)[number] = run
    state.unfinished[number] = run


def _run_started(state: State, event: Event, status: str) -> None:
    run = state.run(event.run)
    run.stage, run.start_s = status, event.lab_s


def _run_waits(state: State, event: Event, _: str) -> None:
    state.run(event.run).waits = event.body


def _run_finished(state: State, event: Event, status: str) -> None:
    run = state.run(event.run)
    run.stage, run.end_s, body = status, event.lab_s, event.body
    run.finished, run.details = body, body.get("details", {})
    del state.unfinished[run.number]
    if not run.is_maintenance:
        insort(state.finished, run, key=attrgetter("number"))
    _conclude(state, run, body)
    if run.failure == "sample":
        state.lost.append(run.number)
    if run.is_maintenance and run.status != "maintained" and state.called_by is None:
        state.called_by = (run.number, len(run.steps))
    if run.status == "maintained":
        state.maintained[run.concerns["instrument"], run.concerns["action"]] = event.lab_s


def _conclude(state: State, run: Run, body: Mapping[str, Any]) -> None:
    if not run.is_maintenance:
        state.n_failed += (body["status"] != "measured") - (run.status not in (None, "measured"))
        state.concluded.append(run.number)
    run.status, run.value, run.sd = body["status"], body.get("value"), body.get("sd")
    run.failure, run.reason = body.get("failure"), body.get("reason", "")


def _step_started(state: State, event: Event, status: str) -> None:
    run, body = state.run(event.run), event.body
    run.waits = None
    if event.step == len(run.steps) + 1:
        instrument, action, origin = intern(body["instrument"]), intern(body["action"]), intern(event.origin)
        role, expected_s = intern(body.get("role", instrument)), body.get("expected_s")
        run.steps.append(Step(event.step, instrument, action, body["settings"], origin, role, expected_s))
    step = _step(state, event)
    step.status = status
    load = tuple(body.get("load", ()))
    step.attempts.append(Attempt(body["id"], len(step.attempts) + 1, event.lab_s, load=load))
    if step.told is not None and step.told not in state.made:
        state.brought.add(step.told)


def _step(state: State, event: Event) -> Step:
    return state.run(event.run).steps[(event.step or 0) - 1]


def _step_in_doubt(state: State, event: Event, status: str) -> None:
    step = _step(state, event)
    step.status, step.last.doubt, step.last.settled = status, event.body.get("reason", ""), ""


def _doubt_resolved(state: State, event: Event, status: str) -> None:
    step, note = _step(state, event), event.body.get("note", "")
    step.status, step.last.settled = status, f"{event.body.get('how', '')}{note and f': {note}'}"


def _telemetry(state: State, event: Event, status: str) -> None:
    step = _step(state, event)
    step.status = status
    step.last.n_phases += 1
    step.last.phase = {**event.body, "end_s": event.lab_s}


def _step_over(state: State, event: Event, status: str) -> None:
    step, body = _step(state, event), event.body
    step.status, attempt = status, step.last
    attempt.phase = None
    attempt.end_s, attempt.reading = event.lab_s, body.get("reading")
    attempt.failure, attempt.reason = body.get("failure"), body.get("reason", "")
    attempt.moved, attempt.decision = body.get("moved"), body.get("decision")
    attempt.not_before_s = body.get("not_before_s", event.lab_s)
    if body.get("state"):
        state.instrument_states.append((step.instrument, body["state"]))
    if step.made is not None and event.run in state.runs:
        state.made[step.made] = event.run
    if event.kind == Kind.STEP_FINISHED:
        _show(state, step.instrument, event)
    if body.get("pause") and state.called_by is None:
        state.called_by = (event.run or 0, step.number)


def _show(state: State, instrument: str, event: Event) -> None:
    """Keep the last number that an instrument gave for each of its outputs."""
    shown, body = state.shown.setdefault(instrument, {}), event.body
    for name, value in ((body.get("reading") or {}).get("values") or {}).items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            shown[name] = (float(value), event.lab_s)


def _verdict_changed(state: State, event: Event, _: str) -> None:
    """Let a person's word stand instead of what the run came to; `valid` brings that back."""
    run, verdict = state.run(event.run), event.body["verdict"]
    run.verdict = verdict
    if verdict == "valid":
        _conclude(state, run, run.finished)
    else:
        failure = "operator" if verdict == "invalid" else verdict
        _conclude(state, run, {"status": "failed", "failure": failure, "reason": event.body.get("note", "")})


def _requested(state: State, event: Event, _: str) -> None:
    """Keep what was asked of a campaign that runs; one that does not has nothing to follow."""
    if state.status == "running":
        state.requests.append(event.body)


def _rest(state: State, status: str, event: Event) -> None:
    state.status, state.reason = status, event.body["reason"]
    state.who, state.since_s, state.requests = event.body.get("who", ""), event.lab_s, []


def _paused(state: State, event: Event, _: str) -> None:
    _rest(state, "paused", event)
    state.called_by = None


def _resumed(state: State, event: Event, _: str) -> None:
    state.status, state.reason = "running", ""
    state.resumed_after_run = state.finished[-1].number if state.finished else 0
    state.who, state.since_s = event.body.get("who", ""), event.lab_s


def _closed(state: State, event: Event, _: str) -> None:
    _rest(state, "closed", event)
    state.exit_code = event.body.get("exit_code", 0)


_CAMPAIGN_KINDS = frozenset(
    {
        Kind.CAMPAIGN_OPENED,
        Kind.CONFIGURATION_CHANGED,
        Kind.INSTRUMENT_CONNECTED,
        Kind.REQUESTED,
        Kind.PAUSED,
        Kind.RESUMED,
        Kind.CAMPAIGN_CLOSED,
    }
)

_TAKE: Mapping[str, Callable[[State, Event, str], None]] = {
    Kind.CAMPAIGN_OPENED: _opened,
    Kind.CONFIGURATION_CHANGED: _configuration_changed,
    Kind.INSTRUMENT_CONNECTED: _connected,
    Kind.SUGGESTED: _suggested,
    Kind.RUN_STARTED: _run_started,
    Kind.RUN_WAITS: _run_waits,
    Kind.RUN_FINISHED: _run_finished,
    Kind.STEP_STARTED: _step_started,
    Kind.TELEMETRY: _telemetry,
    Kind.STEP_FINISHED: _step_over,
    Kind.STEP_FAILED: _step_over,
    Kind.STEP_IN_DOUBT: _step_in_doubt,
    Kind.DOUBT_RESOLVED: _doubt_resolved,
    Kind.VERDICT_CHANGED: _verdict_changed,
    Kind.REQUESTED: _requested,
    Kind.PAUSED: _paused,
    Kind.RESUMED: _resumed,
    Kind.CAMPAIGN_CLOSED: _closed,
}
