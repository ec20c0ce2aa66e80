"""Events that are held back: in the ledger at once, on the disk together, in their order or not at all."""

import hashlib
import os
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from orchestrator.address import Address
from orchestrator.ledger import Event, Kind, Ledger, LedgerRefused
from orchestrator.ledger import store as store_module
from orchestrator.ledger.sqlite import SqliteStore
from orchestrator.ledger.store import MOST_HELD

Place = Path | Address
WHEN: dict[str, Any] = {"lab_s": 0.0, "utc": "2026-01-01T00:00:00+00:00", "origin": "simulated"}
CONFIGURATION = {"parameters": {"x": {}}, "objective": {"name": "y"}, "laboratory": {"clock": "simulated"}}
OPENED = {"format": 1, "epoch": "2026-01-01T00:00:00+00:00", "configuration": CONFIGURATION}


def begun(place: Place) -> Ledger:
    ledger = Ledger.write(place)
    ledger.append(Kind.CAMPAIGN_OPENED, OPENED, **WHEN)
    return ledger


def hold(ledger: Ledger, n: int = 1) -> list[Event]:
    return [ledger.append(Kind.NOTE, {"n": i}, **WHEN, is_held=True) for i in range(n)]


def n_seen(place: Place) -> int:
    """How many events another reader finds, their chain checked."""
    with Ledger.open(place) as other:
        return other.state.n_events


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written for the time that has passed."""
    monkeypatch.setattr(store_module, "LONGEST_HELD_S", 1e9)


@pytest.mark.usefixtures("patient")
def test_held_event_is_in_the_state_and_not_yet_on_the_disk(place: Place) -> None:
    """It is there for the writer; others see it after `flush`."""
    with begun(place) as ledger:
        hold(ledger, 2)
        assert (ledger.state.n_events, n_seen(place)) == (3, 2)
        ledger.flush()
        assert n_seen(place) == 3


@pytest.mark.usefixtures("patient")
def test_event_that_may_not_wait_brings_all_before_it(place: Place) -> None:
    """Intent before actuation: when it is on the disk, so is what led to it."""
    with begun(place) as ledger:
        hold(ledger, 5)
        ledger.append(Kind.NOTE, {}, **WHEN)
        assert n_seen(place) == ledger.state.n_events == 7


@pytest.mark.usefixtures("patient")
def test_few_are_held_at_first_and_never_too_many(place: Place) -> None:
    """1, 2, 4, ... events a transaction: a process that dies young has got on all the same."""
    lags = []
    with begun(place) as ledger:
        for _ in range(40):
            hold(ledger)
            lags.append(ledger.state.n_events - n_seen(place))
        assert lags[:8] == [0, 1, 0, 1, 2, 3, 0, 1]
        assert max(lags) <= 32
        hold(ledger, 3 * MOST_HELD)
        assert ledger.state.n_events - n_seen(place) <= MOST_HELD


def test_event_is_not_held_for_longer_than_said(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one writes those that have waited long enough, be they few."""
    with begun(place) as ledger:
        hold(ledger, 20)
        monkeypatch.setattr(store_module, "LONGEST_HELD_S", 0.0)
        hold(ledger)
        assert n_seen(place) == ledger.state.n_events


@pytest.mark.usefixtures("patient")
def test_attachment_of_a_held_event_is_read_and_kept(place: Place) -> None:
    """Before it is written, and afterwards."""
    with begun(place) as ledger:
        hold(ledger, 3)
        ledger.append(Kind.NOTE, {}, **WHEN, attachments=[b"bulk", b"bulk"], is_held=True)
        sha = hashlib.sha256(b"bulk").hexdigest()
        assert ledger.attachment(sha) == b"bulk"
    with Ledger.open(place) as again:
        assert again.attachment(sha) == b"bulk"


@pytest.mark.usefixtures("patient")
def test_closing_writes_what_is_held(place: Place) -> None:
    """A campaign that ends, however it ends, leaves nothing behind."""
    with begun(place) as ledger:
        hold(ledger, 9)
        state = ledger.state
    with Ledger.open(place) as again:
        assert again.state == state


@pytest.mark.usefixtures("patient")
def test_kill_takes_back_held_events_and_nothing_else(tmp_path: Path) -> None:
    """The ledger is that of an earlier moment, whole, and goes on."""
    path = tmp_path / "l.sqlite"
    child = os.fork()
    if child == 0:
        hold(begun(path), 40)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    with Ledger.write(path) as ledger:
        assert 1 < ledger.state.n_events < 41
        ledger.append(Kind.NOTE, {}, **WHEN)
    n_seen(path)


@pytest.mark.usefixtures("patient")
def test_refused_write_keeps_what_was_held_and_does_not_take_the_next(tmp_path: Path) -> None:
    """An event that was refused is nowhere; those before it are written as soon as they can be."""
    path = tmp_path / "l.sqlite"
    begun(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    with Ledger(SqliteStore(path, write=True, busy_s=0.01)) as ledger:
        hold(ledger, 4)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerRefused, match="append of event"):
            hold(ledger, 9)
        before = ledger.state.n_events
        with pytest.raises(LedgerRefused, match=f"append of events 5 to {before + 1}"):
            ledger.append(Kind.NOTE, {}, **WHEN)
        assert (ledger.state.n_events, n_seen(path)) == (before, 4)
        other.execute("ROLLBACK")
        ledger.append(Kind.NOTE, {}, **WHEN)
        assert n_seen(path) == ledger.state.n_events == before + 1
    other.close()
