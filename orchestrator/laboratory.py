"""Build the laboratory from the names in the YAML: drivers, their options, the recipe.

Rule of this file: a driver or a recipe is found by name and checked by its own signature; nothing is known of it here.
"""

import inspect
import math
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from pydantic import ConfigDict, ValidationError, create_model

from instruments.driver import (
    Action,
    Attended,
    Command,
    CommandRefused,
    Foreseeing,
    Identity,
    Instrument,
    Origin,
    PhasedInstrument,
    check_command,
)
from orchestrator.clock import is_phased
from orchestrator.clock.hearing import why_not_halted
from orchestrator.clock.patience import within
from orchestrator.config import ConfigError, Configuration, Problem
from orchestrator.config.messages import problems_of
from orchestrator.ledger.readings import ReadingError, recordable_state
from orchestrator.recipe import Recipe

CONNECT_S, HALT_S, CLOSE_S = 120.0, 10.0, 5.0
"""How long a blocking driver may take to connect, to halt and to close, s on the wall."""

T = TypeVar("T")
_GROUP = "campaign.instruments"
_NEEDED = ("name", "actions", "connect", "halt", "close")


@dataclass(frozen=True)
class Laboratory:
    """The instruments by name, who fills which role, and the recipe with its options bound.

    Args:
        instruments: By their names in the configuration.
        recipe: Asks roles for actions.
        filled: The names of the instruments that fill each role; by default each its own.
    """

    instruments: Mapping[str, PhasedInstrument | Instrument]
    recipe: Recipe
    filled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def roles(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the instruments that fill each role, in the order of the configuration."""
        return self.filled or {name: (name,) for name in self.instruments}

    def actions_of(self, role: str) -> Mapping[str, Action]:
        """Return what a role can do: the actions of the first instrument that fills it."""
        return self.instruments[self.roles[role][0]].actions

    def allowing(self, command: Command, bound: str | None = None) -> list[str]:
        """Return the names of the instruments of its role that may perform a command.

        Args:
            command: Names the role as its instrument.
            bound: The only one that is asked, if there is such a one.

        Raises:
            CommandRefused: None of them may: the reason of the last.
        """
        able: list[str] = []
        refusal = CommandRefused(f"{command.instrument} is not in the laboratory")
        for name in self.roles.get(command.instrument, ()):
            if bound not in (None, name):
                continue
            try:
                check_command(replace(command, instrument=name), self.instruments[name].actions)
            except CommandRefused as refused:
                refusal = refused
            else:
                able.append(name)
        if not able:
            raise refusal
        return able

    def expected_s(self, name: str, command: Command) -> float:
        """Return how long an instrument is expected to take for a command, in seconds."""
        instrument = self.instruments[name]
        told = math.nan
        if isinstance(instrument, Foreseeing):
            with suppress(Exception):  # a driver that cannot tell keeps nobody from performing
                told = float(instrument.expected_s(replace(command, instrument=name)))
        return told if math.isfinite(told) and told > 0 else instrument.actions[command.action].expected_s

    @property
    def is_asking_here(self) -> bool:
        """Whether a person is asked in the terminal of the campaign."""
        return any(isinstance(i, Attended) and i.is_at_terminal for i in self.instruments.values())

    def connect(self) -> dict[str, Identity]:
        """Connect every instrument and tell who answers, by role.

        Raises:
            ConfigError: An instrument does not answer, or not with an identity.
        """
        return {role: _connected(role, instrument) for role, instrument in self.instruments.items()}

    def restore(self, name: str, state: Mapping[str, Any]) -> None:
        """Give an instrument that tells its phases a state back that the ledger has of it.

        Raises:
            ConfigError: It does not take it.
        """
        instrument = self.instruments[name]
        if not is_phased(instrument):
            return
        try:
            instrument.state = state  # type: ignore[union-attr]  # is_phased has looked
        except Exception as error:
            reason = f"does not take its recorded state back: {type(error).__name__}: {error}"
            message = f"{reason}; go back to the driver that wrote it, or add --new"
            raise ConfigError([Problem(f"instrument {name}", message)]) from error

    def halt(self, say: Callable[[str], None]) -> list[threading.Thread]:
        """Halt every blocking instrument, at work or not, each from a thread of its own so that none waits for another.

        Args:
            say: Told in words of each that cannot be halted, from its thread.

        Returns:
            The threads; each ends within `HALT_S`.
        """

        def halt(name: str, instrument: PhasedInstrument | Instrument) -> None:
            why = why_not_halted(instrument, HALT_S)
            if why is not None:
                say(f"instrument {name}: {why}; look at it now")

        blocking = [(name, i) for name, i in self.instruments.items() if not is_phased(i)]
        threads = [threading.Thread(target=halt, args=named, daemon=True) for named in blocking]
        for thread in threads:
            thread.start()
        return threads

    def close(self) -> None:
        """Close every instrument; one that cannot be closed, or hangs, keeps nobody from its results."""
        for instrument in self.instruments.values():
            with suppress(Exception):
                _asked(instrument, instrument.close, CLOSE_S)


def _asked(instrument: PhasedInstrument | Instrument, ask: Callable[[], T], seconds: float) -> T:
    """Ask a blocking driver from a thread of its own: its link may hang. A phased one has none."""
    return ask() if is_phased(instrument) else within(seconds, ask)


def _connected(role: str, instrument: PhasedInstrument | Instrument) -> Identity:
    try:
        identity = _asked(instrument, instrument.connect, CONNECT_S)
    except Exception as error:
        message = f"does not answer: {type(error).__name__}: {error}; see to its link, then run the same command"
        raise ConfigError([Problem(f"instrument {role}", message)]) from error
    words = (identity.maker, identity.model, identity.serial) if isinstance(identity, Identity) else ()
    if not words or not all(isinstance(word, str) for word in words) or identity.origin not in set(Origin):
        message = f"connect() returned {identity!r}; it must return an Identity, its maker, model and serial as text"
        raise ConfigError([Problem(f"instrument {role}", message)])
    try:
        recordable_state(instrument)
    except ReadingError as error:
        raise ConfigError([Problem(f"instrument {role}", f"{error}; mend its driver")]) from error
    return identity


def build(configuration: Configuration) -> Laboratory:
    """Import drivers and recipe and construct them with their options.

    Raises:
        ConfigError: A name that is not found, an option that is refused, a driver that cannot live in simulated time.
    """
    settings = configuration.settings
    given: dict[str, Any] = {
        "shelf": {},
        "table": settings.laboratory.table,
        "inputs": list(settings.parameters),
        "output": settings.objective.name,
        "campaign": settings.campaign,
        "rate": settings.laboratory.rate,
    }
    problems: list[Problem] = []
    instruments: dict[str, PhasedInstrument | Instrument] = {}
    for role, wanted in settings.laboratory.instruments.items():
        place = ("laboratory", "instruments", role)
        try:
            driver = driver_of(configuration, role)
            bound = bind(configuration, place, driver, wanted.options, {"name": role, **given})
            instruments[role] = _construct(configuration, place, bound)
        except ConfigError as error:
            problems += error.problems
    try:
        recipe = _recipe(configuration)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(problems)
    return Laboratory(instruments, recipe, settings.laboratory.roles)


def check_origins(configuration: Configuration, identities: Mapping[str, Identity]) -> None:
    """Refuse simulated instruments beside real ones, and a faster clock beside anything that is not simulated.

    Raises:
        ConfigError: With the instruments by origin, and the way out.
    """
    laboratory = configuration.settings.laboratory
    actual = [f"{role} ({i.origin})" for role, i in identities.items() if i.origin in (Origin.REAL, Origin.HUMAN)]
    others = [
        f"{role} ({i.origin})" for role, i in identities.items() if i.origin in (Origin.SIMULATED, Origin.RECORDED)
    ]
    if laboratory.rate != 1 and actual:
        message = f"lab time cannot pass {laboratory.rate:g} times as fast for {', '.join(actual)}; take rate out"
        raise configuration.error(("laboratory", "rate"), message)
    if actual and others and not laboratory.mixed:
        message = f"{', '.join(actual)} beside {', '.join(others)}; add laboratory.mixed: true if that is meant"
        raise configuration.error(("laboratory", "instruments"), message)


def driver_of(configuration: Configuration, role: str) -> Callable[..., Any]:
    """Return the class of a role's driver.

    Raises:
        ConfigError: There is none of that name, or it is not a class.
    """
    name = configuration.settings.laboratory.instruments[role].driver
    place = ("laboratory", "instruments", role, "driver")
    if ":" in name:
        found = imported(configuration, place, name)
    else:
        installed = {entry.name: entry for entry in entry_points(group=_GROUP)}
        if name not in installed:
            known = ", ".join(sorted(installed))
            message = f"no driver {name!r} is installed; there are {known}, or name your own as package.module:Class"
            raise configuration.error(place, message)
        found = installed[name].load()
    if not inspect.isclass(found):
        raise configuration.error(place, f"{name} is of type {type(found).__name__}, not a class")
    return found


def imported(configuration: Configuration, place: tuple[str | int, ...], name: str) -> Any:  # noqa: ANN401
    """Return what `package.module:name` names.

    Raises:
        ConfigError: It cannot be imported, with the place in the YAML.
    """
    module, _, attribute = name.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        message = f"{name} cannot be imported: {reason}; is its folder the current one, or its package installed?"
        raise configuration.error(place, message) from error


def figures_of(configuration: Configuration) -> list[Callable[..., Any]]:
    """Return the figures that the campaign adds to the report.

    Raises:
        ConfigError: One of them cannot be imported.
    """
    names = configuration.settings.report.figures
    return [imported(configuration, ("report", "figures", i), name) for i, name in enumerate(names)]


def bind(
    configuration: Configuration,
    place: tuple[str, ...],
    called: Callable[..., Any],
    options: Mapping[str, Any],
    given: Mapping[str, Any],
) -> Callable[..., Any]:
    """Check options against the signature and bind them with what the laboratory gives to those who ask for it.

    Raises:
        ConfigError: An option that is unknown, missing or of the wrong kind, with its place in the YAML.
    """
    try:
        parameters = inspect.signature(called).parameters
        hints = get_type_hints(called.__init__ if inspect.isclass(called) else called, include_extras=True)
    except Exception as error:
        message = f"{getattr(called, '__name__', called)} does not tell its options: {type(error).__name__}: {error}"
        raise configuration.error(place, message) from error
    accepted = {name: value for name, value in given.items() if name in parameters}
    fields: dict[str, Any] = {
        name: (hints.get(name, Any), ... if parameter.default is inspect.Parameter.empty else parameter.default)
        for name, parameter in parameters.items()
        if name not in given and parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    model = create_model("Options", __config__=config, **fields)
    try:
        checked = model.model_validate(dict(options))
    except ValidationError as error:
        raise ConfigError(problems_of(error, configuration.source, model, place)) from error
    values = {name: _beside(configuration, getattr(checked, name)) for name in fields}
    return partial(called, **accepted, **values)


def _beside(configuration: Configuration, value: Any) -> Any:  # noqa: ANN401 - an option can be anything
    """Look for a file that an option names beside the configuration."""
    if isinstance(value, Path) and not value.is_absolute():
        return (Path(configuration.path).parent / value).absolute()
    return value


def _construct(
    configuration: Configuration, place: tuple[str, ...], driver: Callable[[], Any]
) -> PhasedInstrument | Instrument:
    try:
        instrument = driver()
    except Exception as error:
        raise configuration.error(place, str(error) or repr(error)) from error
    missing = [name for name in _NEEDED if not hasattr(instrument, name)]
    if missing or not (is_phased(instrument) or hasattr(instrument, "perform")):
        lacking = ", ".join(missing) or "perform (or phases)"
        raise configuration.error(place, f"{type(instrument).__name__} is no driver: it lacks {lacking}")
    if configuration.settings.laboratory.clock == "simulated" and not is_phased(instrument):
        message = (
            f"{type(instrument).__name__} blocks while it performs, which simulated time cannot wait for; "
            "set laboratory.clock: wall"
        )
        raise configuration.error(place, message)
    return instrument  # type: ignore[no-any-return]  # its methods were looked for above


def _recipe(configuration: Configuration) -> Recipe:
    settings = configuration.settings
    called = imported(configuration, ("recipe",), settings.recipe.name)
    if not callable(called):
        raise configuration.error(
            ("recipe",), f"{settings.recipe.name} is of type {type(called).__name__}, not a generator function"
        )
    unit = getattr(called, "unit", None)
    if unit is not None and settings.objective.unit != unit:
        message = f"{settings.objective.unit!r} is not what the recipe measures; it returns {unit!r}"
        raise configuration.error(("objective", "unit"), message)
    return bind(configuration, ("recipe",), called, settings.recipe.options, {})
