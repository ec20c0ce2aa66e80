"""Where events live: a database whose rows are only ever inserted.

Knows tables, rows and durability; knows nothing of what an event means. What differs between databases (locks,
triggers, faults) is in `sqlite.py` and `postgres.py`.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from orchestrator.address import Address

METADATA = sa.MetaData()
_EVENTS = sa.Table(
    "events",
    METADATA,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("lab_s", sa.Float, nullable=False),
    sa.Column("utc", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("run", sa.Integer),
    sa.Column("step", sa.Integer),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)
_ATTACHMENTS = sa.Table(
    "attachments",
    METADATA,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
_INBOX = sa.Table(
    "inbox",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("body", sa.Text, nullable=False),
)
_CONTENT = sa.select(_ATTACHMENTS.c.content).where(_ATTACHMENTS.c.sha256 == sa.bindparam("sha256"))
_PAGE = 5000
_BATCH = 256

Row = tuple[Any, ...]


class LedgerError(Exception):
    """The ledger cannot be used as asked: locked, missing, unwritable."""


class LedgerLocked(LedgerError):  # noqa: N818 - what the ledger is
    """Another process is writing it."""


class LedgerRefused(LedgerError):  # noqa: N818 - what the ledger did
    """The database refused for now (a full disk, a lost connection); nothing was written, and it may be tried again."""


class LedgerDamaged(LedgerError):  # noqa: N818 - what the ledger is
    """The ledger's bytes are not what was written."""


class Store(ABC):
    """Events and attachments in a database; `open_store` makes the right one for a place.

    Args:
        path: Where it is.
        engine: Makes connections.
        write: Whether to append; takes the lock, and makes the tables where there are none.
    """

    def __init__(self, path: Path | Address, engine: sa.Engine, *, write: bool) -> None:
        self.path = path
        self.warnings: list[str] = []
        self._engine = engine
        self._write = write
        self._insertion = str(_EVENTS.insert().compile(dialect=engine.dialect))
        self._connection: sa.Connection | None = None

    @abstractmethod
    def _fault(self, error: sa.exc.DBAPIError, what: str) -> LedgerError:
        """Return what an error of the database means, as a sentence with a way out."""

    @abstractmethod
    def _prepare(self, connection: sa.Connection) -> None:
        """Take the lock if this store writes, and see that there is a ledger.

        Raises:
            LedgerError: It cannot be had, or there is none.
        """

    def _connect(self) -> sa.Connection:
        try:
            connection = self._engine.connect()
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
        except sa.exc.DBAPIError as error:
            raise self._fault(error, "opening it") from error
        return connection

    @property
    def _live(self) -> sa.Connection:
        if self._connection is None:
            message = f"{self.path}: the ledger is closed"
            raise LedgerError(message)
        if self._connection.invalidated or self._connection.closed:
            self._connection.close()
            self._connection = self._connect()
        return self._connection

    def rows(self) -> Iterator[Row]:
        """Yield every row in order: `(seq, kind, version, lab_s, utc, origin, run, step, body, hash)`.

        Raises:
            LedgerError: The database cannot be read.
            LedgerDamaged: The file cannot be read to its end.
        """
        query = sa.select(_EVENTS).order_by(_EVENTS.c.seq).limit(_PAGE)
        page = self._read(query)
        while page:
            yield from page
            page = self._read(query.where(_EVENTS.c.seq > page[-1][0]))

    def _read(self, query: sa.Select[Any], **bound: str) -> list[Row]:
        """Return all rows of a query, and leave no transaction open."""
        try:
            found = [tuple(row) for row in self._live.execute(query, bound)]
            self._live.rollback()
        except sa.exc.DBAPIError as error:
            raise self._fault(error, "reading") from error
        return found

    def hashes(self) -> list[str]:
        """Return the sha256 of every attachment, in their order.

        Raises:
            LedgerError: The database cannot be read.
        """
        return [str(sha) for (sha,) in self._read(sa.select(_ATTACHMENTS.c.sha256).order_by(_ATTACHMENTS.c.sha256))]

    def fill(self, rows: Iterable[tuple[str, Row]]) -> None:
        """Insert the `(table, row)` of a whole ledger in one transaction.

        Raises:
            LedgerError: The database refused; nothing was written.
        """
        try:
            for name, group in groupby(rows, key=itemgetter(0)):
                table = METADATA.tables[name]
                while batch := [dict(zip(table.c.keys(), row, strict=True)) for _, row in islice(group, _BATCH)]:
                    self._live.execute(table.insert(), batch)
            self._live.commit()
        except sa.exc.DBAPIError as error:
            self._take_back()
            raise self._fault(error, "the import") from error

    def append(self, row: Row, attachments: Sequence[bytes] = ()) -> None:
        """Insert one row with its attachments; durable when it returns.

        Raises:
            LedgerRefused: The disk is full, the server gone: nothing was written, and it may be tried again.
            LedgerError: The database refused for good; nothing was written.
        """
        try:
            for content in attachments:
                self._attach(content)
            self._insert(row)
            self._live.commit()
        except sa.exc.DBAPIError as error:
            fault = self._fault(error, f"the append of event {row[0]}")
            self._take_back()
            if not self._holds(row):  # a connection may break between a commit and the word of it
                raise fault from error

    def _insert(self, row: Row) -> None:
        """Insert an event by a statement that was compiled once: SQLAlchemy's own way costs more than the disk."""
        by_place = self._engine.dialect.positional
        self._live.exec_driver_sql(self._insertion, row if by_place else dict(zip(_EVENTS.c.keys(), row, strict=True)))

    def _attach(self, content: bytes) -> None:
        sha = hashlib.sha256(content).hexdigest()
        known = self._live.scalar(sa.select(_ATTACHMENTS.c.sha256).where(_ATTACHMENTS.c.sha256 == sha))
        if known is None:
            self._live.execute(_ATTACHMENTS.insert().values((sha, content)))

    def _holds(self, row: Row) -> bool:
        """Return whether a row is there, be it that its commit was not heard of."""
        return bool(self._read(sa.select(_EVENTS.c.seq).where(_EVENTS.c.seq == row[0], _EVENTS.c.hash == row[-1])))

    def _take_back(self) -> None:
        if self._connection is not None and not (self._connection.invalidated or self._connection.closed):
            self._connection.rollback()

    def post(self, text: str) -> None:
        """Leave a message for whoever writes the ledger; needs no lock.

        Raises:
            LedgerError: The database refused.
        """
        try:
            self._live.execute(_INBOX.insert().values(body=text))
            self._live.commit()
        except sa.exc.DBAPIError as error:
            self._take_back()
            raise self._fault(error, "the message") from error

    def posted(self, after: int) -> list[tuple[int, str]]:
        """Return the messages left after the one of that number, oldest first.

        Raises:
            LedgerError: The database cannot be read.
        """
        query = sa.select(_INBOX.c.id, _INBOX.c.body).where(_INBOX.c.id > after).order_by(_INBOX.c.id)
        return [(int(number), str(text)) for number, text in self._read(query)]

    def attachment(self, sha256: str) -> bytes:
        """Return the bytes of an attachment.

        Raises:
            LedgerError: The database cannot be read.
            LedgerDamaged: It is missing, or its bytes do not have that hash.
        """
        found = self._read(_CONTENT, sha256=sha256)
        if not found or hashlib.sha256(found[0][0]).hexdigest() != sha256:
            message = f"{self.path}: attachment {sha256[:12]} is missing or was changed"
            raise LedgerDamaged(message)
        return bytes(found[0][0])

    def close(self) -> None:
        """Release the database and the lock; safe to call twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._engine.dispose()
