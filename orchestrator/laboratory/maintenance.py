"""Maintenance as a run: one command to one role, checked against the driver before anything moves."""

from collections.abc import Iterator, Mapping
from typing import Any

from instruments.driver import Command, CommandRefused
from orchestrator.config import ConfigError, Configuration, Problem
from orchestrator.laboratory.laboratory import Laboratory
from orchestrator.recipe import Lab, Measured, Point, Recipe, Steps


def recipe_of(concerns: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a maintenance as the ledger describes it; what it reads becomes the details of its run."""

    def maintain(_point: Point, lab: Lab) -> Steps:
        done = yield getattr(getattr(lab, concerns["role"]), concerns["action"])(**concerns["settings"])
        return Measured(0.0, details=done.values)

    return maintain


def check_maintenance(configuration: Configuration, laboratory: Laboratory) -> None:
    """Hold every maintenance of the configuration against the drivers.

    Raises:
        ConfigError: An output, a role or an action that is not there, or a setting that the tool refuses.
    """
    problems = [
        Problem(configuration.source.where(("laboratory", "instruments", instrument, "maintenance", action)), message)
        for instrument, wanted in configuration.settings.laboratory.instruments.items()
        for action in wanted.maintenance
        for message in _problems(configuration, laboratory, instrument, action)
    ]
    if problems:
        raise ConfigError(problems)


def _problems(configuration: Configuration, laboratory: Laboratory, instrument: str, action: str) -> Iterator[str]:
    wanted = configuration.settings.laboratory.instruments[instrument]
    rule, role = wanted.maintenance[action], wanted.role or instrument
    outputs = [
        name for a in laboratory.instruments[instrument].actions.values() for name, q in a.outputs.items() if not q.text
    ]
    for output in rule.at:
        if output not in outputs:
            yield f"{instrument} reads no {output!r}; it reads {', '.join(dict.fromkeys(outputs)) or 'no numbers'}"
    if rule.by is not None and rule.by not in laboratory.roles:
        yield f"by: there is no {rule.by!r} in the laboratory; there are {', '.join(laboratory.roles)}"
        return
    try:
        laboratory.allowing(Command(rule.by or role, action, dict(rule.settings)))
    except CommandRefused as refused:
        yield str(refused)
