"""Time that passes as on the wall: the same schedule, and blocking drivers in threads of their own."""

import math
import queue
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import numpy as np

from instruments.driver import Attended, Command, Instrument, Phase, PhasedInstrument, Scalar
from orchestrator.clock import hearing
from orchestrator.clock.hearing import News, Overdue, overdue
from orchestrator.clock.simulated import Post, SimulatedClock, is_phased

HALT_S = 10.0
"""How long a blocking driver that was halted may take to come back, s on the wall."""

_SHORTEST_TIMEOUT_S = 60.0
"""In a rehearsal, where an hour is the blink of an eye, no driver is overdue sooner than this, s on the wall."""

_LOOK_S, _ASK_EVERY_S = 0.5, 1.0
"""How often who waits looks up, for a signal and for a message of another process, s on the wall."""


@dataclass
class _Thread:
    """A blocking driver that performs.

    Args:
        instrument: The driver.
        due_s: When something is done if it has not answered, on the monotonic clock of the wall, s.
        overdue: What to say then.
        is_overdue: Whether that was said; the driver is then waited for a little longer.
        is_given_up: Whether it is waited for no more; should it answer all the same, it is heard.
    """

    instrument: Instrument
    due_s: float
    overdue: Overdue
    is_overdue: bool = False
    is_given_up: bool = False


_Answer = tuple[tuple[int, int], _Thread, News]
"""Run and step, the thread that speaks, and what it says."""


