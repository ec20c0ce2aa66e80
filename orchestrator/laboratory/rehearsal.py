"""One command for each instrument, found by performing the recipe without a clock, where phases are told.

A blocking driver is never asked; the rehearsal ends where the recipe needs one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from instruments.driver import Command, Instrument, InstrumentError, PhasedInstrument, Reading
from orchestrator.chance import stream
from orchestrator.clock import is_phased
from orchestrator.laboratory.laboratory import Laboratory
from orchestrator.recipe import Lab, Performance, Point, RecipeFault

_MOST_PHASES = 10_000


def rehearse(laboratory: Laboratory, points: Sequence[Point], seed: int) -> dict[str, Command]:
    """Return the first command, by instrument, of each role that a recipe comes to.

    Args:
        laboratory: Its phased instruments do make their samples, and wear.
        points: Points to try, in this order: chance may end a run of the recipe early.
        seed: Of all chance.
    """
    found: dict[str, Command] = {}
    for number, point in enumerate(points, start=1):
        for command in _commands(laboratory, point, seed, number):
            for name in laboratory.roles[command.instrument]:
                found.setdefault(name, replace(command, instrument=name))
        if set(found) == set(laboratory.instruments):
            break
    return found


def _commands(laboratory: Laboratory, point: Point, seed: int, number: int) -> Iterator[Command]:
    """Yield the commands of one run of the recipe, as far as it comes."""
    try:
        performance = Performance(laboratory.recipe, point, Lab(laboratory.roles))
        step = 0
        while performance.command is not None and performance.command.instrument in laboratory.roles:
            step += 1
            command = performance.command
            yield command
            if not is_phased(_performing(laboratory, command)):
                return
            reading = _played(laboratory, command, seed, f"{number}.{step}.1")
            if reading is None:
                return
            performance.send(reading)
    except RecipeFault:
        return  # the campaign itself tells of it, with its place


def _performing(laboratory: Laboratory, command: Command) -> PhasedInstrument | Instrument:
    return laboratory.instruments[laboratory.roles[command.instrument][0]]


def _played(laboratory: Laboratory, command: Command, seed: int, command_id: str) -> Reading | None:
    instrument = _performing(laboratory, command)
    numbered = Command(command.instrument, command.action, command.settings, command_id)
    phases = instrument.phases(numbered, stream(seed, "step", command_id))  # type: ignore[union-attr]  # is_phased
    try:
        for _ in range(_MOST_PHASES):
            next(phases)
    except StopIteration as done:
        return done.value if isinstance(done.value, Reading) else None
    except InstrumentError:
        return None
    return None
