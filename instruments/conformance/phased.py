"""Questions to an instrument that tells its phases as data; nothing real ever moves."""

import json
from typing import cast

import numpy as np

from instruments.conformance.commands import check_reading, forbidden, numbered, same
from instruments.conformance.subject import Driver, Subject, Violation, demand
from instruments.driver import Command, FailureClass, InstrumentError, Moved, Phase, PhasedInstrument, Reading

_MOST_PHASES = 10_000
_MOST_TRIES = 50


def is_phased(driver: Driver) -> bool:
    """Return whether an instrument tells its phases instead of blocking."""
    return hasattr(driver, "phases")


def _played(subject: Subject, command: Command, seed: int) -> tuple[list[Phase], Reading | InstrumentError]:
    driver, phases = cast("PhasedInstrument", subject.driver), list[Phase]()
    steps = driver.phases(command, np.random.default_rng(seed))
    try:
        while len(phases) < _MOST_PHASES:
            phases.append(next(steps))
    except StopIteration as done:
        return phases, done.value
    except InstrumentError as error:
        return phases, error
    message = f"no end after {_MOST_PHASES} phases"
    raise Violation(message)


def refuses_out_of_limits(subject: Subject) -> None:
    """Ask for what the actions forbid: refused before anything happens."""
    for command in forbidden(subject):
        phases, outcome = _played(subject, command, seed=0)
        demand(isinstance(outcome, InstrumentError), f"it performed {command.action} with {dict(command.settings)}")
        moved = cast("InstrumentError", outcome).moved
        demand(not phases and moved == Moved.NO, f"it refused {dict(command.settings)} after it had begun")


def performs(subject: Subject) -> None:
    """Perform until it goes well once: chance decides over faults; phases last, and the reading is whole."""
    command = numbered(subject)
    for seed in range(_MOST_TRIES):
        phases, outcome = _played(subject, command, seed)
        lasting = all(phase.duration_s > 0 for phase in phases)
        demand(bool(phases) and lasting, "it has no phases, or some that do not last")
        if isinstance(outcome, Reading):
            check_reading(outcome, subject.driver.actions[command.action].outputs)
            return
    message = f"it failed {_MOST_TRIES} times, the last: {outcome}"
    raise Violation(message)


def repeats_itself(subject: Subject) -> None:
    """Play the same command twice from the same state and chance: this is how a killed campaign goes on."""
    driver, command = cast("PhasedInstrument", subject.driver), numbered(subject)
    for seed in range(5):
        state = json.loads(json.dumps(dict(driver.state)))
        first = _played(subject, command, seed)
        if state:
            driver.state = state
        second = _played(subject, command, seed)
        demand(first[0] == second[0], f"other phases the second time, chance {seed}")
        demand(_alike(first[1], second[1]), f"another outcome the second time, chance {seed}")


def _alike(one: Reading | InstrumentError, other: Reading | InstrumentError) -> bool:
    if isinstance(one, Reading) and isinstance(other, Reading):
        return same(one, other)
    return str(one) == str(other)


def has_a_plain_state(subject: Subject) -> None:
    """Look at its state after a step: it goes into the ledger as it is."""
    _played(subject, numbered(subject), seed=0)
    state = dict(cast("PhasedInstrument", subject.driver).state)
    demand(json.loads(json.dumps(state)) == state, f"its state {state!r} is not the same after JSON")


def halts_between_phases(subject: Subject) -> None:
    """Throw a halt into the generator: it ends, at once or after a few phases of winding down."""
    steps = cast("PhasedInstrument", subject.driver).phases(numbered(subject), np.random.default_rng(0))
    next(steps)
    try:
        steps.throw(InstrumentError(FailureClass.HALTED, "halted by the examination", Moved.YES))
        for _ in range(20):
            next(steps)
    except (StopIteration, InstrumentError):
        return
    message = "it went on after it was halted"
    raise Violation(message)
