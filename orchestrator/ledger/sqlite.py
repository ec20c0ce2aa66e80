"""A ledger in a SQLite file, with the writer's lock beside it."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from filelock import FileLock, Timeout

from orchestrator.ledger.person import writer
from orchestrator.ledger.store import METADATA, LedgerDamaged, LedgerError, LedgerLocked, LedgerRefused, Store

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
_WAYS_OUT = {
    sqlite3.SQLITE_FULL: "the disk is full; make room",
    sqlite3.SQLITE_IOERR: "the disk cannot be written or read; see to it",
    sqlite3.SQLITE_BUSY: "another program holds the file locked; close it",
    sqlite3.SQLITE_LOCKED: "another program holds the file locked; close it",
    sqlite3.SQLITE_READONLY: "the file or its folder is read-only; make it writable, or choose another with --out",
    sqlite3.SQLITE_PERM: "the file or its folder may not be used; see to its permissions",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; see to its permissions and those of its folder",
}
"""Faults of the disk and of neighbours, all of which may pass; any other error means a damaged file."""

_NETWORK = (
    "nfs",
    "cifs",
    "smb",
    "9p",
    "afs",
    "ceph",
    "glusterfs",
    "lustre",
    "fuse.sshfs",
    "fuse.rclone",
    "fuse.gluster",
)
_BUSY_S = 5.0
_SMALLEST = 512  # bytes of the smallest page that SQLite has; it writes over what is smaller
_JOURNAL = "PRAGMA journal_mode=WAL"
_LOCK_S, _LOCK_POLL_S = 0.3, 0.03
"""How long the lock is tried for: who only looks whether it is free holds it for a moment."""

_LONGEST_SIGNATURE = 200
_MOUNTS = Path("/proc/self/mounts")


class SqliteStore(Store):
    """A SQLite file of events and attachments.

    Args:
        path: The file.
        write: Whether to append; takes the lock, and makes the file where there is none.
        post: Whether to leave messages for the writer instead, without the lock.
        busy_s: How long to wait for another program's transaction.

    Raises:
        LedgerError: No such file, no permission, or another process is writing.
        LedgerDamaged: Not a ledger, or a broken one.
    """

    path: Path

    def __init__(self, path: Path, *, write: bool = False, post: bool = False, busy_s: float = _BUSY_S) -> None:
        self.path = path
        self._lock = FileLock(f"{path}.lock")
        self._nothing_at: tuple[int, int] | None = None
        self._asked: sa.Connection | None = None
        self._driver: Any = None  # what is beneath that connection; SQLAlchemy's way to it costs more than the question
        self._is_ready = False
        is_new = not path.exists()
        if not is_new and not path.is_file():
            kind = "a folder" if path.is_dir() else "a pipe or a device"
            message = f"{path}: is {kind}; give the ledger's file"
            raise LedgerError(message)
        if write:
            self._take_lock(path)
            if is_new:
                self._make(path, busy_s)
            self._look_at(path)
        elif is_new:
            message = f"{path}: no such ledger"
            raise LedgerError(message)
        super().__init__(path, _engine(path, write=write or post, busy_s=busy_s), write=write)
        try:
            self._connection = self._connect()
            if write:
                self._warn_of_network()
        except BaseException:
            self.close()
            raise

    def _take_lock(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=_LOCK_S, poll_interval=_LOCK_POLL_S)
        except Timeout as error:
            message = f"{path}: {_signed(path)} is writing this ledger; wait for it or stop it"
            raise LedgerLocked(message) from error
        except OSError as error:
            message = f"{path.parent}: cannot be written ({error.strerror}); choose another folder with --out"
            raise LedgerError(message) from error
        with suppress(OSError):  # a courtesy to whoever finds the ledger locked
            _signature(path).write_text(writer(), encoding="utf-8")

    def _make(self, path: Path, busy_s: float) -> None:
        """Make an empty ledger under another name first: killed in between, there is none rather than half of one."""
        unfinished = path.with_name(f"{path.name}.new")
        try:
            unfinished.unlink(missing_ok=True)
            engine = _engine(unfinished, write=True, busy_s=busy_s)
            with engine.connect() as connection:
                connection.exec_driver_sql(_JOURNAL)
            with engine.begin() as connection:
                METADATA.create_all(connection)
                for statement in _REFUSALS:
                    connection.execute(sa.text(statement))
            engine.dispose()
            unfinished.replace(path)
        except (OSError, sa.exc.DBAPIError) as error:
            self._lock.release()
            reason = error.strerror if isinstance(error, OSError) else error.orig
            message = f"{path.parent}: no ledger can be made there ({reason}); make room or choose another with --out"
            raise LedgerRefused(message) from error

    def _look_at(self, path: Path) -> None:
        """Refuse a file before SQLite touches it: it would leave files beside it that get in the way later."""
        size = path.stat().st_size
        if size < _SMALLEST:
            self._release()
            what = f"the file has {size} bytes only" if size else "the file is empty"
            message = f"{path}: {what}; it was truncated, or is not a ledger"
            raise LedgerDamaged(message)
        if not _is_writable(path):
            self._release()
            message = f"{path}: {_WAYS_OUT[sqlite3.SQLITE_READONLY]}"
            raise LedgerRefused(message)

    def _prepare(self, connection: sa.Connection) -> None:
        if self._write:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # a neighbour's lock is found now, not at the first append
            connection.commit()
        self._check_pages(connection)

    def _check_pages(self, connection: sa.Connection) -> None:
        """Look for a torn file, which SQLite itself notices only when it needs the missing page."""
        found = connection.scalar(sa.text("PRAGMA quick_check(1)"))
        n_bytes = connection.scalar(sa.text("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"))
        connection.rollback()
        if found == "ok" and self.path.stat().st_size < (n_bytes or 0) and not _has_wal(self.path):
            found = f"{self.path.stat().st_size} bytes of {n_bytes} are there"
        if found != "ok":
            raise LedgerDamaged(_torn(self.path, found))
        tables = set(connection.scalars(sa.text("SELECT name FROM sqlite_master WHERE type = 'table'")))
        connection.rollback()
        if missing := sorted(set(METADATA.tables) - tables):
            message = f"{self.path}: a database without the table {missing[0]}, which is no ledger; give the right file"
            raise LedgerDamaged(message)

    def posted(self, after: int) -> list[tuple[int, str]]:
        """Return the messages left after the one of that number; asks no table while nobody else has written."""
        version = self._data_version()
        if self._nothing_at == (after, version):
            return []
        found = super().posted(after)
        self._nothing_at = None if found else (after, version)
        return found

    def _data_version(self) -> int:
        """Return a number that changes when another connection commits.

        Source: https://www.sqlite.org/pragma.html#pragma_data_version
        """
        live = self._live  # connects again where the connection was lost
        if live is not self._asked:
            self._asked, self._driver = live, live.connection.driver_connection
        try:
            return int(self._driver.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error as error:
            raise self._fault(sa.exc.DBAPIError(None, None, error), "reading") from error

    def _make_ready(self) -> None:
        """Choose the journal in which readers do not wait; not before there is something to write.

        It is a word in the file's header, and a ledger that is refused keeps every byte.
        """
        if not self._is_ready:
            self._live.exec_driver_sql(_JOURNAL)
            self._is_ready = True

    def _fault(self, error: sa.exc.DBAPIError, what: str) -> LedgerError:
        code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code in _WAYS_OUT:
            return LedgerRefused(f"{self.path}: {what} was refused: {_WAYS_OUT[code]} ({error.orig})")
        if code == sqlite3.SQLITE_CONSTRAINT:
            return LedgerError(f"{self.path}: {what} was refused ({error.orig}); another program writes the file")
        return LedgerDamaged(_torn(self.path, error.orig))

    def _warn_of_network(self) -> None:
        kind = network_kind(self.path)
        if kind is not None:
            self.warnings.append(
                f"{self.path} is on a network file system ({kind}), where SQLite's locks and its order of writing are "
                "not certain; keep the ledger on a local disk with --out, or in PostgreSQL"
            )

    def close(self) -> None:
        """Release the file and the lock; safe to call twice."""
        super().close()
        self._release()

    def _release(self) -> None:
        if self._lock.is_locked:
            with suppress(OSError):
                _signature(self.path).unlink(missing_ok=True)
        self._lock.release()


def holder_of_file(path: Path) -> str:
    """Return who writes a ledger, in words; empty when nobody does."""
    lock = FileLock(f"{path}.lock")
    if not Path(lock.lock_file).exists():
        return ""
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return _signed(path)
    except OSError:  # another user's, whose lock may not be tried
        return _signed(path) if _signature(path).exists() else ""
    lock.release()
    return ""


def _signature(path: Path) -> Path:
    """Return the file in which the writer of a ledger tells who it is."""
    return path.with_name(f"{path.name}.writer")


def _signed(path: Path) -> str:
    try:
        told = _signature(path).read_text(encoding="utf-8")[:_LONGEST_SIGNATURE]
    except (OSError, UnicodeDecodeError):
        told = ""
    return "".join(c for c in told if c.isprintable()).strip() or "another process"


def network_kind(path: Path, mounts: Path | None = None) -> str | None:
    """Return the kind of network file system a path is on; None for a local disk, or where it cannot be known.

    Args:
        path: Where the ledger is.
        mounts: A table of mounted file systems; that of the system by default.
    """
    try:
        table = (mounts or _MOUNTS).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    here, best, kind = path.resolve(), "", ""
    for _, raw, mounted, *_ in (line.split() for line in table.splitlines()):
        point = raw.replace("\\040", " ")
        if here.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, mounted
    return kind if kind.startswith(_NETWORK) else None


def _engine(path: Path, *, write: bool, busy_s: float) -> sa.Engine:
    url = sa.URL.create("sqlite", database=str(path))
    if not write:
        url = url.set(database=f"file:{quote(str(path))}").update_query_dict(
            {"mode": "ro", "uri": "true", **_still(path)}
        )
    engine = sa.create_engine(url, connect_args={"timeout": busy_s})

    @sa.event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DBAPI connection
        pragmas = ("synchronous=FULL",) if write else ("query_only=ON",)
        for pragma in (*pragmas, "trusted_schema=OFF", "recursive_triggers=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _still(path: Path) -> dict[str, str]:
    """Return the option without which SQLite cannot read a ledger in a folder that cannot be written."""
    return {} if _is_writable(path.parent) or _has_wal(path) else {"immutable": "1"}


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _has_wal(path: Path) -> bool:
    """Return whether pages are still to be copied from the log into the file."""
    wal = path.with_name(f"{path.name}-wal")
    return wal.exists() and wal.stat().st_size > 0


def _torn(path: Path, found: object) -> str:
    return f"{path}: not a readable ledger ({found}); restore it from a copy"
