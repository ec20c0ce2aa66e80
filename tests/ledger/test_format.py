"""What `docs/ledger.md` says of the format is what the files are."""

import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrator.ledger import Kind, Ledger
from orchestrator.ledger.export import import_jsonl

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8")


def test_format_page_checks_a_ledger_without_this_software(tmp_path: Path) -> None:
    """Its program, run alone, prints the head; of an edited ledger it names the event."""
    import_jsonl(ROOT / "tests" / "golden" / "v1-tiny.jsonl", tmp_path / "ledger.sqlite")
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        head, values = ledger.state.head, {r.number: r.finished.get("value") for r in ledger.state.finished}
    program = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
    command = [sys.executable, "-I", "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == head
    connection = sqlite3.connect(tmp_path / "ledger.sqlite")
    query = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)[0]
    assert dict(connection.execute(query).fetchall()) == values
    connection.execute("DROP TRIGGER events_never_update")
    connection.execute("UPDATE events SET origin = 'real' WHERE seq = 7")
    connection.commit()
    connection.close()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "AssertionError: event 7" in done.stderr


@pytest.mark.extra
def test_format_page_tells_best_failures_and_durations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines for pandas, from the folder that the campaign's lies in, find what the ledger knows."""
    pytest.importorskip("pandas")
    import_jsonl(ROOT / "tests" / "golden" / "v1-lipon.jsonl", tmp_path / "runs" / "lipon" / "ledger.sqlite")
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], found)  # noqa: S102 - the page's own lines
    with Ledger.open("runs/lipon") as ledger:
        runs = ledger.runs()
    assert found["runs"]["best_so_far"].max() == max(run.value for run in runs if run.value is not None)
    assert found["failed"]["run"].tolist() == [run.number for run in runs if run.failure] != []
    assert found["runs"]["duration_h"].tolist() == pytest.approx([(run.end_s - run.start_s) / 3600 for run in runs])


def test_format_page_names_every_kind() -> None:
    """No kind without its body."""
    assert not [kind for kind in Kind if f"`{kind}`" not in PAGE]
