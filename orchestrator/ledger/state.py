"""State is a fold over events: `State.apply` is all that anyone may know of a campaign.

The table `TRANSITIONS` is the state machine of runs and steps; everything else reads it.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from orchestrator.ledger.events import Ask, Event, Kind

TRANSITIONS: Mapping[tuple[str, str], str] = {
    ("none", Kind.SUGGESTED): "suggested",
    ("suggested", Kind.RUN_STARTED): "running",
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
"""(status, kind of event) -> next status, for runs (first four lines) and for steps."""


class TransitionError(ValueError):
    """An event that the state machine does not allow where it stands."""


@dataclass
class Attempt:
    """One attempt at a step; its id is `run.step.attempt`."""

    id: str
    number: int
    start_s: float
    end_s: float | None = None
    reading: Mapping[str, Any] | None = None
    failure: str | None = None
    reason: str = ""
    moved: str | None = None
    decision: str | None = None
    not_before_s: float = 0.0
    phases: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass
class Step:
    """One command on one instrument inside a run."""

    number: int
    instrument: str
    action: str
    settings: Mapping[str, Any]
    origin: str
    role: str = ""
    expected_s: float | None = None
    status: str = "idle"
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def last(self) -> Attempt:
        """The latest attempt."""
        return self.attempts[-1]

    @property
    def is_over(self) -> bool:
        """Whether it has its final outcome: done, or failed with no further attempt."""
        return self.status == "done" or (self.status == "failed" and self.last.decision == "fail")

    @property
    def is_under_way(self) -> bool:
        """Whether its outcome is still to come, or in doubt."""
        return self.status in ("performing", "in doubt")


@dataclass
class Run:
    """One execution of a recipe: suggested, running, then measured, failed or aborted."""

    number: int
    point: Mapping[str, float | str]
    why: Mapping[str, Any]
    stage: str = "suggested"
    status: str | None = None
    value: float | None = None
    sd: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    failure: str | None = None
    reason: str = ""
    suggested_s: float = 0.0
    start_s: float | None = None
    end_s: float | None = None
    steps: list[Step] = field(default_factory=list)
    finished: Mapping[str, Any] = field(default_factory=dict)
    verdict: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it was started and has not finished."""
        return self.stage == "running"

    @property
    def step_hours(self) -> float | None:
        """How many hours its attempts took together, waiting for instruments not counted; None before the first."""
        ends = [a.end_s - a.start_s for step in self.steps for a in step.attempts if a.end_s is not None]
        return sum(ends) / 3600 if ends else None

    @property
    def origin(self) -> str:
        """Where its readings come from; `mixed` when from several kinds of instrument."""
        return join_origins(step.origin for step in self.steps)


@dataclass
class State:
    """Everything the ledger says, as of its last event.

    `who` brought the campaign to its present status, at lab time `since_s`; `requests` are what other processes have
    asked of it since it runs.

    What is asked at every instant is kept as events come, so that its price does not grow with the campaign: `finished`
    are the runs that are over, by number; `n_failed` of these came to nothing; `concluded` are the numbers of runs as
    they were told to be over, and once more at each verdict.
    """

    opened: Mapping[str, Any] | None = None
    runs: dict[int, Run] = field(default_factory=dict)
    unfinished: dict[int, Run] = field(default_factory=dict)
    finished: list[Run] = field(default_factory=list)
    n_failed: int = 0
    concluded: list[int] = field(default_factory=list)
    identities: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    instrument_states: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    status: str = "new"
    reason: str = ""
    exit_code: int = 0
    who: str = ""
    since_s: float = 0.0
    requests: list[Mapping[str, Any]] = field(default_factory=list)
    resumed_after_run: int = 0
    last_message: int = 0
    lab_s: float = 0.0
    n_events: int = 0
    head: str = ""

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

    @property
    def open_runs(self) -> list[Run]:
        """Runs that were started and are not over, by number."""
        return [run for run in self.unfinished.values() if run.is_open]

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


