"""Permutation importance: what a model has no use for costs nothing when it is shuffled."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from orchestrator.sensitivity.permutation import permutation_importance


def world():
    X = np.random.default_rng(5).random((60, 3))
    return X, 4 * X[:, 0] + X[:, 1], np.arange(60) % 6


def fitted(X, y, folds, kind=LinearRegression):
    """Return for each fold a regression that has not seen it."""
    return [kind().fit(X[folds != fold], y[folds != fold]) for fold in range(6)]


def test_permutation_orders_parameters_by_what_they_tell():
    """Shuffling the strong parameter costs most, the weak less, the idle one nothing."""
    X, y, folds = world()
    found = permutation_importance(fitted(X, y, folds), X, y, folds, np.random.default_rng(0))
    assert found.error == pytest.approx(0, abs=1e-9)
    assert found.mean[0] > 2 * found.mean[1] > 0
    assert found.mean[2] == pytest.approx(0, abs=1e-9)


def test_permutation_is_the_same_with_the_same_generator():
    """All chance comes from the generator that is passed."""
    X, y, folds = world()
    one, other = (
        permutation_importance(fitted(X, y, folds), X, y, folds, np.random.default_rng(3), n_repeats=4)
        for _ in range(2)
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
    table = np.hstack([X[:, :1], np.eye(3)[np.arange(60) % 3]])
    estimators = fitted(table, y, folds, Watching)
    permutation_importance(estimators, table, y, folds, np.random.default_rng(0), columns=[[0], [1, 2, 3]])
    assert all((rows[:, 1:].sum(axis=1) == 1).all() for rows in seen)


def test_permutation_predicts_each_row_by_a_model_that_has_not_seen_it():
    """A model that knows its rows by heart is no better than its mean on the others."""

    class ByHeart(LinearRegression):
        def fit(self, X, y):
            self.known = {row.tobytes(): value for row, value in zip(X, y, strict=True)}
            return self

        def predict(self, X):
            return np.array([self.known.get(row.tobytes(), 0.0) for row in X])

    X, y, folds = world()
    found = permutation_importance(fitted(X, y, folds, ByHeart), X, y, folds, np.random.default_rng(0), n_repeats=1)
    assert found.error == pytest.approx(np.abs(y).mean())


def test_permutation_refuses_other_folds_than_the_models():
    """One model for each fold, or rows would be predicted by none."""
    X, y, folds = world()
    with pytest.raises(ValueError, match="5 estimators for 6 folds; give one for each"):
        permutation_importance(fitted(X, y, folds)[:5], X, y, folds, np.random.default_rng(0))
