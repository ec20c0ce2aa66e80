"""Corrections from outside the engine: appended at once, or left for the process that writes the ledger."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestrator.address import Address, address
from orchestrator.ledger.events import Event, Kind, compact
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.opening import open_store
from orchestrator.ledger.state import State
from orchestrator.ledger.store import LedgerLocked


def amend(path: str | Path | Address, kind: Kind, body: Mapping[str, Any], *, run: int | None = None) -> bool:
    """Record a person's word about a campaign.

    Args:
        path: The ledger's file, or `postgresql://user@host/database#campaign`.
        kind: What it is (a verdict, a note).
        body: Its content.
        run: The run it is about.

    Returns:
        Whether it is in the chain now; False when a running campaign will copy it before its next decision.

    Raises:
        LedgerError: There is no such ledger, or it cannot be written.
        TransitionError: The event is not allowed, as for a run that has not finished.
    """
    with Ledger.open(path) as ledger:
        when: dict[str, Any] = {"lab_s": ledger.state.lab_s, "utc": _utc(ledger.state), "origin": "human"}
        ledger.state.following(Event(ledger.state.n_events + 1, kind, run=run, step=None, body=body, hash="", **when))
    try:
        with Ledger.write(path) as ledger:
            append_word(ledger, kind, body, run=run)
    except LedgerLocked:
        leave(path, kind, body, run=run)
        return False
    return True


def append_word(ledger: Ledger, kind: Kind, body: Mapping[str, Any], *, run: int | None = None) -> None:
    """Append a person's word to a ledger that is open to append, and whose campaign does not run.

    Raises:
        LedgerError: It cannot be written.
        TransitionError: The event is not allowed here.
    """
    ledger.append(kind, body, lab_s=ledger.state.lab_s, utc=_utc(ledger.state), origin="human", run=run)


def leave(path: str | Path | Address, kind: Kind, body: Mapping[str, Any], *, run: int | None = None) -> None:
    """Leave a person's word for the process that writes a ledger.

    Raises:
        LedgerError: There is no such ledger, or it cannot be written.
    """
    store = open_store(address(path), post=True)
    try:
        store.post(compact({"kind": str(kind), "run": run, "body": dict(body)}))
    finally:
        store.close()


def _utc(state: State) -> str:
    """Return the present moment as the campaign's clock has it."""
    opened = state.opened or {}
    laboratory = opened["configuration"].get("laboratory", {})
    if laboratory.get("clock") == "wall" and laboratory.get("rate", 1) == 1:
        return datetime.now(UTC).isoformat(timespec="milliseconds")
    moment = datetime.fromisoformat(opened["epoch"]) + timedelta(seconds=state.lab_s)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
