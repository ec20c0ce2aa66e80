"""What the numbers along an axis look like."""

from itertools import pairwise

import pytest

from orchestrator.report.drawing import THIRD, blank, logarithmic, style


@pytest.mark.parametrize("low", [1.0, 1.3, 2.1, 4.6, 5.1, 9.7])
@pytest.mark.parametrize("factor", [1.01, 1.2, 2.0, 3.1, 4.0, 5.6, 5.7, 9.0, 11.0, 50.0, 99.0, 101.0, 2e4, 1e7])
def test_logarithmic_axis_has_numbers_that_can_be_read(low: float, factor: float) -> None:
    """From a hundredth to seven decades: two at least, no formula, no two alike, none over another."""
    low, high = 1e-3 * low, 1e-3 * low * factor
    with style():
        figure, ax = blank(THIRD)
        ax.set_xscale("log")
        ax.set_xlim(low, high)
        logarithmic(ax.xaxis)
        figure.draw_without_rendering()
        written = [tick for tick in ax.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
        places = [tick.label1.get_window_extent() for tick in written]
    texts = [tick.label1.get_text() for tick in written]
    assert 2 <= len(set(texts)) == len(texts)
    assert [f"{float(text):g}" for text in texts] == texts
    assert all(left.x1 + 3 < right.x0 for left, right in pairwise(places))
