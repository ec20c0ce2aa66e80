"""What the planner may know of a campaign, and the planner itself, read off the ledger alone."""

from collections.abc import Mapping
from typing import Any

from orchestrator.config import recorded
from orchestrator.data import Rows
from orchestrator.ledger import Run, State
from orchestrator.objective import Objective
from orchestrator.planner import Observation, Planner
from orchestrator.space import ParameterSpace


def observations(state: State) -> list[Observation]:
    """Return one observation a finished run, in the order of their numbers.

    Only what a recipe measured and how runs failed is handed on; an instrument's wear or a film's truth never is.
    """
    return [observation(run) for run in state.finished]


def observation(run: Run) -> Observation:
    """Return what came of one finished run."""
    if run.status == "measured":
        return Observation(run.point, value=run.value, sd=run.sd, further=_numbers(run), hours=run.step_hours)
    return Observation(run.point, failure=run.failure, reason=run.reason)


def _numbers(run: Run) -> dict[str, float]:
    """Return what the recipe returned beside the objective, as far as it is a number: further objectives are there."""
    return {k: float(v) for k, v in run.details.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}


def planner_of(state: State, overrides: Mapping[str, Any] | None = None, *, option: str = "--set") -> Planner:
    """Return the planner of a campaign, rebuilt from its ledger: no file is read.

    Args:
        state: The campaign as of any event.
        overrides: Values by dotted path that another planner would have, as `{"planner.acquisition": "ucb"}`.
        option: What the command line calls the overrides.

    Raises:
        ConfigError: A key or a value that this version does not know.
    """
    opened = state.opened or {}
    settings = recorded(opened["configuration"], "the ledger's configuration", overrides, option=option).settings
    past = {
        name: Rows.from_json(rows)
        for name, rows in opened["data"].items()
        if rows is not None and getattr(settings.data, name) is not None
    }
    space = ParameterSpace.from_config(settings.parameters, opened["candidates"], settings.constraints)
    objective = Objective.from_config(settings.objective)
    further = Objective.further(settings.further_objectives)
    return Planner(space, objective, settings.planner, seed=settings.seed, further=further, **past)
