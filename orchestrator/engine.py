"""The loop: suggest, perform, record, stop.

Rule of this file: every decision is read off the ledger's state, the configuration and the clock; nothing else
remembers.
At each instant the news of all steps is taken first, lowest run first; then free instruments are given out, lowest run
first; a new suggestion comes last, and only when the bottleneck is free (asked earlier, a point would be chosen on
less than what is known when it starts).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from instruments.driver import (
    Command,
    CommandRefused,
    FailureClass,
    InstrumentError,
    Moved,
    Phase,
    Reading,
    check_command,
)
from orchestrator.chance import stream
from orchestrator.clock import Post, SimulatedClock, is_phased
from orchestrator.config.schema import CampaignConfig
from orchestrator.history import observations
from orchestrator.laboratory import Laboratory
from orchestrator.ledger import Kind, Ledger, Run, Step
from orchestrator.ledger.readings import decode_reading, encode_reading, plain_scalar, shown_scalar
from orchestrator.objective import Objective
from orchestrator.planner import Planner
from orchestrator.policies import Decision, decide
from orchestrator.recipe import Lab, Performance, RecipeFault
from orchestrator.stopping import Stop, breaker, enough
from orchestrator.terminal import Watcher


class Engine:
    """Drives one campaign from its ledger's last event to the end of its budget.

    Args:
        settings: The configuration.
        ledger: Open to append, with `campaign_opened` in it.
        laboratory: The connected instruments and the recipe.
        planner: Holds the source and the initial rows.
        clock: At the ledger's last lab time.
        watcher: Told of every event.
    """

    def __init__(
        self,
        settings: CampaignConfig,
        ledger: Ledger,
        *,
        laboratory: Laboratory,
        planner: Planner,
        clock: SimulatedClock,
        watcher: Watcher,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._state = ledger.state
        self._laboratory = laboratory
        self._planner = planner
        self._clock = clock
        self._watcher = watcher
        self._objective = Objective.from_config(settings.objective)
        self._lab = Lab(laboratory.instruments)
        self._performances: dict[int, Performance] = {}
        self._stop: Stop | None = None
        self._halt_reason: str | None = None

    def run(self) -> Stop:
        """Go on until the campaign is finished, halted or paused, and tell why.

        Raises:
            LedgerError: An event could not be recorded.
        """
        self._resume()
        while True:
            for post in self._clock.due():
                self._take(post)
            if self._halt_reason is not None:
                self._clock.halt(self._halt_reason)
                self._halt_reason = None
                continue
            self._give_turns()
            if not self._clock.advance():
                return self._end()

    def stop(self, reason: str) -> None:
        """Start nothing new; running steps end and are recorded. Safe in a signal handler."""
        self._pause(Stop(reason, "paused", who="operator", exit_code=3))
        self._clock.wake()

    def halt(self, reason: str) -> None:
        """Send the instruments to a safe state now; what is cut short is recorded. Safe in a signal handler."""
        self._halt_reason = reason
        self._clock.halt_blocking()
        self.stop(reason)

    # ---- turns ---------------------------------------------------------------------------------------------------

    def _give_turns(self) -> None:
        for waiting in self._state.open_runs:
            self._try_step(waiting)
        while self._may_start():
            run = self._state.unstarted or self._suggest()
            if run is None:
                return
            self._record(Kind.RUN_STARTED, {}, run)
            self._begin_recipe(run)
            self._settle(run)
            self._try_step(run)

    def _may_start(self) -> bool:
        laboratory = self._settings.laboratory
        return (
            self._stop is None
            and len(self._state.open_runs) < laboratory.in_flight
            and (laboratory.bottleneck is None or self._is_free(laboratory.bottleneck))
            and enough(self._settings, self._objective, self._state, self._clock.now_s) is None
        )

    def _is_free(self, instrument: str) -> bool:
        """Return whether no open run is on the instrument, nor waits for it after a failure."""
        last_steps = [run.steps[-1] for run in self._state.open_runs if run.steps]
        return not any(step.instrument == instrument and not step.is_over for step in last_steps)

    def _try_step(self, run: Run) -> None:
        """Begin the step the run waits for, if its instrument is free and its back-off is over."""
        performance = self._performances.get(run.number)
        command = performance.command if performance else None
        last = run.steps[-1] if run.steps else None
        if self._stop is not None or command is None or (last and last.is_under_way):
            return
        others = [other.steps[-1] for other in self._state.open_runs if other is not run and other.steps]
        if any(step.is_under_way and step.instrument == command.instrument for step in others):
            return
        if last is not None and not last.is_over:
            if last.last.not_before_s > self._clock.now_s:
                return
            self._begin_step(run, command, last.number, len(last.attempts) + 1)
        else:
            self._begin_step(run, command, len(run.steps) + 1, 1)

    def _suggest(self) -> Run | None:
        number = len(self._state.runs) + 1
        pending = self._state.open_runs
        try:
            suggestion = self._planner.ask(observations(self._state), [run.point for run in pending], number)
        except Exception as error:  # noqa: BLE001 - whatever a planner raises, the campaign must stay resumable
            reason = f"the planner failed at suggestion {number}: {type(error).__name__}: {error}"
            self._pause(Stop(reason, "paused", exit_code=4))
            return None
        body = {
            "point": dict(suggestion.point),
            "why": suggestion.to_json(),
            "prefix": self._state.n_events,
            "pending": [run.number for run in pending],
        }
        self._record(Kind.SUGGESTED, body, number=number)
        return self._state.runs[number]

    # ---- recipes -------------------------------------------------------------------------------------------------

    def _begin_recipe(self, run: Run) -> None:
        try:
            self._performances[run.number] = Performance(self._laboratory.recipe, run.point, self._lab)
        except RecipeFault as fault:
            self._fault(run, fault)

    def _feed(self, run: Run, step: Step) -> None:
        """Hand the recorded outcome of a step to the recipe, live and replayed alike."""
        performance, attempt = self._performances[run.number], step.last
        try:
            if step.status == "done":
                performance.send(self._ledger.reading(attempt))
            else:
                failure, moved = FailureClass(str(attempt.failure)), Moved(str(attempt.moved))
                performance.throw(InstrumentError(failure, attempt.reason, moved))
        except RecipeFault as fault:
            self._fault(run, fault)

    def _settle(self, run: Run) -> None:
        """Finish the run if its recipe has come to an end."""
        performance = self._performances.get(run.number)
        if performance is None:
            return
        if performance.measured is not None:
            measured = performance.measured
            sd = None if measured.sd is None else float(measured.sd)
            details = {name: plain_scalar(name, value) for name, value in measured.details.items()}
            body = {"status": "measured", "value": float(measured.value), "sd": sd, "details": details}
        elif performance.error is not None:
            error = performance.error
            status = "aborted" if error.failure == FailureClass.HALTED else "failed"
            body = {"status": status, "failure": str(error.failure), "reason": error.reason}
        else:
            return
        del self._performances[run.number]
        self._record(Kind.RUN_FINISHED, body, run)
        if body["status"] != "measured" and (stop := breaker(self._settings, self._state)) is not None:
            self._pause(stop)

    def _fault(self, run: Run, fault: RecipeFault) -> None:
        """Leave the run open, so that its sample is not lost, and wait for the recipe to be mended."""
        self._performances.pop(run.number, None)
        reason = f"run {run.number}: {fault}; mend it, then run the same command to go on with the same sample"
        self._pause(Stop(f"recipe: {reason}", "paused", exit_code=4))

    # ---- steps ---------------------------------------------------------------------------------------------------

    def _begin_step(self, run: Run, command: Command, number: int, attempt: int) -> None:
        try:
            settings = {name: plain_scalar(name, value) for name, value in command.settings.items()}
            command = replace(command, settings=settings, id=f"{run.number}.{number}.{attempt}")
            if command.instrument not in self._laboratory.instruments:
                message = f"{command.instrument} is not in the laboratory"
                raise CommandRefused(message)
            check_command(command, self._laboratory.instruments[command.instrument].actions)
        except ValueError as refused:
            self._fault(run, RecipeFault(str(refused)))
            return
        body = {
            "id": command.id,
            "attempt": attempt,
            "instrument": command.instrument,
            "action": command.action,
            "settings": settings,
        }
        self._record(Kind.STEP_STARTED, body, run, number, origin=self._origin_of(command.instrument))
        self._perform(run, number, command, start_s=self._clock.now_s)

    def _perform(self, run: Run, number: int, command: Command, *, start_s: float, n_known: int = 0) -> None:
        instrument = self._laboratory.instruments[command.instrument]
        rng = stream(self._settings.seed, "step", command.id)
        self._clock.perform((run.number, number), instrument, command, rng, start_s=start_s, n_known=n_known)

    def _take(self, post: Post) -> None:
        """Record the news of a step and what follows from it."""
        run = self._state.runs[post.run]
        step = run.steps[post.step - 1]
        if isinstance(post.news, Phase):
            values = {str(name): shown_scalar(value) for name, value in post.news.telemetry.items()}
            body = {"id": step.last.id, "phase": post.news.name, "values": values}
            self._record(Kind.TELEMETRY, body, run, step.number, origin=step.origin)
        elif isinstance(post.news, Reading):
            self._take_reading(run, step, post.news)
        else:
            self._take_failure(run, step, post.news)

    def _take_reading(self, run: Run, step: Step, reading: Reading) -> None:
        body: dict[str, Any] = {}
        attachments: list[bytes] = []
        try:
            body, attachments = encode_reading(reading)
            self._accept(run, body, attachments)
        except InstrumentError as error:
            self._take_failure(run, step, error, {"reading": body}, attachments)
        except Exception as error:  # noqa: BLE001 - not recordable, or a fault in the recipe's own check
            failure = FailureClass.MEASUREMENT if not body else FailureClass.RECIPE
            reason = f"{type(error).__name__} while looking at the reading: {error}"
            kept = {"reading": body} if body else {}
            self._take_failure(run, step, InstrumentError(failure, reason, Moved.YES), kept, attachments)
        else:
            outcome = {"id": step.last.id, "reading": body, "state": self._state_of(step.instrument)}
            self._record(Kind.STEP_FINISHED, outcome, run, step.number, origin=step.origin, attachments=attachments)
            self._feed(run, step)
            self._settle(run)

    def _accept(self, run: Run, body: Mapping[str, Any], attachments: Sequence[bytes]) -> None:
        """Let the command look at the reading as it will be read again."""
        command = self._performances[run.number].command
        if command is not None and command.accept is not None:
            arrays = dict(zip(body["arrays"].values(), attachments, strict=True))
            command.accept(decode_reading(body, arrays.__getitem__))

    def _take_failure(
        self,
        run: Run,
        step: Step,
        error: InstrumentError,
        kept: Mapping[str, Any] | None = None,
        attachments: Sequence[bytes] = (),
    ) -> None:
        action = self._laboratory.instruments[step.instrument].actions.get(step.action)
        decision = decide(error, action, len(step.attempts), self._settings.policies)
        not_before_s = self._clock.now_s + decision.backoff_s
        body = {
            "id": step.last.id,
            "failure": str(error.failure),
            "reason": error.reason,
            "moved": str(error.moved),
            "decision": "retry" if decision.retry else "fail",
            "not_before_s": not_before_s,
            "state": self._state_of(step.instrument),
            **(kept or {}),
        }
        self._record(Kind.STEP_FAILED, body, run, step.number, origin=step.origin, attachments=attachments)
        if decision.retry:
            self._clock.wake_at(not_before_s)
        else:
            self._feed(run, step)
            self._settle(run)
        self._react(step, error, decision)

    def _react(self, step: Step, error: InstrumentError, decision: Decision) -> None:
        if decision.pause:
            reason = f"step {step.last.id} on {step.instrument}: {error}; see to it, then run the same command to go on"
            self._pause(Stop(reason, "paused", exit_code=4))
        if decision.halt:
            self._halt_reason = f"halted because of step {step.last.id} on {step.instrument}: {error.reason}"

    # ---- resuming ------------------------------------------------------------------------------------------------

    def _resume(self) -> None:
        """Bring instruments and recipes to where the ledger ends."""
        for role, state in self._state.instrument_states:
            if is_phased(self._laboratory.instruments[role]):
                self._laboratory.instruments[role].state = state  # type: ignore[union-attr]  # is_phased has looked
        for run in self._state.open_runs:
            self._begin_recipe(run)
            self._replay(run)
            self._settle(run)

    def _replay(self, run: Run) -> None:
        for step in run.steps:
            performance = self._performances.get(run.number)
            if performance is None:
                return
            try:
                performance.expect(step.instrument, step.action, step.settings)
            except RecipeFault as fault:
                self._fault(run, fault)
                return
            if step.is_under_way:
                self._continue(run, step, performance)
            elif step.is_over:
                self._feed(run, step)
            else:
                self._clock.wake_at(step.last.not_before_s)

    def _continue(self, run: Run, step: Step, performance: Performance) -> None:
        """Settle a step whose outcome was not recorded; it is never silently repeated."""
        attempt = step.last
        doubt = {"id": attempt.id, "reason": "the ledger ends before its outcome"}
        self._record(Kind.STEP_IN_DOUBT, doubt, run, step.number, origin=step.origin)
        if not is_phased(self._laboratory.instruments[step.instrument]):
            reason = f"step {attempt.id} on {step.instrument} is in doubt: look at the instrument"
            self._pause(Stop(reason, "paused", exit_code=4))
            return
        how = {"id": attempt.id, "how": "continued", "note": "the phases go on from their recorded beginning"}
        self._record(Kind.DOUBT_RESOLVED, how, run, step.number, origin=step.origin)
        if performance.command is not None:
            command = replace(performance.command, settings=dict(step.settings), id=attempt.id)
            self._perform(run, step.number, command, start_s=attempt.start_s, n_known=len(attempt.phases))

    # ---- recording and ending ------------------------------------------------------------------------------------

    def _record(
        self,
        kind: Kind,
        body: Mapping[str, Any],
        run: Run | None = None,
        step: int | None = None,
        *,
        number: int | None = None,
        origin: str | None = None,
        attachments: Sequence[bytes] = (),
    ) -> None:
        event = self._ledger.append(
            kind,
            body,
            lab_s=self._clock.now_s,
            utc=self._clock.utc(),
            origin=origin or self._state.origin,
            run=run.number if run else number,
            step=step,
            attachments=attachments,
        )
        self._watcher.event(event, self._state)

    def _origin_of(self, instrument: str) -> str:
        return str(self._state.identities[instrument]["origin"])

    def _state_of(self, instrument: str) -> dict[str, Any] | None:
        state = getattr(self._laboratory.instruments[instrument], "state", None)
        return None if state is None else dict(state)

    def _pause(self, stop: Stop) -> None:
        self._stop = self._stop or stop

    def _end(self) -> Stop:
        stop = self._stop or enough(self._settings, self._objective, self._state, self._clock.now_s)
        if stop is None:
            stop = Stop("nothing can go on: every open run waits for an instrument", "paused", exit_code=4)
        body = {"reason": stop.reason, "who": stop.who, "status": stop.status, "exit_code": stop.exit_code}
        self._record(Kind.PAUSED if stop.status == "paused" else Kind.CAMPAIGN_CLOSED, body)
        return stop
