"""The objective: what is measured, in which unit, and which of two values is better."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.config.schema import FurtherObjectiveConfig, ObjectiveConfig


@dataclass(frozen=True)
class Objective:
    """What a campaign measures and wants much or little of.

    Args:
        name: The name of the measured quantity.
        unit: Its unit; "1" for a pure number.
        goal: "maximise" or "minimise".
        worth: How much of the first objective one unit of this one is worth; of further objectives only.
        limit: The worst value that is still of use; of further objectives only.
    """

    name: str
    unit: str = "1"
    goal: str = "maximise"
    worth: float | None = None
    limit: float | None = None

    @classmethod
    def from_config(cls, config: ObjectiveConfig) -> "Objective":
        """Build the objective a configuration describes."""
        return cls(config.name or "objective", config.unit or "1", config.goal)

    @classmethod
    def further(cls, configs: Mapping[str, FurtherObjectiveConfig]) -> "tuple[Objective, ...]":
        """Build the further objectives a configuration describes."""
        return tuple(cls(name, c.unit, c.goal, c.worth, c.limit) for name, c in configs.items())

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

    def is_kept(self, value: object) -> bool:
        """Whether a value is within the limit, if there is one."""
        if self.limit is None:
            return True
        return isinstance(value, (int, float)) and self.score(value) >= self.score(self.limit)

    def best(self, values: Iterable[float]) -> float | None:
        """Return the best of the values, or None of none."""
        return max(values, key=self.score, default=None)
