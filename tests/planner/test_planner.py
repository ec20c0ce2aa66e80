"""The planner: a pure function from what is known to the next point and why."""

import json
import math
import textwrap
from pathlib import Path

import numpy as np
import pytest

from orchestrator.config.schema import PlannerConfig
from orchestrator.data import Rows
from orchestrator.objective import Objective
from orchestrator.planner import Observation, Planner
from orchestrator.planner.belief import Belief
from orchestrator.planner.extrapolation import novelty
from orchestrator.space import Parameter, ParameterSpace, SpaceError

SPACE = ParameterSpace([Parameter("distance", "cm", 3, 12), Parameter("pressure", "Pa", 0.2, 4)])
OBJECTIVE = Objective("conductivity", "uS/cm")
QUICK = PlannerConfig(initial_runs=5, samples=128)


def true(point):
    return 2 - ((point["distance"] - 7) / 4) ** 2 - ((point["pressure"] - 1.5) / 2) ** 2


def past(n, seed=0, scale=1.0):
    points = tuple(SPACE.sample(n, np.random.default_rng(seed)))
    return Rows(Path("past.csv"), "", points, np.array([scale * true(p) for p in points]), None, ("",) * n, ("",) * n)


def performed(n, seed=1):
    return [Observation(p, true(p)) for p in SPACE.sample(n, np.random.default_rng(seed))]


def planner(settings=QUICK, **given):
    return Planner(SPACE, OBJECTIVE, settings, **given)


def test_planner_begins_with_a_design_indexed_by_number():
    """The first five suggestions are one Latin hypercube of the seed, in whatever order they are asked for."""
    one = planner(seed=3)
    design = SPACE.design(5, 3)
    asked = {number: one.ask(performed(number - 1), number=number) for number in (4, 1, 3)}
    assert {number: s.point for number, s in asked.items()} == {n: design[n - 1] for n in (4, 1, 3)}
    assert asked[4].kind == "design"
    assert "point 4 of 5 of the initial design" in asked[4].why


def test_planner_counts_initial_rows_towards_the_design():
    """With enough past rows of this tool the model speaks from the first suggestion on."""
    assert planner(initial=past(5)).suggest().kind == "model"
    assert planner(initial=past(3)).suggest().kind == "design"


@pytest.mark.parametrize("surrogate", ["coral-svr", "svr", "gp"])
def test_planner_answer_depends_on_its_arguments_alone(surrogate):
    """Same arguments, same suggestion, whatever was asked before and by whichever instance."""
    settings = QUICK.model_copy(update={"surrogate": surrogate, "levels": None})
    one, other = (planner(settings, seed=7, source=past(8, seed=5)) for _ in range(2))
    other.ask(performed(9, seed=4), number=3)
    first = one.ask(performed(12), number=13)
    assert first == other.ask(performed(12), number=13)
    assert first != one.ask(performed(12), number=14)
    assert first != planner(settings, seed=8, source=past(8, seed=5)).ask(performed(12), number=13)


def test_planner_suggests_the_same_until_it_is_told():
    """Suggest is a question, not a draw."""
    one = planner(initial=past(8))
    first = one.suggest()
    assert one.suggest() == first
    one.tell(first.point, true(first.point))
    assert one.suggest().point != first.point
    assert one.suggest().number == 2


def test_planner_suggests_near_the_optimum_of_a_plain_hill():
    """Fifteen told runs on a noiseless hill of two parameters end within 5 % of its top."""
    one = planner(seed=1)
    for _ in range(15):
        point = one.suggest().point
        one.tell(point, true(point))
    assert one.best().value > 1.9


@pytest.mark.parametrize("acquisition", ["ei", "ucb", "pi"])
@pytest.mark.parametrize("mode", ["scaled", "paper"])
def test_planner_explains_a_model_suggestion(acquisition, mode):
    """Every number is there, finite, and said in the sentence; the record is plain JSON."""
    settings = QUICK.model_copy(update={"acquisition": acquisition, "mode": mode})
    suggestion = planner(settings, source=past(8, seed=5, scale=0.8)).ask(performed(10), number=11)
    plain = suggestion.to_json()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert suggestion.sd > 0
    assert 0 < suggestion.p_feasible < 1
    assert suggestion.source_evidence["rows"] == 10
    for words in ("predicted", "uS/cm", "P(feasible)", "source weight", "nearest row"):
        assert words in suggestion.why


