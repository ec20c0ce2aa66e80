"""Suggestions within constraints: whatever the planner does to find one, it is allowed."""

import numpy as np
import pytest

from orchestrator.config.schema import PlannerConfig
from orchestrator.objective import Objective
from orchestrator.planner import Planner
from orchestrator.planner.lattice import Lattice
from orchestrator.planner.sampling import best_sample
from orchestrator.space import Parameter, ParameterSpace

OBJECTIVE = Objective("conductivity", "uS/cm")
A, B, C = (Parameter(name) for name in "abc")
WHOLE = [Parameter(name, low=0, high=10, levels=tuple(range(11))) for name in "abc"]


@pytest.mark.parametrize(
    "space",
    [
        ParameterSpace([A, B], constraints=["a + b <= 1"]),
        ParameterSpace([A, B, C], constraints=["a + b + c <= 0.106"]),
        ParameterSpace([A, B, C], constraints=["a + b + c == 1", "a * b <= 0.1"]),
        ParameterSpace(WHOLE, constraints=["a + b + c == 10"]),
        ParameterSpace([A, Parameter("b", fixed=0.25), Parameter("c", low=3, high=3, fixed=3.0)]),
        ParameterSpace(
            [A, Parameter("b", fixed=0.25), Parameter("gas", choices=("Ar", "N2"))], constraints=["a + b <= 1"]
        ),
    ],
    ids=["half", "tiny", "fractions", "whole", "fixed", "mixed"],
)
def test_planner_suggests_only_what_is_allowed(space):
    """From the design to the model, with the optimum beyond the constraints and one run in four failing."""
    planner = Planner(space, OBJECTIVE, PlannerConfig(surrogate="gp", initial_runs=3, samples=128), seed=2)
    for n in range(9):
        point = planner.suggest().point
        assert space.check(point) == point
        assert space.allowed(space.encode([point])).all()
        value = sum(v for v in point.values() if not isinstance(v, str))
        planner.tell(point, **({"failure": "infeasible"} if n % 4 == 1 else {"value": float(value)}))


class Known:
    """A belief that knows the objective."""

    def __init__(self, promise):
        self.promise = promise

    def at(self, columns):
        """Return the points themselves."""
        return columns


@pytest.mark.parametrize(
    ("constraint", "promise", "best"),
    [
        ("a + b <= 1", lambda x: -((x[:, 0] - 0.8) ** 2) - (x[:, 1] - 0.9) ** 2, -2 * 0.35**2),
        ("a + b + c <= 0.1", lambda x: x[:, 0], 0.1),
        ("abs(a * b - 0.25) <= 1e-5", lambda x: -((x[:, 0] - 0.55) ** 2) - (x[:, 2] - 0.5) ** 2, 0.0),
        ("a + b + c == 1", lambda x: x.prod(axis=1), 1 / 27),
    ],
)
def test_sampling_finds_the_largest_promise_in_a_thin_region(constraint, promise, best):
    """On a boundary, along a curve, in a corner: within a thousandth of the unit cube's scale."""
    space = ParameterSpace([A, B, C], constraints=[constraint])
    found = best_sample(Known(promise), space, 4096, np.empty((0, 3)), np.random.default_rng(0))
    assert space.allowed(found).all()
    assert best - promise(found)[0] < 1e-3


def test_planner_leaves_the_grid_where_it_would_miss_a_thin_region():
    """A curve passes between nearly all points of a grid; whole numbers are all on it, however few are allowed."""
    curve = ParameterSpace([A, B], constraints=["abs(a * b - 0.25) <= 1e-5"])
    few = ParameterSpace(WHOLE, constraints=["a * b * c >= 900"])
    assert Lattice.of(curve, 201, natural=False) is None
    assert Lattice.of(few, 201, natural=False).n_allowed == 4


def test_planner_learns_across_contexts_where_past_rows_differ():
    """Rows of another tool count: the prediction at the fixed value follows them."""
    space = ParameterSpace([A, Parameter("tool", choices=("old", "new"), fixed="new")])
    planner = Planner(space, OBJECTIVE, PlannerConfig(surrogate="gp", initial_runs=3, samples=128), seed=2)
    for a in np.linspace(0, 1, 6):
        planner.tell({"a": a, "tool": "old"}, float(a))
    suggestion = planner.suggest()
    assert (suggestion.kind, suggestion.point["tool"]) == ("model", "new")
    low, high = planner.predict(planner.observations, [{"a": a, "tool": "new"} for a in (0.1, 0.9)])[0]
    assert low < high
