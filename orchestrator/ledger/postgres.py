"""A ledger in a laboratory's shared PostgreSQL database: one schema a campaign.

Rule of this file: the writer's lock belongs to its session, so that the server frees it when the writer dies. Whoever
has lost the session has lost the lock, and must get it again before the next append.
"""

import hashlib
from contextlib import suppress

import sqlalchemy as sa

from orchestrator.address import Address, checked
from orchestrator.ledger.person import writer
from orchestrator.ledger.store import METADATA, LedgerDamaged, LedgerError, LedgerLocked, LedgerRefused, Store

_SESSION = {
    "synchronous_commit": "on",
    "client_min_messages": "warning",
    "tcp_keepalives_idle": "30",  # a host that lost its power is forgotten, and its lock freed, within a minute
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
_LONGEST_NAME = 63
_PASSING = ("08", "53", "57", "58", "55P03")
"""SQLSTATE classes of faults that may pass: connection, resources (disk full), shutdown, input and output, lock."""

_TRIGGERS = (
    """
    CREATE FUNCTION only_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '%: rows are only ever inserted', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    """
    CREATE FUNCTION without_gap() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        IF NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM events) THEN
            RAISE EXCEPTION 'events: seq must be the last one + 1' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    "CREATE TRIGGER events_without_gap BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION without_gap()",
    *(
        f"CREATE TRIGGER {table}_only_inserted BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION only_inserted()"
        for table in ("events", "attachments", "inbox")
    ),
)
_HOLDER = sa.text(
    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND l.granted AND l.objsubid = 1 AND ((l.classid::bigint << 32) | l.objid::bigint) = :key"
)
_CAMPAIGNS = sa.text(
    "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relname = 'events' AND EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid "
    "AND t.tgname = 'events_without_gap') ORDER BY 1"
)


class PostgresStore(Store):
    """Events and attachments in a PostgreSQL schema.

    Args:
        place: The database and the campaign in it.
        write: Whether to append; takes the lock, and makes the schema where there is none.

    Raises:
        LedgerError: No such campaign, no server, no permission, or another process is writing.
    """

    path: Address

    def __init__(self, place: Address, *, write: bool = False) -> None:
        if not place.campaign:
            message = f"{place}: which campaign? Write {place}#NAME; {_listed(place)}"
            raise LedgerError(message)
        if len(place.campaign) > _LONGEST_NAME:
            message = (
                f"{place}: the name {place.campaign!r} has more than {_LONGEST_NAME} letters; choose a shorter one"
            )
            raise LedgerError(message)
        super().__init__(place, _engine(place), write=write)
        try:
            self._connection = self._connect()
        except BaseException:
            self.close()
            raise

    def _prepare(self, connection: sa.Connection) -> None:
        if self._write:
            self._take_lock(connection)
        table = f"{self._engine.dialect.identifier_preparer.quote_identifier(self.path.campaign)}.events"
        is_there = connection.scalar(sa.text("SELECT to_regclass(:table)"), {"table": table}) is not None
        if not is_there and not self._write:
            message = f"{self.path}: no such ledger; {_listed(self.path)}"
            raise LedgerError(message)
        if not is_there:
            connection.execute(sa.schema.CreateSchema(self.path.campaign, if_not_exists=True))
            METADATA.create_all(connection)
            for statement in _TRIGGERS:
                connection.exec_driver_sql(statement.replace("%", "%%"), ())
        connection.commit()

    def _take_lock(self, connection: sa.Connection) -> None:
        key = {"key": _key(self.path.campaign)}
        if connection.scalar(sa.text("SELECT pg_try_advisory_lock(:key)"), key):
            connection.commit()
            return
        holder = connection.scalar(_HOLDER, key) or "another process"
        message = f"{self.path}: {holder} is writing this ledger; wait for it or stop it"
        raise LedgerLocked(message)

    def close(self) -> None:
        """Release the lock and the session, in this order: the server notices that a session ended a moment later."""
        if self._write and self._connection is not None and not self._connection.invalidated:
            with suppress(sa.exc.DBAPIError):
                self._connection.rollback()
                self._connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": _key(self.path.campaign)})
                self._connection.commit()
        super().close()

    def _fault(self, error: sa.exc.DBAPIError, what: str) -> LedgerError:
        state = getattr(error.orig, "sqlstate", None)
        said = " ".join(str(error.orig).split())
        if state is None or state.startswith(_PASSING):
            return LedgerRefused(f"{self.path}: {what} was refused: {said}; see to the server and the way to it")
        if state in ("42P01", "42703"):
            return LedgerDamaged(f"{self.path}: not a readable ledger ({said}); restore it from a copy")
        return LedgerError(f"{self.path}: {what} was refused: {said}")


def campaigns(place: Address) -> list[str]:
    """Return the names of all campaigns in a database.

    Raises:
        LedgerError: The database cannot be reached.
    """
    engine = _engine(place)
    try:
        with engine.connect() as connection:
            return [str(name) for name in connection.scalars(_CAMPAIGNS)]
    except sa.exc.DBAPIError as error:
        said = " ".join(str(error.orig).split())
        message = f"{place}: the database cannot be used: {said}; see to the server, the user and the password"
        raise LedgerRefused(message) from error
    finally:
        engine.dispose()


def holder_of_campaign(place: Address) -> str:
    """Return who writes a campaign, in words; empty when nobody does.

    Raises:
        LedgerError: The database cannot be reached.
    """
    engine = _engine(place)
    try:
        with engine.connect() as connection:
            return str(connection.scalar(_HOLDER, {"key": _key(place.campaign)}) or "")
    except sa.exc.DBAPIError as error:
        said = " ".join(str(error.orig).split())
        message = f"{place}: the database cannot be used: {said}; see to the server, the user and the password"
        raise LedgerRefused(message) from error
    finally:
        engine.dispose()


def _listed(place: Address) -> str:
    names = campaigns(place)
    return f"the database has {', '.join(names)}" if names else "the database has no campaign yet"


def _engine(place: Address) -> sa.Engine:
    settings = {**_SESSION, "search_path": place.campaign and _escaped(f'"{place.campaign}"')}
    options = " ".join(f"-c {name}={value}" for name, value in settings.items() if value)
    try:
        url = sa.make_url(checked(place.url)).set(drivername="postgresql+psycopg")
        return sa.create_engine(
            url,
            poolclass=sa.NullPool,
            connect_args={"options": options, "application_name": writer()[:_LONGEST_NAME], "connect_timeout": 10},
        )
    except ModuleNotFoundError as error:
        message = f'{place}: the extra "postgres" is missing; install it: pip install "closed-loop-campaign[postgres]"'
        raise LedgerError(message) from error
    except (sa.exc.ArgumentError, ValueError) as error:
        message = f"{place}: is no address; write postgresql://user@host/database#campaign"
        raise LedgerError(message) from error


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(" ", "\\ ")


def _key(campaign: str) -> int:
    """Return the number of the lock on a campaign, the same on every host."""
    digest = hashlib.sha256(f"closed-loop-campaign {campaign}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
