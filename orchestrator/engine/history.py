"""What the planner may know of a campaign, and the planner itself, read off the ledger alone."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.config import recorded
from orchestrator.data import Rows
from orchestrator.engine.drift import drift_of, has_references, instrument_of
from orchestrator.ledger import LedgerDamaged, Run, State
from orchestrator.objective import Objective
from orchestrator.objective.merit import Merit
from orchestrator.planner import FeatureError, Observation, Planner
from orchestrator.space import ParameterSpace, SpaceError


class History:
    """What came of the finished runs and which is the best, worked out once for each run and not at each decision.

    Args:
        state: What is followed.
        merit: What runs are compared by.
    """

    def __init__(self, state: State, merit: Merit) -> None:
        self.state, self.merit = state, merit
        self._n_followed = 0
        self._numbers: list[int] = []
        self._known: list[Observation] = []
        self._best: Run | None = None

    @property
    def known(self) -> Sequence[Observation]:
        """One observation a finished run, in the order of their numbers; as `observations` has them."""
        if has_references(self.state):
            return observations(self.state)
        self._follow()
        return self._known

    @property
    def best(self) -> Run | None:
        """The best run; as `Merit.best` finds it."""
        self._follow()
        return self._best

    def n_since(self, run: Run) -> int:
        """Return how many runs of a higher number are over."""
        self._follow()
        return len(self._numbers) - bisect_left(self._numbers, run.number + 1)

    def _follow(self) -> None:
        concluded = self.state.concluded
        while self._n_followed < len(concluded):
            self._take(self.state.runs[concluded[self._n_followed]])
            self._n_followed += 1

    def _take(self, run: Run) -> None:
        i, found = bisect_left(self._numbers, run.number), observation(run)
        if i == len(self._numbers):
            self._numbers.append(run.number)
            self._known.append(found)
            self._best = run if self.merit.better(run, self._best) else self._best
            return
        if self._numbers[i] == run.number:  # a verdict
            self._known[i] = found
        else:  # overtaken by a later run
            self._numbers.insert(i, run.number)
            self._known.insert(i, found)
        self._best = self.merit.best(self.state.finished)


def observations(state: State) -> list[Observation]:
    """Return one observation a finished run, in the order of their numbers.

    Only what a recipe measured and how runs failed is handed on; an instrument's wear or a film's truth never is. What
    the reference runs show of drift is taken out.
    """
    drift = drift_of(state)
    if drift is None:
        return [observation(run) for run in state.finished]
    return [drift.corrected(observation(run), instrument_of(state, run), run.start_s or 0.0) for run in state.finished]


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
        ConfigError: A key or a value that this version does not know, or a feature without a value.
        LedgerDamaged: Parameters that nothing can be searched in.
    """
    opened = state.opened or {}
    configuration = recorded(opened["configuration"], "the ledger's configuration", overrides, option=option)
    settings = configuration.settings
    past = {
        name: Rows.from_json(rows)
        for name in ("source", "initial")
        if (rows := opened.get("data", {}).get(name)) is not None and getattr(settings.data, name) is not None
    }
    try:
        space = ParameterSpace.from_config(settings.parameters, opened.get("candidates"), settings.constraints)
    except SpaceError as error:
        message = f"the ledger's configuration: {error}; the ledger was edited, or written by another version"
        raise LedgerDamaged(message) from error
    objective = Objective.from_config(settings.objective)
    further = Objective.further(settings.further_objectives)
    try:
        return Planner(space, objective, settings.planner, seed=settings.seed, further=further, **past)
    except FeatureError as error:
        raise configuration.error(error.path, str(error)) from error
