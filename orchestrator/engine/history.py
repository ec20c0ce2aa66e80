"""What the planner may know of a campaign: its finished runs as observations, by run number."""

from orchestrator.ledger import Run, State
from orchestrator.planner import Observation


def observations(state: State) -> list[Observation]:
    """Return one observation a finished run, in the order of their numbers.

    Only what a recipe measured and how runs failed is handed on; an instrument's wear or a film's truth never is.
    """
    return [_observation(run) for run in state.finished]


def _observation(run: Run) -> Observation:
    if run.status == "measured":
        return Observation(run.point, value=run.value, sd=run.sd)
    return Observation(run.point, failure=run.failure, reason=run.reason)
