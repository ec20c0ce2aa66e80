"""Which parameters drove one prediction: how much each moved it away from the average over the measured rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestrator.objective import Objective
from orchestrator.planner.belief import Belief
from orchestrator.planner.suggestion import Observation
from orchestrator.recipe import Point
from orchestrator.sensitivity.shapley import shapley
from orchestrator.space import ParameterSpace

_MOST_ROWS = 256
_NOTHING = 1e-9  # of the predictions: what rounding leaves of a difference


@dataclass(frozen=True)
class Drivers:
    """A predicted value as a sum.

    Args:
        base: Mean prediction at the measured rows, in the objective's unit.
        parts: What the value of each parameter adds, in the objective's unit, in parameter order.
        prediction: At the point; the base and all parts together.
        n_rows: How many measured rows it was compared with.
    """

    base: float
    parts: Mapping[str, float]
    prediction: float
    n_rows: int

    @property
    def strongest(self) -> list[tuple[str, float]]:
        """The parameters with what they add, the strongest first."""
        return sorted(self.parts.items(), key=lambda part: -abs(part[1]))

    @property
    def together(self) -> float:
        """What all parameters add."""
        return _cleared(sum(self.parts.values()), self.base, self.prediction)


def drivers(
    space: ParameterSpace, objective: Objective, belief: Belief, point: Point, measured: Sequence[Observation]
) -> Drivers:
    """Return the Shapley values of a prediction against the measured rows.

    Of more than 256 rows an even selection is compared with.

    Args:
        space: The parameters, eight at most.
        objective: What is measured.
        belief: What predicts.
        point: The point.
        measured: Rows to compare with, at least one.

    Raises:
        ValueError: More than eight parameters.
    """

    def predict(columns: NDArray[np.float64]) -> NDArray[np.float64]:
        return objective.predicted(belief.at(columns).score)

    chosen = np.unique(np.linspace(0, len(measured) - 1, min(len(measured), _MOST_ROWS)).round().astype(int))
    background = space.encode([measured[i].point for i in chosen])
    found = shapley(predict, space.encode([point]), background, space.columns)[0]
    values = [_cleared(value, found.base, found.prediction) for value in found.values.tolist()]
    parts = dict(zip(space.names, values, strict=True))
    return Drivers(found.base, parts, found.prediction, len(chosen))


def _cleared(part: float, *predictions: float) -> float:
    """Return a difference of predictions, 0 where it is rounding alone."""
    return part if abs(part) > _NOTHING * max(map(abs, predictions)) else 0.0
