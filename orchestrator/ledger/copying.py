"""A copy of a ledger in a file, the same rows and so the same chain, wherever the ledger itself lies."""

from collections.abc import Iterator
from pathlib import Path

from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.opening import open_store
from orchestrator.ledger.store import Row


def copy_to(ledger: Ledger, path: Path) -> None:
    """Copy every row of a ledger into a new file; what is appended meanwhile is left out.

    Raises:
        LedgerError: The file cannot be made.
        LedgerDamaged: The ledger's bytes are not what was written.
    """
    store = open_store(path, write=True)
    try:
        store.fill(_rows(ledger))
    finally:
        store.close()


def _rows(ledger: Ledger) -> Iterator[tuple[str, Row]]:
    yield from ledger.others()
    for row in ledger.rows():
        if row[0] > ledger.state.n_events:
            return
        yield "events", row
