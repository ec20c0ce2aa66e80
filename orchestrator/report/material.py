"""What the figures and tables are made from, read once from ledger and planner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instruments.driver import Reading
from orchestrator.display.summary import Summary, summary
from orchestrator.display.wording import clean, named, with_unit
from orchestrator.engine.history import observations
from orchestrator.ledger import Ledger, Run, State
from orchestrator.objective import Objective
from orchestrator.objective.merit import Merit
from orchestrator.planner import Planner
from orchestrator.planner.suggestion import Observation
from orchestrator.recipe import Point
from orchestrator.space import Parameter, ParameterSpace


@dataclass(frozen=True)
class Material:
    """One campaign, ready to be shown.

    Args:
        summary: What it came to.
        state: The ledger's state.
        planner: Predicts what was not measured.
        initial: The rows of this tool it began with.
        readings: What was read in the best run, by `role.action`.
    """

    summary: Summary
    state: State
    planner: Planner
    initial: Sequence[Observation]
    readings: Mapping[str, Reading]

    @property
    def space(self) -> ParameterSpace:
        """The parameters, in the order of the configuration."""
        return self.planner.space

    @property
    def objective(self) -> Objective:
        """What is measured."""
        return self.summary.objective

    @property
    def merit(self) -> Merit:
        """What runs are compared by."""
        return Merit(self.objective, self.planner.further)

    @property
    def units(self) -> dict[str, str]:
        """The unit of each parameter, in the order of the configuration."""
        return {p.name: p.unit for p in self.space.parameters}

    @property
    def runs(self) -> list[Run]:
        """Every run, by number."""
        return list(self.state.runs.values())

    @property
    def measured(self) -> list[Run]:
        """Runs with a value, by number."""
        return [run for run in self.runs if run.value is not None]

    @property
    def failed(self) -> list[Run]:
        """Runs that are over without a value, by number."""
        return [run for run in self.runs if run.stage == "finished" and run.value is None]

    @property
    def observed(self) -> list[Observation]:
        """What came of the finished runs."""
        return observations(self.state)

    @property
    def known(self) -> list[Observation]:
        """What the planner would know now: initial rows and finished runs."""
        return [*self.initial, *self.observed]

    @property
    def anchor(self) -> Point | None:
        """The point that maps go through: of the best run, else of the best initial row (one that keeps the limits)."""
        if self.summary.best is not None:
            return self.summary.best.point
        best = max(
            self.initial,
            key=lambda o: (self.merit.keeps(o.further), self.objective.score(o.value or 0.0)),
            default=None,
        )
        return None if best is None else best.point

    def predict(self, points: Sequence[Point]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what the planner predicts now: mean and sd, arrays of shape (n_points,), in the objective's unit."""
        return self.planner.predict(self.observed, points)

    def axis(self, name: str) -> str:
        """Return the label of an axis for a parameter."""
        return with_bracket(name, self.units[name])

    def name(self, parameter: Parameter) -> str:
        """Return the name of a parameter as people read it."""
        return named(parameter.name, parameter.unit)

    @property
    def objective_name(self) -> str:
        """The name of the objective as people read it."""
        return named(self.objective.name, self.objective.unit)

    @property
    def value_axis(self) -> str:
        """The label of an axis for the objective."""
        return with_bracket(self.objective.name, self.objective.unit)


def with_bracket(name: str, unit: str) -> str:
    """Return `power [W]`, or the name alone for a pure number."""
    return with_unit(clean(named(name, unit), 40), "" if unit == "1" else f"[{unit}]")


def gather(ledger: Ledger, planner: Planner) -> Material:
    """Read everything that the report shows."""
    state = ledger.state
    facts = summary(state)
    return Material(facts, state, planner, planner.past, _readings(ledger, facts.best))


def _readings(ledger: Ledger, best: Run | None) -> dict[str, Reading]:
    done = [step for step in best.steps if step.status == "done"] if best is not None else []
    return {f"{step.instrument}.{step.action}": ledger.reading(step.last) for step in done}
