"""Permutation importance: what a model has no use for costs nothing when it is shuffled."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from orchestrator.sensitivity.permutation import permutation_importance


def world():
    X = np.random.default_rng(5).random((60, 3))
    return X, 4 * X[:, 0] + X[:, 1], np.arange(60) % 6


def test_permutation_orders_parameters_by_what_they_tell():
    """Shuffling the strong parameter costs most, the weak less, the idle one nothing."""
    X, y, folds = world()
    found = permutation_importance(LinearRegression(), X, y, folds, np.random.default_rng(0))
    assert found.error == pytest.approx(0, abs=1e-9)
    assert found.mean[0] > 2 * found.mean[1] > 0
    assert found.mean[2] == pytest.approx(0, abs=1e-9)


def test_permutation_is_the_same_with_the_same_generator():
    """All chance comes from the generator that is passed."""
    X, y, folds = world()
    one, other = (
        permutation_importance(LinearRegression(), X, y, folds, np.random.default_rng(3), n_repeats=4) for _ in range(2)
    )
    np.testing.assert_array_equal(one.mean, other.mean)


def test_permutation_shuffles_the_columns_of_a_choice_together():
    """The indicator columns of one choice stay a choice: no row has two, none has none."""
    seen = []

    class Watching(LinearRegression):
        def predict(self, X):
            seen.append(X)
            return super().predict(X)

    X, y, folds = world()
    choice = np.eye(3)[np.arange(60) % 3]
    columns = [[0], [1, 2, 3]]
    permutation_importance(
        Watching(), np.hstack([X[:, :1], choice]), y, folds, np.random.default_rng(0), columns=columns
    )
    assert all((rows[:, 1:].sum(axis=1) == 1).all() for rows in seen)


def test_permutation_refuses_a_single_fold():
    """Without a second fold no row is unseen."""
    X, y, _ = world()
    with pytest.raises(ValueError, match="all 60 rows are in one fold"):
        permutation_importance(LinearRegression(), X, y, np.zeros(60, dtype=int), np.random.default_rng(0))
