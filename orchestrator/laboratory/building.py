"""Build the laboratory a configuration describes: every driver constructed with its options, the recipe beside them."""

from collections.abc import Callable, Mapping
from typing import Any

from instruments.driver import Identity, Instrument, Origin, PhasedInstrument
from instruments.showing import named, shown
from instruments.soundness import flaws
from orchestrator.clock import is_phased
from orchestrator.config import ConfigError, Configuration, Problem
from orchestrator.laboratory.laboratory import Laboratory
from orchestrator.laboratory.naming import bind, driver_of, imported
from orchestrator.recipe import Recipe

_NEEDED = ("name", "actions", "connect", "halt", "close")


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


def _construct(
    configuration: Configuration, place: tuple[str, ...], driver: Callable[[], Any]
) -> PhasedInstrument | Instrument:
    try:
        instrument = driver()
        missing = [name for name in _NEEDED if not hasattr(instrument, name)]
        wrong = [] if missing else flaws(instrument.actions)
    except Exception as error:
        raise configuration.error(place, named(error) or shown(error)) from error
    if missing or not (is_phased(instrument) or hasattr(instrument, "perform")):
        lacking = ", ".join(missing) or "perform (or phases)"
        raise configuration.error(place, f"{type(instrument).__name__} is no driver: it lacks {lacking}")
    if wrong:
        message = f"{type(instrument).__name__} cannot be relied on: {'; '.join(wrong)}; mend its driver"
        raise configuration.error(place, message)
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
