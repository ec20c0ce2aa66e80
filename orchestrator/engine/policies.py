"""What is done after a failed attempt: a table by failure class, read by the engine alone."""

from dataclasses import dataclass

from instruments.driver import Action, FailureClass, InstrumentError, Moved
from orchestrator.config.schema import AttemptsConfig


@dataclass(frozen=True)
class Decision:
    """What follows a failed attempt.

    Args:
        retry: Whether the step gets another attempt; otherwise the run fails.
        pause: Whether the campaign waits for a person first.
        halt: Whether every instrument goes to a safe state at once.
        backoff_s: How long after the failure the next attempt may begin.
    """

    retry: bool = False
    pause: bool = False
    halt: bool = False
    backoff_s: float = 0.0


def decide(error: InstrumentError, action: Action | None, attempt: int, policies: AttemptsConfig) -> Decision:
    """Return what follows a failed attempt.

    Args:
        error: Why it failed.
        action: What was attempted; None if the instrument does not know it.
        attempt: Its number, from 1.
        policies: What the configuration says of the instrument.
    """
    again = error.moved == Moved.NO or (action is not None and action.repeatable)
    match error.failure:
        case (FailureClass.MEASUREMENT | FailureClass.INSTRUMENT) as failure if again and attempt < policies.attempts(
            failure.value
        ):
            return Decision(retry=True, backoff_s=policies.wait_s(failure.value, attempt))
        case FailureClass.INSTRUMENT:
            return Decision(pause=policies.after_instrument_failure == "pause")
        case FailureClass.SAFETY:
            return Decision(retry=again, pause=True, halt=True)
        case FailureClass.HALTED | FailureClass.RECIPE:
            return Decision(retry=again, pause=True)
    return Decision()
