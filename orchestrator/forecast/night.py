"""When it is night in a laboratory: when nobody is there to load a sample."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from orchestrator.config.schema import QuietHoursConfig
from orchestrator.laboratory.quiet import is_quiet

_FROM_H, _TO_H = 22, 6


@dataclass(frozen=True)
class Night:
    """The hours in which people sleep.

    Args:
        epoch: The moment of lab time zero.
        zone: The time zone of the laboratory.
        quiet: The quiet hours of the configuration, if it has any: then these are the night.
    """

    epoch: datetime
    zone: tzinfo | None
    quiet: QuietHoursConfig | None = None

    def holds(self, lab_s: float) -> bool:
        """Return whether it is night at a lab time."""
        moment = self.epoch + timedelta(seconds=lab_s)
        if self.quiet is not None:
            return is_quiet(self.quiet, moment)
        hour = moment.astimezone(self.zone).hour
        return hour >= _FROM_H or hour < _TO_H

    def __str__(self) -> str:
        """Return its hours."""
        return str(self.quiet or f"{_FROM_H}:00 to {_TO_H:02}:00")
