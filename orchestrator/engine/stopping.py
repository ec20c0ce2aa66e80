"""When it is enough: budgets, stopping rules and the failure-rate breaker, each read off the ledger's state."""

from collections import deque
from dataclasses import dataclass

from orchestrator.config.schema import CampaignConfig
from orchestrator.engine.history import History
from orchestrator.ledger import Run, State
from orchestrator.objective import Objective
from orchestrator.planner import Suggestion

ENGINE = "engine"


@dataclass(frozen=True)
class Stop:
    """Why nothing new starts.

    Args:
        reason: A sentence.
        status: `finished` or `halted` (the campaign closes), or `paused` (the same command resumes it).
        who: Who or what stopped it: the engine by its rules, or a person as `ada@lab1`.
        exit_code: What the command returns.
    """

    reason: str
    status: str
    who: str = ENGINE
    exit_code: int = 0


def enough(settings: CampaignConfig, history: History, now_s: float) -> Stop | None:
    """Return why no further run may be suggested, or None."""
    budget, state = settings.budget, history.state
    if budget.failures is not None and state.n_failed >= budget.failures:
        spent = f"{state.n_failed} runs failed, which is the budget of failures (budget.failures)"
        return Stop(spent, "halted", exit_code=4)
    if (reached := _goal_reached(settings, history)) is not None:
        return Stop(reached, "finished")
    if state.n_started >= budget.runs:
        return Stop(f"all {budget.runs} runs of the budget are done", "finished")
    if budget.lab_hours is not None and now_s >= budget.lab_hours * 3600:
        return Stop(f"the budget of {budget.lab_hours:g} lab hours is spent", "finished")
    return None


def gains_too_little(settings: CampaignConfig, objective: Objective, suggestion: Suggestion) -> Stop | None:
    """Return why the run that would be suggested is not worth its hours, or None."""
    least, gain = settings.stop.expected_gain, suggestion.expected_gain
    if least is None or gain is None or gain >= least:
        return None
    unit = "" if objective.unit == "1" else f" {objective.unit}"
    words = f"another run is expected to gain {gain:.2g}{unit}, less than {least:g}{unit} (stop.expected_gain)"
    return Stop(words, "finished")


def _goal_reached(settings: CampaignConfig, history: History) -> str | None:
    target, patience = settings.stop.target, settings.stop.no_improvement_in
    best = None if target is None and patience is None else history.best
    if best is None or best.value is None:
        return None
    if target is not None and not history.merit.objective.better(target, best.value):
        return f"run {best.number} reached the target: {best.value:.4g} against {target:g} (stop.target)"
    since = history.n_since(best)
    if patience is not None and since >= patience:
        return f"no improvement in {since} runs since run {best.number} (stop.no_improvement_in)"
    return None


class Breaker:
    """Pauses a campaign whose last runs mostly failed since it last resumed.

    Runs count in the order in which they ended, and a pause that was due at any moment stays due. So a process that
    died before it could pause does so when it is run again.

    Args:
        settings: The configuration.
        state: What is followed.
    """

    def __init__(self, settings: CampaignConfig, state: State) -> None:
        self._rule, self._state = settings.policies.breaker, state
        self._n_followed = 0
        self._last: deque[Run] = deque(maxlen=self._rule.of_last)
        self._due: Stop | None = None

    @property
    def due(self) -> Stop | None:
        """The pause, once it is due."""
        concluded = self._state.concluded
        while self._n_followed < len(concluded):
            run = self._state.runs[concluded[self._n_followed]]
            self._n_followed += 1
            if run.number > self._state.resumed_after_run and all(run is not other for other in self._last):
                self._take(run)
        return self._due

    def _take(self, run: Run) -> None:
        self._last.append(run)
        failed = [other for other in self._last if other.status != "measured"]
        if self._due is None and len(failed) >= self._rule.failed:
            reason = (
                f"{len(failed)} of the last {len(self._last)} runs failed, the latest: {failed[-1].failure}: "
                f"{failed[-1].reason} (policies.breaker); look at the tool, then run the same command to go on"
            )
            self._due = Stop(reason, "paused", exit_code=4)
