"""Shapley values: the axioms hold for every function, and known functions give their known parts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.sensitivity.shapley import shapley


def wild(seed, n_columns, *, deaf_to=None, alike=False):
    """A random function with interactions of every order, deaf to one column or alike in the first two."""
    rng = np.random.default_rng(seed)
    weights, shift = rng.normal(size=(n_columns, 6)), rng.normal(size=6)
    if deaf_to is not None:
        weights[deaf_to] = 0.0
    if alike:
        weights[1] = weights[0]
    return lambda X: np.prod(1.2 + np.sin(X @ weights + shift), axis=1)


def rows(seed, n, n_columns):
    return np.random.default_rng([seed, n]).normal(size=(n, n_columns))


seeds, sizes = st.integers(0, 9999), st.integers(1, 5)


@given(seeds, sizes)
def test_shapley_values_sum_to_the_difference_from_the_mean(seed, n_columns):
    """Efficiency: base and values make the prediction, and the base is the mean over the background."""
    predict, points, background = wild(seed, n_columns), rows(seed, 3, n_columns), rows(seed, 7, n_columns)
    for x, found in zip(points, shapley(predict, points, background), strict=True):
        assert found.prediction == pytest.approx(predict(x[None])[0])
        assert found.base == pytest.approx(predict(background).mean())
        assert found.base + found.values.sum() == pytest.approx(found.prediction)


@given(seeds, st.integers(2, 5))
def test_shapley_gives_nothing_to_a_parameter_that_is_not_used(seed, n_columns):
    """Dummy: what the function is deaf to adds nothing."""
    unused = seed % n_columns
    found = shapley(wild(seed, n_columns, deaf_to=unused), rows(seed, 1, n_columns), rows(seed, 6, n_columns))
    assert found[0].values[unused] == pytest.approx(0, abs=1e-9)


@given(seeds, st.integers(2, 5))
def test_shapley_gives_the_same_to_parameters_that_do_the_same(seed, n_columns):
    """Symmetry: two parameters that enter alike, with the same values everywhere, add the same."""
    points, background = rows(seed, 1, n_columns), rows(seed, 6, n_columns)
    points[:, 1], background[:, 1] = points[:, 0], background[:, 0]
    found = shapley(wild(seed, n_columns, alike=True), points, background)
    assert found[0].values[0] == pytest.approx(found[0].values[1])


def test_shapley_of_a_sum_is_each_terms_distance_from_its_mean():
    """Of 2 x + y the parts are 2 (x - mean x) and y - mean y."""
    background = np.array([[0.0, 1.0], [4.0, 3.0]])
    found = shapley(lambda X: 2 * X[:, 0] + X[:, 1], np.array([[5.0, 0.0]]), background)
    np.testing.assert_allclose(found[0].values, [6.0, -2.0])


def test_shapley_shares_an_interaction_equally():
    """Of x y against a background at zero, half the product goes to each."""
    found = shapley(lambda X: X[:, 0] * X[:, 1], np.array([[3.0, 4.0]]), np.zeros((2, 2)))
    np.testing.assert_allclose(found[0].values, [6.0, 6.0])


def test_shapley_moves_the_columns_of_a_choice_together():
    """A choice of three takes three columns and is one parameter."""
    background = np.array([[1.0, 0.0, 0.0, 0.5]])
    found = shapley(
        lambda X: X @ np.array([1.0, 5.0, 2.0, 1.0]),
        np.array([[0.0, 1.0, 0.0, 2.0]]),
        background,
        columns=[[0, 1, 2], [3]],
    )
    np.testing.assert_allclose(found[0].values, [4.0, 1.5])


@pytest.mark.parametrize(
    ("points", "background", "words"),
    [
        (np.zeros((1, 9)), np.zeros((2, 9)), "9 parameters make 512 coalitions"),
        (np.zeros((1, 3)), np.zeros((0, 3)), "the background is empty"),
        (np.zeros((1, 3)), np.zeros((2, 2)), "both need 3 columns"),
    ],
)
def test_shapley_refuses_what_it_cannot_enumerate(points, background, words):
    """Nine parameters, no background and other columns are refused with the reason."""
    with pytest.raises(ValueError, match=words):
        shapley(lambda X: X.sum(axis=1), points, background)
