"""Screenings of small made-up studies, each made once."""

from pathlib import Path

import numpy as np
import pytest

from orchestrator.data import Rows
from orchestrator.objective import Objective
from orchestrator.screening.catalogue import chosen
from orchestrator.screening.material import Material
from orchestrator.screening.screen import screen
from orchestrator.space import Parameter, ParameterSpace


def study(
    parameters,
    value,
    *,
    n=14,
    goal="maximise",
    models=("svr:scaled",),
    levels=9,
    pool=False,
    constraints=(),
    seed=4,
    origins=("simulated",),
):
    """Screen models on rows drawn at random from a function of the point, given in the unit cube."""
    rng = np.random.default_rng(seed)
    free = ParameterSpace(parameters, constraints=constraints)
    points = tuple(free.sample(n, rng))
    space = ParameterSpace(parameters, points) if pool else free
    values = np.array([value(x) for x in free.encode(points)])
    texts = tuple(origins[i % len(origins)] for i in range(n))
    rows = Rows(Path("rows.csv"), "0" * 64, points, values, None, texts, ("",) * n, ("SYNTHETIC <rows>",))
    material = Material("study", space, Objective("rate", "nm/min", goal), rows, None, (), None, "", "no truth: a test")
    return screen(material, chosen(list(models)), levels)


@pytest.fixture(scope="session")
def oven():
    """Three numbers, of which the second matters most and the third not at all."""
    parameters = [Parameter("heat", "K", 0, 50), Parameter("time", "s", 1, 9), Parameter("colour", "1", 0, 1)]
    return study(parameters, lambda x: 3 + x[0] + 4 * x[1] - 4 * x[1] ** 2, n=24, models=("svr:scaled", "gp"))


@pytest.fixture
def make():
    """Return the maker of studies."""
    return study
