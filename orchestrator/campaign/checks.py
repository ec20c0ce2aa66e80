"""What is held against what before a campaign is built or goes on: a planner's faults, a reference, a person's word."""

from collections.abc import Sequence

from instruments.driver import Reading
from orchestrator.config import ConfigError, Configuration, Problem
from orchestrator.data import DataError
from orchestrator.engine import Word
from orchestrator.engine.answers import misfits
from orchestrator.laboratory import Laboratory
from orchestrator.ledger import State
from orchestrator.planner import FeatureError, Planner
from orchestrator.recipe import Point
from orchestrator.space import ParameterSpace, SpaceError


def planner_for(configuration: Configuration) -> Planner:
    """Return the planner of a configuration.

    Raises:
        ConfigError: Past rows, features, parameters or constraints that do not fit, with their place.
    """
    settings = configuration.settings
    try:
        return Planner.from_config(settings)
    except DataError as error:
        raise ConfigError([Problem(configuration.source.where(("data",)), str(error))]) from error
    except FeatureError as error:
        raise configuration.error(error.path, str(error)) from error
    except SpaceError as error:
        section = "constraints" if settings.constraints else "parameters"
        raise ConfigError([Problem(configuration.source.where((section,)), str(error))]) from error


def reference_points(configuration: Configuration, space: ParameterSpace) -> list[Point]:
    """Return the reference point of the policies, if there is one, held against the space.

    Raises:
        ConfigError: It is not in the space.
    """
    reference = configuration.settings.policies.reference
    if reference is None:
        return []
    try:
        first = {p.name: p.choices[0] for p in space.parameters if p.instrument}
        return [space.check({**reference.point, **first})]
    except SpaceError as error:
        raise configuration.error(("policies", "reference", "point"), str(error)) from error


def check_words(state: State, words: Sequence[Word], laboratory: Laboratory) -> None:
    """Refuse what a person says of steps that are not in doubt, and readings that cannot count.

    Raises:
        ConfigError: Each of them, by the option that says it.
    """
    doubtful = {(run.number, step.number): step for run, step in state.under_way}
    problems = []
    for word in words:
        place = f"--resolve {word.run}.{word.step}"
        step = doubtful.get((word.run, word.step))
        if step is None:
            there = ", ".join(f"{run}.{number}" for run, number in doubtful) or "none is"
            problems.append(Problem(place, f"this step is not in doubt; in doubt: {there}"))
            continue
        action = laboratory.instruments[step.instrument].actions[step.action]
        missing = word.missing(action)
        if missing:
            problems.append(Problem(place, f"done needs what it read: --reading {' '.join(missing)} as NAME=VALUE"))
        elif word.how == "done":
            wrong = misfits(action, step.settings, Reading(dict(word.values)))
            problems += [Problem(place, f"the reading cannot count: {misfit}") for misfit in wrong]
    if problems:
        raise ConfigError(problems)
