"""The same guarantees on SQLite and on PostgreSQL."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from orchestrator.address import Address
from orchestrator.ledger import Kind, Ledger, LedgerDamaged, LedgerError, LedgerLocked, amend, exists

Place = Path | Address
WHEN: dict[str, Any] = {"lab_s": 0.1 + 0.2, "utc": "2026-01-01T00:00:00+00:00", "origin": "simulated"}
REST = "kind, version, lab_s, utc, origin, run, step, body, hash"
CONFIGURATION = {"parameters": {"x": {}}, "objective": {"name": "y"}, "laboratory": {"clock": "simulated"}}
OPENED = {"format": 1, "epoch": "2026-01-01T00:00:00+00:00", "configuration": CONFIGURATION}
TEXT = "\u00e4 \u2603 \U0001f9ea \x00 'quoted\" % :colon \\ $1"


def begun(place: Place) -> Ledger:
    ledger = Ledger.write(place)
    ledger.append(Kind.CAMPAIGN_OPENED, OPENED, **WHEN)
    ledger.append(Kind.SUGGESTED, {"point": {"x": 1.0}, "why": {"text": TEXT}}, run=1, **WHEN)
    ledger.append(Kind.NOTE, {"text": TEXT}, **WHEN, attachments=[b"\x00bulk", b"\x00bulk", b"more"])
    return ledger


def test_store_gives_back_what_was_appended(place: Place) -> None:
    """Text of every script, numbers to the last bit and attachments; the state is that of the writer."""
    with begun(place) as ledger:
        before = ledger.state
    with Ledger.open(place) as again:
        assert again.state == before
        events = list(again.events())
        assert events[2].body == {"text": TEXT}
        assert events[0].lab_s == 0.1 + 0.2
        kept = sorted(row for table, (_, row) in again.others() if table == "attachments")
        assert kept == [b"\x00bulk", b"more"]


def test_store_goes_on_where_it_ended(place: Place) -> None:
    """A second writer takes up the chain."""
    begun(place).close()
    with Ledger.write(place) as ledger:
        ledger.append(Kind.RUN_STARTED, {}, run=1, **WHEN)
    with Ledger.open(place) as again:
        assert [e.seq for e in again.events()] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET body = '{}' WHERE seq = 1",
        "DELETE FROM events WHERE seq = 3",
        "DELETE FROM attachments",
        f"INSERT INTO events SELECT 9, {REST} FROM events WHERE seq = 1",
        f"INSERT INTO events SELECT 2, {REST} FROM events WHERE seq = 1",
        f"INSERT INTO events SELECT 2, {REST} FROM events WHERE seq = 2 ON CONFLICT (seq) DO UPDATE SET body = ''",
    ],
)
def test_store_is_append_only_for_any_client(place: Place, client: Callable[[], Any], statement: str) -> None:
    """The database itself refuses changes, deletions, gaps and replacements."""
    begun(place).close()
    with client() as connection, pytest.raises(sa.exc.IntegrityError, match=r"only ever inserted|seq must be"):
        connection.exec_driver_sql(statement)
    with Ledger.open(place) as again:
        assert again.state.n_events == 3


def test_store_damage_is_found_and_named(place: Place, client: Callable[[], Any]) -> None:
    """Even when whoever did it took the triggers away first."""
    begun(place).close()
    with client() as connection:
        drop_triggers(connection)
        connection.exec_driver_sql("UPDATE events SET lab_s = 5 WHERE seq = 2")
    with pytest.raises(LedgerDamaged, match="event 2 is not what was written"):
        Ledger.open(place)
    with client() as connection:
        connection.exec_driver_sql("DELETE FROM events WHERE seq = 2")
    with pytest.raises(LedgerDamaged, match="event 2 is missing"):
        Ledger.write(place)


def drop_triggers(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ALTER TABLE events DISABLE TRIGGER USER")
        return
    for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.exec_driver_sql(f"DROP TRIGGER {name}")


def test_store_has_one_writer_and_any_number_of_readers(place: Place) -> None:
    """The second writer is refused until the first has ended."""
    with begun(place):
        with pytest.raises(LedgerLocked, match="is writing this ledger"):
            Ledger.write(place)
        with Ledger.open(place) as reader:
            assert reader.state.n_events == 3
    Ledger.write(place).close()


def test_store_opened_by_ten_at_once_has_one_writer(place: Place) -> None:
    """Whoever comes at the same instant, one gets the lock and makes the tables."""
    won: list[Ledger] = []
    lost: list[BaseException] = []
    start = threading.Barrier(10)

    def come() -> None:
        start.wait()
        try:
            won.append(Ledger.write(place))
        except LedgerLocked as error:
            lost.append(error)

    threads = [threading.Thread(target=come) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 9)
    won[0].close()


def test_store_that_does_not_exist_is_neither_read_nor_made(place: Place) -> None:
    """Reading makes nothing."""
    assert not exists(place)
    with pytest.raises(LedgerError, match="no such ledger"):
        Ledger.open(place)
    assert not exists(place)
    begun(place).close()
    assert exists(place)


def test_store_takes_a_word_from_beside_the_writer(place: Place) -> None:
    """It waits in the inbox while a writer is at work, and enters the chain at once otherwise."""
    text = place if isinstance(place, Path) else f"{place.url}#{place.campaign}"
    with begun(place) as ledger:
        assert amend(text, Kind.NOTE, {"text": "from beside"}) is False
        assert ledger.messages() == [(1, {"kind": "note", "run": None, "body": {"text": "from beside"}})]
    assert amend(text, Kind.NOTE, {"text": "afterwards"}) is True
    with Ledger.open(text) as again:
        assert [e.body for e in again.events()][-1] == {"text": "afterwards"}


WRITER = """
import sys
from orchestrator.ledger import Kind, Ledger
from orchestrator.ledger.events import compact
ledger = Ledger.write(sys.argv[1])
when = {"utc": "2026-01-01T00:00:00+00:00", "origin": "simulated"}
while True:
    n = ledger.state.n_events + 1
    ledger.append(Kind.NOTE, {"n": n, "text": "x" * 3000}, lab_s=float(n), attachments=[b"%d" % n * 500], **when)
    print(n, flush=True)
"""


def test_store_killed_in_mid_append_has_every_acknowledged_event(place: Place) -> None:
    """A process that appends without end is killed; what it was told is durable is there, and the chain is whole."""
    text = str(place) if isinstance(place, Path) else f"{place.url}#{place.campaign}"
    begun(place).close()
    acknowledged = 3
    for n_more in (1, 7, 20):
        process = subprocess.Popen([sys.executable, "-c", WRITER, text], stdout=subprocess.PIPE, text=True)
        for _ in range(n_more):
            acknowledged = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        acknowledged = int(rest[-1]) if rest else acknowledged
        with writer_after_death(place) as ledger:
            assert ledger.state.n_events in (acknowledged, acknowledged + 1)
            for event in list(ledger.events())[3:]:
                assert event.body["n"] == event.seq


def writer_after_death(place: Place) -> Ledger:
    """Take over; a server notices the death of a client within a moment."""
    for _ in range(100):
        try:
            return Ledger.write(place)
        except LedgerLocked:
            threading.Event().wait(0.05)
    return Ledger.write(place)
