"""Quiet hours: which steps need a person, when nobody is there, and when a step may begin so as not to end then.

Rule of this file: pure functions of the configuration and of moments in UTC. Nothing is remembered, so that a resumed
campaign waits as long as one that was never interrupted. Local time is asked for each moment anew, so that the hours
are those on the wall on days of 23 and of 25 hours, too.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from instruments.driver import Attended, Instrument, PhasedInstrument
from orchestrator.config.quiet import DAYS, QuietHoursConfig

_MINUTE = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(days=8)
"""The hours are the same each week; what fits later fits only where the clocks change, and is not waited for."""


def needs_person(instrument: PhasedInstrument | Instrument, action: str, hours: QuietHoursConfig | None = None) -> bool:
    """Return whether a person must be there when an action of an instrument ends.

    Args:
        instrument: Who performs it.
        action: What it performs.
        hours: May list the steps that need one; else the driver is believed.
    """
    if hours is not None and hours.steps is not None:
        return f"{instrument.name}.{action}" in hours.steps
    known = instrument.actions.get(action)
    return isinstance(instrument, Attended) or (known is not None and known.attended)


def is_quiet(hours: QuietHoursConfig, moment: datetime) -> bool:
    """Return whether nobody is there."""
    return _left(hours, moment) > timedelta(0)


def end_of_quiet(hours: QuietHoursConfig, moment: datetime) -> datetime:
    """Return the first moment from this one on at which somebody is there."""
    end = moment
    while (left := _left(hours, end)) > timedelta(0):
        end += left
    while end - _MINUTE > moment and not is_quiet(hours, end - _MINUTE):
        end -= _MINUTE  # the clocks went forward meanwhile
    return end


def begins_at(hours: QuietHoursConfig, moment: datetime, expected: timedelta, *, is_work: bool = False) -> datetime:
    """Return when a step may begin that needs a person, at this moment or after it.

    Any step can be shifted until it ends as the quiet hours do. Only work that takes longer than people are there at a
    time must end in them; it begins when somebody comes.

    Args:
        hours: The quiet hours.
        moment: Now.
        expected: How long it is expected to take.
        is_work: Whether a person is at it all the time, and neither begins nor ends it in quiet hours.
    """
    begin = moment
    while begin - moment < _LONGEST_WAIT:
        begin = end_of_quiet(hours, begin) if is_work else begin
        end = end_of_quiet(hours, begin + expected)
        if end == begin + expected:
            return begin
        begin = end - expected
    return end_of_quiet(hours, moment)


def _left(hours: QuietHoursConfig, moment: datetime) -> timedelta:
    """Return how long the quiet hours, or the day off, still last by the clock on the wall; nothing outside of them."""
    local = moment.astimezone(ZoneInfo(hours.zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    passed = local.replace(tzinfo=None) - midnight
    begin, end = _since_midnight(hours.begin), _since_midnight(hours.end)
    if DAYS[local.weekday()] in hours.days_off:
        return timedelta(days=1) - passed
    if begin < end:
        return end - passed if begin <= passed < end else timedelta(0)
    if passed < end:
        return end - passed
    return timedelta(days=1) + end - passed if passed >= begin else timedelta(0)


def _since_midnight(time_of_day: str) -> timedelta:
    hour, minute = time_of_day.split(":")
    return timedelta(hours=int(hour), minutes=int(minute))
