"""What is believed about the space after the runs so far: a fresh surrogate, feasibility and acquisition."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instruments.driver import FailureClass
from orchestrator import surrogates
from orchestrator.config.schema import PlannerConfig
from orchestrator.data import Rows
from orchestrator.objective import Objective
from orchestrator.planner import acquisition
from orchestrator.planner.acquisition import Doubt, Outlook, Reference
from orchestrator.planner.boundary import Boundary
from orchestrator.planner.feasibility import EVIDENCE, Evidence, Feasibility
from orchestrator.planner.features import Features
from orchestrator.planner.suggestion import Observation
from orchestrator.recipe import Point
from orchestrator.space import ParameterSpace
from orchestrator.surrogates.mixture import mixed
from orchestrator.surrogates.separable import Separable

FloatArray = NDArray[np.float64]


_LEAST_P = (0.5, 0.75, 0.8, 0.85, 0.9)  # by the number of infeasible runs, the last for all further ones


def feasibility(space: ParameterSpace, known: Sequence[Observation], settings: PlannerConfig) -> Evidence:
    """Return the feasibility model that the observations teach."""
    telling = [o for o in known if o.value is not None or o.failure in EVIDENCE]
    failed = [0.0 if o.value is not None else EVIDENCE[o.failure] for o in telling]
    model = Boundary if settings.failures == "avoid" else Feasibility
    features = Features.of(space, settings.features)
    return features.informing(model(features.beside(space.encode([o.point for o in telling])), np.array(failed)))


class Belief:
    """A surrogate fitted to what is known, and what it says about points.

    With `failures: worst` an infeasible run teaches the surrogate the worst measured score: feasibility, a weight,
    fades beside an acquisition that falls by orders of magnitude once a region is explored. But it also spoils the
    prediction beside the boundary, where an optimum often lies; `feasibility` leaves the surrogate to measured rows.
    `avoid` does that too, learns the boundary by a process (`orchestrator.planner.boundary`), and lets no point win
    whose P(feasible) is below 0.5 before the first infeasible run, 0.75 after it, then 0.8, 0.85 and 0.9.

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
        self._space, self._settings, self._source = space, settings, source
        self._objective = objective
        self._natural, self._features = settings.is_natural, Features.of(space, settings.features)
        measured = [o for o in known if o.value is not None]
        worst = [o.point for o in known if o.failure == FailureClass.INFEASIBLE]
        failed = worst if settings.failures == "worst" else []
        scores = objective.taught(np.array([o.value for o in measured], dtype=float))
        X, y = self._encoded([*(o.point for o in measured), *failed]), np.append(scores, [scores.min()] * len(failed))
        self.surrogate = self._fitted(X, y, len(failed))
        best = float(self.surrogate.predict(X[: len(scores)]).max())
        members = None
        if self.is_averaged:
            members = self.surrogate.each(X[: len(scores)])[0].max(axis=1), self.surrogate.noises
        self.reference = Reference(best, float(scores.min()), float(scores.std()), members)
        self._feasibility = feasibility(space, known, settings)
        least_p = _LEAST_P[min(len(worst), len(_LEAST_P) - 1)]
        self._least_p = least_p if settings.failures == "avoid" else 0.0
        if pending:
            flying = self._encoded(pending)
            imagined = np.append(y, self.surrogate.predict(flying))
            self.surrogate = self._fitted(np.vstack([X, flying]), imagined, len(failed) + len(pending))

    @property
    def is_averaged(self) -> bool:
        """Whether the surrogate has members that can be asked each."""
        return hasattr(self.surrogate, "each")

    def at(self, columns: FloatArray) -> Outlook:
        """Return what is believed at encoded points of the unit cube."""
        features = self._encoded(self._space.decode(columns)) if self._natural else self._features.beside(columns)
        p_feasible = self._feasibility.at(columns)
        members = self.surrogate.each(features) if self.is_averaged else None
        together = self.surrogate.predict(features, return_std=True) if members is None else mixed(*members)
        score, sd = together
        is_risky = p_feasible < self._least_p if self._least_p else None
        return Outlook(score, sd, p_feasible, members=members, is_risky=is_risky)

    def promise(self, outlook: Outlook) -> FloatArray:
        """Return the acquisition of each point of an outlook; larger is better."""
        return acquisition.evaluate(self._settings, outlook, self.reference)

    def mean_on(self, axes: Sequence[FloatArray]) -> Separable | None:
        """Return the predicted score on a grid as a sum of products; None without that form, or with unbounded doubt.

        With features there is none either: a formula over several parameters is no axis of the grid.

        Args:
            axes: For each column its values on the grid, as the surrogate sees them.
        """
        if not hasattr(self.surrogate, "sd_around") or not isinstance(self._feasibility, Feasibility):
            return None
        mean = self.surrogate.separable(axes)
        return mean if isinstance(mean, Separable) else None

    def doubt_at(self, columns: FloatArray, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return sd and P(feasible) at points, given in the unit cube and as the surrogate sees them."""
        return self.surrogate.sd_at(features), self._feasibility.at(columns)

    def doubt_around(
        self, columns: FloatArray, features: FloatArray, column_reaches: FloatArray, feature_reaches: FloatArray
    ) -> Doubt:
        """Return sd and P(feasible) at the centres of blocks, and their ranges within them.

        Args:
            columns: The centres in the unit cube, shape (n_blocks, n_columns).
            features: The centres as the surrogate sees them.
            column_reaches: How far each block reaches from its centre along each axis, in the unit cube.
            feature_reaches: The same as the surrogate sees it.
        """
        assert isinstance(self._feasibility, Feasibility)  # noqa: S101 - else there is no mean on a grid
        sd, sd_range = self.surrogate.sd_around(features, feature_reaches)
        return Doubt(sd, sd_range, *self._feasibility.around(columns, column_reaches))

    def ceiling(self, highest: FloatArray, doubt: Doubt) -> FloatArray:
        """Return what the acquisition cannot exceed within blocks of which the largest score is known."""
        return acquisition.ceiling(self._settings, highest, doubt, self.reference)

    def _fitted(self, X: FloatArray, y: FloatArray, n_imagined: int) -> Any:  # noqa: ANN401 - sklearn has no stubs
        borrowed = None
        if self._source is not None:
            borrowed = self._encoded(self._source.points), self._objective.taught(self._source.values)
        return surrogates.build(self._settings, borrowed).fit(X, y, n_imagined)

    def _encoded(self, points: Sequence[Point]) -> FloatArray:
        return self._features.beside(self._space.encode(points, natural=self._natural))
