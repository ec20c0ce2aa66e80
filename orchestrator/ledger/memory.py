"""A ledger that lives in memory and dies with its process: for campaigns that are performed only to be counted.

Rule of this file: the same tables and the same chain as any other ledger, and nothing that outlives the process.
"""

from pathlib import Path

import sqlalchemy as sa

from orchestrator.ledger.store import METADATA, LedgerDamaged, LedgerError, Store


class MemoryStore(Store):
    """Events and attachments in a database of this process alone."""

    def __init__(self) -> None:
        engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
        super().__init__(Path(":memory:"), engine, write=True)
        self._connection = self._connect()

    def _prepare(self, connection: sa.Connection) -> None:
        METADATA.create_all(connection)
        connection.commit()

    def _fault(self, error: sa.exc.DBAPIError, what: str) -> LedgerError:
        return LedgerDamaged(f"{self.path}: {what} failed ({error.orig})")
