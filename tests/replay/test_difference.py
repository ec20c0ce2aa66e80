"""Two campaigns side by side."""

from pathlib import Path

import pytest
import tiny

from orchestrator.cli import replay
from orchestrator.ledger import Kind, amend


def test_diff_of_a_campaign_and_its_copy_is_nothing(
    original: Path, ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 0, and it is said."""
    assert replay([str(original.parent), "--diff", str(ledger)]) == 0
    assert "the same: configuration, data and 7 runs" in capsys.readouterr().out


def test_diff_shows_settings_and_the_runs_from_the_first_other_one(
    original: Path, stranger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another seed and budget: other points from the first run on, and two runs that only one of them has."""
    assert replay([str(original), "--diff", str(stranger)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert ["budget.runs", "7", "9"] in [line.split() for line in lines]
    assert ["seed", "3", "4"] in [line.split() for line in lines]
    assert [line.split()[0] for line in lines if line[:1].isdecimal()] == [str(n) for n in range(1, 10)]
    assert [line.split()[0] for line in lines if line.startswith(("best", "runs", "lab"))] == ["best", "runs", "lab"]
    assert lines[-1] == "different: 2 settings differ; the runs differ from run 1 on"


def test_diff_begins_where_a_verdict_changed_a_run(
    original: Path, ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same configuration, the same runs before it."""
    amend(ledger, Kind.VERDICT_CHANGED, {"verdict": "invalid", "note": "a draught"}, run=6)
    assert replay([str(original), "--diff", str(ledger)]) == 1
    out = capsys.readouterr().out
    assert "operator" in out
    assert "different: the same settings; the runs differ from run 6 on" in out


def test_diff_of_campaigns_with_other_parameters_shows_both(
    original: Path, lipon: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Points are shown in their own names where they have none in common."""
    assert replay([str(original), "--diff", str(lipon)]) == 1
    out = capsys.readouterr().out
    assert "heat " in out
    assert "distance " in out


def test_diff_with_what_is_no_ledger_exits_2(original: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The other ledger is named."""
    assert replay([str(original), "--diff", str(original.with_name("none.sqlite"))]) == 2
    assert "none.sqlite: no such ledger" in capsys.readouterr().err


def test_diff_longer_campaign_differs_after_the_common_runs(
    original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What both have done is the same."""
    assert replay([str(original), "--diff", str(tiny.run(tmp_path, budget__runs=9))]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "different: 1 setting differs; the runs differ from run 8 on"
