"""The parameter space: bounds, levels, choices, and the way to the unit cube and back."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config.schema import ParameterConfig
from orchestrator.space import Parameter, ParameterSpace, SpaceError

DISTANCE = Parameter("distance", "cm", 3, 12)
MIXED = ParameterSpace(
    [
        DISTANCE,
        Parameter("flow", "sccm", 1, 100, scale="log"),
        Parameter("power", "W", 50, 200, levels=(50.0, 100.0, 200.0)),
        Parameter("gas", choices=("Ar", "N2", "O2")),
    ]
)
POINT = {"distance": 6.0, "flow": 10.0, "power": 100.0, "gas": "N2"}
points = st.fixed_dictionaries(
    {
        "distance": st.floats(3, 12),
        "flow": st.floats(1, 100),
        "power": st.sampled_from([50.0, 100.0, 200.0]),
        "gas": st.sampled_from(["Ar", "N2", "O2"]),
    }
)


@given(st.lists(points, min_size=1, max_size=5))
def test_space_decodes_what_it_encoded(some):
    """Encoding lands in the unit cube, and decoding gives the same points."""
    columns = MIXED.encode(some)
    assert columns.shape == (len(some), 6)
    assert columns.min() >= 0
    assert columns.max() <= 1
    for back, point in zip(MIXED.decode(columns), some, strict=True):
        assert list(back) == list(MIXED.names)
        assert (back["power"], back["gas"]) == (point["power"], point["gas"])
        assert math.isclose(back["distance"], point["distance"], rel_tol=1e-12)
        assert math.isclose(back["flow"], point["flow"], rel_tol=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_space_samples_points_it_allows_as_plain_values(seed):
    """Whatever the generator, a sample passes the space's own check and holds no numpy scalar."""
    for point in MIXED.sample(5, np.random.default_rng(seed)):
        assert MIXED.check(point) == point
        assert [type(value) for value in point.values()] == [float, float, float, str]


def test_space_spreads_a_log_parameter_by_decades():
    """Half of the samples of 1 to 100 on a log scale are below 10."""
    flows = [p["flow"] for p in MIXED.sample(2000, np.random.default_rng(1))]
    assert 0.45 < np.mean(np.array(flows) < 10) < 0.55


def test_space_leaves_natural_units_alone():
    """Natural encoding keeps numbers in their units and choices one-hot."""
    assert MIXED.encode([POINT], natural=True).tolist() == [[6.0, 10.0, 100.0, 0.0, 1.0, 0.0]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"distance": 12.5}, r"'distance': 12\.5 cm is outside 3 to 12 cm"),
        ({"distance": math.nan}, "'distance': nan cm is outside"),
        ({"distance": "far"}, "'distance': 'far' is not a number; give one in cm"),
        ({"distance": True}, "'distance': True is not a number"),
        ({"power": 120}, "'power': 120 W is not one of its levels 50, 100, 200 W"),
        ({"gas": "Xe"}, "'gas': 'Xe' is not one of Ar, N2, O2"),
        ({"pressure": 1.0}, "has unknown pressure; the parameters are distance, flow, power, gas"),
    ],
)
def test_space_refuses_a_wrong_point_by_name(change, words):
    """The complaint names parameter, value, rule and unit."""
    with pytest.raises(SpaceError, match=words):
        MIXED.check(POINT | change)


def test_space_refuses_a_point_that_lacks_a_parameter():
    """A missing parameter is named."""
    with pytest.raises(SpaceError, match="lacks gas"):
        MIXED.check({"distance": 6, "flow": 10, "power": 50})


def test_space_checks_into_plain_ordered_values():
    """Integers and numpy numbers become floats, in parameter order."""
    mixed_up = {"gas": "N2", "power": np.float64(100), "flow": 10, "distance": np.int64(6)}
    checked = MIXED.check(mixed_up)
    assert list(checked.items()) == list(POINT.items())
    assert type(checked["power"]) is float


def test_space_design_is_a_latin_hypercube():
    """Each of n equal slices of a parameter holds one of n design points, and the seed decides which."""
    space = ParameterSpace([DISTANCE, Parameter("pressure", "Pa", 0.2, 4)])
    design = space.design(7, seed=3)
    slices = np.floor(space.encode(design) * 7).astype(int)
    assert all(sorted(column) == list(range(7)) for column in slices.T)
    assert design == space.design(7, seed=3)
    assert design != space.design(7, seed=4)


def test_space_takes_samples_and_designs_from_a_pool():
    """With candidates every point is one of them, without repeats until they are used up."""
    pool = [{"distance": float(d)} for d in (3, 4, 6, 9, 12)]
    space = ParameterSpace([DISTANCE], pool)
    assert sorted(p["distance"] for p in space.sample(5, np.random.default_rng(0))) == [3, 4, 6, 9, 12]
    assert sorted(p["distance"] for p in space.design(5, seed=0)) == [3, 4, 6, 9, 12]
    assert len(space.design(12, seed=0)) == 12
    with pytest.raises(SpaceError, match="pool of candidates is empty"):
        ParameterSpace([DISTANCE], [])


def test_space_is_built_from_a_configuration():
    """Bounds, levels and choices arrive; a parameter without any is refused."""
    space = ParameterSpace.from_config(
        {
            "a": ParameterConfig(low=0, high=1),
            "b": ParameterConfig(levels=[3, 1]),
            "c": ParameterConfig(choices=["x", "y"]),
        }
    )
    assert [(p.low, p.high, p.levels, p.choices) for p in space.parameters[:2]] == [(0, 1, (), ()), (1, 3, (1, 3), ())]
    assert space.parameters[2].choices == ("x", "y")
    with pytest.raises(SpaceError, match="'d' has no bounds"):
        ParameterSpace.from_config({"d": ParameterConfig()})
