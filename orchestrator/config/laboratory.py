"""The laboratory: its instruments, who fills which role, their maintenance, the recipe, and the time they live in."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from orchestrator.config.section import Dotted, OpenSection, Section

_YEARS = range(1970, 3000)


class MaintenanceConfig(Section):
    """When an instrument's maintenance is due, and how it is done.

    Args:
        at: Due when a reading of the instrument shows at least this, by output.
        every_h: Due when so many lab hours have passed since it was last done, or since the campaign began.
        after: Due when this other maintenance of the instrument was done.
        by: The role that performs it, if not the instrument itself: a person.
        settings: What the action is told.
    """

    at: dict[str, float] = {}
    every_h: float | None = Field(default=None, gt=0)
    after: str | None = None
    by: str | None = None
    settings: dict[str, float | str] = {}

    @model_validator(mode="after")
    def _has_an_occasion(self) -> "MaintenanceConfig":
        if not (self.at or self.every_h or self.after):
            message = "when is it due? give at (an output of the instrument and a value), every_h or after"
            raise ValueError(message)
        return self


class InstrumentConfig(OpenSection):
    """One instrument of the laboratory; further keys are options of the driver.

    Recipes ask for a role. It is the instrument's own name, unless it stands beside others that can do the same. An
    action with room for several samples waits up to `load_wait_h` hours until it is full.
    """

    driver: str
    role: Annotated[str, Field(min_length=1)] | None = None
    maintenance: dict[str, MaintenanceConfig] = {}
    load_wait_h: float = Field(default=0, ge=0, le=1e4)

    @model_serializer(mode="wrap")
    def _written(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is not used, so that ledgers begun before there was such a key stay the same campaign."""
        unused = ("role", "maintenance", "load_wait_h")
        return {key: value for key, value in serialise(self).items() if key not in unused or value}

    @model_validator(mode="after")
    def _follows_what_there_is(self) -> "InstrumentConfig":
        for action, rule in self.maintenance.items():
            others = [name for name in self.maintenance if name != action]
            if rule.after is not None and rule.after not in others:
                message = (
                    f"{action} comes after {rule.after!r}, but the other maintenance is {', '.join(others) or 'none'}"
                )
                raise ValueError(message)
        return self


class LaboratoryConfig(Section):
    """The instruments and the time they live in."""

    clock: Literal["simulated", "wall"] = "simulated"
    rate: float = Field(default=1.0, gt=0, le=1e6)
    mixed: bool = False
    epoch: datetime = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
    in_flight: int = Field(default=1, ge=1)
    bottleneck: str | None = None
    table: Path | None = None
    instruments: dict[str, InstrumentConfig] = Field(min_length=1)

    @property
    def roles(self) -> dict[str, tuple[str, ...]]:
        """The names of the instruments that fill each role, in the order of the configuration."""
        found: dict[str, tuple[str, ...]] = {}
        for name, instrument in self.instruments.items():
            role = instrument.role or name
            found[role] = (*found.get(role, ()), name)
        return found

    @model_validator(mode="after")
    def _sound(self) -> "LaboratoryConfig":
        if self.bottleneck is not None and self.bottleneck not in self.roles:
            message = f"bottleneck {self.bottleneck!r} is not among the instruments {', '.join(self.roles)}"
            raise ValueError(message)
        if self.rate != 1 and self.clock != "wall":
            message = "rate is for a rehearsal on the wall clock; with clock: simulated, lab time needs none"
            raise ValueError(message)
        if self.epoch.tzinfo is None:
            message = "epoch needs a time zone, for example 2026-01-05T08:00:00Z"
            raise ValueError(message)
        if self.epoch.year not in _YEARS:
            message = f"epoch is in the year {self.epoch.year}; it must be in {_YEARS[0]} to {_YEARS[-1]}"
            raise ValueError(message)
        return self


class RecipeConfig(OpenSection):
    """The generator that performs a run; further keys are its options."""

    name: Dotted
