"""One question to the planner: which point comes next, on what is known, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from instruments.driver import FailureClass
from orchestrator.chance import stream
from orchestrator.config.schema import PlannerConfig
from orchestrator.data import Rows
from orchestrator.objective import Objective
from orchestrator.planner.acquisition import Outlook, expected_gain
from orchestrator.planner.belief import Belief, feasibility
from orchestrator.planner.compromise import Compromise
from orchestrator.planner.explanation import why
from orchestrator.planner.extrapolation import novelty
from orchestrator.planner.feasibility import EVIDENCE
from orchestrator.planner.lattice import Lattice
from orchestrator.planner.sampling import SAME, best_sample, climbed, is_used, samples
from orchestrator.planner.suggestion import Observation, Suggestion
from orchestrator.planner.summit import summit
from orchestrator.planner.teaching import taught
from orchestrator.recipe import Point
from orchestrator.space import ParameterSpace, SpaceError, Value

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Search:
    """What is the same for every question: what is sought, and how.

    Args:
        space: The parameters.
        objective: What is measured.
        further: Further objectives.
        settings: Surrogate, acquisition and size of the initial design.
        seed: Seed of the campaign.
        source: Rows of another tool to borrow from.
        n_initial: Rows of this tool from before the campaign; they shorten the initial design.
    """

    space: ParameterSpace
    objective: Objective
    further: tuple[Objective, ...]
    settings: PlannerConfig
    seed: int
    source: Rows | None
    n_initial: int

    @cached_property
    def design(self) -> list[dict[str, Value]]:
        """The initial design: drawn once from the seed, indexed by the number of the suggestion."""
        return self.space.design(max(self.settings.initial_runs - self.n_initial, 1), self.seed)

    @cached_property
    def lattice(self) -> Lattice | None:
        """The grid on which the acquisition is maximised."""
        return Lattice.of(self.space, self.settings.levels, natural=self.settings.is_natural)

    def belief(self, known: Sequence[Observation], pending: Sequence[Point], number: int = 1) -> Belief:
        """Return what is believed on these observations, of which at least one is measured, at a suggestion's turn."""
        settings, rows = self.settings.turn(number), self.taught(known)
        return Belief(self.space, self.objective, settings, rows, pending=pending, source=self.source)

    def taught(self, known: Sequence[Observation]) -> Sequence[Observation]:
        """Return those of the observations that models learn from: all, unless there are too many."""
        return taught(known, self.settings.most_rows, self.space, (self.objective, *self.further))


