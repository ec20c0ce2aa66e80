"""The policies held against the laboratory: whom they are about must be there, and have the time it needs."""

from collections.abc import Iterator

from orchestrator.config import ConfigError, Configuration, Problem
from orchestrator.laboratory import Laboratory

Place = tuple[str, ...]


def check_policies(configuration: Configuration, laboratory: Laboratory) -> None:
    """Refuse policies about what is not in the laboratory, and timeouts that nothing could keep.

    Raises:
        ConfigError: Each of them, with its place.
    """
    found = [
        Problem(configuration.source.where(place), f"{'.'.join(place)}: {message}")
        for name in configuration.settings.policies.instruments
        for place, message in _about_instrument(configuration, laboratory, name)
    ]
    if found:
        raise ConfigError(found)


def _about_instrument(configuration: Configuration, laboratory: Laboratory, name: str) -> Iterator[tuple[Place, str]]:
    place = ("policies", "instruments", name)
    if name not in laboratory.instruments:
        yield place, f"there is no such instrument; the laboratory has {', '.join(laboratory.instruments)}"
        return
    policies, actions = configuration.settings.policies, laboratory.instruments[name].actions
    said = policies.instruments[name].timeout_min
    for action in said if isinstance(said, dict) else ():
        if action not in actions:
            yield (*place, "timeout_min", action), f"{name} cannot do that; it can do {', '.join(sorted(actions))}"
    for action in sorted(actions):
        timeout_s, usual_s = policies.timeout_s(name, action), actions[action].expected_s
        if timeout_s is not None and timeout_s < usual_s:
            where = (*place, "timeout_min", action) if isinstance(said, dict) else (*place, "timeout_min")
            message = f"{timeout_s / 60:g} min is shorter than {name}.{action} usually takes ({usual_s / 60:g} min)"
            yield where, f"{message}; give it more, or leave it to the driver"
