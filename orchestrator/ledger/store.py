"""Where events live: a database whose rows are only ever inserted.

Knows SQL, locking and durability; knows nothing of what an event means.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock, Timeout

_METADATA = sa.MetaData()
_EVENTS = sa.Table(
    "events",
    _METADATA,
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
    _METADATA,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
_INBOX = sa.Table(
    "inbox",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("body", sa.Text, nullable=False),
)
_REFUSALS = (
    *(
        f"CREATE TRIGGER {table}_never_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table}: rows are only ever inserted'); END"
        for table in ("events", "attachments", "inbox")
        for verb in ("UPDATE", "DELETE")
    ),
    (
        "CREATE TRIGGER events_without_gap BEFORE INSERT ON events "
        "WHEN NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM events) "
        "BEGIN SELECT RAISE(ABORT, 'events: seq must be the last one + 1'); END"
    ),
)

Row = tuple[Any, ...]


class LedgerError(Exception):
    """The ledger cannot be used as asked: locked, missing, unwritable."""


class LedgerLocked(LedgerError):  # noqa: N818 - what the ledger is
    """Another process is writing it."""


class LedgerDamaged(LedgerError):  # noqa: N818 - what the ledger is
    """The ledger's bytes are not what was written."""


class Store:
    """A SQLite file of events and attachments.

    Args:
        path: The file.
        write: Whether to append; takes the lock, and makes the file where there is none.
        post: Whether to leave messages for the writer instead, without the lock.

    Raises:
        LedgerError: No such file, no permission, or another process is writing.
        LedgerDamaged: Not a ledger, or a broken one.
    """

    def __init__(self, path: Path, *, write: bool = False, post: bool = False) -> None:
        self.path = path
        self._lock = FileLock(f"{path}.lock")
        is_new = not path.exists()
        if write:
            self._take_lock()
            if not is_new and path.stat().st_size == 0:
                self._lock.release()
                message = f"{path}: the file is empty; it was truncated, or is not a ledger"
                raise LedgerDamaged(message)
        elif is_new:
            message = f"{path}: no such ledger"
            raise LedgerError(message)
        self._engine = _engine(path, write=write or post)
        self._connection: sa.Connection | None = None
        try:
            self._connection = self._engine.connect()
            if write and is_new:
                self._create(self._connection)
            self._check_pages(self._connection)
        except sa.exc.DBAPIError as error:
            self.close()
            raise LedgerDamaged(_torn(path, error.orig)) from error
        except LedgerDamaged:
            self.close()
            raise

    def _take_lock(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout as error:
            message = f"{self.path}: another process is writing this ledger; wait for it or stop it"
            raise LedgerLocked(message) from error
        except OSError as error:
            message = f"{self.path.parent}: cannot be written ({error.strerror}); choose another folder with --out"
            raise LedgerError(message) from error

    def _create(self, connection: sa.Connection) -> None:
        _METADATA.create_all(connection)
        for statement in _REFUSALS:
            connection.execute(sa.text(statement))
        connection.commit()

    def _check_pages(self, connection: sa.Connection) -> None:
        """Look for a torn file, which SQLite itself notices only when it needs the missing page."""
        found = connection.scalar(sa.text("PRAGMA quick_check(1)"))
        n_bytes = connection.scalar(sa.text("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"))
        connection.rollback()
        if found == "ok" and self.path.stat().st_size < (n_bytes or 0) and not _has_wal(self.path):
            found = f"{self.path.stat().st_size} bytes of {n_bytes} are there"
        if found != "ok":
            raise LedgerDamaged(_torn(self.path, found))

    def rows(self) -> Iterator[Row]:
        """Yield every row in order: `(seq, kind, version, lab_s, utc, origin, run, step, body, hash)`.

        Raises:
            LedgerDamaged: The file cannot be read to its end.
        """
        try:
            for row in self._live.execute(sa.select(_EVENTS).order_by(_EVENTS.c.seq)):
                yield tuple(row)
        except sa.exc.DBAPIError as error:
            raise LedgerDamaged(_torn(self.path, error.orig)) from error

    def append(self, row: Row, attachments: Sequence[bytes] = ()) -> None:
        """Insert one row with its attachments; durable when it returns.

        Raises:
            LedgerError: The disk refused; nothing was written.
        """
        try:
            for content in attachments:
                self._attach(content)
            self._live.execute(_EVENTS.insert().values(row))
            self._live.commit()
        except sa.exc.DBAPIError as error:
            self._live.rollback()
            message = f"{self.path}: the append of event {row[0]} was refused: {error.orig}"
            raise LedgerError(message) from error

    def _attach(self, content: bytes) -> None:
        sha = hashlib.sha256(content).hexdigest()
        known = self._live.scalar(sa.select(_ATTACHMENTS.c.sha256).where(_ATTACHMENTS.c.sha256 == sha))
        if known is None:
            self._live.execute(_ATTACHMENTS.insert().values((sha, content)))

    def post(self, text: str) -> None:
        """Leave a message for whoever writes the ledger; needs no lock.

        Raises:
            LedgerError: The disk refused.
        """
        try:
            self._live.execute(_INBOX.insert().values(body=text))
            self._live.commit()
        except sa.exc.DBAPIError as error:
            self._live.rollback()
            message = f"{self.path}: the message was refused: {error.orig}"
            raise LedgerError(message) from error

    def posted(self, after: int) -> list[tuple[int, str]]:
        """Return the messages left after the one of that number, oldest first."""
        query = sa.select(_INBOX.c.id, _INBOX.c.body).where(_INBOX.c.id > after).order_by(_INBOX.c.id)
        return [(int(number), str(text)) for number, text in self._live.execute(query)]

    def attachment(self, sha256: str) -> bytes:
        """Return the bytes of an attachment.

        Raises:
            LedgerDamaged: It is missing, or its bytes do not have that hash.
        """
        content = self._live.scalar(sa.select(_ATTACHMENTS.c.content).where(_ATTACHMENTS.c.sha256 == sha256))
        if content is None or hashlib.sha256(content).hexdigest() != sha256:
            message = f"{self.path}: attachment {sha256[:12]} is missing or was changed"
            raise LedgerDamaged(message)
        return bytes(content)

    @property
    def _live(self) -> sa.Connection:
        if self._connection is None:
            message = f"{self.path}: the ledger is closed"
            raise LedgerError(message)
        return self._connection

    def close(self) -> None:
        """Release the file and the lock; safe to call twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._engine.dispose()
        self._lock.release()


def _engine(path: Path, *, write: bool) -> sa.Engine:
    url = f"sqlite:///{path}" if write else f"sqlite:///file:{path}?mode=ro&uri=true"
    engine = sa.create_engine(url)

    @sa.event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DBAPI connection
        pragmas = ("journal_mode=WAL", "synchronous=FULL") if write else ("query_only=ON",)
        for pragma in (*pragmas, "trusted_schema=OFF", "recursive_triggers=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _has_wal(path: Path) -> bool:
    """Return whether pages are still to be copied from the log into the file."""
    wal = path.with_name(f"{path.name}-wal")
    return wal.exists() and wal.stat().st_size > 0


def _torn(path: Path, found: object) -> str:
    return f"{path}: not a readable ledger ({found}); restore it from a copy"
