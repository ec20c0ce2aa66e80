"""What a notebook tells and asks the planner, held against what it can mean."""

import math
from collections.abc import Collection, Iterable, Mapping

import numpy as np

from instruments.driver import FailureClass
from orchestrator.planner.suggestion import Observation
from orchestrator.recipe import LARGEST, Point
from orchestrator.space import ParameterSpace, Value


def checked(
    space: ParameterSpace,
    point: Point,
    value: float | None,
    *,
    sd: float | None = None,
    failure: str | None = None,
    reason: str = "",
    further: Mapping[str, float] | None = None,
    hours: float | None = None,
    names: Collection[str] = (),
) -> Observation:
    """Return the observation that was told.

    Args:
        space: The parameters.
        point: The point.
        value: The measured objective, or None.
        sd: Its standard uncertainty.
        failure: The failure class, or None.
        reason: Why it failed.
        further: Values of further objectives by name.
        hours: How long the run took.
        names: Of the further objectives there are.

    Raises:
        SpaceError: The point is not in the space.
        ValueError: Neither or both of value and failure, a number that is not finite or beyond 1e100, an unknown
            failure class or name.
    """
    if not isinstance(point, Mapping):
        message = f"tell: a point is a mapping by parameter name, as suggestion.point is, not {type(point).__name__}"
        raise ValueError(message)  # noqa: TRY004 - every refusal of `tell` is a ValueError
    plain, more = space.check(point), dict(further or {})
    problem = _of_outcome(value, failure) or _of_numbers({"value": value, "sd": sd, "hours": hours, **more})
    unknown = [name for name in more if name not in names]
    if problem is None and unknown:
        there = f"there are {', '.join(names)}" if names else "there are none"
        problem = f"further objective {unknown[0]!r} is unknown; {there}"
    if problem is not None:
        message = f"tell {plain}: {problem}"
        raise ValueError(message)
    number = None if value is None else float(value)
    return Observation(plain, number, sd, failure, reason, {k: float(v) for k, v in more.items()}, hours)


def checked_pending(space: ParameterSpace, pending: object) -> list[dict[str, Value]]:
    """Return the points that are being performed, with plain values.

    Args:
        space: The parameters.
        pending: What was given for them.

    Raises:
        SpaceError: One of them is not in the space.
        ValueError: It is no list of points.
    """
    if isinstance(pending, Mapping):
        message = "suggest: pending is a list of points, not one of them; write [suggestion.point]"
        raise ValueError(message)  # noqa: TRY004 - as every refusal of `tell`
    if isinstance(pending, str) or not isinstance(pending, Iterable):
        kind = type(pending).__name__
        message = f"suggest: pending is a list of points, as [suggestion.point], not {kind}"
        raise ValueError(message)  # noqa: TRY004 - as above
    return [_checked_point(space, point) for point in pending]


def _checked_point(space: ParameterSpace, point: object) -> dict[str, Value]:
    if isinstance(point, Mapping):
        return space.check(point)
    kind = type(point).__name__
    message = f"suggest: a pending point is a mapping by parameter name, as suggestion.point is, not {kind}"
    raise ValueError(message)


def checked_size(n: object) -> int:
    """Return how many suggestions a batch has.

    Raises:
        ValueError: It is no whole number, or fewer than one.
    """
    if isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n >= 1:
        return int(n)
    message = f"a batch of {n!r} suggestions is none; ask for 1, 2 or more"
    raise ValueError(message)


def _of_outcome(value: float | None, failure: str | None) -> str | None:
    if (value is None) == (failure is None):
        return f"give exactly one of value and failure, not value={value!r}, failure={failure!r}"
    if failure is not None and failure not in set(FailureClass):
        return f"failure {failure!r} is no class; the classes are {', '.join(FailureClass)}"
    return None


def _of_numbers(numbers: Mapping[str, float | None]) -> str | None:
    for name, number in numbers.items():
        if number is None:
            continue
        is_number = isinstance(number, (int, float, np.number)) and not isinstance(number, bool)
        if not is_number or not -math.inf < number < math.inf:  # a whole number may be too long for isfinite
            return f"{name}={number!r} is not a finite number; tell a failure instead"
        if abs(number) > LARGEST:
            return f"{name}={number!r} is beyond {LARGEST:g}, where nothing can be computed; correct it"
    sd, hours = numbers["sd"], numbers["hours"]
    if sd is not None and sd < 0:
        return f"sd={sd!r} is below 0; a standard uncertainty is not"
    if hours is not None and hours <= 0:
        return f"hours={hours!r} is not above 0; a run takes time"
    return None
