"""Commands for the questions: with ids of their own, and ones that no limit allows."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from instruments.conformance.subject import Subject, demand
from instruments.driver import Action, Command, Quantity, Reading, Scalar

_NUMBERS = itertools.count(1)


def numbered(subject: Subject) -> Command:
    """Return the subject's command with an id that was never used."""
    if subject.command is None:
        message = "no command was given"
        raise ValueError(message)
    return replace(subject.command, id=f"{subject.ids}.{next(_NUMBERS)}")


def forbidden(subject: Subject) -> Iterator[Command]:
    """Yield commands just outside each limit, with a setting missing, one too many, of a wrong type, and no action."""
    good = numbered(subject)
    action = subject.driver.actions[good.action]
    for name, value in _outside(action):
        yield replace(good, settings={**good.settings, name: value})
    required = [name for name, quantity in action.settings.items() if quantity.required]
    for name in required[:1]:
        yield replace(good, settings={key: value for key, value in good.settings.items() if key != name})
        yield replace(good, settings={**good.settings, name: True})
    yield replace(good, settings={**good.settings, "no_such_setting": 1.0})
    yield replace(good, action="no_such_action")


def _outside(action: Action) -> Iterator[tuple[str, Scalar]]:
    for name, quantity in action.settings.items():
        if quantity.text:
            continue
        yield name, float("nan")
        for limit, away in ((quantity.low, -1.0), (quantity.high, 1.0)):
            if limit is not None:
                yield name, limit + away * max(1e-6, 1e-6 * abs(limit))


def check_reading(reading: Reading, outputs: Mapping[str, Quantity]) -> None:
    """Hold a reading against what the action promises.

    Raises:
        Violation: Something is missing, or is not finite.
    """
    demand(isinstance(reading, Reading), f"it returned {reading!r}; it must return a Reading")
    there = {**reading.values, **reading.arrays}
    missing = [name for name, quantity in outputs.items() if quantity.required and name not in there]
    demand(not missing, f"the reading lacks {', '.join(missing)}, which the action promises; it has {sorted(there)}")
    for name, value in there.items():
        is_text = isinstance(value, str)
        demand(is_text or bool(np.isfinite(value).all()), f"the reading's {name} is not finite")


def same(one: Reading, other: Reading) -> bool:
    """Return whether two readings are equal to the last digit."""
    return (
        dict(one.values) == dict(other.values)
        and one.arrays.keys() == other.arrays.keys()
        and all(np.array_equal(array, other.arrays[name]) for name, array in one.arrays.items())
    )
