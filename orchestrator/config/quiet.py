"""The hours in which nobody is there."""

import re
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from orchestrator.config.section import Section

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)


def _time_of_day(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        message = f"{text[:40]!r} is no time of day; write it as 22:00"
        raise ValueError(message)
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        message = f"{name[:40]!r} is no time zone; write it as Europe/Berlin"
        raise ValueError(message) from error
    return name


TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]


class QuietHoursConfig(Section):
    """No step that needs a person may end in these hours.

    Args:
        begin: The time of day from which on nobody is there; `from` in the YAML.
        end: The time of day at which somebody comes again; `to` in the YAML.
        zone: The time zone of both.
        days_off: Days on which nobody comes at all.
        steps: Which steps need a person, as `instrument.action`; null leaves it to the drivers.
    """

    begin: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    days_off: list[Day] = Field(default=[], max_length=len(DAYS))
    steps: list[str] | None = None

    @model_validator(mode="after")
    def _leaves_hours_to_work_in(self) -> "QuietHoursConfig":
        if self.begin == self.end:
            message = f"from and to are both {self.begin}; days without work are days_off"
            raise ValueError(message)
        if set(self.days_off) == set(DAYS):
            message = "days_off are all days of the week; when does somebody come?"
            raise ValueError(message)
        return self

    @model_serializer(mode="wrap")
    def _written(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Name the keys as the YAML does."""
        names = {name: info.alias or name for name, info in type(self).model_fields.items()}
        return {names[name]: value for name, value in serialise(self).items()}

    def __str__(self) -> str:
        """Return them as people say them."""
        off = f" and on {', '.join(self.days_off)}" if self.days_off else ""
        return f"{self.begin} to {self.end}{off}, {self.zone}"
