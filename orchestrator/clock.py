"""Time: one SimPy schedule of what happens next, and two ways for it to pass.

Lab time is in seconds since the campaign's epoch. Everything is scheduled at absolute times, because
`now + (t - now)` is not always `t`, and a resumed campaign must see the same times again.
"""

import heapq
import math
import queue
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import simpy

from instruments.driver import (
    Attended,
    Command,
    FailureClass,
    Instrument,
    InstrumentError,
    Moved,
    Phase,
    PhasedInstrument,
    Reading,
    Scalar,
)
from orchestrator import hearing
from orchestrator.hearing import News, Overdue, told

HALT_S = 10.0
"""How long a blocking driver that was halted may take to come back, s on the wall."""

_SHORTEST_TIMEOUT_S = 60.0
"""In a rehearsal, where an hour is the blink of an eye, no driver is overdue sooner than this, s on the wall."""

_LOOK_S, _ASK_EVERY_S = 0.5, 1.0
"""How often who waits looks up, for a signal and for a message of another process, s on the wall."""

_SHORTEST_S = 1e-3
"""No phase and no step ends at the instant it began, so that what it did is never decided where it was started."""


@dataclass(frozen=True)
class Post:
    """News of one step of one run."""

    run: int
    step: int
    news: News


class _Schedule(simpy.Environment):
    """A SimPy environment that can be told an absolute time."""

    def at(self, time_s: float) -> simpy.Event:
        event = simpy.Event(self)
        event._ok, event._value = True, None  # noqa: SLF001 - what simpy.Timeout does, at an absolute time
        heapq.heappush(self._queue, (time_s, simpy.events.NORMAL, next(self._eid), event))
        return event


class SimulatedClock:
    """Lab time that jumps from one instant to the next.

    Args:
        epoch: The moment of lab time zero.
        start_s: Lab time to begin at (that of the last event, when resuming).
    """

    never_waits = True
    """Whether the next instant comes at once, whatever lies between."""

    def __init__(self, epoch: datetime, start_s: float = 0.0) -> None:
        self.now_s = start_s
        self._epoch = epoch.astimezone(UTC)
        self._schedule = _Schedule(start_s)
        self._posts: list[Post] = []
        self._playing: dict[tuple[int, int], simpy.Process] = {}
        self._wake_s = math.inf

    @property
    def moment(self) -> datetime:
        """This instant in UTC."""
        return self._epoch + timedelta(seconds=self.now_s)

    def lab_s(self, moment: datetime) -> float:
        """Return the lab time of a moment."""
        return (moment - self._epoch).total_seconds()

    def utc(self) -> str:
        """Return this instant as an ISO text in UTC."""
        return self.moment.isoformat(timespec="milliseconds")

    def perform(
        self,
        key: tuple[int, int],
        instrument: PhasedInstrument | Instrument,
        command: Command,
        rng: np.random.Generator,
        *,
        start_s: float,
        n_known: int = 0,
        timeout_s: float | None = None,  # noqa: ARG002 - phases always end
    ) -> None:
        """Begin a step, or continue one: phases that are past are passed over, known ones are not told again.

        Args:
            key: Run and step.
            instrument: Who performs it.
            command: What to do.
            rng: The step's own stream of chance.
            start_s: Lab time at which it began.
            n_known: How many of its phases the ledger knows already.
            timeout_s: How long a blocking driver may be silent, s of lab time; None is as its action says.

        Raises:
            TypeError: A blocking driver, which simulated time cannot wait for.
        """
        if not is_phased(instrument):
            message = f"{instrument.name}: a blocking driver needs laboratory.clock: wall"
            raise TypeError(message)
        begin = partial(instrument.phases, command, rng)  # type: ignore[union-attr]  # is_phased has looked
        self._playing[key] = self._schedule.process(self._play(key, begin, start_s, n_known))

    def _play(
        self, key: tuple[int, int], begin: Callable[[], Generator[Phase, None, Reading]], at_s: float, n_known: int
    ) -> Generator[simpy.Event, Any, None]:
        phases = _all_of(begin)
        start_s, news = at_s, told(partial(next, phases))
        while isinstance(news, Phase):
            at_s += max(news.duration_s, _SHORTEST_S)
            try:
                if at_s > self.now_s:
                    yield self._schedule.at(at_s)
            except simpy.Interrupt as halt:
                at_s = self.now_s
                news = told(partial(phases.throw, InstrumentError(FailureClass.HALTED, str(halt.cause), Moved.YES)))
                continue
            n_known -= 1
            if n_known < 0:
                self._posts.append(Post(*key, news))
            news = told(partial(next, phases))
        if start_s + _SHORTEST_S > max(at_s, self.now_s):
            with suppress(simpy.Interrupt):  # it is over already
                yield self._schedule.at(start_s + _SHORTEST_S)
        del self._playing[key]
        self._posts.append(Post(*key, news))

    def wake_at(self, lab_s: float) -> None:
        """Make sure there is an instant at that time, unless there is one before: then it has to be asked for again."""
        self._wake_s = min(self._wake_s, max(lab_s, self.now_s))

    def due(self) -> list[Post]:
        """Return all news of this instant, lowest run first."""
        self._wake_s = math.inf
        while self._schedule.peek() <= self.now_s:
            self._schedule.step()
        posts, self._posts = sorted(self._posts, key=lambda p: (p.run, p.step)), []
        return posts

    def advance(self, is_called: Callable[[], bool] = lambda: False) -> bool:  # noqa: ARG002 - it never waits
        """Go to the next instant at which something happens; False when nothing is left to wait for.

        Args:
            is_called: Asked now and then during a long wait, which is cut short where it says so.
        """
        following = self._following_s
        if math.isinf(following):
            return False
        self.now_s = max(self.now_s, following)
        return True

    @property
    def _following_s(self) -> float:
        """When something is to happen next."""
        return min(self._schedule.peek(), self._wake_s)

    @property
    def is_idle(self) -> bool:
        """Whether no step is under way; what is scheduled all the same was left behind by a halt or a back-off."""
        return not self._playing and not self._posts

    def wake(self) -> None:
        """Cut a wait short; safe in a signal handler. Simulated time never waits."""

    def halt(self, reason: str) -> None:
        """Halt every phased step in flight; their outcomes come with the news of this instant."""
        for process in self._playing.values():
            process.interrupt(reason)

    def hurry(self) -> None:
        """Wait little for blocking drivers that are being halted; safe in a signal handler. Simulated time has none."""

    def leave_people(self) -> None:
        """Wait no more for what people do; safe in a signal handler. Simulated time has none."""


