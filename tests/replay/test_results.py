"""Report and tables from the ledger alone, now and as of any event."""

from pathlib import Path

import pytest

from orchestrator.cli import replay
from orchestrator.ledger import Ledger


@pytest.mark.parametrize("campaign", ["original", "lipon"])
def test_report_from_the_ledger_alone_is_the_one_that_was_written(
    campaign: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte, the table too, with no configuration and no data file in reach."""
    ledger: Path = request.getfixturevalue(campaign)
    (tmp_path / "alone.sqlite").write_bytes(ledger.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert replay(["alone.sqlite", "--report", "again"]) == 0
    for name in ("report.html", "runs.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (ledger.parent / name).read_bytes()


def test_summary_as_of_an_event(original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is what the ledger said when that event was the last; table and report too."""
    with Ledger.open(original) as ledger:
        end_of_first = next(e for e in ledger.events() if e.kind == "run_finished")
    words = [str(original), "--at", str(end_of_first.seq)]
    assert replay(words) == 0
    assert f"chain     {end_of_first.seq} events, head {end_of_first.hash}" in capsys.readouterr().out
    assert replay([*words, "--csv", str(tmp_path / "early.csv"), "--report", str(tmp_path / "early")]) == 0
    whole, early = ((p / "runs.csv").read_text().splitlines() for p in (original.parent, tmp_path / "early"))
    assert early == whole[:2]
    assert (tmp_path / "early.csv").read_text().splitlines() == early
    assert end_of_first.hash in (tmp_path / "early" / "report.html").read_text()


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with a file that is no folder."""
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--at", "0"], "--at 0: no such event; the ledger has events 1 to "),
        (["--at", "999"], "--at 999: no such event; the ledger has events 1 to "),
        (["--at", "5", "--verify"], "--at: goes with the summary or --samples only"),
        (["--csv", "x.csv", "--diff", "x"], "--csv: goes with the summary or --what-if or --samples only"),
        (["--head", "0123456789"], "--head: goes with --verify only"),
        (["--verify", "--head", "head"], "--head head: is no hash; give at least its first 8 digits"),
        (["--verify", "--what-if", "seed=1"], "not allowed with argument"),
        (["--note", "why"], "--note: goes with --verdict only"),
        (["--report", "file/report"], "file/report: cannot be written: "),
        (["--csv", "file/runs.csv"], "file/runs.csv: cannot be written: "),
    ],
)
def test_words_that_do_not_fit_exit_2(
    original: Path, empty: Path, capsys: pytest.CaptureFixture[str], words: list[str], expected: str
) -> None:
    """With the word and the rule; nothing is written."""
    assert replay([str(original), *words]) == 2
    assert expected in capsys.readouterr().err
    assert [path.name for path in empty.iterdir()] == ["file"]
