"""How numbers and foreign text are written for people."""

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.display.wording import clean, column, named, number, point_text, with_sd

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (61.34567, "61.35"), (6.0, "6"), (12345.6, "12346"), (1.25e-7, "1.25e-07"), (-0.5, "-0.5")],
)
def test_wording_number_has_four_digits_and_no_idle_zeros(value, text):
    """A number is as long as it needs to be."""
    assert number(value) == text


@given(NUMBERS)
def test_wording_number_stays_within_its_digits(value):
    """What is written differs from the value by at most half of the last of four digits."""
    assert float(number(value)) == pytest.approx(value, rel=6e-4)


@pytest.mark.parametrize(
    ("value", "sd", "text"),
    [
        (1.9342, 0.0912, "1.934 ± 0.091"),
        (1234.0, 56.0, "1234 ± 56"),
        (2.0, None, "2"),
        (2.0, 0.0, "2"),
        (None, None, ""),
        (3e-7, 1e-8, "3e-07 ± 1e-08"),
    ],
)
def test_wording_value_has_the_decimals_of_its_sd(value, sd, text):
    """The sd has two significant digits and decides where the value is cut."""
    assert with_sd(value, sd) == text


@given(st.lists(st.floats(min_value=0.3, max_value=300), min_size=1, max_size=8))
def test_wording_column_lines_up(values):
    """Numbers of a column have equally many decimals and lose nothing beyond four digits of the largest."""
    texts = column(values)
    assert len({len(text.partition(".")[2]) for text in texts}) == 1
    half = 0.51 * 10 ** (math.floor(math.log10(max(values))) - 3)
    assert all(abs(float(text) - value) <= half for text, value in zip(texts, values, strict=True))


def test_wording_column_of_integers_and_of_text():
    """Whole numbers stay whole, choices stay what they are, tiny beside large is not rounded away."""
    assert column([6.0, 10.0, 0.0]) == ["6", "10", "0"]
    assert column([50.0, 61.5]) == ["50.0", "61.5"]
    assert column(["water", "ethanol"]) == ["water", "ethanol"]
    assert column([0.001, 10.0]) == ["0.001", "10"]


@given(st.text())
def test_wording_clean_text_cannot_steer_a_terminal(text):
    """No control or format character is left, and the text is on one line."""
    assert not {unicodedata.category(c) for c in clean(text)} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_wording_clean_cuts_with_an_ellipsis():
    """A text that is too long ends in an ellipsis within the limit."""
    assert clean("a long reason", 7) == "a long…"


def test_wording_point_keeps_order_and_drops_the_unit_of_pure_numbers():
    """A point is told in the order of the parameters, each with its unit."""
    point = {"b": 2.0, "a": "x", "c": 3.0}
    assert point_text(point, {"c": "cm", "a": "", "b": "1"}) == "c 3 cm, a x, b 2"


@pytest.mark.parametrize(
    ("name", "unit", "short"),
    [("power (W)", "W", "power"), ("power [W]", "W", "power"), ("power (dc)", "W", "power (dc)"), ("(W)", "W", "(W)")],
)
def test_wording_name_loses_the_unit_it_ends_with(name, unit, short):
    """The unit of a table's header is not told twice."""
    assert named(name, unit) == short
