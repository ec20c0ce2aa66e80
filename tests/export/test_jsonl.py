"""JSON lines hold the whole ledger: what is imported is the ledger that was exported, or is refused."""

import json
import re
import sqlite3
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.ledger import Kind, Ledger, LedgerDamaged, LedgerError
from orchestrator.ledger.export import export, import_jsonl

WHEN: dict[str, Any] = {"lab_s": 0.0, "utc": "2026-01-01T00:00:00+00:00", "origin": "simulated"}
OPENED = {
    "format": 1,
    "epoch": "2026-01-01T00:00:00+00:00",
    "configuration": {"parameters": {"x": {}}, "objective": {"name": "y"}},
}


def content(path: Path) -> dict[str, list[Any]]:
    """Every row of every table, by the database's own means."""
    connection = sqlite3.connect(path)
    try:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
            for table in ("events", "attachments", "inbox")
        }
    finally:
        connection.close()


def test_jsonl_imported_is_the_same_ledger(ledger: Ledger, tmp_path: Path) -> None:
    """Row for row, attachments and messages included."""
    export(ledger, "jsonl", tmp_path / "a.jsonl")
    import_jsonl(tmp_path / "a.jsonl", tmp_path / "b.sqlite")
    with Ledger.open(tmp_path / "b.sqlite") as again:
        assert again.state == ledger.state
    assert content(tmp_path / "b.sqlite") == content(Path(str(ledger.path)))


def test_jsonl_is_json_in_every_line(lines: list[str]) -> None:
    """Any tool reads it; the last line has the head that the first one promises."""
    parsed = [json.loads(line) for line in lines]
    assert parsed[0] == {"ledger": 1, "events": parsed[-1]["seq"], "head": parsed[-1]["hash"]}
    assert {"sample": "cake-1.1.1"} in [line.get("body") for line in parsed]


def test_jsonl_leaves_out_what_is_appended_meanwhile(tmp_path: Path) -> None:
    """The head of the export is the head that the reader saw."""
    with Ledger.write(tmp_path / "l.sqlite") as writer:
        writer.append(Kind.CAMPAIGN_OPENED, OPENED, **WHEN)
        with Ledger.open(tmp_path / "l.sqlite") as reader:
            writer.append(Kind.NOTE, {"text": "later"}, **WHEN)
            export(reader, "jsonl", tmp_path / "a.jsonl")
    import_jsonl(tmp_path / "a.jsonl", tmp_path / "b.sqlite")
    with Ledger.open(tmp_path / "b.sqlite") as again:
        assert again.state.n_events == 1


def changed(old: str, new: str) -> Callable[[list[str]], None]:
    def change(lines: list[str]) -> None:
        number = next(n for n, line in enumerate(lines) if old in line)
        lines[number] = lines[number].replace(old, new, 1)

    return change


def without(number: int) -> Callable[[list[str]], None]:
    return lambda lines: lines.__delitem__(number)


def swapped(lines: list[str]) -> None:
    lines[-2], lines[-3] = lines[-3], lines[-2]


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (changed('"mass":-', '"mass":'), r"a\.jsonl:\d+: not what was written: the hash of event \d+ does not fit"),
        (changed('"base64":"k05', '"base64":"k06'), r"a\.jsonl:2: .*bytes do not have that hash"),
        (changed('"origin":"simulated"', '"origin":"real"'), r"the hash of event 1 does not fit"),
        (changed('"utc":', '"UTC":'), r"utc is missing"),
        (changed('"suggested"', '"suggested'), r"a\.jsonl:\d+: not what was written"),
        (without(0), r"a\.jsonl:1: .*the first line, and no other"),
        (without(-1), r"holds \d+ of \d+ events"),
        (without(-4), r"event \d+ is missing \(this is event \d+\)"),
        (swapped, r"event \d+ is missing"),
        (lambda lines: lines.append(lines[0]), r"the first line, and no other"),
        (lambda lines: lines.append("[]\n"), r"a\.jsonl:\d+: not what was written"),
    ],
)
def test_jsonl_tampered_is_refused_with_the_line(
    lines: list[str], tmp_path: Path, damage: Callable[[list[str]], None], expected: str
) -> None:
    """And no ledger is made, nor anything left beside it."""
    damage(lines)
    (tmp_path / "a.jsonl").write_text("".join(lines), encoding="utf-8")
    with pytest.raises(LedgerDamaged, match=expected):
        import_jsonl(tmp_path / "a.jsonl", tmp_path / "b.sqlite")
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_jsonl_without_an_attachment_is_refused(lines: list[str], tmp_path: Path) -> None:
    """A hash whose bytes are nowhere is found before the ledger is made."""
    (tmp_path / "a.jsonl").write_text("".join(lines[:1] + lines[2:]), encoding="utf-8")
    with pytest.raises(LedgerDamaged, match=r"attachment [0-9a-f]{12} is missing"):
        import_jsonl(tmp_path / "a.jsonl", tmp_path / "b.sqlite")
    assert not (tmp_path / "b.sqlite").exists()


def test_jsonl_never_overwrites_a_ledger(lines: list[str], tmp_path: Path) -> None:
    """Whatever is there stays."""
    (tmp_path / "a.jsonl").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "b.sqlite").write_bytes(b"mine")
    with pytest.raises(LedgerError, match="there is a ledger already"):
        import_jsonl(tmp_path / "a.jsonl", tmp_path / "b.sqlite")
    assert (tmp_path / "b.sqlite").read_bytes() == b"mine"


@pytest.mark.parametrize("source", ["nowhere.jsonl", "."])
def test_jsonl_that_cannot_be_read_says_so(tmp_path: Path, source: str) -> None:
    """No such file; a folder."""
    with pytest.raises(LedgerError, match=re.escape(str(tmp_path))):
        import_jsonl(tmp_path / source, tmp_path / "b.sqlite")


def test_jsonl_that_is_no_text_says_so(tmp_path: Path) -> None:
    """A compressed file, for example."""
    (tmp_path / "a.jsonl").write_bytes(b"\x1f\x8b\xff")
    with pytest.raises(LedgerDamaged, match="not a text in UTF-8"):
        import_jsonl(tmp_path / "a.jsonl", tmp_path / "b.sqlite")


def test_jsonl_streams_in_little_memory(tmp_path: Path) -> None:
    """Ten megabytes of notes and as much of attachments pass without ever being held together."""
    path = tmp_path / "l.sqlite"
    with Ledger.write(path) as ledger:
        ledger.append(Kind.CAMPAIGN_OPENED, OPENED, **WHEN)
        for n in range(20):
            body = {"text": f"{n}" + "x" * 500_000}
            ledger.append(Kind.NOTE, body, attachments=[n.to_bytes(500_000, "big")], **WHEN)
    with Ledger.open(path) as ledger:
        tracemalloc.start()
        export(ledger, "jsonl", tmp_path / "a.jsonl")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (tmp_path / "a.jsonl").stat().st_size > 20_000_000
    assert peak < 15_000_000
