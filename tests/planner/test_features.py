"""Features: what the models see beside the parameters, found in formulas; the space that is searched is the same."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from worlds import CONFIG, write_config

from orchestrator import surrogates
from orchestrator.cli import main, replay
from orchestrator.config.schema import PlannerConfig
from orchestrator.objective import Objective
from orchestrator.planner import FeatureError, Observation, Planner
from orchestrator.planner.belief import Belief, feasibility
from orchestrator.planner.boundary import Boundary
from orchestrator.planner.feasibility import Feasibility
from orchestrator.planner.features import Features
from orchestrator.planner.lattice import Lattice
from orchestrator.space import Parameter, ParameterSpace

OBJECTIVE = Objective("yield", "g")
PRESSURE, DISTANCE = Parameter("pressure", "Pa", low=0.2, high=4), Parameter("distance", "cm", low=3, high=12)
SPACE = ParameterSpace([PRESSURE, DISTANCE])
GAS = Parameter("gas", choices=("Ar", "N2", "O2"))
WHOLE = Parameter("n", low=1, high=4, levels=(1, 2, 3, 4))
FLOW = Parameter("flow", "sccm", low=1, high=1000, scale="log")


SQUARE = ParameterSpace([Parameter("x", low=1, high=10), Parameter("y", low=1, high=10)])
POINTS = SQUARE.sample(400, np.random.default_rng(0))
KNOWN = [p for p in POINTS if p["x"] > 1.5 * p["y"]][:16]
MIRRORED = [p for p in POINTS if p["y"] > 1.5 * p["x"]][:100]


def hill(point):
    """Return a yield that depends on the product of two parameters alone."""
    one, other = list(point.values())[:2]
    return math.exp(-0.5 * ((math.log(one * other) - math.log(12)) / 0.35) ** 2)


def observed(points, value=hill):
    return [Observation(point, value(point)) for point in points]


def planner(space=SPACE, features=("pressure*distance",), **settings):
    asked = {"surrogate": "gp", "initial_runs": 3, "samples": 64, "features": list(features)} | settings
    return Planner(space, OBJECTIVE, PlannerConfig(**asked), seed=1)


def test_features_are_the_formulas_scaled_over_the_space():
    """A positive one by its logarithm, which is a sum; another as it is; 0 at its least and 1 at its largest."""
    points = [
        {"pressure": 0.2, "distance": 3.0},
        {"pressure": 4.0, "distance": 12.0},
        {"pressure": 1.0, "distance": 6.0},
    ]
    columns = SPACE.encode(points)
    seen = Features.of(SPACE, ["pressure*distance", "pressure - distance"]).beside(columns)
    product = (math.log(6) - math.log(0.6)) / (math.log(48) - math.log(0.6))
    difference = (-5 + 11.8) / (1 + 11.8)
    assert seen.shape == (3, 4)
    assert np.array_equal(seen[:, :2], columns)
    assert seen[:, 2] == pytest.approx([0, 1, product])
    assert seen[:, 3] == pytest.approx([(-2.8 + 11.8) / 12.8, (-8 + 11.8) / 12.8, difference])


def test_features_of_choices_levels_and_log_scales_are_those_of_the_values():
    """A choice counts where it is compared, a level and a log scale by the number that they stand for."""
    space = ParameterSpace([GAS, WHOLE, FLOW])
    points = space.sample(50, np.random.default_rng(3))
    seen = Features.of(space, ['flow * (gas == "N2")', "n * flow"]).beside(space.encode(points))[:, -2:]
    assert seen[:, 0] == pytest.approx([p["flow"] * (p["gas"] == "N2") / 1000 for p in points], abs=1e-3)
    assert seen[:, 1] == pytest.approx([math.log(p["n"] * p["flow"]) / math.log(4000) for p in points])


@given(
    st.lists(st.tuples(*[st.floats(-5, 5)] * 6), min_size=1, max_size=5),
    st.sampled_from(["n / flow**2", "exp(n) - flow", 'log(flow) * (gas != "Ar")', "sqrt(n * flow - 1)"]),
)
def test_features_are_in_the_unit_cube_wherever_a_row_lies(rows, text):
    """Also of past rows beyond the bounds: nothing infinite and no number that is none reaches a model."""
    space = ParameterSpace([GAS, WHOLE, FLOW, Parameter("b")])
    columns = np.array(rows)
    seen = Features.of(space, [text]).beside(columns)
    assert np.array_equal(seen[:, :6], columns)
    assert ((seen[:, 6] >= 0) & (seen[:, 6] <= 1)).all()


def test_features_without_a_value_at_a_row_outside_the_constraints_are_finite():
    """What is measured beyond the constraints is learned from, with the middle where the formula has no value."""
    space = ParameterSpace([Parameter("a"), Parameter("b")], constraints=["a - b >= 0.1"])
    seen = Features.of(space, ["log(a - b)", "a - b"]).beside(np.array([[0.2, 0.9], [1.0, 0.0]]))
    assert seen[:, 2:] == pytest.approx(np.array([[0.5, 0.0], [1.0, 1.0]]))


@pytest.mark.parametrize(
    ("space", "context"),
    [
        (ParameterSpace([PRESSURE, DISTANCE, GAS]), {"pressure": 3.0}),
        (ParameterSpace([PRESSURE, DISTANCE, GAS], constraints=["pressure * distance <= 20"]), {"gas": "N2"}),
        (
            ParameterSpace(
                [PRESSURE, DISTANCE, GAS],
                [
                    {"pressure": p, "distance": d, "gas": g}
                    for p in (0.5, 1.0, 2.0)
                    for d in (4.0, 9.0)
                    for g in GAS.choices
                ],
            ),
            {"pressure": 1.0, "gas": "O2"},
        ),
    ],
    ids=["box", "constraints", "pool"],
)
def test_features_of_a_context_are_those_of_the_whole_space(space, context):
    """What a model learned at one instrument means the same at another."""
    texts = ["pressure*distance", 'pressure * (gas == "N2")']
    there = space.at(context)
    columns = space.draw(12, np.random.default_rng(2))
    assert np.array_equal(Features.of(space, texts).beside(columns), Features.of(there, texts).beside(columns))
    asked = planner(space, texts)
    point = asked.ask(observed(space.sample(6, np.random.default_rng(4))), number=7, context=context).point
    assert {name: point[name] for name in context} == context


def test_features_of_a_pool_range_over_its_candidates():
    """The largest product of the table is 1, not that of the corners."""
    pool = [{"pressure": p, "distance": d} for p, d in ((0.5, 12.0), (1.0, 8.0), (4.0, 3.0))]
    space = ParameterSpace([PRESSURE, DISTANCE], pool)
    seen = Features.of(space, ["pressure*distance"]).beside(space.encode(pool))[:, 2]
    assert seen == pytest.approx([0.0, math.log(8 / 6) / math.log(2), 1.0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pressure*distnace", r"feature 'pressure\*distnace': unknown name 'distnace' at .* did you mean 'distance'"),
        ("pressure <= 1", "a comparison is no value at character 1; write for example a"),
        ("2 * pi", "it names no parameter"),
        ("1 / (pressure - 0.2)", r"feature .* has no finite value at pressure 0.2; change it, or the bounds"),
        ("log(distance - pressure)", "has no finite value at pressure 4.0, distance 3"),
        ("exp(1000 * pressure)", "has no finite value"),
        ("pressure - pressure", "is 0 everywhere, which tells a model nothing; take it out"),
        ("(pressure / distance) ** 0", "is 1 everywhere"),
    ],
)
def test_feature_without_meaning_is_refused_when_the_planner_is_made(text, words):
    """Before any point is suggested, with the formula and what is wrong with it; the second feature is to blame."""
    with pytest.raises(FeatureError, match=words) as caught:
        planner(features=["pressure*distance", text])
    assert caught.value.path == ("planner", "features", 1)


@pytest.mark.parametrize("surrogate", surrogates.NAMES)
@pytest.mark.parametrize("mode", ["scaled", "averaged", "paper", "paper-search"])
def test_features_are_refused_just_where_a_surrogate_sees_natural_units(surrogate, mode):
    """The published features are what these modes are for; other surrogates have no such modes."""
    is_published = surrogate in ("coral-svr", "svr") and mode in ("paper", "paper-search")
    assert PlannerConfig(surrogate=surrogate, mode=mode).is_natural == is_published
    if is_published:
        with pytest.raises(ValidationError, match=f"mode {mode} has the published features"):
            PlannerConfig(surrogate=surrogate, mode=mode, features=["a"])
    else:
        assert PlannerConfig(surrogate=surrogate, mode=mode, features=["a"]).features == ["a"]


def test_settings_without_features_are_written_without_the_key():
    """So a ledger that was begun before there was such a key stays the same campaign."""
    assert "features" not in PlannerConfig(features=[]).model_dump(mode="json")
    assert "features" not in json.loads(PlannerConfig().model_dump_json())
    settings = PlannerConfig(features=["a*b"])
    assert PlannerConfig.model_validate(settings.model_dump(mode="json")) == settings


@pytest.mark.parametrize(
    ("surrogate", "mode"),
    [("gp", "scaled"), ("coral-svr", "scaled"), ("coral-svr", "averaged"), ("joint-gp", "scaled")],
)
def test_feature_that_matters_is_learned_beyond_the_rows(surrogate, mode):
    """Rows of much x and little y tell what comes of little x and much y: the product does."""

    def error(features):
        asked = planner(SQUARE, features, surrogate=surrogate, mode=mode)
        predicted, _ = asked.predict(observed(KNOWN), MIRRORED)
        return float(np.sqrt(np.mean((predicted - [hill(p) for p in MIRRORED]) ** 2)))

    assert error(["x*y"]) < 0.4 * error([])


@pytest.mark.parametrize(("failures", "model"), [("worst", Feasibility), ("avoid", Boundary)])
def test_feasibility_is_learned_and_asked_with_the_features(failures, model):
    """Taught and asked points with their product, not one with and the other without."""
    failed = np.array([float(p["x"] * p["y"] < 16) for p in POINTS[:40]])
    known = [
        Observation(p, *((None, None, "infeasible") if f else (1.0,))) for p, f in zip(POINTS, failed, strict=False)
    ]
    rows, others = SQUARE.encode(POINTS[:40]), SQUARE.encode(POINTS[40:])

    def seen(columns):
        return np.column_stack([columns, np.log((1 + 9 * columns[:, 0]) * (1 + 9 * columns[:, 1])) / np.log(100)])

    found = feasibility(SQUARE, known, PlannerConfig(failures=failures, features=["x*y"])).at(others)
    assert found == pytest.approx(model(seen(rows), failed).at(seen(others)), abs=1e-9)


@pytest.mark.parametrize("settings", [{}, {"surrogate": "coral-svr"}, {"surrogate": "coral-svr", "mode": "averaged"}])
def test_suggestion_without_features_is_the_one_without_the_key(settings):
    """Every number of it, and it is another one with a feature."""
    known = observed(SPACE.sample(9, np.random.default_rng(5)))
    plain = Planner(SPACE, OBJECTIVE, PlannerConfig(samples=64, **settings), seed=1).ask(known, number=10)
    same = Planner(SPACE, OBJECTIVE, PlannerConfig(samples=64, features=[], **settings), seed=1).ask(known, number=10)
    other = planner(**({"surrogate": "coral-svr", "initial_runs": 8} | settings)).ask(known, number=10)
    assert plain == same
    assert other.point != plain.point


def test_planner_with_features_suggests_within_the_space_and_says_the_same_again():
    """From the design through failures to the model; with features there is no grid to sum over."""
    asked = planner(
        failures="avoid", surrogate="coral-svr", mode="averaged", features=["pressure*distance", "1/distance"]
    )
    for n in range(7):
        found = asked.suggest()
        assert asked.suggest() == found
        assert SPACE.check(found.point) == found.point
        asked.tell(found.point, **({"failure": "infeasible"} if n == 4 else {"value": hill(found.point)}))
    assert found.kind == "model"
    parts = asked.drivers(found.point, asked.observations)
    assert set(parts.parts) == {"pressure", "distance"}
    assert parts.base + sum(parts.parts.values()) == pytest.approx(parts.prediction)
    belief = Belief(SPACE, OBJECTIVE, PlannerConfig(features=["pressure*distance"]), asked.observations)
    assert belief.mean_on(Lattice.of(SPACE, 11, natural=False).features) is None


WITH = CONFIG.replace("planner: {", "planner: {features: [heat*pace, heat + 1], ").replace(
    "  heat: {unit: K, low: 0, high: 100}", "  heat: {unit: K, low: 0, high: 100}\n  pace: {low: 1, high: 2}"
)


def test_campaign_with_features_shows_records_and_asks_them_again(tmp_path: Path, capsys):
    """They stand in the check and the ledger; every suggestion is the same again, and another planner can be asked."""
    path, out = write_config(tmp_path, WITH), tmp_path / "out"
    assert main([str(path), "--check"]) == 0
    assert "features, which models see beside the parameters: heat*pace, heat + 1" in capsys.readouterr().out
    assert main([str(path), "--out", str(out), "--quiet", "--runs", "5"]) == 0
    assert replay([str(out), "--verify"]) == 0
    assert replay([str(out), "--what-if", "planner.features=[]"]) == 0
    assert main([str(path), "--out", str(out), "--quiet", "--runs", "5", "--set", "planner.features=[heat]"]) == 2
    assert "planner.features is ['heat'], but the ledger has ['heat*pace', 'heat + 1']" in capsys.readouterr().err
    for wrong, words in (("1/heat", "no finite value"), ("heta", "did you mean 'heat'")):
        assert replay([str(out), "--what-if", f"planner.features=[{wrong}]"]) == 2
        message = capsys.readouterr().err
        assert "--what-if planner.features" in message
        assert words in message


@pytest.mark.parametrize(
    ("feature", "words"),
    [
        ("1/heat", "planner.features.1: feature '1/heat' has no finite value at heat 0"),
        ("heat/heat*2", "has no finite value at heat 0"),
        ("heat*0", "is 0 everywhere"),
        ("heta**2", r"feature 'heta\*\*2': unknown name 'heta' at character 1; did you mean 'heat'"),
        ("heat >= 2", "a comparison is no value"),
        ("3", "planner.features.1: 3 is refused: it must be text"),
    ],
)
def test_config_error_in_a_feature_names_its_line(tmp_path: Path, capsys, feature, words):
    """Found by the check, before anything moves."""
    path = write_config(tmp_path, WITH.replace("heat + 1", feature))
    assert main([str(path), "--check"]) == 2
    message = capsys.readouterr().err
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "features" in text)
    column = path.read_text().splitlines()[line - 1].index(feature) + 1
    assert f"tiny.yaml:{line}:{column}: " in message
    assert re.search(words, message)
