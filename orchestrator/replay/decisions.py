"""The decisions of a campaign, each with what was known when it was made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.engine import has_references, observations, planner_of
from orchestrator.engine.history import observation
from orchestrator.ledger import Event, Kind, Ledger, State
from orchestrator.planner import Observation, Planner, Suggestion
from orchestrator.recipe import Point
from orchestrator.space import ParameterSpace


@dataclass(frozen=True)
class Decision:
    """One suggestion as recorded, and the question it answered.

    Args:
        seq: Its event.
        run: The run it began.
        number: Which suggestion of the planner it is, from 1; runs that something else asked for are not counted.
        point: The point that was chosen.
        why: What the planner said about it.
        known: The finished runs at that time.
        pending: The points that were being performed.
        state: The campaign at that time; valid until the next decision is read.
    """

    seq: int
    run: int
    number: int
    point: Point
    why: Mapping[str, Any]
    known: Sequence[Observation]
    pending: Sequence[Point]
    state: State


class Respondent:
    """Answers the questions of past decisions with the planner of the ledger, or with another one.

    Args:
        overrides: Settings of the planner by dotted path, where it is another one.
        option: What the command line calls them.
    """

    def __init__(self, overrides: Mapping[str, Any] | None = None, *, option: str = "--set") -> None:
        self._overrides, self._option = overrides, option
        self._opened: Mapping[str, Any] | None = None
        self._planner: Planner | None = None

    def ask(self, decision: Decision) -> Suggestion:
        """Return what the planner suggests on what was known then."""
        planner = self.planner_at(decision)
        context = planner.space.context(planner.space.bound(decision.point))
        return planner.ask(decision.known, decision.pending, decision.number, context=context)

    def space_at(self, decision: Decision) -> ParameterSpace:
        """Return the space that was searched then."""
        return self.planner_at(decision).space

    def planner_at(self, decision: Decision) -> Planner:
        """Return the planner of the configuration in force then, built anew only where that changed."""
        state = decision.state
        if self._planner is None or state.opened is not self._opened:
            self._opened, self._planner = state.opened, planner_of(state, self._overrides, option=self._option)
        return self._planner


class Reader:
    """Folds events one by one and tells what was known; what came of a run is worked out once, not at each decision.

    Args:
        ledger: Where the events stand.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.state = State()
        self._known: dict[int, Observation] = {}

    def apply(self, event: Event) -> None:
        """Take the next event into account."""
        self.state.apply(event)
        if event.kind in (Kind.RUN_FINISHED, Kind.VERDICT_CHANGED):
            run = self.state.run(event.run)
        if event.kind in (Kind.RUN_FINISHED, Kind.VERDICT_CHANGED) and not run.is_maintenance:
            self._known[run.number] = observation(run)

    def decision(self, event: Event) -> Decision:
        """Return the decision of the planner that the next event records: `is_search` says that it does."""
        state, known = self.state, [self._known[number] for number in sorted(self._known)]
        if has_references(state):
            known = observations(state)
        prefix = event.body.get("prefix", state.n_events)
        if prefix != state.n_events:
            state = state_at(self._ledger, prefix)
            known = observations(state)
        pending = [state.runs[number].point for number in event.body.get("pending", ()) if number in state.runs]
        point, why, number = event.body["point"], event.body["why"], state.n_searches + 1
        return Decision(event.seq, event.run or 0, number, point, why, known, pending, state)


def is_search(event: Event) -> bool:
    """Return whether an event records a suggestion of the planner."""
    return event.kind == Kind.SUGGESTED and event.body.get("purpose", "search") == "search"


def decisions(ledger: Ledger) -> Iterator[Decision]:
    """Yield every decision in order, reading the ledger once."""
    reader = Reader(ledger)
    for event in ledger.events():
        if is_search(event):
            yield reader.decision(event)
        reader.apply(event)


def state_at(ledger: Ledger, seq: int) -> State:
    """Return the state as of an event, that one included."""
    state = State()
    for event in ledger.events():
        if event.seq > seq:
            break
        state.apply(event)
    return state
