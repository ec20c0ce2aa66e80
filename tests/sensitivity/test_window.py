"""The window around an optimum: connected with it, as far as the prediction stays good enough."""

import numpy as np
import pytest

from orchestrator.sensitivity.window import window


def test_window_holds_what_is_within_five_percent_and_connected():
    """Of two hills that reach the level, the window is the one with the optimum; the other is counted."""
    values = np.array([1.0, 1.96, 2.0, 1.93, 0.5, 1.97, 0.2])
    found = window(values)
    assert found.threshold == pytest.approx(1.9)
    assert found.optimum == (2,)
    assert found.ranges == ((1, 3),)
    assert (found.n_elsewhere, found.share_elsewhere, found.share) == (1, 1 / 7, 3 / 7)


def test_window_of_a_plane_reaches_further_along_the_flat_axis():
    """Ranges are told for each axis, over all levels of the others."""
    x, y = np.meshgrid(np.linspace(-1, 1, 21), np.linspace(-1, 1, 21), indexing="ij")
    found = window(1 - 0.5 * x**2 - 0.05 * y**2)
    assert found.ranges == ((7, 13), (0, 20))
    assert found.inside[10, 0]
    assert not found.inside[13, 20]


def test_window_follows_a_slanting_ridge():
    """Points that touch at a corner are one region, as on the edge that a constraint cuts."""
    assert window(np.eye(5)).share == pytest.approx(5 / 25)


def test_window_of_a_lowest_value_lies_below_its_level():
    """Where smaller is better, at most 1 / 0.95 of the lowest value is good enough."""
    found = window(np.array([30.0, 19.5, 19.0, 20.0, 20.1, 25.0]), sign=-1)
    assert found.threshold == pytest.approx(20.0)
    assert found.ranges == ((1, 3),)


@pytest.mark.parametrize(
    ("values", "sign", "level"),
    [([-9.0, -5.0, -5.0, -1.0, -1.1, -6.0], 1, -1.2), ([-11.0, -15.0, -15.0, -19.0, -18.9, -14.0], -1, -18.8)],
)
def test_window_counts_from_the_median_where_a_percentage_means_nothing(values, sign, level):
    """For an optimum that is not above zero the level lies 95 % of the way from the median to it."""
    found = window(np.array(values), sign)
    assert found.threshold == pytest.approx(level)
    assert found.ranges == ((3, 4),)
    assert "median" in found.rule


def test_window_of_a_constant_is_the_whole_space():
    """Where everything is predicted the same, nothing is outside."""
    assert window(np.full((3, 4), 2.0)).share == 1.0
