"""CORAL: the aligned source has the statistics of the target."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.surrogates.coral import align


def correlated(rng, n):
    return rng.normal(size=(n, 3)) @ rng.normal(size=(3, 3)) + rng.normal(size=3) * 5


@given(st.integers(0, 10_000))
def test_coral_gives_the_source_the_mean_and_covariance_of_the_target(seed):
    """Both moments agree, whatever the two sets are."""
    rng = np.random.default_rng(seed)
    source, target = correlated(rng, 40), correlated(rng, 30)
    aligned = align(source, target)
    scale = np.abs(np.cov(target, rowvar=False)).max()
    np.testing.assert_allclose(aligned.mean(axis=0), target.mean(axis=0), atol=1e-8)
    np.testing.assert_allclose(np.cov(aligned, rowvar=False), np.cov(target, rowvar=False), atol=1e-6 * scale)


def test_coral_leaves_equal_sets_alone():
    """A source with the statistics of the target stays where it is, with and without ridge, also rank-deficient."""
    rows = correlated(np.random.default_rng(2), 20)
    flat = np.column_stack([rows, np.full(20, 7.0), rows[:, 0]])
    for same in (rows, flat):
        np.testing.assert_allclose(align(same, same, ridge=1e-3), same, atol=1e-8)
        np.testing.assert_allclose(align(same, same), same, atol=1e-8)


def test_coral_takes_a_pseudo_inverse_where_the_source_does_not_vary():
    """A constant source column gives finite rows at the target's mean, and the other columns are aligned."""
    rng = np.random.default_rng(3)
    source, target = correlated(rng, 12), np.diag([2.0, 3.0, 4.0]) @ rng.normal(size=(3, 25))
    source[:, 1] = 4.0
    aligned = align(source, target.T)
    assert np.isfinite(aligned).all()
    np.testing.assert_allclose(aligned.mean(axis=0), target.mean(axis=1), atol=1e-9)
    assert np.linalg.matrix_rank(aligned - aligned.mean(axis=0)) == 2


def test_coral_refuses_a_single_row():
    """One row has no covariance."""
    with pytest.raises(ValueError, match="both need at least two rows"):
        align(np.ones((1, 3)), np.ones((5, 3)))
