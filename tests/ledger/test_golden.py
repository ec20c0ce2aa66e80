"""Ledgers of every version of the format stay readable; `tests/golden/make_golden.py` made them."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from orchestrator.display.summary import plain_text, summary
from orchestrator.ledger import Ledger
from orchestrator.ledger.export import export, import_jsonl

GOLDEN = Path(__file__).parent.parent / "golden"
EXPECTED = {name: found for path in GOLDEN.glob("v*.json") for name, found in json.loads(path.read_text()).items()}


def check(path: Path, name: str) -> None:
    """Open, fold, summarise and export, and hold all of it against what the version that wrote it found."""
    expected = EXPECTED[name]
    with Ledger.open(path) as ledger:
        state = ledger.state
        assert (state.head, state.n_events) == (expected["head"], expected["events"])
        assert (state.status, state.origin) == (expected["status"], expected["origin"])
        assert Counter(event.kind for event in ledger.events()) == expected["kinds"]
        assert Counter(run.failure for run in state.finished if run.failure) == expected["failures"]
        assert {str(r.number): r.value for r in state.finished if r.value is not None} == expected["values"]
        assert expected["head"] in plain_text(summary(state))
        for form in ("jsonl", "csv"):
            export(ledger, form, path.with_name(f"again.{form}"))
            assert path.with_name(f"again.{form}").read_bytes() == (GOLDEN / f"{name}.{form}").read_bytes()


@pytest.mark.parametrize("name", EXPECTED)
def test_golden_json_lines_are_imported_and_read(tmp_path: Path, name: str) -> None:
    """Every event, value and failure is as it was; exported again, every byte."""
    import_jsonl(GOLDEN / f"{name}.jsonl", tmp_path / "ledger.sqlite")
    check(tmp_path / "ledger.sqlite", name)


@pytest.mark.parametrize("source", sorted(GOLDEN.glob("*.sqlite")), ids=lambda path: path.stem)
def test_golden_database_is_read(tmp_path: Path, source: Path) -> None:
    """The file of an older version opens as it is."""
    shutil.copyfile(source, tmp_path / "ledger.sqlite")
    check(tmp_path / "ledger.sqlite", source.stem)
