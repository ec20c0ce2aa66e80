"""Which store serves a place, and whether there is a ledger at it."""

from pathlib import Path

from orchestrator.address import Address
from orchestrator.ledger.sqlite import SqliteStore, holder_of_file
from orchestrator.ledger.store import Store


def open_store(place: Path | Address, *, write: bool = False, post: bool = False) -> Store:
    """Open the events at a place.

    Args:
        place: A SQLite file, or a campaign in a PostgreSQL database.
        write: Whether to append; takes the lock, and makes the tables where there are none.
        post: Whether to leave messages for the writer instead, without the lock.

    Raises:
        LedgerError: No such ledger, no permission, or another process is writing.
        LedgerDamaged: Not a ledger, or a broken one.
    """
    if isinstance(place, Address):
        from orchestrator.ledger.postgres import PostgresStore  # noqa: PLC0415 - only for a shared laboratory

        return PostgresStore(place, write=write)
    return SqliteStore(place, write=write, post=post)


def holder(place: Path | Address) -> str:
    """Return who writes the ledger at a place, in words; empty when nobody does.

    Raises:
        LedgerError: The database cannot be reached.
    """
    if isinstance(place, Path):
        return holder_of_file(place)
    from orchestrator.ledger.postgres import holder_of_campaign  # noqa: PLC0415 - only for a shared laboratory

    return holder_of_campaign(place)


def exists(place: Path | Address) -> bool:
    """Return whether there is a ledger at a place, be it a broken one.

    Raises:
        LedgerError: The database cannot be reached.
    """
    if isinstance(place, Path):
        return place.exists()
    from orchestrator.ledger.postgres import campaigns  # noqa: PLC0415 - only for a shared laboratory

    return place.campaign in campaigns(place)