def test_planner_says_that_there_is_no_source():
    """Without source rows the weight is zero and the sentence says why."""
    suggestion = planner().ask(performed(10), number=11)
    assert suggestion.source_weight == 0
    assert "source weight 0 (no source is used)" in suggestion.why


def test_planner_says_the_mean_weight_of_its_members_in_two_digits():
    """The record has it as it is."""
    settings = QUICK.model_copy(update={"mode": "averaged"})
    suggestion = planner(settings, source=past(8, seed=5)).ask(performed(10), number=11)
    assert 100 * suggestion.source_weight % 1 > 0
    assert f"source weight {suggestion.source_weight:.2f} (averaged over likely ways" in suggestion.why


def test_planner_takes_a_weight_that_the_configuration_fixes():
    """Any weight between 0 and 1 is used and explained, also one that the guard would not try."""
    settings = QUICK.model_copy(update={"source_weight": 0.3})
    suggestion = planner(settings, source=past(8, seed=5)).ask(performed(10), number=11)
    assert suggestion.source_weight == 0.3
    assert f"source weight 0.3 at ratio {suggestion.source_evidence['ratio']:.2g} (left-out error" in suggestion.why
    assert "fixed by the configuration" in suggestion.why


def test_planner_minimises_when_asked_to():
    """With goal minimise the best is the smallest and the prediction is in the objective's sense."""
    one = Planner(SPACE, Objective("loss", "1", "minimise"), QUICK, initial=past(10))
    suggestion = one.suggest()
    for value in (3.0, 1.0, 2.0):
        one.tell(suggestion.point, value)
    assert one.best().value == 1.0
    one = Planner(SPACE, Objective("loss", "1", "minimise"), QUICK, initial=past(10))
    assert suggestion.mean == pytest.approx(one.predict([], [suggestion.point])[0][0])
    assert suggestion.mean < np.median(past(10).values)


def test_planner_gives_pending_runs_other_points():
    """Two in flight differ, in the design and from the model, and stay apart from each other."""
    for one in (planner(), planner(initial=past(12))):
        flying = [one.suggest()]
        for _ in range(2):
            flying.append(one.suggest(pending=[s.point for s in flying]))
        encoded = SPACE.encode([s.point for s in flying])
        assert min(np.linalg.norm(a - b) for i, a in enumerate(encoded) for b in encoded[:i]) > 1e-3
        assert [s.number for s in flying] == [1, 2, 3]


def test_planner_keeps_away_from_where_runs_were_infeasible():
    """Three infeasible runs around a suggestion move the next one off and lower P(feasible) there."""
    one = planner(initial=past(10))
    first = one.suggest()
    around = SPACE.decode(SPACE.encode([first.point]) + np.array([[0, 0], [0.03, 0], [0, 0.03]]))
    for point in around:
        one.tell(point, failure="infeasible", reason="no plasma")
    second = one.suggest()
    assert np.linalg.norm(SPACE.encode([second.point]) - SPACE.encode([first.point])) > 0.1
    assert second.p_feasible > 0.5


def test_belief_learns_the_worst_from_an_infeasible_run():
    """Where a run gave no film the prediction sinks, not P(feasible) alone."""
    known, point = performed(10), {"distance": 7.0, "pressure": 1.5}
    failed = [*known, Observation(point, failure="infeasible")]
    before, after = (Belief(SPACE, OBJECTIVE, QUICK, some).at(SPACE.encode([point])) for some in (known, failed))
    assert after.score[0] < before.score[0] - 0.2
    assert after.p_feasible[0] < before.p_feasible[0]


