"""Every attempt at every step, in the order of runs, with where it belongs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.ledger.run import Attempt, Run, Step
from orchestrator.ledger.state import State


@dataclass(frozen=True)
class Attempted:
    """One attempt with the step and the run it belongs to."""

    run: Run
    step: Step
    attempt: Attempt

    @property
    def where(self) -> dict[str, Any]:
        """Run, step and attempt by number, instrument and action by name."""
        return {
            "run": self.run.number,
            "step": self.step.number,
            "attempt": self.attempt.number,
            "instrument": self.step.instrument,
            "action": self.step.action,
        }

    @property
    def outcome(self) -> str:
        """What came of it: done, failed, or in doubt; for an attempt under way the status of its step."""
        if self.attempt.failure is not None:
            return "failed"
        if self.attempt.reading is not None:
            return "done"
        return self.step.status if self.attempt is self.step.last else "in doubt"

    @property
    def quantities(self) -> dict[str, Any]:
        """What was set and what was read, as `settings.<name>` and `values.<name>`."""
        read = (self.attempt.reading or {}).get("values", {})
        settings = {f"settings.{name}": value for name, value in self.step.settings.items()}
        return settings | {f"values.{name}": value for name, value in read.items()}

    @property
    def sample(self) -> str | None:
        """The sample that it was performed on, or that it made."""
        return self.step.told or (self.step.made if self.attempt is self.step.last else None)

    @property
    def arrays(self) -> Mapping[str, str]:
        """The sha256 of each array that was read, by name."""
        arrays: Mapping[str, str] = (self.attempt.reading or {}).get("arrays", {})
        return arrays


def attempts(state: State) -> Iterator[Attempted]:
    """Yield every attempt, maintenance among them, by run, step and number."""
    for run in state.all_runs:
        for step in run.steps:
            for attempt in step.attempts:
                yield Attempted(run, step, attempt)
