"""What is believed of several objectives at once, and of the hours a run takes, as one outlook.

How they are weighed against each other is said in the configuration: by what a unit of one is worth in the first, by
limits, or not at all; then each suggestion looks along another direction of the front.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.config.schema import PlannerConfig
from orchestrator.objective import Objective
from orchestrator.planner import acquisition
from orchestrator.planner.acquisition import Outlook, Reference
from orchestrator.planner.belief import Belief
from orchestrator.planner.suggestion import Observation
from orchestrator.recipe import Point
from orchestrator.space import ParameterSpace

FloatArray = NDArray[np.float64]

HOURS = Objective("hours", "h", "minimise")
_N_DRAWS = 64  # for the moments of a direction, which is no linear function
_ALONG = 0.05  # how much of the sum a direction has beside its least, so that what is beaten never wins
_LEAST_SPREAD = 1e-12
_FEWEST = 3  # rows, not all with one value, from which a model can say how far it is to be believed


def of_objective(known: Sequence[Observation], objective: Objective) -> list[Observation]:
    """Return the observations as those of a further objective; failed runs, which have no value of it, are left out."""
    values = ((o, o.hours if objective is HOURS else o.further.get(objective.name)) for o in known)
    return [replace(o, value=value, failure=None) for o, value in values if value is not None and o.value is not None]


class Compromise:
    """A belief about each objective, joined to one score, its deviation and the probability that a run is of use.

    An objective with a worth is added to the first one, times its worth. One with a limit multiplies P(feasible) by the
    probability of keeping it. For those with neither, the score is the least advanced of all, each on its observed
    range and times a weight drawn for this suggestion: over many suggestions the whole front is approached.

    Args:
        space: The parameters.
        objective: The first objective.
        further: The others; those of which too little is measured yet are left out.
        settings: Which surrogate and acquisition; with `per_hour` the acquisition is divided by the predicted hours.
        known: All observations, initial rows included; at least one measured.
        first: What is believed of the first objective.
        pending: Points being performed.
        rng: Draws the direction.

    Source: Knowles, "ParEGO", IEEE Trans. Evol. Comput. 10, 50 (2006), equation 2, for the directions; Gelbart, Snoek,
    Adams, UAI 2014, for limits; Snoek, Larochelle, Adams, NIPS 2012, section 3.2, for the gain per hour.
    """

    def __init__(
        self,
        space: ParameterSpace,
        objective: Objective,
        further: Sequence[Objective],
        settings: PlannerConfig,
        known: Sequence[Observation],
        *,
        first: Belief,
        pending: Sequence[Point] = (),
        rng: np.random.Generator,
    ) -> None:
        self._settings = settings
        self.first, self.surrogate = first, first.surrogate

        def belief(o: Objective) -> Belief | None:
            rows = of_objective(known, o)
            is_enough = bool(rows) if o is HOURS else _tell_enough(rows)  # of hours no doubt is asked
            return Belief(space, o, settings, rows, pending=pending) if is_enough else None

        self.beliefs = {o: b for o in further if (b := belief(o)) is not None}
        self.left_out = [o for o in further if o not in self.beliefs]
        self._hours = belief(HOURS) if settings.per_hour else None
        self._shortest = min((o.hours for o in known if o.hours), default=0.0)
        self.free = [o for o in self.beliefs if o.worth is None and o.limit is None]
        self._draws = rng.standard_normal((_N_DRAWS, 1 + len(self.free)))
        self.weights = rng.dirichlet(np.ones(1 + len(self.free)))
        self.objective = objective
        measured = space.encode([o.point for o in known if o.value is not None])
        observed, outlooks = first.at(measured), {o: b.at(measured) for o, b in self.beliefs.items()}
        rows = np.array([self._weighed(observed, outlooks)[0], *(outlooks[o].score for o in self.free)])
        self._ranges = rows.min(axis=1), rows.max(axis=1)
        self.reference = self._reference(observed, outlooks)

    def at(self, columns: FloatArray) -> Outlook:
        """Return the joint outlook at encoded points of the unit cube."""
        first = self.first.at(columns)
        outlooks = {o: belief.at(columns) for o, belief in self.beliefs.items()}
        joint = self._joined(first, outlooks)
        if self._hours is None:
            return joint
        # A prediction below the shortest run there was is a slip of the model, and would be divided by.
        return replace(joint, hours=np.maximum(-self._hours.at(columns).score, self._shortest))

    def predicted(self, columns: FloatArray) -> Mapping[str, tuple[float, float]]:
        """Return mean and sd of each further objective, and of the hours if they count, at one encoded point."""
        beliefs: dict[Objective, Belief] = dict(self.beliefs)
        if self._hours is not None:
            beliefs[HOURS] = self._hours
        outlooks = {o: b.at(columns) for o, b in beliefs.items()}
        return {o.name: (o.value(float(x.score[0])), float(x.sd[0])) for o, x in outlooks.items()}

    def promise(self, outlook: Outlook) -> FloatArray:
        """Return the acquisition of each point; while no measured row keeps the limits, the probability of doing so."""
        if self.reference is None:
            return outlook.p_feasible
        return acquisition.evaluate(self._settings, outlook, self.reference)

    def _weighed(self, first: Outlook, outlooks: Mapping[Objective, Outlook]) -> tuple[FloatArray, FloatArray]:
        """Return mean and sd of the first objective with what the others are worth in it."""
        score, variance = first.score, first.sd**2
        for o, outlook in outlooks.items():
            if o.worth is not None:
                score, variance = score + o.worth * outlook.score, variance + (o.worth * outlook.sd) ** 2
        return score, np.sqrt(variance)

    def _joined(self, first: Outlook, outlooks: Mapping[Objective, Outlook]) -> Outlook:
        (score, sd), p = self._weighed(first, outlooks), first.p_feasible
        for o, outlook in outlooks.items():
            if o.limit is not None:
                p = p * _keeping(o, outlook)
        if self.free:
            score, sd = self._along(score, sd, [outlooks[o] for o in self.free])
        return Outlook(score, sd, p, is_risky=first.is_risky)

    def _along(self, score: FloatArray, sd: FloatArray, free: Sequence[Outlook]) -> tuple[FloatArray, FloatArray]:
        """Return mean and sd of the distance that is left along this suggestion's direction, turned round."""
        means, sds = np.array([score, *(o.score for o in free)]), np.array([sd, *(o.sd for o in free)])
        lows, highs = self._ranges
        spans = np.maximum(highs - lows, _LEAST_SPREAD)
        draws = means[None] + self._draws[:, :, None] * sds[None]
        left = self.weights[None, :, None] * (highs[None, :, None] - draws) / spans[None, :, None]
        values = -(left.max(axis=1) + _ALONG * left.sum(axis=1))
        return values.mean(axis=0), np.maximum(values.std(axis=0), _LEAST_SPREAD)

    def _reference(self, first: Outlook, outlooks: Mapping[Objective, Outlook]) -> Reference | None:
        joint = self._joined(first, outlooks)
        kept = np.ones(len(joint.score), dtype=bool)
        for o, outlook in outlooks.items():
            if o.limit is not None:
                kept &= _keeping(o, outlook) >= 0.5
        scores = joint.score[kept]
        if not len(scores):
            return None
        return Reference(float(scores.max()), float(joint.score.min()), float(joint.score.std()))


def _tell_enough(rows: Sequence[Observation]) -> bool:
    """Whether a model of these rows has a doubt; of one value alone it would be certain everywhere."""
    return len(rows) >= _FEWEST and len({row.value for row in rows}) > 1


def _keeping(objective: Objective, outlook: Outlook) -> FloatArray:
    """Return the probability of keeping an objective's limit at each point of an outlook."""
    from scipy.special import ndtr  # noqa: PLC0415 - scipy takes its time to import

    limit: Any = objective.limit
    return np.asarray(ndtr((outlook.score - objective.score(limit)) / outlook.sd), dtype=float)
