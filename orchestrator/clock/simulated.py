"""Time that jumps: one SimPy schedule of what happens next, everything on it at absolute times.

`now + (t - now)` is not always `t`, and a resumed campaign must see the same times again.
"""

import heapq
import math
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import simpy

from instruments.driver import (
    Command,
    FailureClass,
    Instrument,
    InstrumentError,
    Moved,
    Phase,
    PhasedInstrument,
    Reading,
)
from orchestrator.clock.hearing import News, overdue, told

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
        timeout_s: float | None = None,
    ) -> None:
        """Begin a step, or continue one: phases that are past are passed over, known ones are not told again.

        Phases always end. A step that takes longer than its timeout is told to be overdue all the same, at the time at
        which a tool that performs it would be in doubt.

        Args:
            key: Run and step.
            instrument: Who performs it.
            command: What to do.
            rng: The step's own stream of chance.
            start_s: Lab time at which it began.
            n_known: How many of its phases the ledger knows already.
            timeout_s: After how long without an answer it is overdue, s of lab time; None is as its action says.

        Raises:
            TypeError: A blocking driver, which simulated time cannot wait for.
        """
        if not is_phased(instrument):
            message = f"{instrument.name}: a blocking driver needs laboratory.clock: wall"
            raise TypeError(message)
        begin = partial(instrument.phases, command, rng)  # type: ignore[union-attr]  # is_phased has looked
        action = instrument.actions.get(command.action)  # a resumed step may be of an action that there is no more
        timeout_s = timeout_s or (math.inf if action is None else action.timeout_s)
        self._playing[key] = self._schedule.process(self._play(key, begin, start_s, n_known, timeout_s))

    def _play(
        self,
        key: tuple[int, int],
        begin: Callable[[], Generator[Phase, None, Reading]],
        at_s: float,
        n_known: int,
        timeout_s: float,
    ) -> Generator[simpy.Event, Any, None]:
        phases, due_s = _all_of(begin), at_s + timeout_s
        start_s, news = at_s, told(partial(next, phases))
        while isinstance(news, Phase):
            at_s += max(news.duration_s, _SHORTEST_S)
            try:
                if self.now_s <= due_s < at_s:
                    yield self._schedule.at(due_s)
                    self._posts.append(Post(*key, overdue(timeout_s)))
                    due_s = -math.inf
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


def is_phased(instrument: PhasedInstrument | Instrument) -> bool:
    """Return whether an instrument tells its phases instead of blocking."""
    return hasattr(instrument, "phases")


def _all_of(begin: Callable[[], Generator[Phase, None, Reading]]) -> Generator[Phase, None, Reading]:
    """Begin to tell phases at the first one, so that a driver which cannot even begin fails as one that has begun."""
    return (yield from begin())
