"""A ledger that has moved, between a file and a shared database: whatever is asked of it, it answers the same."""

from pathlib import Path

import pytest
import tiny

from orchestrator.address import Address
from orchestrator.cli import replay
from orchestrator.ledger import Ledger


def test_imported_ledger_is_verified_as_the_first_one(original: Path, tmp_path: Path) -> None:
    """Exported, imported and verified again: same head, same answers, same page."""
    lines, copy = tmp_path / "ledger.jsonl", tmp_path / "copy" / "ledger.sqlite"
    copy.parent.mkdir()
    assert replay([str(original), "--export", "jsonl", "--out", str(lines)]) == 0
    assert replay([str(copy), "--import", str(lines)]) == 0
    with Ledger.open(original) as before, Ledger.open(copy) as after:
        assert after.state == before.state
    assert replay([str(copy), "--verify"]) == 0
    assert replay([str(copy), "--report", str(tmp_path / "report")]) == 0
    assert (tmp_path / "report" / "report.html").read_bytes() == (original.parent / "report.html").read_bytes()


@pytest.mark.postgres
def test_shared_ledger_answers_as_a_file_does(
    tmp_path: Path, campaign_address: Address, capsys: pytest.CaptureFixture[str]
) -> None:
    """Summary, verify, what if, verdict, diff and export of a campaign in a database."""
    place = f"{campaign_address.url}#{campaign_address.campaign}"
    tiny.run(tmp_path, ledger=place)
    lines, copy = tmp_path / "ledger.jsonl", tmp_path / "ledger.sqlite"
    for words in (["--verify"], ["--what-if", "planner.acquisition=ucb"], ["--verdict", "2=invalid"], ["--verify"]):
        assert replay([place, *words]) == 0, words
    assert "7 asked for again, each the same" in capsys.readouterr().out
    assert replay([place, "--export", "jsonl", "--out", str(lines)]) == 0
    assert replay([str(copy), "--import", str(lines)]) == 0
    assert replay([place, "--diff", str(copy)]) == 0
    with Ledger.open(place) as shared, Ledger.open(copy) as single:
        assert single.state == shared.state
