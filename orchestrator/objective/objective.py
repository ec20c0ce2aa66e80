"""The objective: what is measured, in which unit, and which of two values is better."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.config.schema import FurtherObjectiveConfig, ObjectiveConfig

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Objective:
    """What a campaign measures and wants much or little of.

    Args:
        name: The name of the measured quantity.
        unit: Its unit; "1" for a pure number.
        goal: "maximise" or "minimise".
        worth: How much of the first objective one unit of this one is worth; of further objectives only.
        limit: The worst value that is still of use; of further objectives only.
        scale: "linear", or "log" where noise and effects are shares of the value: what a surrogate is taught.
    """

    name: str
    unit: str = "1"
    goal: str = "maximise"
    worth: float | None = None
    limit: float | None = None
    scale: str = "linear"

    @classmethod
    def from_config(cls, config: ObjectiveConfig) -> "Objective":
        """Build the objective a configuration describes."""
        return cls(config.name or "objective", config.unit or "1", config.goal, scale=config.scale)

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

    def taught(self, values: FloatArray) -> FloatArray:
        """Return the scores that a surrogate learns; on a log scale a value of 0 or below counts as the least above."""
        if self.scale == "linear":
            return np.asarray(self.sign * values, dtype=float)
        least = values[values > 0].min(initial=np.inf)
        return np.asarray(self.sign * np.log(np.maximum(values, least if np.isfinite(least) else 1.0)), dtype=float)

    def predicted(self, scores: FloatArray) -> FloatArray:
        """Return the values that stand for scores of a surrogate; on a log scale their medians."""
        return np.asarray(np.exp(self.sign * scores) if self.scale == "log" else self.sign * scores, dtype=float)

    def predicted_sd(self, scores: FloatArray, sds: FloatArray) -> FloatArray:
        """Return the standard deviations of those values, on a log scale to first order."""
        return np.asarray(sds * self.predicted(scores) if self.scale == "log" else sds, dtype=float)

    def better(self, a: float, b: float) -> bool:
        """Whether value a is better than value b."""
        return self.score(a) > self.score(b)

    def among(self, details: Mapping[str, Any]) -> float | None:
        """Return the number of its name among what a recipe has returned; None where there is none."""
        value = details.get(self.name)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    @property
    def bound(self) -> str:
        """The limit in words, as `at most 5`; "" without one."""
        return "" if self.limit is None else f"{'at most' if self.goal == 'minimise' else 'at least'} {self.limit:g}"

    def is_kept(self, value: object) -> bool:
        """Whether a value is within the limit, if there is one."""
        if self.limit is None:
            return True
        return isinstance(value, (int, float)) and self.score(value) >= self.score(self.limit)

    def best(self, values: Iterable[float]) -> float | None:
        """Return the best of the values, or None of none."""
        return max(values, key=self.score, default=None)
