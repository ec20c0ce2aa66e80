"""The ledger: append-only, chained, folded; damage is found and named."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from instruments.driver import Reading
from orchestrator.engine.requests import copy_messages
from orchestrator.ledger import Kind, Ledger, LedgerDamaged, LedgerError
from orchestrator.ledger.readings import ReadingError, decode_reading, encode_reading
from orchestrator.ledger.state import TransitionError

WHEN: dict[str, Any] = {"lab_s": 0.0, "utc": "2026-01-01T00:00:00+00:00", "origin": "simulated"}
REST = "kind, version, lab_s, utc, origin, run, step, body, hash"
OPENED = {
    "format": 1,
    "epoch": "2026-01-01T00:00:00+00:00",
    "configuration": {"parameters": {"x": {}}, "objective": {"name": "y"}},
}


def begun(path: Path) -> Ledger:
    ledger = Ledger.write(path)
    ledger.append(Kind.CAMPAIGN_OPENED, OPENED, **WHEN)
    ledger.append(Kind.SUGGESTED, {"point": {"x": 1.0}, "why": {}}, run=1, **WHEN)
    ledger.append(Kind.RUN_STARTED, {}, run=1, **WHEN)
    return ledger


def test_ledger_reopened_has_the_same_state(tmp_path: Path) -> None:
    """State is a fold over what is on disk."""
    with begun(tmp_path / "l.sqlite") as ledger:
        before = ledger.state
    with Ledger.open(tmp_path / "l.sqlite") as again:
        assert again.state == before
        assert [run.stage for run in again.runs()] == ["running"]


def test_ledger_refuses_what_the_state_machine_does_not_allow(tmp_path: Path) -> None:
    """A run cannot start twice, nor a step of a run that was never suggested."""
    with begun(tmp_path / "l.sqlite") as ledger:
        n = ledger.state.n_events
        with pytest.raises(TransitionError, match="run_started of run 1"):
            ledger.append(Kind.RUN_STARTED, {}, run=1, **WHEN)
        with pytest.raises(TransitionError, match="run 9, which was never suggested"):
            ledger.append(Kind.STEP_STARTED, {}, run=9, step=1, **WHEN)
        assert ledger.state.n_events == n
    with Ledger.open(tmp_path / "l.sqlite") as again:
        assert again.state.n_events == n


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET body = '{}' WHERE seq = 1",
        "DELETE FROM events WHERE seq = 3",
        f"INSERT INTO events SELECT 9, {REST} FROM events WHERE seq = 1",
        f"INSERT OR REPLACE INTO events SELECT 2, {REST} FROM events WHERE seq = 1",
    ],
)
def test_ledger_rows_are_only_ever_inserted_in_order(tmp_path: Path, statement: str) -> None:
    """The database itself refuses updates, deletions, gaps and replacements, whoever asks."""
    begun(tmp_path / "l.sqlite").close()
    connection = sqlite3.connect(tmp_path / "l.sqlite")
    with pytest.raises(sqlite3.IntegrityError, match="events: "):
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ('UPDATE events SET body = \'{"point":{"x":2.0},"why":{}}\' WHERE seq = 2', "event 2 is not what was written"),
        ("UPDATE events SET lab_s = 5 WHERE seq = 2", "event 2 is not what was written"),
        ("DELETE FROM events WHERE seq = 2", "event 2 is missing"),
    ],
)
def test_ledger_damage_is_found_and_named(tmp_path: Path, statement: str, expected: str) -> None:
    """Even when the triggers are dropped first."""
    begun(tmp_path / "l.sqlite").close()
    connection = sqlite3.connect(tmp_path / "l.sqlite")
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(statement)
    connection.commit()
    connection.close()
    with pytest.raises(LedgerDamaged, match=expected):
        Ledger.open(tmp_path / "l.sqlite")


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9])
def test_ledger_truncated_is_damaged_and_left_alone(tmp_path: Path, share: float) -> None:
    """Neither reading nor appending takes a torn file for a new one."""
    path = tmp_path / "l.sqlite"
    begun(path).close()
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    for way in (Ledger.open, Ledger.write):
        with pytest.raises(LedgerDamaged, match=r"l\.sqlite"):
            way(path)
    assert path.read_bytes() == content[: int(len(content) * share)]


def test_ledger_has_one_writer(tmp_path: Path) -> None:
    """The second is refused, a reader is not, and the lock is freed at the end."""
    path = tmp_path / "l.sqlite"
    with begun(path), pytest.raises(LedgerError, match=r"@.* \(process \d+ since .*Z\) is writing this ledger"):
        Ledger.write(path)
    with begun(tmp_path / "m.sqlite"), Ledger.open(tmp_path / "m.sqlite") as reader:
        assert reader.state.n_events == 3
    Ledger.write(path).close()


def test_ledger_in_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="cannot be written"):
        Ledger.write(tmp_path / "file" / "l.sqlite")


def test_ledger_keeps_unknown_kinds(tmp_path: Path) -> None:
    """A later version's events are preserved and change nothing."""
    with begun(tmp_path / "l.sqlite") as ledger:
        before = ledger.state.runs
        ledger.append("sample_scrapped", {"why": "later"}, **WHEN)  # type: ignore[arg-type]  # a kind from the future
        assert ledger.state.runs == before
    with Ledger.open(tmp_path / "l.sqlite") as again:
        assert [e.kind for e in again.events()][-1] == "sample_scrapped"


