"""Tables in a terminal, in a pipe and in a file."""

import sys
from pathlib import Path

import pytest

from orchestrator.replay.sheet import show, write_csv

HEADINGS, ROWS = ["run", "by"], [["1", "design"], ["12", "ei"]]


def test_sheet_in_a_pipe_is_aligned_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """No frame, no colour, no idle blanks."""
    show(HEADINGS, ROWS)
    assert capsys.readouterr().out == "run  by\n1    design\n12   ei\n"


def test_sheet_in_a_terminal_is_drawn(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same cells, under a line."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    show(HEADINGS, ROWS)
    text = capsys.readouterr().out
    assert "─" in text
    assert all(cell in text for row in [HEADINGS, *ROWS] for cell in row)


def test_sheet_in_a_file_has_no_formulas(tmp_path: Path) -> None:
    """Numbers keep every digit, a choice that begins like a formula stands behind an apostrophe."""
    write_csv(tmp_path / "s.csv", ["x", "y"], [[0.1 + 0.2, "=1+1"], [-1.0, None]])
    assert (tmp_path / "s.csv").read_text() == "x,y\n0.30000000000000004,'=1+1\n-1.0,\n"
