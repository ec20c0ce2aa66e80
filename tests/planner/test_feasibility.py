"""Feasibility: what failures teach, and along which parameter."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from orchestrator.planner.feasibility import Feasibility

RNG = np.random.default_rng(5)


def test_feasibility_learns_that_one_parameter_matters():
    """Failures at low values of the third column close that side everywhere, and no other."""
    good = np.column_stack([RNG.random((20, 2)), RNG.uniform(0.15, 1, 20)])
    bad = np.array([[0.1, 0.2, 0.0], [0.8, 0.4, 0.02], [0.4, 0.9, 0.01]])
    model = Feasibility(np.vstack([good, bad]), np.array([0.0] * 20 + [1.0] * 3))
    elsewhere = np.array([[0.95, 0.95, 0.01], [0.05, 0.95, 0.01]])
    assert model.reach[2] < model.reach[:2].min()
    assert (model.at(elsewhere) < 0.6).all()
    assert (model.at(elsewhere + np.array([0, 0, 0.4])) > 0.85).all()


def test_feasibility_of_one_failure_warns_only_nearby():
    """A single failure has no direction: near it the chance is lower, far away it is the prior's."""
    model = Feasibility(np.array([[0.5, 0.5]]), np.array([1.0]))
    near, far = model.at(np.array([[0.5, 0.52], [0.0, 1.0]]))
    assert near < 0.55
    assert far > 0.85


@given(
    hnp.arrays(float, st.tuples(st.integers(1, 12), st.just(3)), elements=st.floats(0, 1)),
    st.integers(0, 2**32 - 1),
)
def test_feasibility_is_a_probability(X: np.ndarray, seed: int):
    """Whatever happened where, it is finite and strictly between 0 and 1, also at the very runs."""
    failed = np.random.default_rng(seed).choice([0.0, 0.3, 1.0], len(X))
    at = Feasibility(X, failed).at(X)
    assert ((at > 0) & (at < 1)).all()
