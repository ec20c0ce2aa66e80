"""Which rows models learn from in a long campaign: enough to predict, few enough to answer in time."""

import numpy as np
import pytest

from orchestrator.config.schema import PlannerConfig
from orchestrator.objective import Objective
from orchestrator.planner import Observation, Planner
from orchestrator.planner.teaching import taught
from orchestrator.space import Parameter, ParameterSpace

SPACE = ParameterSpace([Parameter("x"), Parameter("y")])
YIELD, COST = Objective("yield", "g"), Objective("cost", "eur", goal="minimise")


def rows(n: int, seed: int = 0) -> list[Observation]:
    """A hill, measured with noise; nothing grows where x is below 0.1, and now and then the tool fails."""
    rng = np.random.default_rng(seed)
    found = []
    for i, point in enumerate(SPACE.sample(n, rng)):
        x, y = float(point["x"]), float(point["y"])
        value = float(np.exp(-8 * (x - 0.7) ** 2 - 8 * (y - 0.3) ** 2) + 0.02 * rng.standard_normal())
        if x < 0.1:
            found.append(Observation(point, failure="infeasible", reason="nothing grew"))
        elif i % 10 == 9:
            found.append(Observation(point, failure="instrument", reason="link lost"))
        else:
            found.append(Observation(point, value, further={"cost": y, "hours": x}))
    return found


def planner(most_rows: int | None = 40) -> Planner:
    settings = PlannerConfig(surrogate="joint-gp", initial_runs=2, samples=256, most_rows=most_rows)
    return Planner(SPACE, YIELD, settings, seed=1)


@pytest.mark.parametrize("most", [None, 60, 1000])
def test_all_rows_teach_where_there_are_not_too_many(most: int | None) -> None:
    """Instrument failures, which say nothing of their point, do not count."""
    known = rows(65)
    assert taught(known, most, SPACE, [YIELD]) is known


def test_rows_that_teach_are_the_best_the_latest_and_well_spread_ones() -> None:
    """In their order, as many as are asked for, failures among them, and no place of the space is far from one."""
    known = rows(2000)
    telling = [o for o in known if o.failure != "instrument"]
    found = taught(known, 100, SPACE, [YIELD])
    places = [telling.index(o) for o in found]
    assert places == sorted(set(places))
    assert len(found) == 100
    best = sorted((o for o in telling if o.value is not None), key=lambda o: -(o.value or 0.0))
    assert all(o in found for o in best[:20])
    assert found[-20:] == telling[-20:]
    assert sum(o.failure == "infeasible" for o in found) >= 5
    columns, everywhere = SPACE.encode([o.point for o in found]), SPACE.encode([o.point for o in telling])
    apart = np.sqrt(((everywhere[:, None] - columns[None]) ** 2).sum(axis=2)).min(axis=1)
    assert apart.max() < 0.1


def test_each_objective_has_its_best_rows_among_those_that_teach() -> None:
    """What is cheapest is kept as what yields most."""
    known = rows(1000)
    found = taught(known, 50, SPACE, [YIELD, COST])
    measured = [o for o in known if o.value is not None]
    assert max(measured, key=lambda o: o.value or 0.0) in found
    assert min(measured, key=lambda o: o.further["cost"]) in found


def test_replicates_of_a_few_points_teach_the_latest_of_them() -> None:
    """Where there is nothing left to spread, the latest are taken."""
    known = [Observation({"x": i % 3 / 2, "y": 0.5}, float(i % 7)) for i in range(300)]
    found = taught(known, 30, SPACE, [YIELD])
    assert len(found) == 30
    assert {o.point["x"] for o in found} == {0.0, 0.5, 1.0}
    assert sum(o is k for o, k in zip(reversed(found), reversed(known), strict=False)) >= 20


def test_suggestion_says_that_it_learned_from_some_rows_only() -> None:
    """With the key to change it; where all teach, nothing is said, and it is the suggestion without the key."""
    known = rows(300)
    told = planner().ask(known, number=301)
    assert told.why.endswith("; learned from 40 of 300 rows (planner.most_rows)")
    few = rows(36)
    assert planner().ask(few, number=37) == planner(None).ask(few, number=37)


def test_prediction_from_some_rows_is_near_that_from_all() -> None:
    """At the optimum, and across the space."""
    known = rows(300)
    points = SPACE.sample(50, np.random.default_rng(9))
    some, _ = planner(80).predict(known, points)
    every, _ = planner(None).predict(known, points)
    assert np.sqrt(np.mean((some - every) ** 2)) < 0.03
