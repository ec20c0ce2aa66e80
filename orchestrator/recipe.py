"""Recipes: from a point to a measured value, as a generator that yields commands.

A recipe is durable because it is replayed: after a crash it runs again from its start and is fed the recorded outcomes.
So it must be a function of its point and the readings alone: no clock, no chance, no files.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from instruments.driver import EMPTY, Command, Reading, Scalar

Point = Mapping[str, float | str]


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
