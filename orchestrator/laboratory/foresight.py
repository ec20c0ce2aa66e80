"""What a recipe would ask after its first command, as far as that can be told before anything is measured.

A recipe is led on twice with two sets of made-up readings. What it asks for both times in the same words does not hang
on what is measured, and can be held against the tools now instead of after the first deposition. Where it stumbles over
what was made up, nothing more can be told, and that is no mistake of the recipe.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from instruments.driver import Action, Command, CommandRefused, Quantity, Reading, Scalar
from orchestrator.laboratory.laboratory import Laboratory
from orchestrator.recipe import Lab, Performance, Point, RecipeFault

_MOST_STEPS = 20


@dataclass(frozen=True)
class Foreseen:
    """A later command that a tool would refuse, whatever is measured before it.

    Args:
        message: Why.
        setting: The refused setting, or empty.
        value: Its value, or None.
        after: The steps before it, as `instrument.action`.
    """

    message: str
    setting: str
    value: Scalar | None
    after: tuple[str, ...]


def foresee(laboratory: Laboratory, point: Point) -> list[Foreseen]:
    """Return the later commands at a point that would be refused."""
    found: list[Foreseen] = []
    after: tuple[str, ...] = ()
    for one, other in zip_longest(_led_on(laboratory, point, 1), _led_on(laboratory, point, 2)):
        if isinstance(one, str) and one == other:
            found.append(Foreseen(one, "", None, after))
        if not (isinstance(one, Command) and isinstance(other, Command)) or _name(one) != _name(other):
            break
        found += _refused(laboratory, one, other, after) if after else []
        after = (*after, _name(one))
    return found


def _led_on(laboratory: Laboratory, point: Point, made_up: int) -> Iterator[Command | str]:
    """Yield the commands of a recipe that reads what is made up, and the role that it looked for in vain."""
    performance = Performance(laboratory.recipe, point, Lab(laboratory.roles))
    try:
        for _ in range(_MOST_STEPS):
            command = performance.command
            if command is None:
                return
            yield command
            performance.send(_reading(laboratory.actions_of(command.instrument)[command.action], made_up))
    except RecipeFault as fault:
        if "the laboratory has no instrument" in str(fault):
            yield str(fault)
    except KeyError:
        return
    finally:
        performance.close()


def _reading(action: Action, made_up: int) -> Reading:
    return Reading({n: f"film-{made_up}.1.1" if q.text else float(made_up) for n, q in action.outputs.items()})


def _refused(laboratory: Laboratory, one: Command, other: Command, after: tuple[str, ...]) -> list[Foreseen]:
    if one.instrument not in laboratory.roles:
        return [Foreseen(f"{one.instrument!r} is not in the laboratory", "", None, after)]
    action = laboratory.actions_of(one.instrument).get(one.action)
    quantities = action.settings if action is not None else {}
    same = {s for s, value in one.settings.items() if other.settings.get(s) == value}
    told = {s: v if s in same or s not in quantities else _allowed(quantities[s]) for s, v in one.settings.items()}
    try:
        laboratory.allowing(replace(one, settings=told))
    except CommandRefused as refused:
        setting = next((s for s in same if f": {s}=" in str(refused)), "")
        return [Foreseen(str(refused), setting, one.settings.get(setting), after)]
    return []


def _allowed(quantity: Quantity) -> Scalar:
    """Return a value that the tool takes, in place of one that hangs on what is measured."""
    if quantity.text:
        return "film"
    return next((limit for limit in (quantity.low, quantity.high) if limit is not None), 1.0)


def _name(command: Command) -> str:
    return f"{command.instrument}.{command.action}"
