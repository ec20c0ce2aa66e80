"""Who performs in a forecast: simulated drivers themselves, counterparts of real ones, or mere durations.

Rule of this file: limits are those of the real drivers, also where a counterpart could do more.
"""

import inspect
import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from instruments.driver import Action, Attended, Command, Identity, Origin, Phase, Quantity, Reading, Scalar
from orchestrator.clock import is_phased
from orchestrator.config import Configuration
from orchestrator.config.schema import CampaignConfig, InstrumentConfig, LaboratoryConfig, StopConfig
from orchestrator.laboratory import Laboratory, build, driver_of
from orchestrator.recipe import Lab, Measured, Performance, Point, Recipe, RecipeFault, Steps

GEOMETRIC_SD = 1.25
"""How far a duration of which only the usual length is known is taken to spread, as a factor. An assumption."""


class StandIn:
    """Takes as long as a real instrument usually does, and reads what is made up.

    Args:
        name: As in the configuration.
    """

    def __init__(self, *, name: str) -> None:
        self.name = name
        self.actions: Mapping[str, Action] = {}
        self.state: Mapping[str, Any] = {}

    def connect(self) -> Identity:
        """Tell who answers: nobody real."""
        return Identity("forecast", "stand-in", self.name, Origin.SIMULATED)

    def phases(self, command: Command, rng: np.random.Generator) -> Generator[Phase, None, Reading]:
        """Yield one phase around the action's usual length, and return made-up outputs."""
        action = self.actions[command.action]
        spread = math.exp(math.log(GEOMETRIC_SD) * float(rng.standard_normal()))
        yield Phase(command.action, action.expected_s * spread)
        return Reading({name: _made_up(q, command) for name, q in action.outputs.items()})

    def halt(self) -> None:
        """Do nothing: nothing moves."""

    def close(self) -> None:
        """Release nothing."""


def _made_up(quantity: Quantity, command: Command) -> Scalar:
    if quantity.text:
        return f"made-up-{command.id}"
    limits = [limit for limit in (quantity.low, quantity.high) if limit is not None]
    return sum(limits) / len(limits) if limits else 1.0


@dataclass(frozen=True)
class Cast:
    """Who stands in for whom.

    Args:
        configuration: With the drivers of the forecast in place of the real ones.
        actions: What the real instruments can do, by name and action.
        replaced: The names of the drivers that stand in, by instrument; the others perform themselves.
        lacking: The instruments without a counterpart. If there are any, outcomes cannot be known.
        people: The instruments behind which a person works.
    """

    configuration: Configuration
    actions: Mapping[str, Mapping[str, Action]]
    replaced: Mapping[str, str]
    lacking: tuple[str, ...]
    people: frozenset[str]

    @property
    def settings(self) -> CampaignConfig:
        """The settings of the forecast."""
        return self.configuration.settings

    def laboratory(self) -> Laboratory:
        """Return a new laboratory, in which nothing was ever made.

        Raises:
            ConfigError: A counterpart that is not found, or an option that it refuses.
        """
        built = build(self.configuration)
        for name in self.replaced:
            built.instruments[name].actions = self.actions[name]
        return replace(built, recipe=blind(built.recipe)) if self.lacking else built


def cast(configuration: Configuration, laboratory: Laboratory) -> Cast:
    """Find who stands in for the instruments of a laboratory.

    A simulated driver performs itself. Where the configuration has a section `emulation`, a real one is represented by
    the class that `emulation.<instrument>.simulated` names, or else by the one its driver names (`simulated`), with
    those of its options and of `emulation.<instrument>` that this class knows. Without counterparts for all of them,
    nobody's outcome can be known, and all are represented by durations.

    Args:
        configuration: Of the campaign.
        laboratory: Its instruments, not connected.

    Raises:
        ConfigError: A driver that is not found.
    """
    wanted = configuration.settings.laboratory.instruments
    real = [name for name, instrument in laboratory.instruments.items() if not is_phased(instrument)]
    counterparts = {name: found for name in real if (found := _counterpart(configuration, name))}
    lacking = tuple(name for name in real if name not in counterparts)
    replaced = dict.fromkeys(wanted, f"{__name__}:StandIn") if lacking else counterparts
    instruments = {name: _recast(configuration, name, replaced.get(name)) for name in wanted}
    return Cast(
        configuration=replace(configuration, settings=_settings(configuration.settings, instruments, bool(lacking))),
        actions={name: instrument.actions for name, instrument in laboratory.instruments.items()},
        replaced=replaced,
        lacking=lacking,
        people=frozenset(n for n, instrument in laboratory.instruments.items() if isinstance(instrument, Attended)),
    )


def _counterpart(configuration: Configuration, name: str) -> str | None:
    emulation = configuration.settings.emulation
    if not emulation:
        return None
    named: str | None = emulation.get(name, {}).get("simulated")
    return named or getattr(driver_of(configuration, name), "simulated", None)


def _recast(configuration: Configuration, name: str, driver: str | None) -> InstrumentConfig:
    wanted = configuration.settings.laboratory.instruments[name]
    if driver is None:
        return wanted
    own = {key: getattr(wanted, key) for key in type(wanted).model_fields} | {"driver": driver}
    bare = InstrumentConfig(**own)
    known = _options_of(configuration, name, bare)
    asked = {**wanted.options, **configuration.settings.emulation.get(name, {})}
    return InstrumentConfig(**own, **{key: value for key, value in asked.items() if key in known})


def _options_of(configuration: Configuration, name: str, bare: InstrumentConfig) -> set[str]:
    """Return the names of what a counterpart can be told."""
    laboratory = configuration.settings.laboratory
    alone = laboratory.model_copy(update={"instruments": {**laboratory.instruments, name: bare}})
    settings = configuration.settings.model_copy(update={"laboratory": alone})
    called = driver_of(replace(configuration, settings=settings), name)
    return set(inspect.signature(called).parameters)


def _settings(settings: CampaignConfig, instruments: dict[str, InstrumentConfig], is_blind: bool) -> CampaignConfig:  # noqa: FBT001
    laboratory: LaboratoryConfig = settings.laboratory.model_copy(
        update={"instruments": instruments, "clock": "simulated", "rate": 1.0}
    )
    changed: dict[str, Any] = {"laboratory": laboratory}
    if is_blind:  # nothing is known of values, so none may end the campaign, and no model has anything to learn
        changed |= {"stop": StopConfig(), "planner": settings.planner.model_copy(update={"acquisition": "random"})}
    return settings.model_copy(update=changed)


def blind(recipe: Recipe) -> Recipe:
    """Return a recipe that asks what the other asks, as far as that can stand made-up readings, and values nothing."""

    def steps(point: Point, lab: Lab) -> Steps:
        performance = Performance(recipe, point, lab)
        while performance.command is not None:
            reading = yield replace(performance.command, accept=None)
            try:
                performance.send(reading)
            except RecipeFault:
                break
        return Measured(0.0)

    return steps
