"""What the engine keeps of finished runs is what it would find by looking at all of them."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.history import History, observations
from orchestrator.ledger import Event, Kind, State
from orchestrator.objective import Objective
from orchestrator.objective.merit import Merit

MERIT = Merit(Objective("y", "g"))
OUTCOMES = st.sampled_from([None, 1.0, 2.0, 2.0, 3.0])
VERDICTS = st.tuples(st.integers(1, 8), st.sampled_from(["invalid", "infeasible", "valid"]))


def happened(state: State, kind: Kind, run: int, body: dict[str, Any]) -> None:
    state.apply(Event(state.n_events + 1, kind, 0.0, "", "simulated", run, None, body, ""))


@given(st.permutations(range(1, 9)), st.lists(OUTCOMES, min_size=8, max_size=8), st.lists(VERDICTS, max_size=6))
def test_history_is_what_all_runs_say(order: list[int], values: list[float | None], verdicts: list[Any]) -> None:
    """Runs that overtake each other, ties, verdicts and their withdrawal: the same list and the same best run."""
    state = State()
    history = History(state, MERIT)

    def agrees() -> None:
        over = [run for run in state.runs.values() if run.stage == "finished"]
        assert state.finished == over
        assert state.n_failed == sum(run.status != "measured" for run in over)
        assert list(history.known) == observations(state)
        assert history.best is MERIT.best(over)
        if history.best is not None:
            assert history.n_since(history.best) == sum(run.number > history.best.number for run in over)

    for number in sorted(order):
        happened(state, Kind.SUGGESTED, number, {"point": {"x": float(number)}, "why": {}})
        happened(state, Kind.RUN_STARTED, number, {})
    for number in order:
        value = values[number - 1]
        failed = {"status": "failed", "failure": "sample", "reason": "torn"}
        happened(state, Kind.RUN_FINISHED, number, failed if value is None else {"status": "measured", "value": value})
        agrees()
    for number, verdict in verdicts:
        happened(state, Kind.VERDICT_CHANGED, number, {"verdict": verdict, "note": "looked at"})
        agrees()
