"""Surrogates that take a grid apart say the same on it as at its points."""

import numpy as np
import pytest

from orchestrator.config.schema import PlannerConfig
from orchestrator.grid import maximum, traverse
from orchestrator.grid.expansion import field_of
from orchestrator.grid.fields import Predicted
from orchestrator.surrogates import build

CHEAPER = ("ann", "random-forest", "gradient-boosting", "tradaboost", "ratio")


@pytest.mark.parametrize("name", CHEAPER)
@pytest.mark.parametrize("sizes", [(7,), (5, 70, 80)], ids=["one column", "three columns"])
def test_surrogate_says_the_same_on_a_grid_as_at_its_points(name, sizes):
    """All values, and the best point; tree steps to the last bit."""
    rng = np.random.default_rng(0)
    X, y = rng.random((14, len(sizes))), rng.random(14) + 1.0
    fitted = build(PlannerConfig(surrogate=name, source_weight=0.5), (X[:9], y[:9] * 1.3)).fit(X, y)
    axes = [np.linspace(0, 1, n) for n in sizes]
    asked = fitted.predict(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(sizes)))
    assert not isinstance(field_of(fitted, tuple(axes)), Predicted)
    values = traverse(fitted, axes)
    np.testing.assert_allclose(values.ravel(), asked, rtol=0 if hasattr(field_of(fitted, axes), "cells") else 1e-10)
    best = maximum(fitted, axes)
    assert best.value == pytest.approx(asked.max(), rel=1e-10)
    assert values[best.index] == pytest.approx(asked.max(), rel=1e-10)
