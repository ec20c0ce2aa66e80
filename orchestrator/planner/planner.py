"""The planner: from what is known to the next point, as a pure function that says why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instruments.driver import EMPTY
from orchestrator import config
from orchestrator.config.pool import read_pool
from orchestrator.config.schema import CampaignConfig, PlannerConfig
from orchestrator.data import Rows, read_csv, read_rows
from orchestrator.objective import Objective
from orchestrator.planner.belief import Belief
from orchestrator.planner.drivers import Drivers, drivers
from orchestrator.planner.features import Features
from orchestrator.planner.question import Question, Search, measured
from orchestrator.planner.suggestion import Observation, Suggestion
from orchestrator.planner.telling import checked, checked_pending, checked_size
from orchestrator.recipe import Point
from orchestrator.space import ParameterSpace, Value
from orchestrator.threads import one_thread

__all__ = ["Observation", "Planner", "Suggestion"]

FloatArray = NDArray[np.float64]


class Planner:
    """Suggests points. `ask` is a pure function; `suggest` and `tell` keep the observations for a notebook.

    Args:
        space: The parameters.
        objective: What is measured.
        settings: Surrogate, acquisition and size of the initial design.
        seed: Seed of the campaign.
        source: Rows of another tool or the literature, to borrow from.
        initial: Rows of this tool; they count as observations.
        further: Further objectives.

    Raises:
        FeatureError: A feature of the settings that cannot be read, or has no value to learn from.
    """

    def __init__(
        self,
        space: ParameterSpace,
        objective: Objective,
        settings: PlannerConfig | None = None,
        *,
        seed: int = 0,
        source: Rows | None = None,
        initial: Rows | None = None,
        further: Sequence[Objective] = (),
    ) -> None:
        self.space = space
        self.objective = objective
        self.settings = settings or PlannerConfig()
        self.seed = seed
        self.source = source
        self.initial = initial
        self.further = tuple(further)
        Features.of(space, self.settings.features)  # what is wrong with one is said before anything is asked
        n_initial = 0 if initial is None else len(initial)
        self._search = Search(space, objective, self.further, self.settings, seed, source, n_initial)
        self.past = () if initial is None else tuple(_observed(initial))
        self._searches: dict[tuple[tuple[str, Value], ...], Search] = {(): self._search}
        self._told: list[Observation] = []

    @classmethod
    def from_config(cls, settings: CampaignConfig, seed: int | None = None) -> "Planner":
        """Build the planner of a configuration, reading the data files it names.

        Args:
            settings: The configuration, file paths absolute.
            seed: Used instead of the configuration's.

        Raises:
            DataError: A data file that cannot be used.
            SpaceError: A parameter without bounds, an empty pool, or a feature that has no value to learn from.
        """
        candidates = None
        if settings.laboratory.table is not None:
            _, _, candidates = read_pool(read_csv(settings.laboratory.table), settings.parameters, settings.objective)
        space = ParameterSpace.from_config(settings.parameters, candidates, settings.constraints)
        objective = Objective.from_config(settings.objective)
        further = Objective.further(settings.further_objectives)
        source, initial = (
            None if path is None else read_rows(path, space, objective, further)
            for path in (settings.data.source, settings.data.initial)
        )
        return cls(
            space,
            objective,
            settings.planner,
            seed=settings.seed if seed is None else seed,
            source=source,
            initial=initial,
            further=further,
        )

    @classmethod
    def from_yaml(cls, path: str | Path, seed: int = 0, overrides: Mapping[str, object] | None = None) -> "Planner":
        """Build the planner of a configuration file; no laboratory is touched.

        Args:
            path: The YAML.
            seed: Seed of the planner, whatever the configuration's campaign uses.
            overrides: Values by dotted path, for example `{"data.source": None}`.
        """
        return cls.from_config(config.load(path, overrides).settings, seed)

    @property
    def observations(self) -> tuple[Observation, ...]:
        """What has been told, in order, without the initial rows."""
        return tuple(self._told)

    def suggest(self, pending: Sequence[Point] = ()) -> Suggestion:
        """Return the next suggestion. It is a question, not a draw: asked twice without a tell, the answer is the same.

        Args:
            pending: Points that are being performed now.

        Raises:
            SpaceError: A pending point is not in the space.
            ValueError: What is pending is no list of points.
        """
        return self.suggest_batch(1, pending)[0]

    def suggest_batch(self, n: int, pending: Sequence[Point] = ()) -> list[Suggestion]:
        """Return suggestions to be performed together, each chosen as if the ones before it were being performed.

        Args:
            n: How many.
            pending: Points that are being performed now.

        Raises:
            SpaceError: A pending point is not in the space.
            ValueError: Not a whole number, or fewer than one; or what is pending is no list of points.
        """
        size, flying, batch = checked_size(n), checked_pending(self.space, pending), list[Suggestion]()
        for _ in range(size):
            batch.append(self.ask(self._told, flying, len(self._told) + len(flying) + 1))
            flying.append(batch[-1].point)
        return batch

    def tell(
        self,
        point: Point,
        value: float | None = None,
        *,
        sd: float | None = None,
        failure: str | None = None,
        reason: str = "",
        further: Mapping[str, float] | None = None,
        hours: float | None = None,
    ) -> None:
        """Add what came of a point: a value, or the class of its failure.

        Args:
            point: The point.
            value: The measured objective, in its unit.
            sd: Its standard uncertainty.
            failure: The failure class of a run without a value.
            reason: Why it failed, in words.
            further: Values of further objectives by name.
            hours: How long the run took.

        Raises:
            SpaceError: The point is not in the space.
            ValueError: Neither or both of value and failure, a number that is not finite, an unknown failure class.
        """
        told: dict[str, Any] = {"sd": sd, "failure": failure, "reason": reason, "further": further, "hours": hours}
        self._told.append(checked(self.space, point, value, **told, names=[o.name for o in self.further]))

    def best(self) -> Observation | None:
        """Return the best measured observation of those told that keep the limits, or None; `initial` has the rows."""
        kept = [o for o in measured(self._told) if all(f.is_kept(o.further.get(f.name)) for f in self.further)]
        return max(kept, key=lambda o: self.objective.score(o.value or 0.0), default=None)

    @one_thread()
    def ask(
        self,
        observations: Sequence[Observation],
        pending: Sequence[Point] = (),
        number: int = 1,
        *,
        context: Mapping[str, Value] = EMPTY,
    ) -> Suggestion:
        """Return the suggestion of this number: a pure function of its arguments and of how the planner was made.

        Args:
            observations: What came of the runs so far, without the initial rows.
            pending: Points that are being performed now.
            number: Which suggestion of the campaign it is, from 1.
            context: Values that the point must have, as of the instrument that will perform it.
        """
        return Question(self._search_at(context), [*self.past, *observations], pending, number).answer()

    def _search_at(self, context: Mapping[str, Value]) -> Search:
        key = tuple(sorted(context.items()))
        if key not in self._searches:
            self._searches[key] = replace(self._search, space=self.space.at(context))
        return self._searches[key]

    @one_thread()
    def predict(self, observations: Sequence[Observation], points: Sequence[Point]) -> tuple[FloatArray, FloatArray]:
        """Return predicted objective and its sd at points, arrays of shape (n_points,), in the objective's unit.

        Args:
            observations: What came of the runs so far, without the initial rows; with those, at least one is measured.
            points: Where to predict.
        """
        outlook = self.belief(observations).at(self.space.encode(points))
        scores, sds = outlook.score, outlook.sd
        return self.objective.predicted(scores), self.objective.predicted_sd(scores, sds)

    @one_thread()
    def drivers(self, point: Point, observations: Sequence[Observation], pending: Sequence[Point] = ()) -> Drivers:
        """Return what moves the prediction at a point away from the average one.

        Args:
            point: The point.
            observations: What came of the runs so far, without the initial rows; with those, at least one is measured.
            pending: Points that are being performed now.

        Raises:
            ValueError: More parameters than can be enumerated.
        """
        rows = measured([*self.past, *observations])
        return drivers(self.space, self.objective, self.belief(observations, pending), point, rows)

    @one_thread()
    def belief(self, observations: Sequence[Observation], pending: Sequence[Point] = ()) -> Belief:
        """Return what is believed on these observations; with the initial rows, at least one is measured."""
        return self._search.belief([*self.past, *observations], pending)


def _observed(rows: Rows) -> Iterator[Observation]:
    """Yield rows from before the campaign as what was observed."""
    for i, (point, value) in enumerate(zip(rows.points, rows.values.tolist(), strict=True)):
        yield Observation(point, value, further=rows.further_of(i))
