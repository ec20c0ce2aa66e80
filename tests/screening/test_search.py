"""The search of a screening: grids, optima, constraints, truth."""

import numpy as np
import pytest

from orchestrator.objective import Objective
from orchestrator.screening.optimum import axes_of, optimum, predicted
from orchestrator.space import Parameter, ParameterSpace

HEAT, TIME = Parameter("heat", "K", 0, 50), Parameter("time", "s", 1, 9)


class Plane:
    """Predicts the sum of its columns."""

    def predict(self, X):
        """Return the sum of each row."""
        return np.asarray(X, dtype=float).sum(axis=1)


def test_axes_are_even_and_keep_both_ends():
    """Two hundred levels by default, on the scale of the parameter; choices and fixed values as they are."""
    dose = Parameter("dose", "1", 1, 100, scale="log")
    gas = Parameter("gas", choices=("N2", "Ar"))
    axes = axes_of(ParameterSpace([dose, gas, Parameter("line", "1", 0, 1, fixed=0.5)]), 3)
    assert axes["dose"] == pytest.approx((1, 10, 100))
    assert axes["gas"] == ("N2", "Ar")
    assert axes["line"] == (0.5,)
    assert len(axes_of(ParameterSpace([HEAT]))["heat"]) == 200


@pytest.mark.parametrize(("n", "levels"), [(3, 200), (4, 53), (5, 24), (8, 7)])
def test_axes_of_many_parameters_stay_within_eight_million_points(n, levels):
    """The largest even grid below the limit; a number that is asked for may be larger."""
    space = ParameterSpace([Parameter(f"p{i}", "1", 0, 1) for i in range(n)])
    assert {len(axis) for axis in axes_of(space).values()} == {levels}
    assert levels**n <= 200**3 < (levels + 1) ** n
    assert len(axes_of(space, 2)["p0"]) == 2


def test_axes_of_long_lattices_are_thinned():
    """A thousand whole numbers become as many even ones as were asked for."""
    n = Parameter("n", "1", 1, 1000, tuple(range(1, 1001)))
    assert axes_of(ParameterSpace([n]), 4)["n"] == (1, 334, 667, 1000)


@pytest.mark.parametrize("is_natural", [True, False])
def test_predictions_on_a_grid_are_those_at_its_points(is_natural):
    """Choices and numbers mixed, in own units or in the unit cube."""
    space = ParameterSpace(
        [HEAT, Parameter("gas", choices=("N2", "Ar", "He")), TIME, Parameter("t", fixed=3.0, low=3, high=3)]
    )
    axes = axes_of(space, 4)
    values = predicted(space, Plane(), axes, is_natural=is_natural)
    assert values.shape == (4, 3, 4, 1)
    point = {name: axes[name][i] for name, i in zip(space.names, (2, 1, 3, 0), strict=True)}
    assert values[2, 1, 3, 0] == pytest.approx(space.encode([point], natural=is_natural).sum())


@pytest.mark.parametrize(("goal", "heat"), [("maximise", 50.0), ("minimise", 0.0)])
def test_optimum_follows_the_goal(goal, heat):
    """The largest or the smallest prediction, with its point."""
    space = ParameterSpace([HEAT, TIME])
    axes = axes_of(space, 5)
    values = predicted(space, Plane(), axes, is_natural=True)
    point, value, n_tied = optimum(space, Objective("rate", "1", goal), values, axes)
    assert (point["heat"], n_tied) == (heat, 1)
    assert value == values.max() if goal == "maximise" else value == values.min()


def test_optimum_of_a_step_is_taken_at_its_middle():
    """Of points that share the best value the one nearest their centre is named, and their number told."""
    space = ParameterSpace([HEAT, TIME])
    axes = axes_of(space, 5)
    values = np.zeros((5, 5))
    values[2:, :3] = 1.0
    point, value, n_tied = optimum(space, Objective("rate"), values, axes)
    assert (value, n_tied) == (1.0, 9)
    assert point == {"heat": axes["heat"][3], "time": axes["time"][1]}


def test_optimum_is_allowed_by_the_constraints():
    """A better point that breaks a rule is passed over."""
    space = ParameterSpace([HEAT, TIME])
    axes = axes_of(space, 5)
    values = predicted(space, Plane(), axes, is_natural=True)
    allowed = np.add.outer(np.array(axes["heat"]), np.array(axes["time"])) <= 40
    point, value, _ = optimum(space, Objective("rate"), values, axes, allowed)
    assert value == values[allowed].max()
    assert point["heat"] + point["time"] <= 40