def test_belief_is_surer_where_a_run_is_pending():
    """A pending run lowers the doubt at its point, so that the next one looks elsewhere."""
    known, point = performed(10), {"distance": 11.5, "pressure": 3.8}
    alone, flying = (
        Belief(SPACE, OBJECTIVE, QUICK, known, pending=pending).at(SPACE.encode([point])) for pending in ([], [point])
    )
    assert flying.sd[0] < 0.5 * alone.sd[0]
    assert flying.score[0] == pytest.approx(alone.score[0], abs=0.5)


@pytest.mark.parametrize("failure", ["measurement", "instrument", "safety", "halted", "recipe", "operator"])
def test_planner_learns_nothing_from_failures_that_say_nothing_of_the_point(failure):
    """A lost link neither moves the belief nor forbids the point."""
    known = performed(10)
    failed = [*known, Observation(known[0].point, failure=failure)]
    assert planner().ask(failed, number=20) == planner().ask(known, number=20)


def test_planner_goes_on_when_nothing_was_ever_measured():
    """Nothing but infeasible runs still gives a suggestion, away from them."""
    failed = [Observation(p, failure="infeasible") for p in SPACE.sample(8, np.random.default_rng(0))]
    suggestion = planner().ask(failed, number=9)
    assert "nothing is measured yet" in suggestion.why
    assert (
        np.linalg.norm(SPACE.encode([o.point for o in failed]) - SPACE.encode([suggestion.point]), axis=1).min() > 0.1
    )


def test_planner_uses_a_pool_up_before_repeating():
    """Every candidate is performed or found infeasible once, then replicates are allowed."""
    pool = SPACE.sample(12, np.random.default_rng(0))
    one = Planner(ParameterSpace(SPACE.parameters, pool), OBJECTIVE, QUICK)
    for number in range(12):
        point = one.suggest().point
        if number % 4:
            one.tell(point, true(point))
        else:
            one.tell(point, failure="infeasible")
    seen = [o.point for o in one.observations]
    assert sorted(map(str, seen)) == sorted(map(str, pool))
    assert one.suggest().point in pool


def test_planner_never_repeats_a_measured_point_of_a_continuous_space():
    """Even when the optimum sits in a corner that searches run into."""
    one = planner(PlannerConfig(initial_runs=3, samples=64))
    for _ in range(12):
        point = one.suggest().point
        one.tell(point, point["distance"] + point["pressure"])
    encoded = SPACE.encode([o.point for o in one.observations])
    assert min(np.linalg.norm(a - b) for i, a in enumerate(encoded) for b in encoded[:i]) > 1e-7


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "give exactly one of value and failure"),
        ({"value": 1.0, "failure": "sample"}, "give exactly one of value and failure"),
        ({"value": math.nan}, "value=nan is not a finite number; tell a failure instead"),
        ({"value": "1.9"}, "value='1.9' is not a finite number"),
        ({"value": True}, "value=True is not a finite number"),
        ({"value": 1e308}, r"value=1e\+308 is beyond 1e\+100, where nothing can be computed; correct it"),
        ({"value": -(10**400)}, r"is beyond 1e\+100"),
        ({"value": 1.0, "sd": 1e200}, r"sd=1e\+200 is beyond 1e\+100"),
        ({"value": 1.0, "sd": math.inf}, "sd=inf is not a finite number"),
        ({"value": 1.0, "sd": -2}, "sd=-2 is below 0"),
        ({"failure": "broken"}, "'broken' is no class; the classes are infeasible, sample"),
    ],
)
def test_planner_refuses_to_be_told_nonsense(told, words):
    """What was told wrongly is said, and nothing is remembered."""
    one = planner()
    with pytest.raises(ValueError, match=words):
        one.tell({"distance": 6, "pressure": 1}, **told)
    with pytest.raises(SpaceError, match="outside"):
        one.tell({"distance": 60, "pressure": 1}, 1.0)
    with pytest.raises(ValueError, match="a point is a mapping by parameter name"):
        one.tell([6, 1], 1.0)
    assert one.observations == ()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (lambda one, s: one.suggest(s.point), "pending is a list of points, not one of them; write .suggestion.point."),
        (lambda one, s: one.suggest(s), "pending is a list of points, as .suggestion.point., not Suggestion"),
        (lambda one, _: one.suggest("here"), "pending is a list of points, as .suggestion.point., not str"),
        (
            lambda one, s: one.suggest([s]),
            "a pending point is a mapping by parameter name, as suggestion.point is, not",
        ),
        (lambda one, _: one.suggest_batch(2.5), "a batch of 2.5 suggestions is none; ask for 1, 2 or more"),
        (lambda one, _: one.suggest_batch("2"), "a batch of '2' suggestions is none"),
        (lambda one, _: one.suggest_batch(n=True), "a batch of True suggestions is none"),
    ],
)
def test_planner_refuses_to_be_asked_nonsense(asked, words):
    """What was asked wrongly is said in words; a sequence and a count of another kind are answered."""
    one = planner()
    suggestion = one.suggest()
    with pytest.raises(ValueError, match=words):
        asked(one, suggestion)
    assert one.suggest((suggestion.point,)).number == 2
    assert len(one.suggest_batch(np.int64(2), [suggestion.point])) == 2