def join_origins(origins: Iterable[str]) -> str:
    """Return the one origin, or `mixed`; `none` when there is none yet."""
    distinct = sorted(set(origins))
    return "none" if not distinct else distinct[0] if len(distinct) == 1 else "mixed"


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
    run = state.runs.get(event.run or 0)
    if event.kind == Kind.SUGGESTED:
        return "none" if run is None else run.stage
    if run is None:
        message = f"event {event.seq}: {event.kind} of run {event.run}, which was never suggested"
        raise TransitionError(message)
    if event.kind in (Kind.RUN_STARTED, Kind.RUN_FINISHED, Kind.VERDICT_CHANGED):
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
    number = event.run or 0
    run = Run(number, event.body["point"], event.body["why"], suggested_s=event.lab_s)
    state.runs[number] = state.unfinished[number] = run


def _run_started(state: State, event: Event, status: str) -> None:
    run = state.runs[event.run or 0]
    run.stage, run.start_s = status, event.lab_s


def _run_finished(state: State, event: Event, status: str) -> None:
    run = state.runs[event.run or 0]
    run.stage, run.end_s, body = status, event.lab_s, event.body
    run.finished, run.details = body, body.get("details", {})
    del state.unfinished[run.number]
    insort(state.finished, run, key=attrgetter("number"))
    _conclude(state, run, body)


def _conclude(state: State, run: Run, body: Mapping[str, Any]) -> None:
    state.n_failed += (body["status"] != "measured") - (run.status not in (None, "measured"))
    state.concluded.append(run.number)
    run.status, run.value, run.sd = body["status"], body.get("value"), body.get("sd")
    run.failure, run.reason = body.get("failure"), body.get("reason", "")


def _step_started(state: State, event: Event, status: str) -> None:
    run, body = state.runs[event.run or 0], event.body
    if event.step == len(run.steps) + 1:
        instrument = body["instrument"]
        role, expected_s = body.get("role", instrument), body.get("expected_s")
        run.steps.append(Step(event.step, instrument, body["action"], body["settings"], event.origin, role, expected_s))
    step = _step(state, event)
    step.status = status
    step.attempts.append(Attempt(body["id"], len(step.attempts) + 1, event.lab_s))


def _step(state: State, event: Event) -> Step:
    return state.runs[event.run or 0].steps[(event.step or 0) - 1]


def _step_moves(state: State, event: Event, status: str) -> None:
    _step(state, event).status = status


def _telemetry(state: State, event: Event, status: str) -> None:
    step = _step(state, event)
    step.status = status
    step.last.phases.append({**event.body, "end_s": event.lab_s})


def _step_over(state: State, event: Event, status: str) -> None:
    step, body = _step(state, event), event.body
    step.status, attempt = status, step.last
    attempt.end_s, attempt.reading = event.lab_s, body.get("reading")
    attempt.failure, attempt.reason = body.get("failure"), body.get("reason", "")
    attempt.moved, attempt.decision = body.get("moved"), body.get("decision")
    attempt.not_before_s = body.get("not_before_s", event.lab_s)
    if body.get("state"):
        state.instrument_states.append((step.instrument, body["state"]))


def _verdict_changed(state: State, event: Event, _: str) -> None:
    """Let a person's word stand instead of what the run came to; `valid` brings that back."""
    run, verdict = state.runs[event.run or 0], event.body["verdict"]
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
    Kind.RUN_FINISHED: _run_finished,
    Kind.STEP_STARTED: _step_started,
    Kind.TELEMETRY: _telemetry,
    Kind.STEP_FINISHED: _step_over,
    Kind.STEP_FAILED: _step_over,
    Kind.STEP_IN_DOUBT: _step_moves,
    Kind.DOUBT_RESOLVED: _step_moves,
    Kind.VERDICT_CHANGED: _verdict_changed,
    Kind.REQUESTED: _requested,
    Kind.PAUSED: _paused,
    Kind.RESUMED: _resumed,
    Kind.CAMPAIGN_CLOSED: _closed,
}
