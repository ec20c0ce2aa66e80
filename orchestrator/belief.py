"""What is believed about the space after the runs so far: a fresh surrogate, feasibility and acquisition."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestrator import acquisition, surrogates
from orchestrator.config.schema import PlannerConfig
from orchestrator.data import Rows
from orchestrator.feasibility import EVIDENCE, Feasibility
from orchestrator.objective import Objective
from orchestrator.recipe import Point
from orchestrator.space import ParameterSpace
from orchestrator.suggestion import Observation

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Outlook:
    """What is believed at some points, arrays of shape (n_points,).

    Args:
        score: Predicted score (the objective turned so that larger is better).
        sd: Standard deviation of that prediction.
        p_feasible: Probability that a run there can be measured.
        promise: The acquisition; larger is better.
    """

    score: FloatArray
    sd: FloatArray
    p_feasible: FloatArray
    promise: FloatArray


def feasibility(space: ParameterSpace, known: Sequence[Observation]) -> Feasibility:
    """Return the feasibility model that the observations teach."""
    telling = [o for o in known if o.value is not None or o.failure in EVIDENCE]
    failed = [0.0 if o.value is not None else EVIDENCE[o.failure] for o in telling]
    return Feasibility(space.encode([o.point for o in telling]), np.array(failed))


class Belief:
    """A surrogate fitted to what is known, and what it says about points.

    Args:
        space: The parameters.
        objective: What is measured.
        settings: Which surrogate and acquisition.
        known: All observations, initial rows included; at least one measured.
        pending: Points being performed; they count as measured with the value predicted there, so that the next
            point differs.
        source: Rows to borrow from, or None.
    """

    def __init__(
        self,
        space: ParameterSpace,
        objective: Objective,
        settings: PlannerConfig,
        known: Sequence[Observation],
        *,
        pending: Sequence[Point] = (),
        source: Rows | None = None,
    ) -> None:
        self._space, self._settings = space, settings
        self._natural = settings.surrogate != "gp" and settings.mode == "paper"
        measured = [o for o in known if o.value is not None]
        points: list[Point] = [o.point for o in measured]
        self.scores = np.array([objective.score(o.value) for o in measured if o.value is not None])
        self._feasibility = feasibility(space, known)
        borrowed = None
        if source is not None:
            borrowed = self._encoded(source.points), objective.sign * source.values
        self.surrogate = surrogates.build(settings, borrowed).fit(self._encoded(points), self.scores)
        if pending:
            X = self._encoded([*points, *pending])
            imagined = np.append(self.scores, self.surrogate.predict(self._encoded(pending)))
            self.surrogate = surrogates.build(settings, borrowed).fit(X, imagined)

    def at(self, points: Sequence[Point]) -> Outlook:
        """Return what is believed at the points."""
        score, sd = self.surrogate.predict(self._encoded(points), return_std=True)
        p_feasible = self._feasibility.at(self._space.encode(points))
        promise = acquisition.evaluate(self._settings, score, sd, p_feasible, self.scores)
        return Outlook(score, sd, p_feasible, promise)

    def _encoded(self, points: Sequence[Point]) -> FloatArray:
        return self._space.encode(points, natural=self._natural)
