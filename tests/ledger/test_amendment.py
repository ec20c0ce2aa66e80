"""Verdicts: a person's word changes what a run counts for, while the campaign runs or afterwards."""

from pathlib import Path
from typing import Any

import pytest
from worlds import write_config

from orchestrator.campaign import Campaign
from orchestrator.display.watcher import Silent
from orchestrator.engine.history import observations
from orchestrator.ledger import Event, Kind, Ledger, State, amend
from orchestrator.ledger.state import TransitionError


def campaign(folder: Path, **overrides: Any) -> Campaign:
    made = Campaign.from_yaml(write_config(folder), out=folder / "out", overrides=overrides)
    made.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    return made


def test_verdict_takes_a_value_back_and_valid_brings_it_again(tmp_path: Path) -> None:
    """The planner forgets the value; nothing is rewritten."""
    campaign(tmp_path).run()
    path = tmp_path / "out" / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        value, n = ledger.state.runs[2].value, ledger.state.n_events
    assert amend(path, Kind.VERDICT_CHANGED, {"verdict": "invalid", "note": "wrong cake"}, run=2)
    with Ledger.open(path) as ledger:
        run = ledger.state.runs[2]
        assert (run.status, run.value, run.failure, run.reason) == ("failed", None, "operator", "wrong cake")
        assert [o.value for o in observations(ledger.state)].count(None) == 1
        assert ledger.state.n_events == n + 1
        assert [e.origin for e in ledger.events()][-1] == "human"
    assert amend(path, Kind.VERDICT_CHANGED, {"verdict": "valid"}, run=2)
    with Ledger.open(path) as ledger:
        assert (ledger.state.runs[2].status, ledger.state.runs[2].value) == ("measured", value)


def test_verdict_on_a_run_that_has_not_finished_is_refused(tmp_path: Path) -> None:
    """Nothing is written."""
    campaign(tmp_path).run()
    with pytest.raises(TransitionError, match="run 9, which was never suggested"):
        amend(tmp_path / "out" / "ledger.sqlite", Kind.VERDICT_CHANGED, {"verdict": "invalid"}, run=9)


class Judge(Silent):
    """Changes the verdict on the first run while the second one begins, from beside the engine."""

    def __init__(self, path: Path) -> None:
        self.path, self.answer = path, None

    def event(self, event: Event, state: State) -> None:  # noqa: ARG002 - the protocol's
        """Wait for the second suggestion: a model was asked for it, and everything before is there to be read."""
        if event.kind == Kind.SUGGESTED and event.run == 2:
            self.answer = amend(self.path, Kind.VERDICT_CHANGED, {"verdict": "infeasible", "note": "burnt"}, run=1)


def test_verdict_on_a_running_campaign_is_copied_before_the_next_decision(tmp_path: Path) -> None:
    """It waits in the inbox, enters the chain once, and the next suggestion is made without the value."""
    judge = Judge(tmp_path / "out" / "ledger.sqlite")
    campaign(tmp_path).run(judge)
    assert judge.answer is False
    with Ledger.open(judge.path) as ledger:
        kinds = [(e.kind, e.run) for e in ledger.events()]
        assert kinds.count(("verdict_changed", 1)) == 1
        assert kinds.index(("verdict_changed", 1)) < kinds.index(("suggested", 3))
        assert ledger.state.runs[1].failure == "infeasible"
