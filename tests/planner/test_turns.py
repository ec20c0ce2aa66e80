"""Acquisitions that take turns, and objectives whose effects are shares of the value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orchestrator.config.schema import PlannerConfig
from orchestrator.objective import Objective
from orchestrator.planner import Observation, Planner
from orchestrator.space import Parameter, ParameterSpace

SPACE = ParameterSpace([Parameter("x")])
LOG = Objective("yield", "g", scale="log")


def planner(objective: Objective = LOG, **settings: object) -> Planner:
    asked = {"surrogate": "joint-gp", "initial_runs": 1, "samples": 256} | settings
    return Planner(SPACE, objective, PlannerConfig(**asked), seed=1)


def rows(factor: float = 1.0) -> list[Observation]:
    """A hill over three orders of magnitude."""
    return [Observation({"x": x}, factor * 10 ** (1 - 3 * abs(x - 0.6))) for x in np.linspace(0, 1, 9).tolist()]


def test_acquisitions_take_turns_by_number() -> None:
    """One for each suggestion, in the order of the configuration."""
    asked = planner(acquisition=["ucb", "ucb", "mean"])
    names = [asked.ask(rows(), number=n).acquisition_name for n in (1, 2, 3, 4, 6)]
    assert names == ["ucb", "ucb", "mean", "ucb", "mean"]


def test_mean_is_where_the_prediction_is_best() -> None:
    """Nothing that is asked for is predicted better than what comes at the turn of the mean."""
    asked = planner(acquisition=["mean"])
    found = asked.ask(rows(), number=1)
    predicted, _ = asked.predict(rows(), [{"x": x} for x in np.linspace(0, 1, 400).tolist()])
    assert found.mean == pytest.approx(predicted.max(), rel=1e-2)


def test_turn_without_a_gain_is_refused_per_hour() -> None:
    """The best prediction is no gain, so it cannot be counted by the hour."""
    with pytest.raises(ValidationError, match="mean is no gain"):
        PlannerConfig(acquisition=["ei", "mean"], per_hour=True)


def test_log_scale_suggests_the_same_whatever_the_unit() -> None:
    """Values in mg or in g: the same point, and a prediction a thousand times larger."""
    one, other = planner().ask(rows(), number=1), planner().ask(rows(1e3), number=1)
    assert one.point == other.point
    assert other.mean == pytest.approx(1e3 * (one.mean or 0.0), rel=1e-6)
    assert other.sd == pytest.approx(1e3 * (one.sd or 0.0), rel=1e-6)
    assert other.expected_gain == pytest.approx(1e3 * (one.expected_gain or 0.0), rel=1e-6)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=9), st.sampled_from(["maximise", "minimise"]))
def test_log_scale_there_and_back(values: list[float], goal: str) -> None:
    """What a surrogate is taught stands for the value, in the order of merit."""
    objective, array = Objective("y", "g", goal, scale="log"), np.array(values)
    scores = objective.taught(array)
    assert objective.predicted(scores) == pytest.approx(array, rel=1e-9)
    assert (np.argsort(scores, kind="stable") == np.argsort(objective.sign * np.log(array), kind="stable")).all()


def test_log_scale_takes_nothing_for_the_least_there_is() -> None:
    """A film that does not conduct has no logarithm; it counts as the worst that does."""
    assert LOG.taught(np.array([0.0, 2.0, 8.0, -1.0])).tolist() == np.log([2.0, 2.0, 8.0, 2.0]).tolist()


def test_failures_told_to_feasibility_alone_leave_the_prediction_to_measured_rows() -> None:
    """An infeasible run beside the top lowers what is predicted there only where it counts as the worst value."""
    failed = Observation({"x": 0.65}, failure="infeasible")

    def top(failures: str, *more: Observation) -> float:
        return float(planner(failures=failures).predict([*rows(), *more], [{"x": 0.6}])[0][0])

    assert top("feasibility", failed) == top("feasibility")
    assert top("worst", failed) < 0.9 * top("worst")
    suggested = planner(failures="feasibility").ask([*rows(), failed], number=1)
    assert (suggested.p_feasible or 1.0) < 0.9
