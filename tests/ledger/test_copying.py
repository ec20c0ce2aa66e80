"""A copy of a ledger, from a file and from PostgreSQL, into a file."""

from pathlib import Path

from orchestrator.address import Address
from orchestrator.ledger import Kind, Ledger, leave
from orchestrator.ledger.copying import copy_to

WHEN = {"lab_s": 0.0, "utc": "2026-01-01T00:00:00+00:00", "origin": "simulated"}
OPENED = {
    "format": 1,
    "epoch": "2026-01-01T00:00:00+00:00",
    "configuration": {"parameters": {"x": {}}, "objective": {"name": "y"}},
}


def test_copy_has_the_same_chain_attachments_and_messages(place: Path | Address, tmp_path: Path) -> None:
    """What is appended later is not in it."""
    with Ledger.write(place) as ledger:
        ledger.append(Kind.CAMPAIGN_OPENED, OPENED, **WHEN)
        ledger.append(Kind.NOTE, {"text": "with bytes"}, attachments=[b"some bytes"], **WHEN)
        leave(place, Kind.NOTE, {"text": "a message"})
        state = ledger.state
    with Ledger.open(place) as reader:
        with Ledger.write(place) as writer:
            writer.append(Kind.NOTE, {"text": "later"}, **WHEN)
        copy_to(reader, tmp_path / "copy.sqlite")
    with Ledger.open(tmp_path / "copy.sqlite") as copy:
        assert (copy.state.n_events, copy.state.head) == (state.n_events, state.head)
        assert next(row for table, row in copy.others() if table == "attachments")[1] == b"some bytes"
        assert [table for table, _ in copy.others()] == ["attachments", "inbox"]
