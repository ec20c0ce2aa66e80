"""Recipes: from a point to a measured value, as a generator that yields commands.

A recipe is durable because it is replayed: after a crash it runs again from its start and is fed the recorded outcomes.
So it must be a function of its point and the readings alone: no clock, no chance, no files.
"""

import traceback
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from instruments.driver import EMPTY, Command, InstrumentError, Reading, Scalar
from instruments.showing import in_words, plainly, shown

Point = Mapping[str, float | str]

LARGEST = 1e100
"""No value of an objective is larger; its cube is still a number."""


@dataclass(frozen=True)
class Measured:
    """What a recipe returns: the objective, how sure it is, and what else is worth keeping.

    Args:
        value: The objective in the objective's unit.
        sd: Its standard uncertainty in the same unit, or None where unknown.
        details: Further scalars for the ledger and the report (a thickness, a fitted resistance).
    """

    value: float
    sd: float | None = None
    details: Mapping[str, Scalar] = field(default_factory=lambda: EMPTY)


Steps = Generator[Command, Reading, Measured | float]
Recipe = Callable[..., Steps]


class Role:
    """One instrument as a recipe sees it: every attribute is an action that makes a command."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, action: str) -> Callable[..., Command]:
        """Return a maker of commands for that action."""
        if action.startswith("__"):
            raise AttributeError(action)
        return lambda **settings: Command(self._name, action, settings)


class Lab:
    """The laboratory as a recipe sees it: `lab.<role>.<action>(**settings)` is a command, nothing moves."""

    def __init__(self, roles: Iterable[str]) -> None:
        self._roles = {name: Role(name) for name in roles}

    def __getattr__(self, name: str) -> Role:
        """Return the role of that name."""
        roles: dict[str, Any] = self.__dict__.get("_roles", {})
        if name not in roles:
            message = f"the laboratory has no instrument {name!r}; it has {', '.join(roles)}"
            raise AttributeError(message)
        return roles[name]  # type: ignore[no-any-return]  # __dict__ is untyped


class RecipeFault(Exception):  # noqa: N818 - a fault in the user's recipe, not in this program
    """The recipe itself went wrong: an exception in it, drift from the record, or no usable value."""


class Performance:
    """One run of a recipe: tells the command it waits for, or what came of it.

    Args:
        recipe: The generator function, its options bound.
        point: The point to perform.
        lab: The laboratory as the recipe sees it.

    Raises:
        RecipeFault: The recipe failed before its first command.
    """

    def __init__(self, recipe: Recipe, point: Point, lab: Lab) -> None:
        self.command: Command | None = None
        self.measured: Measured | None = None
        self.error: InstrumentError | None = None
        try:
            self._steps = recipe(dict(point), lab)
        except Exception as error:
            message = f"{type(error).__name__}: {error} ({_place(error)})"
            raise RecipeFault(message) from error
        if not isinstance(self._steps, Generator):
            message = f"the recipe returned {self._steps!r}; a recipe is a generator: it must yield its commands"
            raise RecipeFault(message)
        self._advance(lambda: next(self._steps))

    def send(self, reading: Reading) -> None:
        """Go on with the reading of the command.

        Raises:
            RecipeFault: The recipe raised something that is no failure of an instrument.
        """
        self._advance(lambda: self._steps.send(reading))

    def throw(self, error: InstrumentError) -> None:
        """Go on with the final failure of the command; a recipe may catch it.

        Raises:
            RecipeFault: As for `send`.
        """
        self._advance(lambda: self._steps.throw(error))

    def expect(self, role: str, action: str, settings: Mapping[str, Any]) -> None:
        """Compare the command with the recorded one.

        Raises:
            RecipeFault: They differ: the recipe was changed, or depends on more than its point and readings.
        """
        now = None if self.command is None else (self.command.instrument, self.command.action)
        if now != (role, action) or dict(self.command.settings) != dict(settings):  # type: ignore[union-attr]
            recorded = f"{role}.{action}({_shown(settings)})"
            found = "nothing" if self.command is None else f"{'.'.join(now or ())}({_shown(self.command.settings)})"
            message = (
                f"the recipe no longer does what was recorded: recorded {recorded}, now {found}; restore the recipe"
            )
            raise RecipeFault(message)

    def close(self) -> None:
        """Let the generator go."""
        self._steps.close()

    def _advance(self, step: Callable[[], Command]) -> None:
        self.command = None
        try:
            command = step()
        except StopIteration as stop:
            self.measured = _measured(stop.value)
            return
        except InstrumentError as error:
            self.error = _recordable(error)
            return
        except Exception as error:
            message = f"{type(error).__name__}: {error} ({_place(error)})"
            raise RecipeFault(message) from error
        if not isinstance(command, Command):
            message = f"the recipe yielded {command!r}; it must yield commands, as lab.<role>.<action>(...)"
            raise RecipeFault(message)
        self.command = command


def _recordable(error: InstrumentError) -> InstrumentError:
    """Return a failure that a recipe raises as it may be recorded.

    Raises:
        RecipeFault: It is of no class that there is.
    """
    try:
        return plainly(error)
    except Exception as broken:  # noqa: BLE001 - whatever it is made of
        message = f"the recipe raised InstrumentError({shown(error.failure)}, ...): {in_words(broken)}"
        raise RecipeFault(message) from error


def _measured(value: object) -> Measured:
    measured = value if isinstance(value, Measured) else Measured(value)  # type: ignore[arg-type]  # looked at here
    numbers = [measured.value] if measured.sd is None else [measured.value, measured.sd]
    if not all(map(_is_finite, numbers)) or not isinstance(measured.details, Mapping):
        message = (
            f"the recipe returned {repr(value)[:500]}; it must return a finite number, at most {LARGEST:g}, "
            "or Measured(value, sd) of such"
        )
        raise RecipeFault(message)
    return replace(measured, value=float(measured.value))


def _is_finite(value: object) -> bool:
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return is_number and bool(abs(value) <= LARGEST)  # type: ignore[arg-type]  # is_number has looked; NaN fails too


def _place(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}, in {last.name}"


def _shown(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in settings.items())
