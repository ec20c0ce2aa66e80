"""What a screening says of a whole grid of predictions: the window and the parameters that drive it."""

import numpy as np
import pytest

from orchestrator.objective import Objective
from orchestrator.screening.landscape import good_candidates, region
from orchestrator.space import Parameter, ParameterSpace

SPACE = ParameterSpace([Parameter("power", "W", 0.0, 10.0), Parameter("gas", choices=("argon", "nitrogen"))])
AXES = {"power": tuple(np.linspace(0.0, 10.0, 11).tolist()), "gas": ("argon", "nitrogen")}
MUCH = Objective("rate", "nm/min")


def test_region_is_told_at_the_choices_of_the_optimum():
    """A number's range is that of the optimum's gas, in the parameter's unit."""
    values = np.zeros((11, 2))
    values[3:6, 1], values[0:9, 0] = [9.6, 10.0, 9.7], 9.9
    found = region(SPACE, MUCH, values, AXES, {"power": 4.0, "gas": "nitrogen"})
    assert found.ranges == {"power": (3.0, 5.0)}
    assert found.share == pytest.approx(3 / 11)


def test_region_without_numbers_is_none():
    """Choices alone have no window."""
    gas = ParameterSpace([Parameter("gas", choices=("argon", "nitrogen"))])
    assert region(gas, MUCH, np.array([1.0, 2.0]), {"gas": ("argon", "nitrogen")}, {"gas": "nitrogen"}) is None


@pytest.mark.parametrize(("goal", "values"), [("maximise", [1.0, 9.9, 10.0, 9.0]), ("minimise", [3.0, 1.02, 1.0, 2.0])])
def test_good_candidates_are_those_of_the_table_within_five_percent(goal, values):
    """Of a pool the range is that of its own points."""
    pool = [{"power": power, "gas": "argon"} for power in (1.0, 2.0, 7.0, 8.0)]
    found = good_candidates(SPACE, Objective("rate", goal=goal), np.array(values), pool)
    assert found.ranges == {"power": (2.0, 7.0)}
    assert found.share == 0.5
