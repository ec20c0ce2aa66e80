"""The boundary of what can be made, and keeping away from it."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from instruments.driver import FailureClass
from orchestrator.config.schema import PlannerConfig
from orchestrator.objective import Objective
from orchestrator.planner import Observation, Planner
from orchestrator.planner.acquisition import Outlook, Reference, evaluate
from orchestrator.planner.boundary import Boundary
from orchestrator.space import Parameter, ParameterSpace

RNG = np.random.default_rng(5)
CAREFUL = PlannerConfig(mode="averaged", failures="avoid", initial_runs=4, samples=256)


def test_boundary_runs_along_the_parameter_that_matters():
    """Failures at low values of the third column close that side everywhere, and no other."""
    good = np.column_stack([RNG.random((20, 2)), RNG.uniform(0.15, 1, 20)])
    bad = np.array([[0.1, 0.2, 0.0], [0.8, 0.4, 0.02], [0.4, 0.9, 0.01]])
    model = Boundary(np.vstack([good, bad]), np.array([0.0] * 20 + [1.0] * 3))
    elsewhere = np.array([[0.95, 0.95, 0.01], [0.05, 0.95, 0.01]])
    assert (model.at(elsewhere) < 0.5).all()
    assert (model.at(elsewhere + np.array([0, 0, 0.4])) > 0.7).all()


def test_boundary_of_nothing_known_is_ninety_percent():
    """Before the first failure every point is as good as any other."""
    X = RNG.random((5, 2))
    assert Boundary(X, np.zeros(5)).at(X) == pytest.approx(0.9, abs=1e-3)
    assert Boundary(np.empty((0, 2)), np.empty(0)).at(X) == pytest.approx(0.9, abs=1e-3)


def test_boundary_is_near_the_exact_posterior_of_two_runs():
    """One success and one failure: the probability in between, integrated over both latent scores.

    Laplace's approximation is known to be too cautious, on the safe side here.
    """
    X, z = np.array([[0.2], [0.8]]), np.array([[0.3]])
    model = Boundary(X, np.array([0.0, 1.0]))
    points = np.vstack([X, z]) / model._lengths
    middle = np.vstack([X, z]) - 0.5
    kernel = model._size**2 * (np.exp(-0.5 * (points - points.T) ** 2) + 12 * middle @ middle.T)
    known, gain = kernel[:2, :2], np.linalg.solve(kernel[:2, :2], kernel[:2, 2])
    left = kernel[2, 2] - gain @ kernel[:2, 2]
    a, b = np.meshgrid(*[np.linspace(-14, 14, 561)] * 2)
    weight = multivariate_normal(np.zeros(2), known).pdf(np.dstack([a, b]))
    weight *= norm.cdf(a + 1.28) * norm.cdf(-b - 1.28)
    exact = (weight * norm.cdf((1.28 + gain[0] * a + gain[1] * b) / np.sqrt(1 + left))).sum() / weight.sum()
    assert exact - 0.1 < model.at(z)[0] < exact


def test_weak_failure_lowers_less_than_a_whole_one():
    """A lost sample says little of the point, an infeasible run much."""
    X = np.vstack([RNG.random((8, 2)), [[0.5, 0.5]]])
    weak, whole = (Boundary(X, np.append(np.zeros(8), f)).at(X[-1:])[0] for f in (0.3, 1.0))
    assert whole < weak < 0.9


def test_risky_points_are_behind_all_others():
    """Whatever they promise, and the less the riskier they are."""
    outlook = Outlook(
        np.array([5.0, 0.1, 9.0]), np.ones(3), np.array([0.4, 0.9, 0.2]), is_risky=np.array([True, False, True])
    )
    for name in ("ei", "pi", "ucb", "mean"):
        promise = evaluate(PlannerConfig(acquisition=name), outlook, Reference(1.0, 0.0, 0.5))
        assert np.argsort(-promise).tolist() == [1, 0, 2], name


def test_members_are_asked_each_with_its_own_best():
    """The mean of two members' expected improvement: not that of their mixture."""
    members = np.array([[0.0], [2.0]]), np.array([[0.1], [0.3]])
    outlook = Outlook(np.array([1.0]), np.array([1.0]), np.array([0.8]), members=members)
    best, noises = np.array([0.2, 1.9]), np.array([0.4, 0.0])
    found = evaluate(PlannerConfig(xi=0), outlook, Reference(1.5, 0.0, 1.0, members=(best, noises)))

    def gain(mean: float, sd: float, best: float) -> float:
        z = (mean - best) / sd
        return sd * (z * norm.cdf(z) + norm.pdf(z))

    moved = 0.1**2 / np.sqrt(0.1**2 + 0.4**2)
    assert found[0] == pytest.approx(0.8 * (gain(0.0, moved, 0.2) + gain(2.0, 0.3, 1.9)) / 2)


def test_known_top_is_left_for_what_a_noisy_run_can_tell():
    """Refining the best by less than the noise promises more than looking far away, until the noise is counted."""
    top, far = (1.0, 0.05), (0.6, 0.3)
    members = np.array([[top[0], far[0]]]), np.array([[top[1], far[1]]])
    outlook = Outlook(members[0][0], members[1][0], np.ones(2), members=members)

    def chosen(noise: float) -> int:
        reference = Reference(1.0, 0.0, 1.0, members=(np.array([1.0]), np.array([noise])))
        return int(evaluate(PlannerConfig(xi=0), outlook, reference).argmax())

    assert [chosen(0.0), chosen(0.1)] == [0, 1]


def planner(**more: object) -> Planner:
    space = ParameterSpace([Parameter("x"), Parameter("y")])
    return Planner(space, Objective("value"), CAREFUL.model_copy(update=more), seed=1)


def known() -> list[Observation]:
    """A slope whose top lies behind a boundary at x = 0.6."""
    runs = []
    for x, y in np.random.default_rng(2).random((14, 2)):
        point = {"x": float(x), "y": float(y)}
        failed = x > 0.6
        runs.append(Observation(point, None if failed else 1 + x, failure=FailureClass.INFEASIBLE if failed else None))
    return runs


def test_planner_keeps_to_the_good_side_of_a_boundary():
    """The best lies behind it, and all that is suggested lies before it, with the probability that it asks for."""
    suggestion = planner().ask(known(), number=15)
    assert suggestion.point["x"] < 0.65
    assert suggestion.p_feasible > 0.8


@pytest.mark.parametrize("acquisition", ["ei", "ucb", "pi", "mean"])
def test_careful_planner_suggests_a_new_point_on_its_grid(acquisition):
    """Half percents of the range, not a point that was tried, the same when asked again."""
    asked = planner(acquisition=acquisition)
    first = asked.ask(known(), number=15)
    assert first == asked.ask(known(), number=15)
    assert all(value * 200 == pytest.approx(round(value * 200)) for value in first.point.values())


def test_careful_planner_goes_on_where_everything_failed():
    """Nothing was measured: the point least like what failed."""
    runs = [
        Observation({"x": x, "y": y}, None, failure=FailureClass.INFEASIBLE) for x in (0.1, 0.3) for y in (0.2, 0.8)
    ]
    assert planner().ask(runs, number=5).point["x"] > 0.5
