"""The decisions of a campaign, each with what was known when it was made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.engine import observations, planner_of
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
        point: The point that was chosen.
        why: What the planner said about it.
        known: The finished runs at that time.
        pending: The points that were being performed.
        state: The campaign at that time; valid until the next decision is read.
    """

    seq: int
    run: int
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
        return self._planner_at(decision.state).ask(decision.known, decision.pending, decision.run)

    def space_at(self, decision: Decision) -> ParameterSpace:
        """Return the space that was searched then."""
        return self._planner_at(decision.state).space

    def _planner_at(self, state: State) -> Planner:
        """Return the planner of the configuration in force, built anew only where that changed."""
        if self._planner is None or state.opened is not self._opened:
            self._opened, self._planner = state.opened, planner_of(state, self._overrides, option=self._option)
        return self._planner


def decisions(ledger: Ledger) -> Iterator[Decision]:
    """Yield every decision in order, reading the ledger once."""
    state = State()
    for event in ledger.events():
        if event.kind == Kind.SUGGESTED:
            yield decision_at(ledger, state, event)
        state.apply(event)


def decision_at(ledger: Ledger, before: State, event: Event) -> Decision:
    """Return the decision that an event records.

    Args:
        ledger: Where the event stands.
        before: The state without the event.
        event: Of kind suggested.
    """
    prefix = event.body["prefix"]
    state = before if prefix == before.n_events else state_at(ledger, prefix)
    pending = [state.runs[number].point for number in event.body["pending"]]
    return Decision(
        event.seq, event.run or 0, event.body["point"], event.body["why"], observations(state), pending, state
    )


def state_at(ledger: Ledger, seq: int) -> State:
    """Return the state as of an event, that one included."""
    state = State()
    for event in ledger.events():
        if event.seq > seq:
            break
        state.apply(event)
    return state
