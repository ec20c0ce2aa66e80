"""What the suite is told of a driver, and what it says of it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from instruments.driver import Command, Instrument, PhasedInstrument

Driver = Instrument | PhasedInstrument


class Verdict(StrEnum):
    """What came of one question."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Subject:
    """A driver under examination.

    Args:
        driver: The driver, built and not yet connected.
        command: What it is to perform; without one nothing is ever moved, nor asked that could move by mistake.
        silence: Makes the tool say nothing for a while; None where nobody can.
        garbage: Makes the tool talk nonsense for a while; None where nobody can.
        step_s: How long a step may last on the wall, s.
        ids: The first two parts of the ids of all commands; new ones for a tool that remembers old ones.
    """

    driver: Driver
    command: Command | None = None
    silence: Callable[[], None] | None = None
    garbage: Callable[[], None] | None = None
    step_s: float = 60.0
    ids: str = "9999.1"


@dataclass(frozen=True)
class Finding:
    """One question, its answer, and why.

    Args:
        question: What was asked of the driver.
        verdict: The answer.
        note: What is wrong, or why it was not asked.
    """

    question: str
    verdict: Verdict
    note: str = ""


class Violation(Exception):  # noqa: N818 - of the protocol, by a driver
    """A driver does not keep to the protocol."""


class NotAskable(Exception):  # noqa: N818 - no fault of anybody
    """The question has no meaning here."""


def demand(is_so: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Go on if something is so.

    Raises:
        Violation: It is not.
    """
    if not is_so:
        raise Violation(otherwise)
