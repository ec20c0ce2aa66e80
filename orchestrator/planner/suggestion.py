"""What goes into the planner and what comes out: observations, and suggestions that say why."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.recipe import Point


@dataclass(frozen=True)
class Observation:
    """What came of one run.

    Args:
        point: The point.
        value: The measured objective in its unit, None where the run gave none.
        sd: Its standard uncertainty in the same unit, None where unknown.
        failure: The failure class where the run failed, else None.
        reason: Why it failed, in words.
        further: Values of further objectives by name, as far as the run gave them.
        hours: How long its steps took together, None where unknown.
    """

    point: Point
    value: float | None = None
    sd: float | None = None
    failure: str | None = None
    reason: str = ""
    further: Mapping[str, float] = field(default_factory=dict)
    hours: float | None = None


@dataclass(frozen=True)
class Suggestion:
    """A point worth performing, and why.

    Args:
        number: Which suggestion of the campaign it is, from 1.
        point: The point, plain values in parameter order.
        kind: "design" (of the initial design), "model", or "random" (the acquisition of that name).
        why: A sentence for a scientist.
        mean: Predicted objective in its unit, None without a model.
        sd: Standard deviation of that prediction, None without a model.
        acquisition: Value of the acquisition, None without a model.
        acquisition_name: Its name: ei, ucb, pi, or "" without a model.
        p_feasible: Probability that the run gives a film that can be measured.
        source_weight: Share of the source in the prediction, None without a model.
        source_evidence: Left-out error by weight and the rule that chose.
        extrapolating: Whether the point is outside the convex hull of the measured rows.
        nearest: Distance to the nearest measured row in the unit cube, None without any.
        expected_gain: By how much a run is expected to exceed the best prediction at a measured row, P(feasible)
            included, in the objective's unit; None without a model or with further objectives.
        further: Predicted mean and sd of further objectives by name, and of "hours" where they count.
    """

    number: int
    point: dict[str, float | str]
    kind: str
    why: str
    mean: float | None = None
    sd: float | None = None
    acquisition: float | None = None
    acquisition_name: str = ""
    p_feasible: float | None = None
    source_weight: float | None = None
    source_evidence: Mapping[str, Any] = field(default_factory=dict)
    extrapolating: bool = False
    nearest: float | None = None
    expected_gain: float | None = None
    further: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain data for canonical JSON: dicts, text, booleans, finite floats or None."""
        plain: dict[str, Any] = _plain({field.name: getattr(self, field.name) for field in dataclasses.fields(self)})
        return plain


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