class Question:
    """Which point comes next.

    Args:
        search: What is sought.
        known: All observations, initial rows included.
        pending: Points being performed.
        number: Which suggestion of the campaign it is, from 1.
    """

    def __init__(self, search: Search, known: Sequence[Observation], pending: Sequence[Point], number: int) -> None:
        self._search, self._known, self._pending, self._number = search, known, pending, number
        self._space, self._settings = search.space, search.settings.turn(number)

    @cached_property
    def _used(self) -> FloatArray:
        """Encoded points that are not suggested again, shape (n_used, n_columns)."""
        told = [o.point for o in self._known if o.value is not None or o.failure == FailureClass.INFEASIBLE]
        return self._space.encode([*told, *self._pending])

    @cached_property
    def _taught(self) -> Sequence[Observation]:
        """What models learn from."""
        return self._search.taught(self._known)

    def answer(self) -> Suggestion:
        """Return the suggestion: of the initial design, else the most feasible point, else the most promising."""
        if self._is_designed():
            return self._from_design()
        if self._settings.acquisition == "random":
            return self._at_random()
        if not measured(self._known):
            return self._most_feasible()
        return self._from_model()

    def _is_designed(self) -> bool:
        """Whether less is known than the initial design was to tell; counts no further than that."""
        lacking = self._settings.initial_runs - len(self._pending)
        telling = (o for o in self._known if o.value is not None or o.failure in EVIDENCE)
        return sum(1 for _ in islice(telling, max(lacking, 0))) < lacking

    def _at_random(self) -> Suggestion:
        """Return a point that was drawn, whatever was measured: what it costs does not grow with the campaign."""
        columns = self._samples() if self._space.is_discrete else self._space.draw(1, self._rng())
        return Suggestion(self._number, self._space.points(columns[:1])[0], "random", "drawn at random")

    def _from_design(self) -> Suggestion:
        design = self._search.design
        if self._number <= len(design):
            point = design[self._number - 1]
            if not is_used(self._space.encode([point]), self._used)[0]:
                words = f"point {self._number} of {len(design)} of the initial design (maximin Latin hypercube)"
                return self._without_model(point, words)
        return self._without_model(
            self._space.points(self._samples()[:1])[0], "drawn at random to complete the initial design"
        )

    def _most_feasible(self) -> Suggestion:
        columns = self._samples()
        i = int(feasibility(self._space, self._taught, self._settings).at(columns).argmax())
        point = self._space.points(columns[i : i + 1])[0]
        return self._without_model(point, "nothing is measured yet: the sample least like what failed")

    def _without_model(self, point: dict[str, Value], words: str) -> Suggestion:
        p_feasible = float(feasibility(self._space, self._taught, self._settings).at(self._space.encode([point]))[0])
        new = novelty(self._space, point, [o.point for o in measured(self._known)])
        return Suggestion(
            self._number,
            point,
            "design",
            f"{words}; P(feasible) {p_feasible:.2f}",
            p_feasible=p_feasible,
            extrapolating=new.extrapolating,
            nearest=new.nearest,
        )

    def _from_model(self) -> Suggestion:
        belief = self._search.belief(self._taught, self._pending, self._number)
        if not (self._search.further or self._settings.per_hour):
            return self._explained(belief, None, self._best_column(belief))
        joint = Compromise(
            self._space,
            self._search.objective,
            self._search.further,
            self._settings,
            self._taught,
            first=belief,
            pending=self._pending,
            rng=stream(self._search.seed, "compromise", self._number),
        )
        column = best_sample(joint, self._space, self._settings.samples, self._used, self._rng())
        return self._explained(belief, joint, column)

    def _best_column(self, belief: Belief) -> FloatArray:
        """Return the encoded point of the largest acquisition, shape (1, n_columns): of the grid, else of samples."""
        lattice, found = self._search.lattice, None
        if lattice is not None:
            taken = lattice.places(self._used, within=SAME)
            # Where every point of the grid was tried, replicates are due.
            found = summit(belief, lattice, taken if len(taken) < lattice.n_allowed else taken[:0])
        if found is not None:
            return found
        if not belief.is_averaged:
            return best_sample(belief, self._space, self._settings.samples, self._used, self._rng())
        good = self._space.encode([o.point for o in measured(self._taught)])
        tidy = None if lattice is None else lattice.rounded
        return climbed(belief, self._space, self._settings.samples, self._used, self._rng(), known=good, tidy=tidy)

    def _explained(self, belief: Belief, joint: Compromise | None, column: FloatArray) -> Suggestion:
        """Return the suggestion of an encoded point, shape (1, n_columns), with its reasons."""
        objective, outlook = self._search.objective, belief.at(column)
        chosen_by = belief if joint is None else joint
        whole = chosen_by.at(column)
        point = _legible(self._space, self._space.points(column)[0])
        new = novelty(self._space, point, [o.point for o in measured(self._known)])
        suggestion = Suggestion(
            self._number,
            point,
            kind="model",
            why="",
            mean=float(objective.predicted(outlook.score)[0]),
            sd=float(objective.predicted_sd(outlook.score, outlook.sd)[0]),
            acquisition=float(chosen_by.promise(whole)[0]),
            acquisition_name=self._settings.acquisitions[0],
            p_feasible=float(whole.p_feasible[0]),
            source_weight=belief.surrogate.source_weight_,
            source_evidence=belief.surrogate.source_evidence_,
            extrapolating=new.extrapolating,
            nearest=new.nearest,
            expected_gain=None if joint is not None else self._expected_gain(belief, outlook),
            further={} if joint is None else joint.predicted(column),
        )
        reasons = why(suggestion, objective, belief, new, joint)
        if len(self._taught) < len(self._known):
            reasons += f"; learned from {len(self._taught)} of {len(self._known)} rows (planner.most_rows)"
        return replace(suggestion, why=reasons)

    def _expected_gain(self, belief: Belief, outlook: Outlook) -> float:
        """Return what a run is expected to gain over the best prediction at a measured row, in the objective's unit."""
        best = belief.reference.best
        before, after = self._search.objective.predicted(
            np.array([best, best + expected_gain(outlook, belief.reference)])
        )
        return float(abs(after - before))

    def _samples(self) -> FloatArray:
        return samples(self._space, self._settings.samples, self._used, self._rng())

    def _rng(self) -> np.random.Generator:
        return stream(self._search.seed, "planner", self._number)


def measured(known: Sequence[Observation]) -> list[Observation]:
    """Return the observations that have a value."""
    return [o for o in known if o.value is not None]


def _legible(space: ParameterSpace, point: dict[str, Value]) -> dict[str, Value]:
    """Return a point with twelve digits, 1.397 for 1.3969999999999998, where nothing forbids it."""
    if space.candidates is not None or space.has_equality:
        return point
    short = {name: float(f"{value:.12g}") if isinstance(value, float) else value for name, value in point.items()}
    try:
        checked = space.check(short)
    except SpaceError:  # a bound of more digits
        return point
    return checked if space.allowed(space.encode([checked]))[0] else point
