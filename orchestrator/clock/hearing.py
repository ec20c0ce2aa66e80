"""What is heard of a driver, whatever it says: a phase, a reading, why it failed, or nothing. Never an exception.

Rule of this file: a driver is somebody else's code. What it raises or returns beside the protocol is its own failure,
told in words, and nothing it hands over is trusted to be what it seems.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from instruments.driver import FailureClass, Instrument, InstrumentError, Moved, Phase, PhasedInstrument, Reading
from instruments.showing import in_words, named, plainly, shortened, shown
from instruments.soundness import LONGEST_S
from orchestrator.clock.patience import within

_REPORTS_PER_S, _MOST_PHASES = 5, 1000
"""How often the same phase of a step is heard, 1/s, and how many phases are told apart."""


@dataclass(frozen=True)
class Overdue:
    """No answer of an instrument when one was due, or none that can be relied on; it may still come."""

    reason: str


News = Phase | Reading | InstrumentError | Overdue
"""What can be heard of a step: a phase that ended, its reading, why it failed, or that nothing is heard."""


def overdue(timeout_s: float) -> Overdue:
    """Return what is said of a step that has taken longer than its timeout."""
    unit, length_s = next((u for u in (("h", 3600.0), ("min", 60.0)) if timeout_s >= 2 * u[1]), ("s", 1.0))
    return Overdue(f"no answer within {timeout_s / length_s:.3g} {unit}")


class DriverFault(InstrumentError):  # noqa: N818 - a fault of the driver, not of this program
    """The driver itself went wrong, so that nobody knows in what state it left its tool."""

    def __init__(self, reason: str) -> None:
        super().__init__(FailureClass.INSTRUMENT, shortened(reason), Moved.UNKNOWN)


def performed(perform: Callable[[], object]) -> Reading | InstrumentError:
    """Return what a blocking driver answers, or why it does not."""
    try:
        answer = perform()
        return answer if isinstance(answer, Reading) else _no_answer(answer)
    except BaseException as error:  # noqa: BLE001 - in its own thread a driver may raise whatever it likes
        return _failure(error)


def told(ask: Callable[[], object]) -> Phase | Reading | InstrumentError:
    """Return the next thing that a phased driver tells: a phase, or how it ends.

    Raises:
        KeyboardInterrupt: It runs in the thread of whoever presses Ctrl-C.
    """
    try:
        news = ask()
        return _sound(news) if isinstance(news, Phase) and _is_sound(news) else _no_answer(news)
    except StopIteration as stop:
        return stop.value if isinstance(stop.value, Reading) else _no_answer(stop.value)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - as above
        return _failure(error)


def phase(name: object, values: object) -> Phase:
    """Return what a blocking driver reports as telemetry: it is for people, and nonsense in it fails no step."""
    return Phase(named(name), 0.0, _telemetry(values))


class Thinning:
    """Which telemetry of one step is heard, so that a driver which reports faster than anybody writes does no harm."""

    def __init__(self) -> None:
        self._heard: dict[str, tuple[int, int]] = {}

    def is_heard(self, phase: str) -> bool:
        """Return whether a phase is heard now: a new one at once, the same one a few times in each second."""
        name = phase if phase in self._heard or len(self._heard) < _MOST_PHASES else ""
        now = int(time.monotonic())
        second, n = self._heard.get(name, (now, 0))
        self._heard[name] = (now, n + 1 if second == now else 1)
        return self._heard[name][1] <= _REPORTS_PER_S


def made_safe(instrument: Instrument, news: Reading | InstrumentError, seconds: float) -> News:
    """Halt an instrument whose driver went wrong; where that fails too, the outcome of its step is in doubt.

    Args:
        instrument: Who answered.
        news: Its answer.
        seconds: How long halting may take, s on the wall.
    """
    if not isinstance(news, DriverFault):
        return news
    not_halted = why_not_halted(instrument, seconds)
    if not_halted is not None:
        return Overdue(f"{news.reason}; {not_halted}")
    return InstrumentError(news.failure, f"{news.reason}; it was halted", news.moved)


def why_not_halted(instrument: PhasedInstrument | Instrument, seconds: float) -> str | None:
    """Halt an instrument, and return in words why that failed, or None.

    Args:
        instrument: Who is halted.
        seconds: How long it may take, s on the wall.
    """
    try:
        within(seconds, instrument.halt)
    except Exception as error:  # noqa: BLE001 - as above
        return f"it could not be halted: {in_words(error)}"
    return None


def _sound(news: Phase) -> Phase:
    return Phase(news.name, news.duration_s, _telemetry(news.telemetry))


def _telemetry(values: object) -> Mapping[str, Any]:
    """Return telemetry by names that are texts; where it cannot even be gone through, that it cannot."""
    try:
        by_name = values if isinstance(values, Mapping) else {"values": shown(values)}
        return {named(name): value for name, value in by_name.items()}
    except Exception as error:  # noqa: BLE001 - as above
        return {"values": in_words(error)}


def _is_sound(news: Phase) -> bool:
    is_number = isinstance(news.duration_s, (int, float)) and math.isfinite(news.duration_s)
    return (
        is_number
        and news.duration_s <= LONGEST_S
        and isinstance(news.name, str)
        and isinstance(news.telemetry, Mapping)
    )


def _no_answer(answer: object) -> DriverFault:
    return DriverFault(f"the driver returned {shown(answer)} instead of a reading")


def _failure(error: BaseException) -> InstrumentError:
    """Return a failure as it may be recorded: of a known class, its reason a text."""
    if not isinstance(error, InstrumentError):
        is_plain = isinstance(error, Exception)
        return DriverFault(
            f"the driver raised {in_words(error)}" if is_plain else f"the driver ended its thread by {shown(error)}"
        )
    try:
        failure = plainly(error)
        return InstrumentError(failure.failure, shortened(failure.reason), failure.moved)
    except Exception:  # noqa: BLE001 - as above
        return DriverFault(f"the driver raised {type(error).__name__} without class, reason or moved")
