"""Questions to a driver whose `perform` blocks. Every one of them may move the tool."""

import queue
import threading
import time
from collections.abc import Mapping
from typing import cast

from instruments.conformance.commands import check_reading, forbidden, numbered, same
from instruments.conformance.still import halt
from instruments.conformance.subject import NotAskable, Subject, Violation, demand
from instruments.driver import Command, FailureClass, Instrument, InstrumentError, Moved, Reading, Scalar

_HALTED_S = 30.0
_STILL_HALTED_S = 10.0


class _Step:
    """One command, performed in a thread of its own as the engine does."""

    def __init__(self, subject: Subject, command: Command) -> None:
        self._driver = cast("Instrument", subject.driver)
        self._command = command
        self._outcome: queue.SimpleQueue[Reading | BaseException] = queue.SimpleQueue()
        self.is_heard = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self._outcome.put(self._driver.perform(self._command, self._report))
        except BaseException as error:  # noqa: BLE001 - an outcome like any other
            self._outcome.put(error)

    def _report(self, _phase: str, _values: Mapping[str, Scalar]) -> None:
        self.is_heard.set()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def outcome(self, within_s: float) -> Reading | InstrumentError:
        try:
            outcome = self._outcome.get(timeout=within_s)
        except queue.Empty:
            message = f"perform() was not back after {within_s:.0f} s"
            raise Violation(message) from None
        if isinstance(outcome, BaseException) and not isinstance(outcome, InstrumentError):
            message = f"perform() raised {outcome!r}; it must raise an InstrumentError, with its class"
            raise Violation(message) from outcome
        return outcome


def _performed(subject: Subject, command: Command) -> Reading | InstrumentError:
    """Perform it; a driver may refuse for some seconds after a halt, so that no halt is lost to a step just begun."""
    until_s = time.monotonic() + _STILL_HALTED_S
    while True:
        outcome = _Step(subject, command).outcome(subject.step_s)
        is_halted = isinstance(outcome, InstrumentError) and outcome.failure == FailureClass.HALTED
        if not is_halted or time.monotonic() > until_s:
            return outcome
        time.sleep(0.2)


def _read(subject: Subject, command: Command) -> Reading:
    outcome = _performed(subject, command)
    if isinstance(outcome, InstrumentError):
        message = f"{command.action} failed: {outcome}"
        raise Violation(message)
    return outcome


def refuses_out_of_limits(subject: Subject) -> None:
    """Ask for what the actions forbid; each must be refused, and nothing may have moved."""
    subject.driver.connect()
    for command in forbidden(subject):
        shown = f"{command.action}({', '.join(f'{name}={value}' for name, value in command.settings.items())})"
        outcome = _performed(subject, command)
        if not isinstance(outcome, InstrumentError):
            message = f"it performed {shown}"
            raise Violation(message)
        demand(outcome.moved == Moved.NO, f"it refused {shown} with moved={outcome.moved}; nothing may move")


def performs(subject: Subject) -> None:
    """Perform the command and hold the reading against what the action promises."""
    subject.driver.connect()
    command = numbered(subject)
    check_reading(_read(subject, command), subject.driver.actions[command.action].outputs)


def does_it_once(subject: Subject) -> None:
    """Perform the same id twice: the answer is the same, so that a lost answer may be asked for again."""
    subject.driver.connect()
    command = numbered(subject)
    first, second = _read(subject, command), _read(subject, command)
    demand(same(first, second), f"the same command id {command.id} was answered by two different readings")


def halts_in_mid_step(subject: Subject) -> None:
    """Halt a step under way: `halt` is back within a second, and the step ends soon, as halted or done."""
    check_reading(_read(subject, numbered(subject)), {})
    step = _Step(subject, numbered(subject))
    began_s = time.monotonic()
    while not (step.is_heard.wait(0.02) or step.is_over or time.monotonic() - began_s > subject.step_s):
        pass
    if step.is_over:
        step.outcome(0)
        message = "the step is over too soon to be halted"
        raise NotAskable(message)
    halt(subject.driver)
    outcome = step.outcome(_HALTED_S)
    if isinstance(outcome, InstrumentError):
        demand(outcome.failure == FailureClass.HALTED, f"the halted step failed as {outcome.failure}: {outcome.reason}")


def survives_silence(subject: Subject) -> None:
    """Perform while the tool says nothing."""
    if subject.silence is not None:
        subject.driver.connect()
        subject.silence()
        _fails_and_recovers(subject)


def survives_garbage(subject: Subject) -> None:
    """Perform while the tool talks nonsense."""
    if subject.garbage is not None:
        subject.driver.connect()
        subject.garbage()
        _fails_and_recovers(subject)


def _fails_and_recovers(subject: Subject) -> None:
    """A bad line may cost the step, never the driver: an error in words, and then all is well again."""
    outcome = _performed(subject, numbered(subject))
    if isinstance(outcome, InstrumentError):
        demand(len(outcome.reason) > 10, f"its reason {outcome.reason!r} helps nobody")
    check_reading(_read(subject, numbered(subject)), {})
