"""One command for each role, found by performing the recipe without a clock: on instruments that tell their phases.

A blocking driver is never asked; the rehearsal ends where the recipe needs one.
"""

from collections.abc import Iterator, Sequence

from instruments.driver import Command, InstrumentError, Reading
from orchestrator.chance import stream
from orchestrator.clock import is_phased
from orchestrator.laboratory import Laboratory
from orchestrator.recipe import Lab, Performance, Point, RecipeFault

_MOST_PHASES = 10_000


def rehearse(laboratory: Laboratory, points: Sequence[Point], seed: int) -> dict[str, Command]:
    """Return the first command of each role that a recipe comes to.

    Args:
        laboratory: Its phased instruments do make their samples, and wear.
        points: Points to try, in this order: chance may end a run of the recipe early.
        seed: Of all chance.
    """
    found: dict[str, Command] = {}
    for number, point in enumerate(points, start=1):
        for command in _commands(laboratory, point, seed, number):
            found.setdefault(command.instrument, command)
        if set(found) == set(laboratory.instruments):
            break
    return found


def _commands(laboratory: Laboratory, point: Point, seed: int, number: int) -> Iterator[Command]:
    """Yield the commands of one run of the recipe, as far as it comes."""
    try:
        performance = Performance(laboratory.recipe, point, Lab(laboratory.instruments))
        step = 0
        while performance.command is not None and performance.command.instrument in laboratory.instruments:
            step += 1
            command = performance.command
            yield command
            if not is_phased(laboratory.instruments[command.instrument]):
                return
            reading = _played(laboratory, command, seed, f"{number}.{step}.1")
            if reading is None:
                return
            performance.send(reading)
    except RecipeFault:
        return  # the campaign itself tells of it, with its place


def _played(laboratory: Laboratory, command: Command, seed: int, command_id: str) -> Reading | None:
    instrument = laboratory.instruments[command.instrument]
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
