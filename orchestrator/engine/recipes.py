"""Holds the recipe of each open run: what it waits for, what it hears, and how it ends.

Rule of this file: a recipe hears the recorded outcome of a step, live and replayed alike.
"""

from collections.abc import Callable
from typing import Any

from instruments.driver import Command, FailureClass, InstrumentError, Moved
from orchestrator.engine.missing import missing
from orchestrator.engine.recorder import Recorder
from orchestrator.engine.stopping import Stop
from orchestrator.laboratory import Laboratory
from orchestrator.laboratory.maintenance import recipe_of as maintenance
from orchestrator.ledger import Kind, Run, Step
from orchestrator.ledger.readings import plain_scalar
from orchestrator.recipe import Lab, Performance, Recipe, RecipeFault


class Recipes:
    """The recipes of the open runs.

    Args:
        laboratory: The roles, and the recipe of every run that is no maintenance.
        recorder: Where the ends of runs go.
        pause: Called with the reason when a person is needed.
    """

    def __init__(self, laboratory: Laboratory, recorder: Recorder, pause: Callable[[Stop], None]) -> None:
        self._recipe = laboratory.recipe
        self._lab = Lab(laboratory.roles)
        self._recorder = recorder
        self._pause = pause
        self._performances: dict[int, Performance] = {}

    def waits_for(self, run: Run) -> Command | None:
        """Return the command the run waits to have performed, or None if it is under way or there is none."""
        return None if run.steps and run.steps[-1].is_under_way else self.command_of(run)

    def command_of(self, run: Run) -> Command | None:
        """Return the command the recipe waits for, be it under way or not."""
        performance = self._performances.get(run.number)
        return None if performance is None else performance.command

    def begin(self, run: Run) -> None:
        """Begin the recipe of a run that was just started."""
        self._begin(run)
        self._settle(run)

    def resume(self, run: Run) -> Step | None:
        """Bring the recipe of an open run to where the ledger ends; return the step that is under way, if there is."""
        self._begin(run)
        for step in run.steps:
            performance = self._performances.get(run.number)
            if performance is None:
                return None
            try:
                performance.expect(step.role, step.action, step.settings)
            except RecipeFault as fault:
                self._fault(run, fault)
                return None
            if step.is_under_way:
                return step
            if step.is_over:
                self._feed(run, step)
        self._settle(run)
        return None

    def go_on(self, run: Run, step: Step) -> None:
        """Let the recipe go on with the outcome of a step that is over."""
        self._feed(run, step)
        self._settle(run)

    def refuse(self, run: Run, refused: ValueError) -> None:
        """Leave a run open whose recipe asks for what no instrument may do."""
        self._fault(run, RecipeFault(str(refused)))

    def _begin(self, run: Run) -> None:
        recipe: Recipe = maintenance(run.concerns) if run.is_maintenance else self._recipe
        try:
            self._performances[run.number] = Performance(recipe, run.point, self._lab)
        except RecipeFault as fault:
            self._fault(run, fault)

    def _feed(self, run: Run, step: Step) -> None:
        """Hand the recorded outcome of a step to the recipe."""
        performance, attempt = self._performances[run.number], step.last
        try:
            if step.status == "done":
                performance.send(self._recorder.reading(attempt))
            else:
                failure, moved = FailureClass(str(attempt.failure)), Moved(str(attempt.moved))
                performance.throw(InstrumentError(failure, attempt.reason, moved))
        except RecipeFault as fault:
            self._fault(run, fault)

    def _settle(self, run: Run) -> None:
        """Finish the run if its recipe has come to an end."""
        performance = self._performances.get(run.number)
        if performance is None or performance.command is not None:
            return
        try:
            body = _ending(performance, run)
        except ValueError as error:
            self._fault(run, RecipeFault(f"its details cannot be recorded: {error}"))
            return
        del self._performances[run.number]
        self._recorder.record(Kind.RUN_FINISHED, body, run=run.number)
        if told := missing(self._recorder.state, run):
            self._recorder.watcher.notice(told)
        if run.is_maintenance and run.status != "maintained":
            self.call(run)

    def call(self, run: Run) -> None:
        """Wait for a person to see to a maintenance that failed."""
        why = f"maintenance failed: {run.why['why']}: {run.reason}"
        self._pause(Stop(f"{why}; see to it, then run the same command to go on", "paused", exit_code=4))

    def _fault(self, run: Run, fault: RecipeFault) -> None:
        """Leave the run open, so that its sample is not lost, and wait for the recipe to be mended."""
        self._performances.pop(run.number, None)
        reason = f"recipe: run {run.number}: {fault}; mend it, then run the same command to go on with the same sample"
        self._pause(Stop(reason, "paused", exit_code=4))


def _ending(performance: Performance, run: Run) -> dict[str, Any]:
    """Return the body of `run_finished`.

    Raises:
        ReadingError: A detail that cannot be recorded.
    """
    if performance.error is not None:
        error = performance.error
        status = "aborted" if error.failure == FailureClass.HALTED else "failed"
        return {"status": status, "failure": str(error.failure), "reason": error.reason}
    measured = performance.measured
    if measured is None:
        message = "the recipe has neither ended nor failed"
        raise ValueError(message)
    details = {name: plain_scalar(name, value) for name, value in measured.details.items()}
    if run.is_maintenance:
        return {"status": "maintained", "details": details}
    sd = None if measured.sd is None else float(plain_scalar("sd", measured.sd))
    return {"status": "measured", "value": float(measured.value), "sd": sd, "details": details}