@dataclass
class _Thread:
    """A blocking driver that performs.

    Args:
        instrument: The driver.
        due_s: When something is done if it has not answered, on the monotonic clock of the wall, s.
        within: What to say then.
        is_overdue: Whether that was said; the driver is then waited for a little longer.
        is_given_up: Whether it is waited for no more; should it answer all the same, it is heard.
    """

    instrument: Instrument
    due_s: float
    within: str
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
            super().perform(key, instrument, command, rng, start_s=start_s, n_known=n_known)
            return
        blocking: Instrument = instrument  # type: ignore[assignment]  # is_phased has looked
        if self._rate != 1.0 and self.is_idle:
            self._offset_s = self.now_s - time.monotonic() * self._rate
        timeout_s = (blocking.actions[command.action].timeout_s if timeout_s is None else timeout_s) / self._rate
        timeout_s = timeout_s if self._rate == 1.0 else max(timeout_s, _SHORTEST_TIMEOUT_S)
        thread = _Thread(blocking, time.monotonic() + timeout_s, f"within {_span(timeout_s)}")
        self._threads[key] = thread

        def report(phase: str, values: Mapping[str, Scalar]) -> None:
            self._answers.put((key, thread, hearing.phase(phase, values)))

        def work() -> None:
            answer = hearing.performed(partial(blocking.perform, command, report))
            self._answers.put((key, thread, hearing.made_safe(blocking, answer, HALT_S)))

        threading.Thread(target=work, name=f"{instrument.name} {command.id}", daemon=True).start()

    def advance(self, is_called: Callable[[], bool] = lambda: False) -> bool:
        """Wait for the next scheduled instant or the next answer, whichever comes first."""
        following = self._following_s
        due_s = min((thread.due_s for thread in self._waited_for), default=math.inf)
        if math.isinf(following) and math.isinf(due_s):
            return False
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
                self._posts.append(Post(*key, Overdue(f"no answer {thread.within}")))
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
            thread.within = f"within {HALT_S:g} s of being halted"


def _span(seconds: float) -> str:
    unit, length_s = next((u for u in (("h", 3600.0), ("min", 60.0)) if seconds >= 2 * u[1]), ("s", 1.0))
    return f"{seconds / length_s:.3g} {unit}"


def is_phased(instrument: PhasedInstrument | Instrument) -> bool:
    """Return whether an instrument tells its phases instead of blocking."""
    return hasattr(instrument, "phases")


def _all_of(begin: Callable[[], Generator[Phase, None, Reading]]) -> Generator[Phase, None, Reading]:
    """Begin to tell phases at the first one, so that a driver which cannot even begin fails as one that has begun."""
    return (yield from begin())
