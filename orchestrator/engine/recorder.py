"""The pen: every event is stamped with the clock's instant, appended, and told to whoever watches.

Rule of this file: what the database refuses for now is kept and tried again, aloud. Meanwhile nothing else is decided,
so nothing new starts; instruments in motion go on, and their news waits in the clock.

What simulated and recorded instruments do on the simulated clock comes again of itself after a crash, so such events
are held back to be written together. All others are on the disk before anything follows from them.
"""

import json
import queue
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any, TypeVar

from instruments.driver import Reading
from orchestrator.clock import SimulatedClock
from orchestrator.display.watcher import Watcher
from orchestrator.ledger import Attempt, Event, Kind, Ledger, LedgerError, LedgerMisfit, LedgerRefused, Run, State, Step

PATIENCE_S = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
"""How long to wait before each next attempt at what was refused."""

_OUTCOMES = (Kind.STEP_FINISHED, Kind.STEP_FAILED)
_LAST = (Kind.PAUSED, Kind.CAMPAIGN_CLOSED)
_REPEATABLE = ("simulated", "recorded")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Recorder:
    """Appends events of one campaign.

    Args:
        ledger: Open to append.
        clock: Tells the instant.
        watcher: Told of every event, after it is in the ledger, and of what was refused.
        patience_s: How long to wait before each next attempt at what was refused. The outcome of a real step, which
            nothing can bring back, and all that comes before it, is tried until it is written or `give_up` is called.
    """

    ledger: Ledger
    clock: SimulatedClock
    watcher: Watcher
    patience_s: Sequence[float] = PATIENCE_S
    _given_up: queue.SimpleQueue[None] = field(default_factory=queue.SimpleQueue)

    @property
    def state(self) -> State:
        """Everything the ledger says."""
        return self.ledger.state

    def record(
        self, kind: Kind, body: Mapping[str, Any], *, run: int | None = None, origin: str | None = None
    ) -> Event:
        """Append an event of the campaign or of a run.

        Raises:
            LedgerError: The database refused, again and again; nothing was written.
        """
        return self._append(kind, body, origin or self.state.origin, run=run)

    def record_step(
        self, kind: Kind, body: Mapping[str, Any], run: Run, step: Step, attachments: Sequence[bytes] = ()
    ) -> Event:
        """Append an event of a step, with the origin of its instrument.

        Raises:
            LedgerError: The database refused, again and again; nothing was written.
        """
        return self._append(kind, body, step.origin, run=run.number, step=step.number, attachments=attachments)

    def start_step(self, body: Mapping[str, Any], run: Run, number: int) -> Event:
        """Append the intent to move an instrument.

        Raises:
            LedgerError: The database refused, again and again; nothing was written, and nothing may move.
        """
        origin = str(self.state.identities[body["instrument"]]["origin"])
        return self._append(Kind.STEP_STARTED, body, origin, run=run.number, step=number)

    def flush(self) -> None:
        """Write what is held back, before something that takes its time.

        Raises:
            LedgerError: The database refused, again and again.
        """
        self._patiently(self.ledger.flush, for_ever=self._is_awaited())

    def messages(self) -> list[tuple[int, dict[str, Any]]]:
        """Return what other processes have left; see `Ledger.messages`. While a real step is under way, it can wait.

        Raises:
            LedgerError: The database refused, again and again.
        """
        if not self._is_awaited():
            return self._patiently(self.ledger.messages)
        try:
            return self.ledger.messages()
        except LedgerRefused:
            return []

    def is_called(self) -> bool:
        """Return whether another process has left a message; a database that cannot be asked now is asked again."""
        try:
            return bool(self.ledger.messages())
        except LedgerError:
            return False

    def reading(self, attempt: Attempt) -> Reading:
        """Return what an attempt read; see `Ledger.reading`.

        Raises:
            LookupError: It read nothing.
            LedgerError: The database refused, again and again.
        """
        return self._patiently(lambda: self.ledger.reading(attempt), for_ever=self._is_awaited())

    def give_up(self) -> None:
        """Try what is being refused once more, and then no longer. Safe in a signal handler."""
        self._given_up.put(None)

    def _append(self, kind: Kind, body: Mapping[str, Any], origin: str, **where: Any) -> Event:  # noqa: ANN401
        when: dict[str, Any] = {"lab_s": self.clock.now_s, "utc": self.clock.utc(), "origin": origin}
        is_precious = kind in _OUTCOMES and origin not in _REPEATABLE
        is_patient = is_precious or self._is_awaited()
        where["is_held"] = self.clock.never_waits and origin in _REPEATABLE and kind not in _LAST
        try:
            event = self._patiently(lambda: self.ledger.append(kind, body, **when, **where), for_ever=is_patient)
        except (LedgerRefused, LedgerMisfit) as error:
            if not is_precious:
                raise
            message = f"{error}; this outcome is not in the ledger, write it down: {json.dumps(body, default=str)}"
            raise type(error)(message) from error
        self.watcher.event(event, self.state)
        return event

    def _is_awaited(self) -> bool:
        """Whether an outcome that nothing can bring back is still to come, and all before it has to be written."""
        return any(step.origin not in _REPEATABLE for _, step in self.state.under_way)

    def _patiently(self, act: Callable[[], _T], *, for_ever: bool = False) -> _T:
        """Do what the database may refuse for now, and wait between attempts."""
        is_last = False
        waits = chain(self.patience_s, repeat(self.patience_s[-1]) if for_ever and self.patience_s else ())
        while not self._given_up.empty():
            self._given_up.get_nowait()
        while True:
            try:
                return act()
            except LedgerRefused as error:
                wait_s = None if is_last else next(waits, None)
                if wait_s is None:
                    raise
                self.watcher.notice(f"{error}; nothing new starts, and it is tried again in {wait_s:g} s")
            is_last = self._is_given_up_within(wait_s)

    def _is_given_up_within(self, wait_s: float) -> bool:
        try:
            self._given_up.get(timeout=wait_s)
        except queue.Empty:
            return False
        return True
