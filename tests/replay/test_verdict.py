"""Verdicts from the command line."""

from pathlib import Path

import pytest
import tiny

from orchestrator.cli import replay
from orchestrator.engine import observations
from orchestrator.ledger import Ledger


def test_verdict_takes_a_value_back_with_note_and_name(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is appended, the planner forgets the value, and the ledger still verifies."""
    with Ledger.open(ledger) as before:
        run = next(run for run in before.runs() if run.value is not None).number
        n_events = before.state.n_events
    words = ["--verdict", f"{run}=invalid", "--note", "wrong cake", "--who", "Ada"]
    assert replay([str(ledger), *words]) == 0
    assert f"run {run} is invalid: recorded; it counts from the next suggestion on" in capsys.readouterr().out
    with Ledger.open(ledger) as after:
        event = list(after.events())[-1]
        assert (event.seq, event.run, event.origin) == (n_events + 1, run, "human")
        assert event.body == {"verdict": "invalid", "note": "wrong cake", "who": "Ada"}
        assert observations(after.state)[run - 1].value is None
    assert replay([str(ledger), "--verify"]) == 0


def test_verdict_on_a_ledger_that_is_being_written_is_left_for_it(
    ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The writer keeps the lock; the word waits in its inbox."""
    with Ledger.write(ledger) as writer:
        assert replay([str(ledger), "--verdict", "2=sample"]) == 0
        assert "left for the running campaign, which copies it before its next decision" in capsys.readouterr().out
        assert [message["body"]["verdict"] for _, message in writer.messages()] == ["sample"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("99=invalid", "--verdict 99=invalid: the campaign has no run 99; the last one is run 7"),
        ("2=wrong", "--verdict 2=wrong: is no verdict; give the run's number and one of invalid, valid, infeasible"),
        ("two=invalid", "is no verdict"),
        ("2", "is no verdict"),
    ],
)
def test_verdict_that_cannot_be_exits_2(
    ledger: Path, capsys: pytest.CaptureFixture[str], word: str, expected: str
) -> None:
    """Nothing is appended."""
    content = ledger.read_bytes()
    assert replay([str(ledger), "--verdict", word]) == 2
    assert expected in capsys.readouterr().err
    assert ledger.read_bytes() == content


def test_verdict_on_an_unfinished_run_exits_2(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Cut in the middle of the last run."""
    with Ledger.open(ledger) as whole:
        last = [event.seq for event in whole.events() if event.kind == "run_started"][-1]
    tiny.tamper(ledger, f"DELETE FROM events WHERE seq > {last}")
    assert replay([str(ledger), "--verdict", "7=invalid"]) == 2
    assert "run 7 is running; a verdict is given once it has finished" in capsys.readouterr().err
