"""`replay-ledger --export` and `--import`: out and back by the command line."""

from pathlib import Path

import pytest

from orchestrator.cli import replay
from orchestrator.ledger import Ledger


def test_command_exports_and_imports(ledger: Ledger, tmp_path: Path) -> None:
    """The ledger that comes back has the same head."""
    lines, again = tmp_path / "deep" / "ledger.jsonl", tmp_path / "again.sqlite"
    assert replay([str(ledger.path), "--export", "jsonl", "--out", str(lines)]) == 0
    assert replay([str(again), "--import", str(lines)]) == 0
    with Ledger.open(again) as imported:
        assert imported.state.head == ledger.state.head


def test_command_refuses_a_tampered_import(
    lines: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 5, and the line."""
    (tmp_path / "a.jsonl").write_text("".join(lines[:-2] + lines[-1:]), encoding="utf-8")
    assert replay([str(tmp_path / "b.sqlite"), "--import", str(tmp_path / "a.jsonl")]) == 5
    assert f"a.jsonl:{len(lines) - 1}: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--export", "csv"], "--export: needs --out"),
        (["--export", "xlsx", "--out", "x"], "'xlsx' is unknown; choose one of csv, jsonl, parquet, ro-crate"),
        (["--out", "x"], "--out: goes with --export only"),
    ],
)
def test_command_refuses_what_does_not_fit(
    ledger: Ledger, capsys: pytest.CaptureFixture[str], words: list[str], expected: str
) -> None:
    """Exit status 2, and the way out."""
    assert replay([str(ledger.path), *words]) == 2
    assert expected in capsys.readouterr().err