def test_ledger_survives_text_that_is_none(tmp_path: Path) -> None:
    """A lone surrogate from a driver neither stops the campaign nor breaks the chain."""
    with begun(tmp_path / "l.sqlite") as ledger:
        ledger.append(Kind.NOTE, {"text": "bad \ud800 byte"}, **WHEN)
    with Ledger.open(tmp_path / "l.sqlite") as again:
        assert [e.body for e in again.events()][-1] == {"text": "bad ? byte"}


def test_reading_survives_the_ledger() -> None:
    """Scalars, text and arrays of every kind come back as they went, numpy scalars as plain ones."""
    reading = Reading(
        {"a": np.float64(0.1), "b": np.int32(3), "c": "x", "d": True},
        {"z": np.array([1 + 2j, 3 - 4j]), "n": np.arange(6).reshape(2, 3)},
    )
    body, attachments = encode_reading(reading)
    store = dict(zip(body["arrays"].values(), attachments, strict=True))
    again = decode_reading(body, store.__getitem__)
    assert dict(again.values) == {"a": 0.1, "b": 3, "c": "x", "d": True}
    assert type(again.b) is int
    np.testing.assert_array_equal(again.z, reading.z)
    np.testing.assert_array_equal(again.n, reading.n)


@pytest.mark.parametrize(
    "reading",
    [
        Reading({"a": float("nan")}),
        Reading({"a": float("inf")}),
        Reading({"a": 1.7976931348623157e308}),  # what an overload is told by
        Reading({"a": -1e300}),
        Reading({"a": None}),  # type: ignore[dict-item]  # what a careless driver returns
        Reading({"a": "x" * 20_000}),
        Reading({}, {"a": np.array([1.0, np.nan])}),
        Reading({}, {"a": np.array(["text"])}),
        Reading({}, {"a": np.array([object()])}),
    ],
)
def test_reading_that_is_no_data_is_refused(reading: Reading) -> None:
    """NaN, None, objects and floods of text never reach the ledger."""
    with pytest.raises(ReadingError, match="a"):
        encode_reading(reading)


def test_message_that_nobody_could_read_becomes_a_note(tmp_path: Path) -> None:
    """Any program may have left it; it ends no campaign, now or when it goes on."""
    with begun(tmp_path / "l.sqlite") as ledger:
        ledger.append(Kind.RUN_FINISHED, {"status": "measured", "value": 1.0}, run=1, **WHEN)
        message = {"kind": "verdict_changed", "run": 1, "body": {"verdict": "invalid", "note": 5, "who": "x"}}

        def record(kind: Kind, body: Mapping[str, Any], run: int | None) -> None:
            ledger.append(kind, body, run=run, **WHEN)

        copy_messages([(1, message)], record)
        *_, last = ledger.events()
    assert (last.kind, last.body["message"]) == ("note", 1)
    assert "note is 5" in last.body["text"]


def test_event_that_could_not_be_read_again_is_never_written(tmp_path: Path) -> None:
    """An append takes what opening the ledger takes, and no more; what was there stays as it was."""
    with begun(tmp_path / "l.sqlite") as ledger:
        before = ledger.state.head
        for settings in ({"heat": 1e301}, {"heat": None}):
            body = {"id": "1.1.1", "instrument": "oven", "action": "bake", "settings": settings}
            with pytest.raises(LedgerError, match=r"was not written, since nobody could read it again: settings\.heat"):
                ledger.append(Kind.STEP_STARTED, body, run=1, step=1, **WHEN)
        assert ledger.state.head == before
    with Ledger.open(tmp_path / "l.sqlite") as again:
        assert again.state.head == before
