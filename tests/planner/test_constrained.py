"""Suggestions within constraints: whatever the planner does to find one, it is allowed."""

import numpy as np
import pytest

from orchestrator.config.schema import PlannerConfig
from orchestrator.objective import Objective
from orchestrator.planner import Planner
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
