"""The objective: what is measured, in which unit, and which of two values is better."""

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.config.schema import ObjectiveConfig


@dataclass(frozen=True)
class Objective:
    """What a campaign measures and wants much or little of.

    Args:
        name: The name of the measured quantity.
        unit: Its unit; "1" for a pure number.
        goal: "maximise" or "minimise".
    """

    name: str
    unit: str = "1"
    goal: str = "maximise"

    @classmethod
    def from_config(cls, config: ObjectiveConfig) -> "Objective":
        """Build the objective a configuration describes."""
        return cls(config.name or "objective", config.unit or "1", config.goal)

    @property
    def sign(self) -> float:
        """1 where larger values are better, -1 where smaller ones are."""
        return -1.0 if self.goal == "minimise" else 1.0

    def score(self, value: float) -> float:
        """Return the value turned so that larger is better."""
        return self.sign * value

    def value(self, score: float) -> float:
        """Return the value that has this score."""
        return self.sign * score

    def better(self, a: float, b: float) -> bool:
        """Whether value a is better than value b."""
        return self.score(a) > self.score(b)

    def best(self, values: Iterable[float]) -> float | None:
        """Return the best of the values, or None of none."""
        return max(values, key=self.score, default=None)