class WallClock(SimulatedClock):
    """Lab time that passes as the time on the wall; blocking drivers run in daemon threads of their own.

    A rehearsal against emulators lets it pass faster. Its lab time stands still while no instrument is at work: the
    half second in which the loop thinks would else count as hours.

    Args:
        epoch: The moment of lab time zero: when the campaign was opened.
        start_s: The earliest lab time to begin at: that of the last event, should the clock have been set back.
        rate: Seconds of lab time in a second on the wall.
        patience_s: How long an overdue driver is still waited for when nothing else can go on, s on the wall.
    """

    never_waits = False

    def __init__(self, epoch: datetime, start_s: float = 0.0, rate: float = 1.0, *, patience_s: float = 1800.0) -> None:
        is_real = rate == 1.0
        super().__init__(epoch, max(start_s, (datetime.now(UTC) - epoch).total_seconds()) if is_real else start_s)
        self._rate, self._offset_s = rate, self.now_s - time.monotonic() * rate
        self._answers: queue.SimpleQueue[_Answer | None] = queue.SimpleQueue()
        self._patience_s = patience_s
        self._threads: dict[tuple[int, int], _Thread] = {}

    def perform(
        self,
        key: tuple[int, int],
        instrument: PhasedInstrument | Instrument,
        command: Command,
        rng: np.random.Generator,
        *,
        start_s: float,
        n_known: int = 0,
        timeout_s: float | None = None,
    ) -> None:
        """Begin a step; see `SimulatedClock.perform`. A blocking driver gets a thread of its own."""
        if is_phased(instrument):
            super().perform(key, instrument, command, rng, start_s=start_s, n_known=n_known, timeout_s=timeout_s)
            return
        blocking: Instrument = instrument  # type: ignore[assignment]  # is_phased has looked
        if self._rate != 1.0 and self.is_idle:
            self._offset_s = self.now_s - time.monotonic() * self._rate
        timeout_s = (blocking.actions[command.action].timeout_s if timeout_s is None else timeout_s) / self._rate
        timeout_s = timeout_s if self._rate == 1.0 else max(timeout_s, _SHORTEST_TIMEOUT_S)
        thread = _Thread(blocking, time.monotonic() + timeout_s, overdue(timeout_s))
        self._threads[key] = thread

        thinning = hearing.Thinning()

        def report(phase: str, values: Mapping[str, Scalar]) -> None:
            news = hearing.phase(phase, values)
            if thinning.is_heard(news.name):
                self._answers.put((key, thread, news))

        def work() -> None:
            news: News = Overdue("nobody knows what the driver answered")
            try:
                answer = hearing.performed(partial(blocking.perform, command, report))
                news = hearing.made_safe(blocking, answer, HALT_S)
            finally:
                self._answers.put((key, thread, news))

        threading.Thread(target=work, name=f"{instrument.name} {command.id}", daemon=True).start()

    def advance(self, is_called: Callable[[], bool] = lambda: False) -> bool:
        """Wait for the next scheduled instant or the next answer, whichever comes first."""
        following = self._following_s
        waited_for = self._waited_for
        if math.isinf(following) and not waited_for:
            return False
        due_s = min((thread.due_s for thread in waited_for), default=math.inf)
        wait_s = min((following - self._elapsed_s()) / self._rate, due_s - time.monotonic())
        try:
            answer = self._heard_within(wait_s, is_called)
        except queue.Empty:
            self.now_s = max(self.now_s, min(following, self._elapsed_s()))
            self._note_overdue()
            return True
        self.now_s = max(self.now_s, self._elapsed_s())
        if answer is not None:
            self._take(*answer)
        self._note_overdue()  # of who floods, too
        return True

    def _heard_within(self, wait_s: float, is_called: Callable[[], bool]) -> _Answer | None:
        """Return the next answer, or None when woken.

        A signal may reach the thread of a driver. The main thread, which alone runs handlers, would sleep on; so it
        looks up now and then.

        Raises:
            queue.Empty: Nothing came in time.
        """
        end = time.monotonic() + max(0.0, wait_s)
        ask_s = time.monotonic() + _ASK_EVERY_S
        while (left_s := end - time.monotonic()) > _LOOK_S:
            with suppress(queue.Empty):
                return self._answers.get(timeout=_LOOK_S)
            if time.monotonic() > ask_s:
                if is_called():
                    return None
                ask_s = time.monotonic() + _ASK_EVERY_S
        return self._answers.get(timeout=max(0.0, left_s))

    @property
    def _waited_for(self) -> list[_Thread]:
        return [thread for thread in self._threads.values() if not thread.is_given_up]

    def _note_overdue(self) -> None:
        """Tell of every driver that is due now; at the second time it is waited for no more."""
        for key, thread in self._threads.items():
            if thread.is_given_up or thread.due_s > time.monotonic():
                continue
            if not thread.is_overdue:
                self._posts.append(Post(*key, thread.overdue))
            thread.is_given_up, thread.is_overdue = thread.is_overdue, True
            thread.due_s = time.monotonic() + self._patience_s

    @property
    def is_idle(self) -> bool:
        """Whether no step is under way that is waited for, played or performed."""
        return super().is_idle and not self._waited_for

    def _take(self, key: tuple[int, int], thread: _Thread, news: News) -> None:
        if self._threads.get(key) is not thread:
            return  # it reports though its step is over
        if not isinstance(news, Phase):
            del self._threads[key]
        self._posts.append(Post(*key, news))

    def _elapsed_s(self) -> float:
        return time.monotonic() * self._rate + self._offset_s

    def wake(self) -> None:
        """Cut a wait short; safe in a signal handler."""
        self._answers.put(None)

    def leave_people(self) -> None:
        """Wait no more for what people do; safe in a signal handler."""
        for thread in self._threads.values():
            thread.is_given_up = thread.is_given_up or isinstance(thread.instrument, Attended)

    def hurry(self) -> None:
        """Give the blocking drivers, which are being halted, little time to come back; safe in a signal handler.

        One that does not is overdue, and waited for no more.
        """
        self._patience_s = 0.0
        for thread in self._threads.values():
            thread.due_s = min(thread.due_s, time.monotonic() + HALT_S)
            thread.overdue = Overdue(f"no answer within {HALT_S:g} s of being halted")
