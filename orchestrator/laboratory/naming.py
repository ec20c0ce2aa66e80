"""What the YAML names: drivers, recipes and figures found by name, their options bound.

Rule of this file: what is named is checked by its own signature; nothing else is known of it here.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import ConfigDict, ValidationError, create_model

from orchestrator.config import ConfigError, Configuration
from orchestrator.config.messages import problems_of

_GROUP = "campaign.instruments"


def driver_of(configuration: Configuration, role: str) -> Callable[..., Any]:
    """Return the class of a role's driver.

    Raises:
        ConfigError: There is none of that name, it cannot be imported, or it is not a class.
    """
    name = configuration.settings.laboratory.instruments[role].driver
    place = ("laboratory", "instruments", role, "driver")
    found = imported(configuration, place, name) if ":" in name else _installed(configuration, place, name)
    if not inspect.isclass(found):
        raise configuration.error(place, f"{name} is of type {type(found).__name__}, not a class")
    return found


def _installed(configuration: Configuration, place: tuple[str | int, ...], name: str) -> Any:  # noqa: ANN401
    installed = {entry.name: entry for entry in entry_points(group=_GROUP)}
    if name not in installed:
        known = ", ".join(sorted(installed))
        message = f"no driver {name!r} is installed; there are {known}, or name your own as package.module:Class"
        raise configuration.error(place, message)
    try:
        return installed[name].load()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        message = f"{name} is installed as {installed[name].value}, which cannot be imported: {reason}"
        raise configuration.error(place, message) from error


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
