"""Points drawn at random: a baseline, and a turn among other acquisitions."""

import numpy as np
import pytest
from pydantic import ValidationError

from orchestrator.config.schema import PlannerConfig
from orchestrator.objective import Objective
from orchestrator.planner import Observation, Planner
from orchestrator.space import Parameter, ParameterSpace

SPACE = ParameterSpace([Parameter("x", low=0, high=10), Parameter("y", low=0, high=1)], constraints=["x * y <= 2"])


def planner(space: ParameterSpace = SPACE, acquisition: object = "random") -> Planner:
    return Planner(space, Objective("z"), PlannerConfig(acquisition=acquisition, initial_runs=2), seed=5)


def rows(n: int) -> list[Observation]:
    rng = np.random.default_rng(n)
    return [Observation(point, float(rng.random())) for point in SPACE.sample(n, rng)]


def test_random_points_depend_on_seed_and_number_alone() -> None:
    """Whatever was measured, and however much, the same number gives the same point; another number gives another."""
    asked = planner()
    one, again, other = asked.ask(rows(3), number=4), asked.ask(rows(40), number=4), asked.ask(rows(3), number=5)
    assert one.point == again.point != other.point
    assert (one.kind, one.mean, one.why) == ("random", None, "drawn at random")


def test_random_points_keep_the_constraints_and_fill_the_space() -> None:
    """They are spread over what is allowed."""
    asked = planner()
    points = [asked.ask(rows(3), number=n).point for n in range(3, 83)]
    assert all(not SPACE.broken(point) for point in points)
    x = np.array([float(point["x"]) for point in points])
    assert (x < 3).any()
    assert (x > 7).any()


def test_random_comes_after_the_initial_design_and_takes_its_turn() -> None:
    """The first points are those of the design; then acquisitions take turns by number."""
    assert planner().ask([], number=1).kind == "design"
    mixed = planner(acquisition=["mean", "random"])
    assert [mixed.ask(rows(6), number=n).kind for n in (7, 8)] == ["model", "random"]


def test_random_points_of_a_pool_are_not_repeated_before_it_is_spent() -> None:
    """Every candidate once, then replicates."""
    pool = [{"x": float(i)} for i in range(5)]
    space = ParameterSpace([Parameter("x", low=0, high=4)], candidates=pool)
    asked, known = planner(space), [Observation({"x": 0.0}, 1.0), Observation({"x": 1.0}, 1.0)]
    for number in range(3, 6):
        known.append(Observation(asked.ask(known, number=number).point, 1.0))
    assert sorted(float(o.point["x"]) for o in known) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert asked.ask(known, number=6).point in pool


def test_random_turn_is_refused_per_hour() -> None:
    """A draw is no gain, so it cannot be counted by the hour."""
    with pytest.raises(ValidationError, match="random is no gain"):
        PlannerConfig(acquisition=["ei", "random"], per_hour=True)
