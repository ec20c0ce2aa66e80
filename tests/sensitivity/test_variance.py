"""The variance of a prediction over a grid, held against functions whose parts are known by hand."""

from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from orchestrator.sensitivity.variance import decompose


def grid(*axes):
    return np.meshgrid(*axes, indexing="ij")


def test_variance_of_a_sum_has_no_interactions():
    """Of a sum, each parameter's total is its own part, and the parts are in proportion to their variances."""
    x, y, z = grid(np.arange(5.0), np.arange(4.0), np.array([0.0, 1.0]))
    found = decompose(3 * x + y**2 - z)
    parts = np.array([9 * np.var(np.arange(5.0)), np.var(np.arange(4.0) ** 2), 0.25])
    np.testing.assert_allclose(found.first_order, parts / parts.sum(), rtol=1e-12)
    np.testing.assert_allclose(found.total, found.first_order, atol=1e-12)


def test_variance_of_a_product_of_centred_parameters_is_all_interaction():
    """Neither parameter alone says anything about x y over a grid about zero."""
    x, y = grid(np.linspace(-1, 1, 7), np.linspace(-2, 2, 9))
    found = decompose(x * y)
    np.testing.assert_allclose(found.first_order, 0, atol=1e-12)
    np.testing.assert_allclose(found.total, 1)
    assert found.pairs == {(0, 1): pytest.approx(1.0)}


def test_variance_of_the_ishigami_function_has_the_published_indices():
    """On a fine grid the indices approach those that integration gives.

    Source: Ishigami and Homma, ISUMA 1990, with a = 7 and b = 0.1.
    """
    a, b = 7.0, 0.1
    side = (np.arange(120) + 0.5) / 120 * 2 * pi - pi
    x, y, z = grid(side, side, side)
    found = decompose(np.sin(x) + a * np.sin(y) ** 2 + b * z**4 * np.sin(x))
    variance = 0.5 + a**2 / 8 + b * pi**4 / 5 + b**2 * pi**8 / 18
    first = (0.5 * (1 + b * pi**4 / 5) ** 2, a**2 / 8, 0.0)
    third = b**2 * pi**8 * (1 / 18 - 1 / 50)
    np.testing.assert_allclose(found.first_order, np.array(first) / variance, atol=1e-3)
    np.testing.assert_allclose(found.total, np.array([first[0] + third, first[1], third]) / variance, atol=1e-3)


def test_variance_of_eight_parameters_is_split_completely():
    """All 255 subsets of eight parameters are told apart: here one triple carries everything."""
    sides = [np.array([-1.0, 1.0])] * 8
    columns = grid(*sides)
    found = decompose(columns[1] * columns[4] * columns[7])
    assert found.shares[(1, 4, 7)] == pytest.approx(1.0)
    np.testing.assert_allclose(found.total, [0, 1, 0, 0, 1, 0, 0, 1], atol=1e-12)


def test_variance_of_a_constant_is_stated():
    """A prediction that only differs by rounding has no variance, and nothing drives it."""
    values = np.full((4, 5), 1.866)
    values[0, 0] += 1e-13
    found = decompose(values)
    assert found.is_constant
    assert set(found.shares.values()) == {0.0}


def test_variance_keeps_the_mean_effect_of_each_level():
    """An effect is the mean over all other parameters at each level, in the unit of the prediction."""
    found = decompose([[1.0, 2.0, 6.0], [3.0, 4.0, 8.0]])
    assert found.mean == pytest.approx(4.0)
    np.testing.assert_allclose(found.effects[0], [3.0, 5.0])
    np.testing.assert_allclose(found.effects[1], [2.0, 3.0, 7.0])


@given(arrays(float, array_shapes(max_dims=4, max_side=4), elements=st.floats(-1e3, 1e3)))
def test_variance_shares_sum_to_one_and_totals_hold_the_first_orders(values):
    """Whatever the prediction, the parts make the whole."""
    found = decompose(values)
    assert sum(found.shares.values()) == pytest.approx(0.0 if found.is_constant else 1.0)
    assert (found.total >= found.first_order - 1e-12).all()


@pytest.mark.parametrize(
    ("values", "words"),
    [(1.0, "one axis a parameter"), (np.empty((3, 0)), "none empty"), ([1.0, np.nan], "1 of 2 predictions are not")],
)
def test_variance_refuses_what_is_no_grid(values, words):
    """A number, an empty axis and a NaN are refused with the reason."""
    with pytest.raises(ValueError, match=words):
        decompose(values)
