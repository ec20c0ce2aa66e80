"""The policies held against the laboratory: whom they are about must be there, and have the time it needs."""

from collections.abc import Iterator

from orchestrator.config import ConfigError, Configuration, Problem
from orchestrator.config.schema import PoliciesConfig
from orchestrator.laboratory.laboratory import Laboratory

Place = tuple[str | int, ...]


def check_policies(configuration: Configuration, laboratory: Laboratory) -> None:
    """Refuse policies about what is not in the laboratory, and timeouts that nothing could keep.

    Raises:
        ConfigError: Each of them, with its place.
    """
    found = [
        Problem(configuration.source.where(place), f"{'.'.join(map(str, place))}: {message}")
        for place, message in (
            *_about_instruments(configuration.settings.policies, laboratory),
            *_about_quiet_hours(configuration.settings.policies, laboratory),
        )
    ]
    if found:
        raise ConfigError(found)


def _about_instruments(policies: PoliciesConfig, laboratory: Laboratory) -> Iterator[tuple[Place, str]]:
    for name in policies.instruments:
        if name in laboratory.instruments:
            yield from _about_timeouts(policies, laboratory, name)
        else:
            there = ", ".join(laboratory.instruments)
            yield ("policies", "instruments", name), f"there is no such instrument; the laboratory has {there}"


def _about_timeouts(policies: PoliciesConfig, laboratory: Laboratory, name: str) -> Iterator[tuple[Place, str]]:
    place, actions = ("policies", "instruments", name), laboratory.instruments[name].actions
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


def _about_quiet_hours(policies: PoliciesConfig, laboratory: Laboratory) -> Iterator[tuple[Place, str]]:
    steps = (policies.quiet_hours and policies.quiet_hours.steps) or []
    known = [f"{name}.{action}" for name, found in laboratory.instruments.items() for action in sorted(found.actions)]
    for i, step in enumerate(steps):
        if step not in known:
            yield ("policies", "quiet_hours", "steps", i), f"there is no step {step!r}; there are {', '.join(known)}"
