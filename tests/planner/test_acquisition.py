"""Acquisition and feasibility: what a point promises, and whether it gives a film at all."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from orchestrator.config.schema import PlannerConfig
from orchestrator.planner.acquisition import Outlook, Reference, evaluate
from orchestrator.planner.feasibility import Feasibility

REACHED = Reference(best=1.0, worst=-1.0, spread=0.5)


def outlook(score, sd, p_feasible=1.0):
    return Outlook(np.array([score]), np.array([sd]), np.array([p_feasible]))


def test_acquisition_agrees_with_the_closed_forms():
    """Larger is better: ei and pi over the best, ucb above the mean."""
    z = (1.2 - 1.0 - 0.01 * 0.5) / 0.3
    ei = 0.3 * (z * norm.cdf(z) + norm.pdf(z))
    wanted = {"ei": ei, "pi": norm.cdf(z), "ucb": 1.2 + 1.96 * 0.3}
    for name, value in wanted.items():
        assert evaluate(PlannerConfig(acquisition=name), outlook(1.2, 0.3), REACHED)[0] == pytest.approx(value)


@given(st.sampled_from(["ei", "pi", "ucb"]), st.floats(-0.9, 3), st.floats(0.01, 2), st.floats(0.01, 0.98))
def test_acquisition_falls_with_the_probability_of_failure(name, score, sd, p):
    """Whatever is predicted above the worst row, a riskier point promises no more."""
    settings = PlannerConfig(acquisition=name)
    risky, safe = (evaluate(settings, outlook(score, sd, chance), REACHED)[0] for chance in (p, p + 0.01))
    assert risky <= safe


def test_feasibility_starts_optimistic_and_learns_where_runs_failed():
    """Failures lower it nearby, successes raise it, far away it stays as it was."""
    x, far = np.array([[0.2, 0.2, 0.2]]), np.array([[0.9, 0.9, 0.9]])
    unseen = Feasibility(np.empty((0, 3)), np.empty(0)).at(x)[0]
    one, two = (Feasibility(np.repeat(x, n, axis=0), np.ones(n)) for n in (1, 2))
    assert unseen == pytest.approx(0.9)
    assert two.at(x)[0] < one.at(x)[0] < 0.5
    assert one.at(far)[0] == pytest.approx(0.9, abs=0.01)
    assert Feasibility(x, np.zeros(1)).at(x)[0] > unseen


def test_feasibility_takes_a_pinhole_as_weak_evidence():
    """A bad sample lowers it less than an infeasible point."""
    x = np.array([[0.5, 0.5]])
    weak, full = (Feasibility(x, np.array([failed])).at(x)[0] for failed in (0.3, 1.0))
    assert full < weak < 0.9


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.0, 0.3, 1.0])), max_size=20), st.floats(0, 1))
def test_feasibility_is_a_probability(runs, x):
    """Strictly between 0 and 1, whatever came of the runs."""
    X, failed = np.array([[r[0]] for r in runs]).reshape(-1, 1), np.array([r[1] for r in runs])
    p = Feasibility(X, failed).at(np.array([[x]]))[0]
    assert 0 < p < 1
    assert math.isfinite(p)
