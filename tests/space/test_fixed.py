"""Fixed contexts, whole numbers and steps: what a configuration says and what a point then is."""

import numpy as np
import pytest
from pydantic import ValidationError

from orchestrator.config.schema import ParameterConfig
from orchestrator.space import Parameter, ParameterSpace, SpaceError


def space_of(**parameters):
    return ParameterSpace.from_config({name: ParameterConfig(**given) for name, given in parameters.items()})


def test_space_of_whole_numbers_and_steps_has_exact_levels():
    """Steps are decimal, so 0.1 and 0.2 more is 0.3; whole numbers are int."""
    space = space_of(n={"low": 1, "high": 10, "integer": True}, x={"low": 0.1, "high": 0.5, "step": 0.1})
    assert space.parameters[0].levels == tuple(range(1, 11))
    assert space.parameters[1].levels == (0.1, 0.2, 0.3, 0.4, 0.5)
    for point in space.sample(20, np.random.default_rng(0)) + space.design(5, 0):
        assert type(point["n"]) is int
        assert point["x"] in (0.1, 0.2, 0.3, 0.4, 0.5)
    assert space.check({"n": 3.0, "x": 0.1 + 0.2}) == {"n": 3, "x": 0.3}
    with pytest.raises(SpaceError, match=r"'n': 2\.5 1 is not one of its levels 1, 2"):
        space.check({"n": 2.5, "x": 0.1})


def test_space_of_many_whole_numbers_on_a_log_scale_snaps_to_the_nearest():
    """Decades get equal shares, and every encoded value comes back."""
    space = space_of(n={"low": 1, "high": 10000, "integer": True, "scale": "log"})
    rng = np.random.default_rng(0)
    columns = space.encode([{"n": n} for n in (1, 2, 99, 5000, 10000)])
    assert [p["n"] for p in space.decode(columns + rng.normal(0, 1e-7, columns.shape))] == [1, 2, 99, 5000, 10000]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"low": 1, "high": 10, "step": 0.7},
            r"high 10 is not reached from low 1 in steps of 0\.7; take 9\.4 or 10\.1",
        ),
        ({"low": 0.5, "high": 10, "integer": True}, r"whole numbers as bounds and step, not low 0\.5"),
        ({"levels": [1, 2], "integer": True}, "integer and step go with low and high"),
        ({"low": 0, "high": 1e9, "integer": True}, "1000000001 levels are more than 100000"),
        ({"low": 0, "high": 5, "scale": "log", "integer": True}, "a log scale needs values above 0"),
        ({"low": 0, "high": 5, "fixed": 6}, "fixed 6.* is outside what the parameter can take"),
        ({"low": 0, "high": 5, "integer": True, "fixed": 2.5}, r"fixed 2\.5 is outside"),
        ({"low": 0, "high": 5, "fixed": "warm"}, "fixed 'warm' is not one of its values"),
        ({"choices": ["Ar", "N2"], "fixed": "O2"}, "fixed O2 is outside"),
    ],
)
def test_parameter_configuration_refuses_what_cannot_be(given, words):
    """The message says the value and what to write instead."""
    with pytest.raises(ValidationError, match=words):
        ParameterConfig(**given)


def test_space_gives_every_point_its_fixed_values_and_models_no_column():
    """A fixed value is part of the point, not of the search."""
    space = space_of(x={"low": 0, "high": 1}, chamber={"fixed": "old"}, distance={"fixed": 6})
    assert space.n_columns == 1
    for point in [*space.sample(3, np.random.default_rng(0)), *space.design(3, 0), *space.corners()]:
        assert (point["chamber"], point["distance"]) == ("old", 6)
        assert space.check(point) == point
    assert space.encode([{"x": 0.5, "chamber": "old", "distance": 6}], natural=True).tolist() == [[0.5]]
    with pytest.raises(SpaceError, match="'distance': 7 1 is not the 6 1 it is fixed at; give it bounds"):
        space.check({"x": 0.5, "chamber": "old", "distance": 7})


def test_space_with_bounds_beside_a_fixed_value_learns_from_other_values():
    """Past rows may have another value and differ in their column; suggested points never do."""
    space = space_of(
        x={"low": 0, "high": 1}, tool={"choices": ["A", "B"], "fixed": "B"}, d={"low": 1, "high": 9, "fixed": 5}
    )
    assert space.n_columns == 4
    assert space.encode([{"x": 0, "tool": "A", "d": 1}]).tolist() == [[0, 1, 0, 0]]
    noise = np.random.default_rng(0).normal(size=(10, 4))
    for point in [*space.points(space.snap(noise)), *space.sample(5, np.random.default_rng(0)), *space.design(4, 0)]:
        assert (point["tool"], point["d"]) == ("B", 5)


def test_space_with_nothing_to_search_is_refused():
    """A campaign of fixed values has no question."""
    with pytest.raises(SpaceError, match=r"every parameter \(d\) is fixed"):
        ParameterSpace([Parameter("d", "cm", 6, 6, fixed=6.0)])


def test_parameter_configuration_records_no_key_that_is_not_used():
    """A ledger that was begun before there were such keys is still the same campaign."""
    assert ParameterConfig(low=0, high=1).model_dump(mode="json") == {
        "unit": "1", "low": 0, "high": 1, "scale": "linear", "levels": None, "choices": None,
    }  # fmt: skip
    assert ParameterConfig(low=0, high=4, integer=True).model_dump()["integer"] is True
