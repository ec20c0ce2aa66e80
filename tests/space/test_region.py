"""Constraints between parameters: every suggested point meets every one, be the region ever so small."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.space import Parameter, ParameterSpace, SpaceError

FRACTIONS = [Parameter(name, "%", 0, 100, levels=tuple(range(101))) for name in ("a", "b", "c")]
CUBE = [Parameter(name) for name in ("a", "b", "c")]


def some_points(space, seed=0, n=200):
    """Points from every way that a planner has to ask for one."""
    rng = np.random.default_rng(seed)
    drawn, snapped = space.draw(n, rng), space.snap(rng.random((n, space.n_columns)))
    assert space.allowed(drawn).all()
    assert space.allowed(snapped).all()
    return space.points(np.vstack([drawn, snapped])) + space.design(6, seed) + space.corners()


parameters = st.tuples(
    st.just(Parameter("a", "W", 0, 10)),
    st.sampled_from([Parameter("b", "Pa", 0.1, 10, scale="log"), Parameter("b", "Pa", -3, 9)]),
    st.sampled_from([Parameter("c", levels=(1.0, 2.5, 7.0), low=1, high=7), Parameter("c", low=0, high=20)]),
    st.sampled_from(
        [Parameter("n", low=0, high=12, levels=tuple(range(13))), Parameter("n", low=0, high=9, fixed=5.0)]
    ),
    st.sampled_from([Parameter("gas", choices=("Ar", "N2")), Parameter("gas", choices=("N2",), fixed="N2")]),
)
constraints = st.lists(
    st.sampled_from(
        [
            "a + b <= {}",
            "a * b >= {} / 10",
            "{} / 4 <= c + n",
            "a - n < {} / 5",
            "sqrt(c) * (gas == 'N2') <= {}",
            "a + b + c + n == {}",
            "2 * n - a == {} / 3",
            "max(a, b) + c**2 <= 20 * {}",
        ]
    ),
    min_size=1,
    max_size=3,
    unique=True,
)


@settings(deadline=None, max_examples=60)
@given(parameters, constraints, st.lists(st.integers(1, 20), min_size=3, max_size=3), st.integers(0, 2**32 - 1))
def test_region_points_meet_every_constraint_as_python_reads_it(some, texts, limits, seed):
    """Drawn, snapped, designed or corner: the decoded point meets inequalities exactly and equalities to 1e-9."""
    texts = [text.format(limit) for text, limit in zip(texts, limits, strict=False)]
    try:
        space = ParameterSpace(some, constraints=texts)
    except SpaceError as error:
        assert "constraint" in str(error)  # noqa: PT017 - some of these spaces are empty, and say so
        return
    for point in some_points(space, seed, n=20):
        assert space.check(point) == point
        names = {**point, "sqrt": math.sqrt}
        for text in texts:
            if "==" in text and "gas" not in text:
                left, right = (eval(side, {}, names) for side in text.split("=="))  # noqa: S307 - as written above
                assert abs(left - right) <= 1e-9 * max(abs(left), abs(right))
            else:
                assert eval(text, {}, names)  # noqa: S307 - as above
    again = ParameterSpace(some, constraints=texts)
    assert some_points(again, seed, n=20) == some_points(space, seed, n=20)


def test_region_of_whole_fractions_sums_to_exactly_a_hundred():
    """Whole numbers stay whole, also the one that follows from the others."""
    for point in some_points(ParameterSpace(FRACTIONS, constraints=["a + b + c == 100", "a >= 3 * b"])):
        assert sum(point.values()) == 100
        assert point["a"] >= 3 * point["b"]
        assert all(type(value) is int for value in point.values())


def test_region_of_fractions_on_log_scales_sums_as_exactly_as_numbers_can():
    """What follows is computed from the decoded others, not decoded itself: at most two units in the last place."""
    logs = [Parameter(name, low=1e-6, scale="log") for name in ("a", "b", "c")]
    space = ParameterSpace(logs, constraints=["a + b + c == 1"])
    for point in space.sample(300, np.random.default_rng(0)):
        assert abs(sum(point.values()) - 1) <= 2 * math.ulp(1)


@pytest.mark.parametrize(
    ("texts", "share"),
    [
        (["a + b <= 1"], 0.5),
        (["a + b + c <= 0.106"], 0.106**3 / 6),
        (["abs(a + b + c - 1.5) <= 1e-6"], 0.75 * 2e-6),
        (["max(a, b, c) <= 0.01"], 1e-6),
        (["a + b + c == 1"], 0.5),
    ],
)
def test_region_knows_its_share_of_the_box(texts, share):
    """Large, small and very small regions are estimated within a factor of one and a half."""
    found = ParameterSpace(CUBE, constraints=texts).share
    assert share / 1.5 < found < share * 1.5


def test_region_knows_its_share_in_eight_dimensions():
    """Of a simplex that is a ten-millionth of its box, the share is estimated within a factor of two and a half."""
    eight = [Parameter(f"x{i}") for i in range(8)]
    found = ParameterSpace(eight, constraints=[" + ".join(p.name for p in eight) + " <= 0.5"]).share
    assert abs(math.log(found / (0.5**8 / math.factorial(8)))) < math.log(2.5)


def test_region_of_two_far_islands_is_drawn_from_evenly():
    """Neither of two equal islands, 0.04 % of the box together, is lost or preferred."""
    text = "max(abs(a - 0.2), abs(b - 0.2)) * max(abs(a - 0.8), abs(b - 0.8)) <= 0.006"
    points = ParameterSpace(CUBE[:2], constraints=[text]).sample(2000, np.random.default_rng(0))
    assert 0.4 < np.mean([point["a"] < 0.5 for point in points]) < 0.6


def test_region_is_drawn_from_uniformly():
    """In a thin simplex every barycentre is as likely: the mean is the centroid, the spread that of a uniform draw."""
    points = ParameterSpace(CUBE, constraints=["a + b + c <= 0.1"]).sample(4000, np.random.default_rng(0))
    x = np.array([list(point.values()) for point in points]) / 0.1
    assert np.allclose(x.mean(axis=0), 1 / 4, atol=0.015)
    assert np.allclose(x.std(axis=0), math.sqrt(3 / 80), atol=0.01)


def test_region_design_covers_what_is_allowed():
    """No place of the region is farther from the design than from as many points drawn at random."""
    space = ParameterSpace(CUBE[:2], constraints=["a + b <= 0.5"])
    everywhere = space.encode(space.sample(1000, np.random.default_rng(1)))

    def reach(points):
        columns = space.encode(points)
        return ((everywhere[:, None] - columns) ** 2).sum(axis=2).min(axis=1).max()

    drawn = [reach(space.sample(8, np.random.default_rng(seed))) for seed in range(20)]
    assert reach(space.design(8, seed=0)) < np.quantile(drawn, 0.1)


def test_region_of_few_points_is_listed_without_repeats():
    """All six ways to make 5 of two whole numbers are drawn before one comes again."""
    two = [Parameter(name, low=0, high=9, levels=tuple(range(10))) for name in ("a", "b")]
    space = ParameterSpace(two, constraints=["a + b == 5"])
    assert sorted(p["a"] for p in space.sample(6, np.random.default_rng(0))) == [0, 1, 2, 3, 4, 5]
    assert len({p["a"] for p in space.design(6, seed=0)}) == 6


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (
            ["a + b <= -0.1", "c <= 0.5"],
            r"no point meets the constraints 'a \+ b <= -0\.1', 'c <= 0\.5'.* nearest miss",
        ),
        (["a + b == 3"], r"the nearest miss 'a \+ b == 3': loosen it, or widen the bounds"),
        (["a + b == 1", "a + b == 1.5"], r"'a \+ b == 1\.5' contradicts the other equalities"),
        (["a + d <= 1"], r"constraint 'a \+ d <= 1': unknown name 'd' at character 5"),
        (["sqrt(a - 2) <= 1"], "no point meets"),
    ],
)
def test_region_that_is_empty_is_refused(texts, words):
    """The message names the constraints and the one that stands most in the way."""
    with pytest.raises(SpaceError, match=words):
        ParameterSpace(CUBE, constraints=texts)


def test_space_refuses_a_point_that_breaks_a_constraint():
    """Both sides are shown with their values."""
    space = ParameterSpace(CUBE, constraints=["a + b <= 1", "1 / c <= 100"])
    assert space.check({"a": 0.7, "b": 0.3, "c": 1})["a"] == 0.7
    with pytest.raises(SpaceError, match=r"'a \+ b <= 1' is not met: 1\.2 <= 1 is false; change the point"):
        space.check({"a": 0.9, "b": 0.3, "c": 1})
    with pytest.raises(SpaceError, match="'1 / c <= 100' has no finite value there"):
        space.check({"a": 0.1, "b": 0.3, "c": 0})


@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_space_judges_an_equality_by_the_size_of_its_terms(factor):
    """Fractions of a picogram and of a megaton sum as exactly as others, and a wrong sum is refused."""
    space = ParameterSpace(
        CUBE, constraints=[f"{factor} * a + {factor} * b == {factor}", f"c * {factor} == a * {factor}"]
    )
    for point in some_points(space, n=20):
        assert math.isclose(point["a"] + point["b"], 1, rel_tol=1e-12)
        assert math.isclose(point["a"], point["c"], rel_tol=1e-12, abs_tol=1e-15)
    with pytest.raises(SpaceError, match="is not met"):
        space.check({"a": 0.5, "b": 0.50001, "c": 0.5})


def test_space_leaves_out_candidates_that_break_a_constraint():
    """A pool keeps only what is allowed, and must not be empty."""
    pool = [{"a": a, "b": 0.5, "c": 0.0} for a in (0.1, 0.4, 0.6, 0.9)]
    space = ParameterSpace(CUBE, pool, ["a + b <= 1"])
    assert [p["a"] for p in space.candidates] == [0.1, 0.4]
    with pytest.raises(SpaceError, match="none of 4 meets the constraints and fixed values"):
        ParameterSpace(CUBE, pool, ["a >= 0.95"])
