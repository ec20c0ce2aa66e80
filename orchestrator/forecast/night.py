"""When it is night in a laboratory: when nobody is there to load a sample."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

_FROM_H, _TO_H = 22, 6


@dataclass(frozen=True)
class Night:
    """The hours in which people sleep.

    Args:
        epoch: The moment of lab time zero.
        zone: The time zone of the laboratory.
    """

    epoch: datetime
    zone: tzinfo | None

    def holds(self, lab_s: float) -> bool:
        """Return whether it is night at a lab time."""
        hour = (self.epoch + timedelta(seconds=lab_s)).astimezone(self.zone).hour
        return hour >= _FROM_H or hour < _TO_H

    def __str__(self) -> str:
        """Return its hours."""
        return f"{_FROM_H}:00 to {_TO_H:02}:00"
