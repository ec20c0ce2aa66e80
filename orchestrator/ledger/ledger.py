"""The ledger: a store of events, their chain, and the state they fold to."""

import gc
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from sys import intern
from typing import TYPE_CHECKING, Any, Self

from instruments.driver import Reading
from orchestrator.address import Address, address, ledger_place
from orchestrator.ledger.damage import fits, misfit
from orchestrator.ledger.events import FORMAT, GENESIS, Event, Kind, chain, compact
from orchestrator.ledger.form import misfit_of
from orchestrator.ledger.opening import open_store
from orchestrator.ledger.readings import decode_reading
from orchestrator.ledger.run import Attempt, Run
from orchestrator.ledger.state import State, TransitionError
from orchestrator.ledger.store import LedgerDamaged, LedgerError, LedgerMisfit, Row, Store

if TYPE_CHECKING:
    from pandas import DataFrame


def _with_shared_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object whose keys are the same objects as those of all others: half of what a state weighs else."""
    return {intern(key): value for key, value in pairs}


_DECODER = json.JSONDecoder(object_pairs_hook=_with_shared_keys)


class Ledger:
    """The append-only record of one campaign. Use `Ledger.open` to read and `Ledger.write` to append.

    Opening reads every event, checks the chain and folds the state.

    Args:
        store: Where the events live.

    Raises:
        LedgerDamaged: The chain is broken, or an event is not allowed where it stands.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.state = State(head=GENESIS)
        with _without_collector():
            for event in self.events():
                self._take(event)

    def _take(self, event: Event) -> None:
        """Take an event that was read into account, if it can be one."""
        what = f"event {event.seq} ({event.kind})"
        try:
            wrong = misfit_of(event, self.state)
            if not wrong:
                self.state.apply(event)
                return
        except TransitionError as error:
            what, wrong = str(error), ""
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            wrong = f"it does not follow from what was before it ({type(error).__name__}: {error})"
        message = f"{self.path}: {what}{wrong and f': {wrong}'}; the ledger was edited, or written by another version"
        raise LedgerDamaged(message)

    @classmethod
    def open(cls, path: str | Path | Address) -> Self:
        """Open an existing ledger to read.

        Args:
            path: Its file, the folder of its campaign (`runs/lipon`), or `postgresql://user@host/database#campaign`.

        Raises:
            LedgerError: There is none.
            LedgerDamaged: Its bytes are not what was written.
        """
        named = path if isinstance(path, Address) else ledger_place(path)
        ledger = cls._on(open_store(_place(named)))
        if ledger.state.opened is None:
            ledger.close()
            message = f"{ledger.path}: the ledger holds no campaign; it was truncated, or its campaign never began"
            raise LedgerDamaged(message)
        return ledger

    @classmethod
    def write(cls, path: str | Path | Address) -> Self:
        """Open a ledger to append, and make it where there is none.

        Args:
            path: Its file, or `postgresql://user@host/database#campaign`.

        Raises:
            LedgerError: Another process writes it, or the folder cannot be written.
            LedgerDamaged: Its bytes are not what was written.
        """
        return cls._on(open_store(_place(path), write=True))

    @classmethod
    def _on(cls, store: Store) -> Self:
        try:
            return cls(store)
        except BaseException:
            store.close()
            raise

    @property
    def path(self) -> Path | Address:
        """The file, or the campaign in a database; as text it has no password."""
        return self._store.path

    @property
    def warnings(self) -> list[str]:
        """What is not as it should be where the ledger lies, in sentences."""
        return self._store.warnings

    def rows(self) -> Iterator[Row]:
        """Yield every event as it is stored, in order, checking the chain.

        Raises:
            LedgerDamaged: A row is missing, changed, or out of place.
        """
        previous, expected = GENESIS, 1
        for row in self._store.rows():
            *content, digest = row
            if content[0] != expected:
                message = f"{self.path}: event {expected} is missing (the next row is event {content[0]})"
                raise LedgerDamaged(message)
            if not fits(previous, row):
                message = f"{self.path}: {misfit(self._store.rows(), previous, expected)}"
                raise LedgerDamaged(message)
            yield row
            previous, expected = digest, expected + 1

    def events(self) -> Iterator[Event]:
        """Yield every event in order, checking the chain.

        Raises:
            LedgerDamaged: A row is missing, changed, or out of place.
        """
        for row in self.rows():
            try:
                event = _event(row[:-1], row[-1])
            except (ValueError, TypeError, AttributeError, RecursionError) as error:
                message = f"{self.path}: event {row[0]}: its body is none ({error}); the ledger was edited"
                raise LedgerDamaged(message) from error
            yield event

    def others(self) -> Iterator[tuple[str, Row]]:
        """Yield what the ledger holds beside its events, `(table, row)`: attachments by hash, messages by number."""
        for sha256 in self._store.hashes():
            yield "attachments", (sha256, self._store.attachment(sha256))
        for message in self._store.posted(0):
            yield "inbox", message

    def frame(self) -> "DataFrame":
        """Return a pandas frame with one row a run: what `runs.csv` has, the prediction, and the recipe's details.

        Raises:
            LedgerError: pandas is not installed.
        """
        from orchestrator.ledger.frame import runs_frame  # noqa: PLC0415 - pandas only when it is asked for

        return runs_frame(self.state)

    def append(
        self,
        kind: Kind,
        body: Mapping[str, Any],
        *,
        lab_s: float,
        utc: str,
        origin: str,
        run: int | None = None,
        step: int | None = None,
        attachments: Sequence[bytes] = (),
        is_held: bool = False,
    ) -> Event:
        """Append one event; it is durable when this returns, with all that were held back before it.

        Args:
            kind: What happened.
            body: What there is to say of it.
            lab_s: Lab time, s.
            utc: The same moment as ISO text.
            origin: Where it comes from.
            run: The run it belongs to.
            step: The step within the run.
            attachments: What the body names by its hash.
            is_held: Whether it may be written with later events, in one transaction. For what comes again of itself
                after a crash: others read it only then, and a crash takes it back.

        Raises:
            LedgerRefused: The database refused for now; nothing was written.
            LedgerMisfit: The event has not the form of its kind; nothing was written.
            TypeError: Its body is no JSON; nothing was written.
            LedgerError: The database refused for good; nothing was written.
            TransitionError: The event is not allowed here; nothing was written.
        """
        text = compact(body)
        content = (self.state.n_events + 1, str(kind), 1, float(lab_s), utc, origin, run, step, text)
        digest = chain(self.state.head, content)
        event = _event(content, digest)
        following = self.state.following(event)
        wrong = misfit_of(event, self.state)
        if wrong:
            message = f"{self.path}: {kind} was not written, since nobody could read it again: {wrong}"
            raise LedgerMisfit(message)
        contents = {hashlib.sha256(content).hexdigest(): content for content in attachments}
        self._store.append((*content, digest), contents, is_held=is_held)
        self.state.apply(event, following)
        return event

    def flush(self) -> None:
        """Write the events that are held back; durable when it returns.

        Raises:
            LedgerRefused: The database refused for now; nothing was written.
            LedgerError: The database refused for good; nothing was written.
        """
        self._store.flush()

    def messages(self) -> list[tuple[int, dict[str, Any]]]:
        """Return what other processes have left for the writer and is not yet an event: number and content."""
        return [(number, _message(text)) for number, text in self._store.posted(self.state.last_message)]

    def runs(self) -> list[Run]:
        """Return every run, by number, unfinished ones too."""
        return list(self.state.runs.values())

    def reading(self, attempt: Attempt) -> Reading:
        """Return what an attempt read, with its arrays.

        Raises:
            LookupError: It read nothing.
        """
        if attempt.reading is None:
            message = f"step {attempt.id} has no reading"
            raise LookupError(message)
        return decode_reading(attempt.reading, self._store.attachment)

    def attachment(self, sha256: str) -> bytes:
        """Return attached bytes by their hash."""
        return self._store.attachment(sha256)

    def close(self) -> None:
        """Release the file and its lock; safe to call twice."""
        self._store.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def _place(place: str | Path | Address) -> Path | Address:
    try:
        return address(place)
    except ValueError as error:
        raise LedgerError(str(error)) from error


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep the collector of cycles from walking through a state that only grows, over and over again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _message(text: str) -> dict[str, Any]:
    """Return what a message says; of one that is no JSON object, its text."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    return content if isinstance(content, dict) else {"unreadable": text}


def _event(content: tuple[Any, ...], digest: str) -> Event:
    seq, kind, version, lab_s, utc, origin, run, step, text = content
    body = _DECODER.decode(text)
    if kind == Kind.CAMPAIGN_OPENED and isinstance(body.get("format"), int) and body["format"] > FORMAT:
        message = f"the ledger has format {body['format']}; this version reads up to {FORMAT}: upgrade"
        raise LedgerDamaged(message)
    return Event(seq, kind, lab_s, utc, origin, run, step, body, digest, version)
