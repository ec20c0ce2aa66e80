"""Formulas: arithmetic over named numbers, and nothing else."""

import math
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.formula import FormulaError, Names, read_comparisons, read_expression

NAMES = Names(("a", "b", "flow rate", "lambda"), {"gas": ("Ar", "N2")})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + 2*b - 1 <= 3", 3 + 2 * 5 - 1),
        ("-(a - b) / 4 <= 3", 0.5),
        ("a**2 ** 0.5 <= 9", 3 ** (2**0.5)),
        ("sqrt(a + 1) * exp(0) + log(e) + log10(100) <= 9", 5.0),
        ("min(a, b, 4) + max(a, b) <= 9", 8.0),
        ("sin(pi / 2) + cos(0) + abs(a - b) <= 9", 4.0),
        ('100 * (gas == "N2") + (gas != "N2") <= 9', 100.0),
        ("`flow rate` * `lambda` <= 9", 42.0),
    ],
)
def test_formula_has_the_value_of_its_arithmetic(text, expected):
    """Precedence, functions, constants, choices and names in backquotes mean what they mean in Python."""
    values = {"a": [3.0], "b": [5.0], "flow rate": [6.0], "lambda": [7.0], "gas": ["N2"]}
    (one,) = read_comparisons(text, NAMES)
    assert np.isclose(one.left.evaluate({name: np.array(v) for name, v in values.items()}), expected)


def test_formula_reads_a_chain_as_two_comparisons():
    """`1 <= a <= 2` bounds from both sides."""
    low, high = read_comparisons("1 <= a * b < 2", NAMES)
    assert (low.relation, high.relation) == ("<=", "<")
    assert low.right.names == high.left.names == {"a", "b"}


def test_formula_knows_its_linear_form():
    """Constants are folded, so that an equality can be solved."""
    (one,) = read_comparisons("2 * (a + b) / 4 - a == 10 * 10", NAMES)
    assert one.left.linear.factors == {"a": -0.5, "b": 0.5}
    assert (one.right.linear.constant, one.right.linear.factors) == (100, {})
    assert read_comparisons("a * b <= 1", NAMES)[0].left.linear is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a + bb <= 3", r"unknown name 'bb' at character 5; did you mean 'b'\?"),
        ("power <= 3", "unknown name 'power' at character 1; the parameters are a, b, flow rate, lambda, gas"),
        ("__import__('os').system('true') <= 1", "is no function here"),
        ("(lambda: 1)() <= a", "is no function here"),
        ("a.real <= 1", "a.real is no arithmetic at character 1"),
        ("[x for x in a] <= 1", "is no arithmetic"),
        ("a <= 9**9**9", "has no finite value at character 6"),
        ("a <= 1 / 0", "has no finite value"),
        ("a ^ 2 <= 1", r"write \*\* for a power"),
        ("a = 3", "write == for an equality"),
        ("a * b == 3", "an equality must be linear"),
        ("a <= 1 and b <= 2", "there is no comparison"),
        ("a + b", "there is no comparison"),
        ("a != 2", "the relations are <= < >= > =="),
        ("2 <= 3", "it names no parameter"),
        ("gas <= 3", r"'gas' is a choice, not a number at character 1; compare it .* \(gas == \"Ar\"\) is 1 or 0"),
        ("gas == 'N2'", "leave out of the choices what is not allowed"),
        ("a * (gas == 'O2') <= 1", "'gas' is never 'O2' at character 6; its choices are 'Ar', 'N2'"),
        ("a * (b == 2) <= 1", "a comparison inside a formula"),
        ("min(a) <= 1", "give it two values or more"),
        ("sqrt(a, b) <= 1", "give it one value"),
        ("a <= True", "True is not a number"),
        ("a <= 'x'", "no constraint"),
        ("not a <= 1", "there is no comparison"),
        ("~a <= 1", "is no arithmetic"),
        ("a +", "it cannot be read"),
        ("(" * 400, "it cannot be read"),
        ("-" * 400 + "a <= 1", "too many parts"),
        ("a + " * 200 + "a <= 1", "more than 500; write several"),
        ("a <= 1\nb <= 2", "it cannot be read"),
    ],
)
def test_formula_refuses_what_is_no_constraint(text, words):
    """The complaint says what, where, and what to write instead."""
    with pytest.raises(FormulaError, match=words):
        read_comparisons(text, NAMES)


def test_formula_reads_an_expression_alone():
    """What a comparison has on one side can stand by itself, also a choice within arithmetic."""
    found = read_expression(' `flow rate` / a**2 * (gas == "N2")', NAMES)
    values = {"flow rate": np.array([8.0, 8.0]), "a": np.array([2.0, 2.0]), "gas": np.array(["N2", "Ar"])}
    assert found.evaluate(values).tolist() == [2.0, 0.0]
    assert found.names == {"flow rate", "a", "gas"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a * bb", r"unknown name 'bb' at character 5; did you mean 'b'\?"),
        ("a <= 3", r"a comparison is no value at character 1; write for example a \* b"),
        ("gas == 'N2'", "a comparison is no value"),
        ("a = b * 2", "one = is no relation; write what is right of it alone"),
        ("gas * 2", "'gas' is a choice, not a number"),
        ("2 * pi", "it names no parameter"),
        ("a +", r"it cannot be read; write for example a \* b, names"),
        ("", "it cannot be read"),
        ("open('x')", "is no function here"),
        ("a.real", "a.real is no arithmetic"),
        ("a and b", "is no arithmetic at character 1"),
        ("a + " * 200 + "a", "more than 500; write a shorter one"),
        ("-" * 400 + "a", "too many parts; write a shorter one"),
    ],
)
def test_formula_refuses_what_is_no_expression(text, words):
    """As a constraint is refused, with another way out."""
    with pytest.raises(FormulaError, match=words):
        read_expression(text, NAMES)


@given(st.text(max_size=60) | st.text("ab+-*/()<>=.1e9 ", max_size=60))
def test_formula_answers_any_text_with_a_reading_or_its_own_error(text):
    """Nothing that is written ends in a traceback."""
    for read in (lambda: read_comparisons(text, NAMES), lambda: [read_expression(text, NAMES)]):
        with suppress(FormulaError):
            assert all(one.names for one in read())


numbers = st.integers(-20, 20).map(float)
trees = st.recursive(
    st.sampled_from(["a", "b"]) | st.integers(0, 9).map(str),
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from("+-*"), inner),
    max_leaves=8,
)


@given(trees, numbers, numbers)
def test_formula_agrees_with_python(tree, a, b):
    """Arithmetic is that of Python, to the last digit, and a linear form is the same function."""
    try:
        (one,) = read_comparisons(f"{tree} <= a", NAMES)
    except FormulaError:
        return
    expected = eval(tree, {}, {"a": a, "b": b})  # noqa: S307 - a tree of this test's own
    assert float(one.left.evaluate({"a": np.float64(a), "b": np.float64(b)})) == expected
    if one.left.linear is not None:
        linear = one.left.linear.constant + sum(f * {"a": a, "b": b}[n] for n, f in one.left.linear.factors.items())
        assert math.isclose(linear, expected, rel_tol=1e-9, abs_tol=1e-9)