def test_planner_best_is_the_best_it_was_told():
    """None at first; failures and the rows it began with do not count."""
    one = planner(initial=past(5))
    assert one.best() is None
    one.tell({"distance": 7, "pressure": 1.5}, -5.0, sd=0.1)
    one.tell({"distance": 6, "pressure": 1.5}, -6.0)
    one.tell({"distance": 8, "pressure": 1.5}, failure="sample")
    assert one.best() == Observation({"distance": 7.0, "pressure": 1.5}, -5.0, 0.1)


def test_novelty_names_what_lies_beyond_the_measured_rows():
    """Inside the hull, inside the ranges but outside the hull, and beyond a range are told apart."""
    corners = [{"distance": d, "pressure": p} for d, p in ((4, 1), (8, 1), (4, 3))]
    inside, outside = ({"distance": 5.0, "pressure": 1.2}, {"distance": 7.9, "pressure": 2.9})
    assert not novelty(SPACE, inside, corners).extrapolating
    assert "their combination is not" in novelty(SPACE, outside, corners).words
    beyond = novelty(SPACE, {"distance": 8.0, "pressure": 3.44}, corners)
    assert beyond.words == "pressure 3.44 Pa is above every measured row (1-3)"
    assert beyond.nearest == pytest.approx(math.hypot(4 / 9, 0.44 / 3.8))
    assert novelty(SPACE, inside, []).nearest is None
    share = ParameterSpace([Parameter("share", "1", 0, 1)])
    assert novelty(share, {"share": 1.0}, [{"share": 0.5}]).words == "share 1 is above every measured row (0.5-0.5)"


def test_planner_comes_from_a_configuration_file_without_a_laboratory(tmp_path):
    """Data files are found beside the YAML, overrides apply, and the seed can be given."""
    (tmp_path / "past.csv").write_text(
        "distance,pressure,conductivity\n" + "".join(f"{d},1,{d}\n" for d in range(4, 11))
    )
    (tmp_path / "study.yaml").write_text(
        textwrap.dedent("""
        campaign: study
        parameters:
          distance: {unit: cm, low: 3, high: 12}
          pressure: {unit: Pa, low: 0.2, high: 4}
        objective: {name: conductivity, unit: uS/cm}
        data: {source: past.csv, initial: past.csv}
        planner: {initial_runs: 5, samples: 64}
        laboratory: {instruments: {sputter: {driver: nowhere}}}
        recipe: nowhere:recipe
        budget: {runs: 3}
        """)
    )
    with_source = Planner.from_yaml(tmp_path / "study.yaml", seed=4)
    without = Planner.from_yaml(tmp_path / "study.yaml", seed=4, overrides={"data.source": None})
    assert (with_source.seed, len(with_source.source), without.source) == (4, 7, None)
    assert "no source is used" in without.suggest().why
    assert with_source.suggest().kind == "model"
