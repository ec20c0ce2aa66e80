"""The planner: from what is known to the next point, as a pure function that says why."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instruments.driver import FailureClass
from orchestrator import config, surrogates
from orchestrator.chance import stream
from orchestrator.config.pool import read_pool
from orchestrator.config.schema import CampaignConfig, PlannerConfig
from orchestrator.data import Rows, read_csv, read_rows
from orchestrator.objective import Objective
from orchestrator.planner.acquisition import expected_gain
from orchestrator.planner.belief import Belief, feasibility
from orchestrator.planner.compromise import Compromise
from orchestrator.planner.drivers import Drivers, drivers
from orchestrator.planner.explanation import why
from orchestrator.planner.extrapolation import novelty
from orchestrator.planner.feasibility import EVIDENCE
from orchestrator.planner.lattice import Lattice
from orchestrator.planner.sampling import SAME, best_sample, is_used, samples
from orchestrator.planner.suggestion import Observation, Suggestion
from orchestrator.planner.summit import summit
from orchestrator.planner.telling import checked
from orchestrator.recipe import Point
from orchestrator.space import ParameterSpace, SpaceError, Value
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
        self._initial = () if initial is None else tuple(map(Observation, initial.points, initial.values.tolist()))
        self._told: list[Observation] = []

    @classmethod
    def from_config(cls, settings: CampaignConfig, seed: int | None = None) -> "Planner":
        """Build the planner of a configuration, reading the data files it names.

        Args:
            settings: The configuration, file paths absolute.
            seed: Used instead of the configuration's.

        Raises:
            DataError: A data file that cannot be used.
            SpaceError: A parameter without bounds, or an empty pool.
        """
        candidates = None
        if settings.laboratory.table is not None:
            _, _, candidates = read_pool(read_csv(settings.laboratory.table), settings.parameters, settings.objective)
        space = ParameterSpace.from_config(settings.parameters, candidates, settings.constraints)
        objective = Objective.from_config(settings.objective)
        source, initial = (
            None if path is None else read_rows(path, space, objective)
            for path in (settings.data.source, settings.data.initial)
        )
        return cls(
            space,
            objective,
            settings.planner,
            seed=settings.seed if seed is None else seed,
            source=source,
            initial=initial,
            further=Objective.further(settings.further_objectives),
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
        """
        return self.suggest_batch(1, pending)[0]

    def suggest_batch(self, n: int, pending: Sequence[Point] = ()) -> list[Suggestion]:
        """Return suggestions to be performed together, each chosen as if the ones before it were being performed.

        Args:
            n: How many.
            pending: Points that are being performed now.

        Raises:
            SpaceError: A pending point is not in the space.
            ValueError: Fewer than one.
        """
        if n < 1:
            message = f"a batch of {n} suggestions is none; ask for 1 or more"
            raise ValueError(message)
        flying, batch = [self.space.check(point) for point in pending], []
        for _ in range(n):
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
        kept = [o for o in _measured(self._told) if all(f.is_kept(o.further.get(f.name)) for f in self.further)]
        return max(kept, key=lambda o: self.objective.score(o.value or 0.0), default=None)

    @one_thread()
    def ask(self, observations: Sequence[Observation], pending: Sequence[Point] = (), number: int = 1) -> Suggestion:
        """Return the suggestion of this number: a pure function of its arguments and of how the planner was made.

        Args:
            observations: What came of the runs so far, without the initial rows.
            pending: Points that are being performed now.
            number: Which suggestion of the campaign it is, from 1.
        """
        known = [*self._initial, *observations]
        n_telling = sum(o.value is not None or o.failure in EVIDENCE for o in known)
        if n_telling + len(pending) < self.settings.initial_runs:
            return self._from_design(known, pending, number)
        if not _measured(known):
            return self._most_feasible(known, pending, number)
        return self._from_model(known, pending, number)

    def predict(self, observations: Sequence[Observation], points: Sequence[Point]) -> tuple[FloatArray, FloatArray]:
        """Return predicted objective and its sd at points, arrays of shape (n_points,), in the objective's unit.

        Args:
            observations: What came of the runs so far, without the initial rows; with those, at least one is measured.
            points: Where to predict.
        """
        outlook = self.belief(observations).at(self.space.encode(points))
        return self.objective.sign * outlook.score, outlook.sd

    def drivers(self, point: Point, observations: Sequence[Observation], pending: Sequence[Point] = ()) -> Drivers:
        """Return what moves the prediction at a point away from the average one.

        Args:
            point: The point.
            observations: What came of the runs so far, without the initial rows; with those, at least one is measured.
            pending: Points that are being performed now.

        Raises:
            ValueError: More parameters than can be enumerated.
        """
        known = [*self._initial, *observations]
        return drivers(self.space, self.objective, self.belief(observations, pending), point, _measured(known))

    def belief(self, observations: Sequence[Observation], pending: Sequence[Point] = ()) -> Belief:
        """Return what is believed on these observations; with the initial rows, at least one is measured."""
        known = [*self._initial, *observations]
        return Belief(self.space, self.objective, self.settings, known, pending=pending, source=self.source)

    @cached_property
    def _design(self) -> list[dict[str, Value]]:
        """The initial design: drawn once from the seed, indexed by the number of the suggestion."""
        return self.space.design(max(self.settings.initial_runs - len(self._initial), 1), self.seed)

    @cached_property
    def _lattice(self) -> Lattice | None:
        """The grid on which the acquisition is maximised."""
        return Lattice.of(self.space, self.settings.levels, natural=surrogates.is_natural(self.settings))

    def _from_design(self, known: Sequence[Observation], pending: Sequence[Point], number: int) -> Suggestion:
        n_design, used = len(self._design), self._used(known, pending)
        if number <= n_design:
            point = self._design[number - 1]
            if not is_used(self.space.encode([point]), used)[0]:
                words = f"point {number} of {n_design} of the initial design (maximin Latin hypercube)"
                return self._without_model(number, point, words, known)
        columns = samples(self.space, self.settings.samples, used, self._rng(number))
        point = self.space.points(columns[:1])[0]
        return self._without_model(number, point, "drawn at random to complete the initial design", known)

    def _most_feasible(self, known: Sequence[Observation], pending: Sequence[Point], number: int) -> Suggestion:
        columns = samples(self.space, self.settings.samples, self._used(known, pending), self._rng(number))
        i = int(feasibility(self.space, known).at(columns).argmax())
        point = self.space.points(columns[i : i + 1])[0]
        return self._without_model(number, point, "nothing is measured yet: the sample least like what failed", known)

    def _without_model(
        self, number: int, point: dict[str, Value], words: str, known: Sequence[Observation]
    ) -> Suggestion:
        p_feasible = float(feasibility(self.space, known).at(self.space.encode([point]))[0])
        new = novelty(self.space, point, [o.point for o in _measured(known)])
        words = f"{words}; P(feasible) {p_feasible:.2f}"
        return Suggestion(
            number, point, "design", words, p_feasible=p_feasible, extrapolating=new.extrapolating, nearest=new.nearest
        )

    def _from_model(self, known: Sequence[Observation], pending: Sequence[Point], number: int) -> Suggestion:
        belief = self.belief(known[len(self._initial) :], pending)
        used = self._used(known, pending)
        if self.further or self.settings.per_hour:
            joint = Compromise(
                self.space,
                self.objective,
                self.further,
                self.settings,
                known,
                first=belief,
                pending=pending,
                rng=stream(self.seed, "compromise", number),
            )
            column = best_sample(joint, self.space, self.settings.samples, used, self._rng(number))
        else:
            joint, column = None, self._best_column(belief, used, number)
        return self._explained(known, belief, joint, column, number)

    def _explained(
        self, known: Sequence[Observation], belief: Belief, joint: Compromise | None, column: FloatArray, number: int
    ) -> Suggestion:
        """Return the suggestion of an encoded point, shape (1, n_columns), with its reasons."""
        outlook = belief.at(column)
        chosen_by = belief if joint is None else joint
        whole = chosen_by.at(column)
        point = _legible(self.space, self.space.points(column)[0])
        new = novelty(self.space, point, [o.point for o in _measured(known)])
        suggestion = Suggestion(
            number,
            point,
            kind="model",
            why="",
            mean=self.objective.value(float(outlook.score[0])),
            sd=float(outlook.sd[0]),
            acquisition=float(chosen_by.promise(whole)[0]),
            acquisition_name=self.settings.acquisition,
            p_feasible=float(whole.p_feasible[0]),
            source_weight=belief.surrogate.source_weight_,
            source_evidence=belief.surrogate.source_evidence_,
            extrapolating=new.extrapolating,
            nearest=new.nearest,
            expected_gain=None if joint is not None else expected_gain(outlook, belief.reference),
            further={} if joint is None else joint.predicted(column),
        )
        return replace(suggestion, why=why(suggestion, self.objective, belief, new, joint))

    def _best_column(self, belief: Belief, used: FloatArray, number: int) -> FloatArray:
        """Return the encoded point of the largest acquisition, shape (1, n_columns): of the grid, else of samples."""
        found = None
        if self._lattice is not None:
            taken = self._lattice.places(used, within=SAME)
            # Where every point of the grid was tried, replicates are due.
            found = summit(belief, self._lattice, taken if len(taken) < self._lattice.n_allowed else taken[:0])
        if found is not None:
            return found
        return best_sample(belief, self.space, self.settings.samples, used, self._rng(number))

    def _used(self, known: Sequence[Observation], pending: Sequence[Point]) -> FloatArray:
        told = [o.point for o in known if o.value is not None or o.failure == FailureClass.INFEASIBLE]
        return self.space.encode([*told, *pending])

    def _rng(self, number: int) -> np.random.Generator:
        return stream(self.seed, "planner", number)


def _measured(known: Sequence[Observation]) -> list[Observation]:
    return [o for o in known if o.value is not None]


def _legible(space: ParameterSpace, point: dict[str, Value]) -> dict[str, Value]:
    """Return a point with twelve digits, 1.397 for 1.3969999999999998, where nothing forbids it."""
    if space.candidates is not None or space.constraints:
        return point
    short = {name: float(f"{value:.12g}") if isinstance(value, float) else value for name, value in point.items()}
    try:
        return space.check(short)
    except SpaceError:  # a bound of more digits
        return point
