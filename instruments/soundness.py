"""Whether what a driver says of its actions can be relied on: everybody else plans, waits and refuses by it.

Rule of this file: nothing is believed to be what the protocol asks for, and nothing is raised; flaws are told in words.
"""

import math
from collections.abc import Iterator, Mapping
from itertools import islice

import numpy as np

from instruments.driver import Action, Quantity
from instruments.showing import in_words, named, shown

LONGEST_S = 1e9
"""Thirty years: what is expected to take longer is a mistake of the driver, and would run out of dates."""

_MOST_FLAWS = 20


def flaws(actions: object) -> list[str]:
    """Return in words what is wrong with the actions of an instrument, a fault a text."""
    try:
        return list(islice(_flaws(actions), _MOST_FLAWS))
    except Exception as error:  # noqa: BLE001 - a driver's own mapping may raise whatever it likes
        return [f"its actions cannot be read: {in_words(error)}"]


def is_duration(value: object) -> bool:
    """Return whether a value can be how long something is expected to take, s."""
    return _is_number(value) and 0 < value < LONGEST_S  # type: ignore[operator]  # a number, then


def _flaws(actions: object) -> Iterator[str]:
    if not isinstance(actions, Mapping):
        yield f"its actions are {shown(actions)}, not a mapping of names to Action"
        return
    for name, action in actions.items():
        if not isinstance(name, str) or not isinstance(action, Action):
            yield f"its actions hold {shown(name)}: {shown(action)}; a name must be a text, and stand for an Action"
            continue
        for flaw in (*_time_flaws(action), *_kind_flaws(action), *_quantity_flaws(action)):
            yield f"{named(name)}: {flaw}"


def _time_flaws(action: Action) -> Iterator[str]:
    expected_s, timeout_s = action.expected_s, action.timeout_s
    times = {"expected_s": expected_s, "timeout_s": timeout_s}
    wrong = [name for name, value in times.items() if not _is_number(value) or not isinstance(value, (int, float))]
    why = {"expected_s": "the laboratory plans by it", "timeout_s": "after it the step is in doubt"}
    for name in wrong:
        yield f"{name}={shown(times[name])} must be a finite number of seconds: {why[name]}"
    if wrong:
        return
    if not 0 < expected_s <= timeout_s:
        yield f"expected_s={expected_s:g} and timeout_s={timeout_s:g} must be above 0, and the second no less"
    elif expected_s >= LONGEST_S:
        yield f"expected_s={expected_s:g} is more than thirty years"


def _kind_flaws(action: Action) -> Iterator[str]:
    for name in ("repeatable", "attended"):
        if not isinstance(getattr(action, name), bool):
            yield f"{name}={shown(getattr(action, name))} must be True or False"
    capacity = action.capacity
    if isinstance(capacity, bool) or not isinstance(capacity, int) or capacity < 1:
        yield f"capacity={shown(capacity)} must be a whole number, at least 1: how many samples may go through together"


def _quantity_flaws(action: Action) -> Iterator[str]:
    for of in ("settings", "outputs"):
        quantities: object = getattr(action, of)
        if not isinstance(quantities, Mapping):
            yield f"its {of} are {shown(quantities)}, not a mapping of names to Quantity"
            continue
        for name, quantity in quantities.items():
            if not isinstance(name, str) or not isinstance(quantity, Quantity):
                yield f"its {of} hold {shown(name)}: {shown(quantity)}; a name must be a text, and stand for a Quantity"
            else:
                yield from (f"{named(name)}: {flaw}" for flaw in _flaws_of(quantity))


def _flaws_of(quantity: Quantity) -> Iterator[str]:
    if not isinstance(quantity.unit, str):
        yield f'its unit is {shown(quantity.unit)}, not a text; "1" is that of a pure number'
    for name in ("required", "text"):
        if not isinstance(getattr(quantity, name), bool):
            yield f"{name}={shown(getattr(quantity, name))} must be True or False"
    limits = {"lower": quantity.low, "upper": quantity.high}
    wrong = [name for name, limit in limits.items() if limit is not None and not _is_number(limit)]
    for name in wrong:
        yield f"the {name} limit {shown(limits[name])} must be a finite number, or None where there is none"
    low, high = limits.values()
    if not wrong and low is not None and high is not None and low > high:
        yield f"the lower limit {low} is above the upper limit {high}"


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False
