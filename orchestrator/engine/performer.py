"""Performs the steps of open runs and records what comes of them.

Rule of this file: intent before actuation, outcome after. A reading is encoded, recorded and decoded before the recipe
sees it, so that a live recipe and a replayed one see the same objects.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from instruments.driver import (
    Command,
    FailureClass,
    InstrumentError,
    Load,
    Moved,
    Phase,
    Reading,
    check_command,
)
from instruments.showing import in_words, plainly
from orchestrator.chance import stream
from orchestrator.clock import Post, is_phased
from orchestrator.clock.hearing import DriverFault, Overdue, made_safe
from orchestrator.clock.wall import HALT_S
from orchestrator.config.schema import CampaignConfig
from orchestrator.engine.answers import Answers, unusable
from orchestrator.engine.doubt import Resolution, Word, question, settle
from orchestrator.engine.policies import Decision, decide
from orchestrator.engine.recipes import Recipes
from orchestrator.engine.recorder import Recorder
from orchestrator.engine.stopping import Stop
from orchestrator.laboratory import Laboratory
from orchestrator.ledger import Kind, Run, Step
from orchestrator.ledger.readings import (
    ReadingError,
    decode_reading,
    encode_reading,
    plain_scalar,
    shown_scalar,
)


class Performer:
    """Begins steps, hears of them, and says what follows.

    Args:
        settings: The configuration.
        laboratory: The connected instruments and the recipe.
        recorder: Where events go.
        recipes: Say what is performed, and hear what came of it.
        pause: Called with the reason when a person is needed.
        halt: Called with the reason when every instrument must go to a safe state.
        words: What a person says of steps in doubt.
    """

    def __init__(
        self,
        settings: CampaignConfig,
        laboratory: Laboratory,
        recorder: Recorder,
        recipes: Recipes,
        *,
        pause: Callable[[Stop], None],
        halt: Callable[[str], None],
        words: Sequence[Word] = (),
    ) -> None:
        self._settings = settings
        self._laboratory = laboratory
        self._recorder = recorder
        self._clock = recorder.clock
        self._pause = pause
        self._halt = halt
        self._recipes = recipes
        self._answers = Answers(recorder.state)
        self._words = {(word.run, word.step): word for word in words}

    def resume(self, run: Run) -> None:
        """Bring an open run to where the ledger ends, and continue a step in doubt."""
        step = self._recipes.resume(run)
        if step is not None:
            self._continue(run, step)

    def begin_step(self, run: Run, command: Command, instrument: str, load: Sequence[str] = ()) -> None:
        """Record the intent and begin the step, or its next attempt, on an instrument of the role it asks for.

        Args:
            run: The run.
            command: What it waits for.
            instrument: Who performs it.
            load: The ids of the commands that are performed together, this one among them.
        """
        command_id = next_id(run)
        number, attempt = (int(part) for part in command_id.split(".")[1:])
        try:
            settings = {name: plain_scalar(name, value) for name, value in command.settings.items()}
            role, command = command.instrument, replace(command, instrument=instrument, settings=settings)
            command = replace(command, id=command_id, load=_load(load, command_id))
            check_command(command, self._laboratory.instruments[instrument].actions)
        except ValueError as refused:
            self._recipes.refuse(run, refused)
            return
        body = {
            "id": command.id,
            "attempt": attempt,
            "instrument": instrument,
            **({} if role == instrument else {"role": role}),
            "action": command.action,
            "settings": settings,
            "expected_s": self._laboratory.expected_s(instrument, command),
            **({"load": list(load)} if load else {}),
        }
        self._recorder.start_step(body, run, number)
        self._perform(run, number, command, start_s=self._clock.now_s)

    def _perform(self, run: Run, number: int, command: Command, *, start_s: float, n_known: int = 0) -> None:
        instrument = self._laboratory.instruments[command.instrument]
        rng = stream(self._settings.seed, "step", command.load.id if command.load else command.id)
        timeout_s = self._settings.policies.timeout_s(command.instrument, command.action)
        self._clock.perform(
            (run.number, number), instrument, command, rng, start_s=start_s, n_known=n_known, timeout_s=timeout_s
        )

    def _continue(self, run: Run, step: Step) -> None:
        """Settle a step whose outcome was not recorded; it is never silently repeated."""
        attempt, instrument = step.last, self._laboratory.instruments[step.instrument]
        if step.status == "performing":
            doubt = {"id": attempt.id, "reason": "the ledger ends before its outcome"}
            self._recorder.record_step(Kind.STEP_IN_DOUBT, doubt, run, step)
        resolution = settle(instrument, step, self._words.get((run.number, step.number)))
        command = self._recipes.command_of(run)
        if resolution is None or command is None:
            self._pause(Stop(question(step), "paused", exit_code=4))
            return
        how = {"id": attempt.id, "how": resolution.how, "note": resolution.note}
        self._recorder.record_step(Kind.DOUBT_RESOLVED, how, run, step)
        if resolution.how in ("continued", "waited"):
            settings = dict(step.settings)
            load = _load(attempt.load, attempt.id)
            command = replace(command, instrument=step.instrument, settings=settings, id=attempt.id, load=load)
            self._perform(run, step.number, command, start_s=attempt.start_s, n_known=attempt.n_phases)
        elif resolution.reading is not None:
            self._take_reading(run, step, resolution.reading)
        else:
            self._take_word(run, step, resolution)

    def _take_word(self, run: Run, step: Step, resolution: Resolution) -> None:
        """Record that the attempt came to nothing, and whether it is to be repeated."""
        is_repeat = resolution.how == "repeat"
        body = {
            "id": step.last.id,
            "failure": str(FailureClass.OPERATOR),
            "reason": resolution.note,
            "moved": str(Moved.NO if is_repeat else Moved.UNKNOWN),
            "decision": "retry" if is_repeat else "fail",
            "not_before_s": self._clock.now_s,
        }
        self._recorder.record_step(Kind.STEP_FAILED, body, run, step)
        if not is_repeat:
            self._recipes.go_on(run, step)

    def take(self, post: Post) -> None:
        """Record the news of a step and what follows from it."""
        run = self._recorder.state.run(post.run)
        step = run.steps[post.step - 1]
        if isinstance(post.news, Overdue):
            self._doubt(run, step, post.news.reason)
        elif isinstance(post.news, Phase):
            values = {name: shown_scalar(value) for name, value in post.news.telemetry.items()}
            body = {"id": step.last.id, "phase": post.news.name, "values": values}
            self._recorder.record_step(Kind.TELEMETRY, body, run, step)
        else:
            self._take_answer(run, step, post.news)

    def _take_answer(self, run: Run, step: Step, answer: Reading | InstrumentError) -> None:
        """Record how an attempt ended, in time or late."""
        if step.status == "in doubt":
            how = {"id": step.last.id, "how": "late", "note": "the instrument has answered after all"}
            self._recorder.record_step(Kind.DOUBT_RESOLVED, how, run, step)
        if isinstance(answer, Reading):
            self._take_reading(run, step, answer)
        else:
            self._take_failure(run, step, answer)

    def _doubt(self, run: Run, step: Step, reason: str) -> None:
        """Record that the outcome is unknown; the instrument is busy, and the step open, until its thread answers."""
        self._recorder.record_step(Kind.STEP_IN_DOUBT, {"id": step.last.id, "reason": reason}, run, step)
        told = f"step {step.last.id} on {step.instrument}: {reason}; it is in doubt, and the instrument is left alone"
        self._recorder.watcher.notice(f"{told} until it answers")

    def _take_reading(self, run: Run, step: Step, reading: Reading) -> None:
        body: dict[str, Any] = {}
        attachments: list[bytes] = []
        action = self._laboratory.instruments[step.instrument].actions.get(step.action)
        try:
            with _of_driver():
                body, attachments = encode_reading(reading)
            state = self._state_beside(step)
            self._accept(run, step, body, attachments)
        except DriverFault as fault:
            self._take_fault(run, step, fault)
        except InstrumentError as error:
            self._take_failure(run, step, _of_recipe(error), body, attachments)
        except ReadingError as error:
            self._take_failure(run, step, unusable(action, str(error)), body, attachments)
        except Exception as error:  # noqa: BLE001 - a fault in the recipe's own check
            reason = f"{type(error).__name__} while looking at the reading: {error}"
            failure = InstrumentError(FailureClass.RECIPE, reason, Moved.YES)
            self._take_failure(run, step, failure, body, attachments)
        else:
            outcome = {"id": step.last.id, "reading": body, "state": state}
            self._recorder.record_step(Kind.STEP_FINISHED, outcome, run, step, attachments)
            self._answers.remember(step)
            self._recipes.go_on(run, step)

    def _take_fault(self, run: Run, step: Step, fault: DriverFault) -> None:
        """Halt the tool of a driver whose answer broke when it was looked at, and record what came of it."""
        instrument = self._laboratory.instruments[step.instrument]
        news = fault if is_phased(instrument) else made_safe(instrument, fault, HALT_S)  # type: ignore[arg-type]
        if isinstance(news, InstrumentError):
            self._take_failure(run, step, news)
        elif isinstance(news, Overdue):
            self._doubt(run, step, news.reason)

    def _accept(self, run: Run, step: Step, body: Mapping[str, Any], attachments: Sequence[bytes]) -> None:
        """Look at the reading as it will be read again: is it what was promised, and does the command accept it?"""
        arrays = dict(zip(body["arrays"].values(), attachments, strict=True))
        reading = decode_reading(body, arrays.__getitem__)
        action = self._laboratory.instruments[step.instrument].actions.get(step.action)
        wrong = "" if action is None else "; ".join(self._answers.misfits(step, action, body, reading))
        if wrong:
            raise unusable(action, wrong)
        command = self._recipes.command_of(run)
        if command is not None and command.accept is not None:
            command.accept(reading)

    def _take_failure(
        self,
        run: Run,
        step: Step,
        error: InstrumentError,
        reading: Mapping[str, Any] | None = None,
        attachments: Sequence[bytes] = (),
    ) -> None:
        action = self._laboratory.instruments[step.instrument].actions.get(step.action)
        decision = decide(error, action, len(step.attempts), self._settings.policies.of(step.instrument))
        not_before_s = self._clock.now_s + decision.backoff_s
        body = {
            "id": step.last.id,
            "failure": str(error.failure),
            "reason": error.reason,
            "moved": str(error.moved),
            "decision": "retry" if decision.retry else "fail",
            "not_before_s": not_before_s,
            "state": self._state_after_failure(step.instrument),
            **({"pause": True} if decision.pause else {}),
            **({"reading": reading} if reading else {}),
        }
        self._recorder.record_step(Kind.STEP_FAILED, body, run, step, attachments)
        if not decision.retry:
            self._recipes.go_on(run, step)
        self._react(step, error, decision)

    def _react(self, step: Step, error: InstrumentError, decision: Decision) -> None:
        if decision.pause:
            reason = f"step {step.last.id} on {step.instrument}: {error}; see to it, then run the same command to go on"
            self._pause(Stop(reason, "paused", exit_code=4))
        if decision.halt:
            self._halt(f"halted because of step {step.last.id} on {step.instrument}: {error.reason}")

    def react_again(self, step: Step) -> None:
        """Call for the person, and for the halt, that a failure called for before the process died."""
        failure = FailureClass(str(step.last.failure))
        error = InstrumentError(failure, step.last.reason)
        self._react(step, error, Decision(pause=True, halt=failure == FailureClass.SAFETY))

    def _state_beside(self, step: Step) -> dict[str, Any] | None:
        """Return the state to record beside a reading, which a state that does not come in time does not cost."""
        try:
            return self._state_of(step.instrument)
        except TimeoutError as late:
            self._recorder.watcher.notice(
                f"step {step.last.id} on {step.instrument}: its state is not recorded: {late}"
            )
            return None

    def _state_of(self, instrument: str) -> dict[str, Any] | None:
        return self._laboratory.state_of(instrument)

    def _state_after_failure(self, instrument: str) -> dict[str, Any] | None:
        with suppress(Exception):  # a failure is recorded all the same
            return self._state_of(instrument)
        return None


@contextmanager
def _of_driver() -> Iterator[None]:
    """Tell what breaks while a driver's answer is read as the driver's own fault.

    Raises:
        DriverFault: It broke.
        ReadingError: It is an answer that cannot be recorded.
    """
    try:
        yield
    except ReadingError:
        raise
    except Exception as error:
        message = f"the driver raised {in_words(error)} when its answer was read"
        raise DriverFault(message) from error


def next_id(run: Run) -> str:
    """Return the id of the next command of a run: `run.step.attempt`."""
    last = run.steps[-1] if run.steps else None
    if last is not None and not last.is_over:
        return f"{run.number}.{last.number}.{len(last.attempts) + 1}"
    return f"{run.number}.{len(run.steps) + 1}.1"


def _load(members: Sequence[str], command_id: str) -> Load | None:
    return Load(tuple(members), members.index(command_id)) if members else None


def _of_recipe(error: InstrumentError) -> InstrumentError:
    """Return a failure that the recipe's own check raised as it may be recorded."""
    try:
        return plainly(error)
    except Exception as broken:  # noqa: BLE001 - whatever it is made of
        reason = f"the recipe raised an InstrumentError that is none: {in_words(broken)}"
        return InstrumentError(FailureClass.RECIPE, reason, Moved.YES)
