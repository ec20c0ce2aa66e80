"""Questions that move nothing."""

import threading
import time

from instruments.conformance.subject import Driver, Subject, demand
from instruments.driver import Identity, Origin
from instruments.soundness import flaws

HALT_S = 1.0


def connects_twice(subject: Subject) -> None:
    """Connect, and connect again, as the engine does whenever it resumes."""
    first = subject.driver.connect()
    demand(isinstance(first, Identity), f"connect() returned {first!r}; it must return an Identity")
    demand(first.origin in set(Origin), f"its origin is {first.origin!r}; it must be one of {', '.join(Origin)}")
    demand(bool(first.maker and first.model), f"maker and model must be told, not {first.maker!r} and {first.model!r}")
    second = subject.driver.connect()
    demand(second == first, f"connect() told {first} and then {second}")


def states_its_limits(subject: Subject) -> None:
    """Look at the actions: they are what everybody else checks commands against."""
    demand(bool(subject.driver.actions), "it has no actions")
    found = flaws(subject.driver.actions)
    demand(not found, "; ".join(found))


def halts_at_rest(subject: Subject) -> None:
    """Halt an instrument that does nothing, twice, from a thread that is not its own."""
    subject.driver.connect()
    for _ in range(2):
        halt(subject.driver)
    demand(isinstance(subject.driver.connect(), Identity), "it does not answer after a halt at rest")


def halt(driver: Driver) -> None:
    """Halt from another thread.

    Raises:
        Violation: It is not back within a second, or it raises.
    """
    raised: list[BaseException] = []

    def work() -> None:
        try:
            driver.halt()
        except BaseException as error:  # noqa: BLE001 - told below
            raised.append(error)

    thread, began_s = threading.Thread(target=work, daemon=True), time.monotonic()
    thread.start()
    thread.join(3 * HALT_S)
    took_s = time.monotonic() - began_s
    demand(
        not thread.is_alive(), f"halt() was not back after {took_s:.1f} s; it must not wait for what perform() holds"
    )
    demand(took_s <= HALT_S + 0.1, f"halt() took {took_s:.2f} s; a second is the most")
    demand(not raised, f"halt() raised {raised[0]!r}" if raised else "")


def closes_and_reopens(subject: Subject) -> None:
    """Close twice and connect again: the same tool answers."""
    before = subject.driver.connect()
    subject.driver.close()
    subject.driver.close()
    after = subject.driver.connect()
    demand(after == before, f"{before} answered before it was closed, and {after} now")
