"""Where events live: a database whose rows are only ever inserted.

Knows tables, rows and durability; knows nothing of what an event means. What differs between databases (locks,
triggers, faults) is in `sqlite.py` and `postgres.py`.

A row may be held back, to be written with others in one transaction. Rows are written in their order and whole
transactions are durable, so that what is on the disk is always a prefix of what was appended.
"""

import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
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
_POSTED = sa.select(_INBOX.c.id, _INBOX.c.body).where(_INBOX.c.id > sa.bindparam("after")).order_by(_INBOX.c.id)
_PAGE = 5000
_BATCH = 256

MOST_HELD, LONGEST_HELD_S = 1024, 0.1
"""How many rows are written together at most, and how long one is held back, s on the wall, until the next comes."""

Row = tuple[Any, ...]


class LedgerError(Exception):
    """The ledger cannot be used as asked: locked, missing, unwritable."""


class LedgerLocked(LedgerError):  # noqa: N818 - what the ledger is
    """Another process is writing it."""


class LedgerRefused(LedgerError):  # noqa: N818 - what the ledger did
    """The database refused for now (a full disk, a lost connection); nothing was written, and it may be tried again."""


class LedgerMisfit(LedgerError):  # noqa: N818 - what the event is
    """An event that nobody could read again; nothing was written."""


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
        self._attaching = f"{_ATTACHMENTS.insert().compile(dialect=engine.dialect)} ON CONFLICT DO NOTHING"
        self._connection: sa.Connection | None = None
        self._held: list[Row] = []
        self._held_content: dict[str, bytes] = {}
        self._held_since_s = 0.0
        self._room = 1  # doubled at each write, so that a process that dies young has got on all the same

    @abstractmethod
    def _fault(self, error: sa.exc.DBAPIError, what: str) -> LedgerError:
        """Return what an error of the database means, as a sentence with a way out."""

    @abstractmethod
    def _prepare(self, connection: sa.Connection) -> None:
        """Take the lock if this store writes, and see that there is a ledger.

        Raises:
            LedgerError: It cannot be had, or there is none.
        """

    def _make_ready(self) -> None:  # noqa: B027 - most databases need nothing
        """Do what must be done before the first row is written."""

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

    def _read(self, query: sa.Select[Any], **bound: str | int) -> list[Row]:
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
            self._make_ready()
            for name, group in groupby(rows, key=itemgetter(0)):
                table = METADATA.tables[name]
                while batch := [dict(zip(table.c.keys(), row, strict=True)) for _, row in islice(group, _BATCH)]:
                    self._live.execute(table.insert(), batch)
            self._live.commit()
        except sa.exc.DBAPIError as error:
            self._take_back()
            raise self._fault(error, "the import") from error

    def append(self, row: Row, attachments: Mapping[str, bytes], *, is_held: bool = False) -> None:
        """Insert one row with its attachments, and all that were held back before it; durable when it returns.

        Args:
            row: The event, its hash at the end.
            attachments: Bytes by their sha256.
            is_held: Whether the row itself may wait for a later one, or for `flush`. It is in the ledger all the same;
                a crash takes it back, with every row after it.

        Raises:
            LedgerRefused: The disk is full, the server gone: nothing was written, and it may be tried again.
            LedgerError: The database refused for good; nothing was written.
        """
        now_s = time.monotonic()
        since_s = self._held_since_s if self._held else now_s
        is_due = len(self._held) + 1 >= self._room or now_s - since_s >= LONGEST_HELD_S
        if not is_held or is_due:
            self._insert_all([*self._held, row], {**self._held_content, **attachments})
            self._room = min(2 * self._room, MOST_HELD) if is_held else self._room
            return
        self._held_since_s = since_s
        self._held.append(row)
        self._held_content.update(attachments)

    def flush(self) -> None:
        """Write what is held back; durable when it returns.

        Raises:
            LedgerRefused: The disk is full, the server gone: nothing was written, and it may be tried again.
            LedgerError: The database refused for good; nothing was written.
        """
        if self._held:
            self._insert_all(self._held, self._held_content)

    def _insert_all(self, rows: Sequence[Row], attachments: Mapping[str, bytes]) -> None:
        """Insert rows by statements that were compiled once: SQLAlchemy's own way costs more than the disk."""
        try:
            self._make_ready()
            if attachments:
                self._insert(self._attaching, _ATTACHMENTS, list(attachments.items()))
            self._insert(self._insertion, _EVENTS, rows)
            self._live.commit()
        except sa.exc.DBAPIError as error:
            first, last = rows[0][0], rows[-1][0]
            which = f"event {last}" if first == last else f"events {first} to {last}"
            fault = self._fault(error, f"the append of {which}")
            self._take_back()
            if not self._holds(rows[-1]):  # a connection may break between a commit and the word of it
                raise fault from error
        self._held, self._held_content = [], {}

    def _insert(self, statement: str, table: sa.Table, rows: Sequence[Row]) -> None:
        if not self._engine.dialect.positional:
            self._live.exec_driver_sql(statement, [dict(zip(table.c.keys(), row, strict=True)) for row in rows])
        else:
            self._live.exec_driver_sql(statement, list(rows))

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
            self._make_ready()
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
        return [(int(number), str(text)) for number, text in self._read(_POSTED, after=after)]

    def attachment(self, sha256: str) -> bytes:
        """Return the bytes of an attachment.

        Raises:
            LedgerError: The database cannot be read.
            LedgerDamaged: It is missing, or its bytes do not have that hash.
        """
        if sha256 in self._held_content:
            return self._held_content[sha256]
        found = self._read(_CONTENT, sha256=sha256)
        if not found or hashlib.sha256(found[0][0]).hexdigest() != sha256:
            message = f"{self.path}: attachment {sha256[:12]} is missing or was changed"
            raise LedgerDamaged(message)
        return bytes(found[0][0])

    def close(self) -> None:
        """Release the database and the lock; safe to call twice.

        What is held back is written if it can be. Where it cannot, the ledger ends before it, as after a crash.
        """
        if self._connection is not None:
            with suppress(LedgerError):
                self.flush()
            self._connection.close()
            self._connection = None
        self._engine.dispose()
