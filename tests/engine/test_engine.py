"""The loop: what each class of failure leads to, when it stops, and what it never does."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import CONFIG, write_config

from instruments.driver import Action, FailureClass, InstrumentError, Moved
from orchestrator.campaign import Campaign, Outcome
from orchestrator.config.schema import PoliciesConfig
from orchestrator.engine.policies import decide
from orchestrator.ledger import Event, Ledger, State


def run(folder: Path, text: str = CONFIG, out: str = "out", **overrides: Any) -> Outcome:
    overrides = {key.replace("__", "."): value for key, value in overrides.items()}
    campaign = Campaign.from_yaml(write_config(folder, text), out=folder / out, overrides=overrides)
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    return campaign.run()


def events(folder: Path, out: str = "out") -> list[Event]:
    with Ledger.open(folder / out / "ledger.sqlite") as ledger:
        return list(ledger.events())


OVEN = "laboratory__instruments__oven__"
SCALE = "laboratory__instruments__scale__"


def test_engine_measures_the_budget_and_closes(tmp_path: Path) -> None:
    """Every run has its point, its why, its value and its lab times."""
    outcome = run(tmp_path)
    assert (outcome.stop.status, outcome.stop.exit_code) == ("finished", 0)
    runs = list(outcome.state.runs.values())
    assert [r.status for r in runs] == ["measured"] * 4
    assert all(r.start_s is not None and r.end_s is not None and r.end_s > r.start_s for r in runs)
    assert all(r.why["why"] and r.sd == 0.1 and "trace_mean" in r.details for r in runs)
    assert outcome.state.status == "closed"


def test_engine_same_seed_same_events_other_seed_others(tmp_path: Path) -> None:
    """All chance comes from the seed."""
    for out, seed in (("a", 7), ("b", 7), ("c", 8)):
        run(tmp_path, out=out, seed=seed)
    a, b, c = ([(e.kind, e.lab_s, e.body) for e in events(tmp_path, out)] for out in "abc")
    assert a == b
    assert a != c


@pytest.mark.parametrize(
    ("failure", "moved", "status", "n_attempts"),
    [
        ("infeasible", "yes", "failed", 1),
        ("sample", "yes", "failed", 1),
        ("measurement", "yes", "failed", 1),
        ("instrument", "no", "failed", 2),
        ("instrument", "yes", "failed", 1),
        ("operator", "yes", "failed", 1),
    ],
)
def test_engine_failed_step_ends_the_run_as_its_class_says(
    tmp_path: Path, failure: str, moved: str, status: str, n_attempts: int
) -> None:
    """The campaign goes on; the class and the reason are in the ledger; nothing that moved is tried again."""
    options = {f"{OVEN}failure": failure, f"{OVEN}moved": moved, f"{OVEN}failure_rate": 1.0}
    outcome = run(tmp_path, **options)
    runs = list(outcome.state.runs.values())
    assert [(r.status, r.failure, r.reason) for r in runs] == [(status, failure, "the oven was told to fail")] * 4
    assert [len(r.steps[0].attempts) for r in runs] == [n_attempts] * 4
    assert all(len(r.steps) == 1 for r in runs)
    assert outcome.stop.exit_code == 0


def test_engine_measures_the_same_sample_again(tmp_path: Path) -> None:
    """A failed measurement is repeated after its back-off, which doubles; the cake is baked once."""
    outcome = run(tmp_path, **{f"{SCALE}shaky_rate": 0.6})
    steps = [step for r in outcome.state.runs.values() for step in r.steps]
    weighed = [step for step in steps if step.instrument == "scale"]
    assert max(len(step.attempts) for step in weighed) > 1
    assert all(len(step.attempts) == 1 for step in steps if step.instrument == "oven")
    for step in weighed:
        for before, after in pairwise(step.attempts):
            assert after.start_s == pytest.approx((before.end_s or 0) + 60.0 * 2 ** (before.number - 1))
        assert len({attempt.id for attempt in step.attempts}) == len(step.attempts)


def test_engine_safety_failure_halts_everything_and_pauses(tmp_path: Path) -> None:
    """The bystander is cut short with class halted and measured again after resuming."""
    options = {
        "laboratory__in_flight": 2,
        f"{OVEN}failure": "safety",
        f"{OVEN}failure_rate": 0.5,
        "budget__runs": 8,
        "seed": 5,
    }
    stop = run(tmp_path, **options).stop
    assert (stop.status, stop.exit_code) == ("paused", 4)
    assert "see to it" in stop.reason
    while run(tmp_path, **options).stop.status == "paused":
        pass
    kinds = [e.kind for e in events(tmp_path)]
    assert kinds.count("paused") == kinds.count("resumed") > 0
    failures = {(e.body["failure"], e.body["decision"]) for e in events(tmp_path) if e.kind == "step_failed"}
    assert ("safety", "fail") in failures
    assert ("halted", "retry") in failures


def test_engine_breaker_pauses_when_the_last_runs_failed(tmp_path: Path) -> None:
    """It says how many, shows the last reason, and counts afresh after resuming."""
    options = {f"{OVEN}failure_rate": 1.0, "budget__runs": 6, "policies__breaker": {"failed": 3, "of_last": 3}}
    stop = run(tmp_path, **options).stop
    assert (stop.status, stop.exit_code) == ("paused", 4)
    assert stop.reason.startswith("3 of the last 3 runs failed, the latest: infeasible: the oven was told to fail")
    again = run(tmp_path, **options)
    assert len(again.state.runs) == 6


@pytest.mark.parametrize(
    ("overrides", "reason", "n_runs"),
    [
        ({"budget__failures": 2, f"{OVEN}failure_rate": 1.0}, "2 runs failed, which is the budget of failures", 2),
        ({"budget__lab_hours": 0.05}, "the budget of 0.05 lab hours is spent", None),
        ({"stop__target": -1e9}, "run 1 reached the target", 1),
        ({"stop__no_improvement_in": 1, "budget__runs": 40}, "no improvement in 1 runs since run", None),
    ],
)
def test_engine_stops_when_a_rule_says_so(tmp_path: Path, overrides: dict[str, Any], reason: str, n_runs: int) -> None:
    """Budgets and stopping rules close the campaign with the reason in words."""
    outcome = run(tmp_path, **overrides)
    assert outcome.stop.reason.startswith(reason)
    assert outcome.stop.exit_code == (4 if "budget__failures" in overrides else 0)
    if n_runs is not None:
        assert len(outcome.state.runs) == n_runs


def test_engine_fault_in_a_recipe_keeps_the_sample(tmp_path: Path) -> None:
    """A KeyError pauses with its place; once mended, the same cake goes on and nothing is baked again."""
    broken = CONFIG.replace("bake_and_weigh", "broken_after_baking")
    stop = run(tmp_path, broken).stop
    assert (stop.status, stop.exit_code) == ("paused", 4)
    assert "KeyError: 'mass' (worlds.py:" in stop.reason
    n = len([e for e in events(tmp_path) if e.kind == "step_started"])
    assert run(tmp_path, broken).stop.status == "paused"
    assert len([e for e in events(tmp_path) if e.kind == "step_started"]) == n == 1


@pytest.mark.parametrize("where", ["check", "recipe"])
def test_engine_takes_a_failure_whose_reason_is_no_text(tmp_path: Path, where: str) -> None:
    """An exception in the place of words, a natural slip, costs no outcome and ends no campaign."""
    slip = CONFIG.replace("recipe: worlds:bake_and_weigh", f"recipe: {{name: 'worlds:undecided', where: {where}}}")
    outcome = run(tmp_path, slip, budget__failures=2)
    first = outcome.state.runs[1]
    assert (first.status, first.failure, first.reason) == ("failed", "sample", "no fit")


def test_engine_recipe_that_drifted_stops_with_both_shown(tmp_path: Path) -> None:
    """A resumed recipe that asks something else than was recorded is not performed."""
    import worlds  # noqa: PLC0415 - to change it under the campaign's feet

    assert run(tmp_path, CONFIG.replace("bake_and_weigh", "broken_after_baking")).stop.status == "paused"
    original = worlds.broken_after_baking
    worlds.broken_after_baking = lambda point, lab: worlds.bake_and_weigh({"heat": point["heat"] * 0.99}, lab)
    try:
        stop = run(tmp_path, CONFIG.replace("bake_and_weigh", "broken_after_baking")).stop
    finally:
        worlds.broken_after_baking = original
    assert "no longer does what was recorded: recorded oven.bake(heat=" in stop.reason


def test_engine_finished_campaign_is_left_alone(tmp_path: Path) -> None:
    """The same command again changes nothing."""
    run(tmp_path)
    before = (tmp_path / "out" / "ledger.sqlite").read_bytes()
    outcome = run(tmp_path)
    assert not outcome.is_new
    assert (tmp_path / "out" / "ledger.sqlite").read_bytes() == before


def test_engine_larger_budget_reopens_a_finished_campaign(tmp_path: Path) -> None:
    """A budget is no part of what a suggestion depends on: the first runs stay, more follow, the ledger says so."""
    first = run(tmp_path).state
    again = run(tmp_path, budget__runs=5).state
    assert [r.value for r in again.runs.values()][:4] == [r.value for r in first.runs.values()]
    assert len(again.runs) == 5
    changed = [e for e in events(tmp_path) if e.kind == "configuration_changed"]
    assert changed[0].body["changed"] == ["budget.runs is 5, but the ledger has 4"]


def test_engine_blocking_driver_runs_on_the_wall_clock(tmp_path: Path) -> None:
    """A vendor's blocking library needs no simulation; what is not a number in its telemetry is kept as text."""
    text = CONFIG.replace('scale: {driver: "worlds:Scale"}', "").replace("worlds:Oven", "worlds:BlockingOven")
    text = text.replace("bake_and_weigh", "bake_only").replace("bottleneck: oven", "clock: wall")
    outcome = run(tmp_path, text)
    assert [r.status for r in outcome.state.runs.values()] == ["measured"] * 4
    telemetry = [e.body["values"] for e in events(tmp_path) if e.kind == "telemetry"]
    assert telemetry == [{"heat": "nan"}] * 4
    assert {e.origin for e in events(tmp_path)} == {"real"}


@given(
    st.sampled_from(FailureClass),
    st.sampled_from(Moved),
    st.booleans(),
    st.integers(1, 10),
)
def test_policies_never_repeat_what_moved(failure: FailureClass, moved: Moved, repeatable: bool, attempt: int) -> None:  # noqa: FBT001
    """No class, attempt or instrument leads to a second deposition after something moved or may have."""
    action = Action({}, {}, 1, 1, repeatable=repeatable)
    decision = decide(InstrumentError(failure, "x", moved), action, attempt, PoliciesConfig())
    if moved != Moved.NO and not repeatable:
        assert not decision.retry
    if failure in (FailureClass.INFEASIBLE, FailureClass.SAMPLE, FailureClass.OPERATOR):
        assert not decision.retry


def test_engine_never_has_two_steps_on_one_instrument(tmp_path: Path) -> None:
    """With three runs in flight, steps on the same instrument do not overlap, and lower runs go first."""
    state: State = run(tmp_path, laboratory__in_flight=3, budget__runs=9).state
    for role in ("oven", "scale"):
        spans = sorted(
            (a.start_s, a.end_s or 0.0, r.number)
            for r in state.runs.values()
            for s in r.steps
            if s.instrument == role
            for a in s.attempts
        )
        assert len(spans) == 9
        assert all(end <= start for (_, end, _), (start, _, _) in pairwise(spans))
        assert [number for _, _, number in spans] == list(range(1, 10))


@pytest.mark.parametrize("in_flight", [1, 2])
def test_engine_stops_when_another_run_is_worth_too_little(tmp_path: Path, in_flight: int) -> None:
    """Once what is under way is done; the rule, the gain and the bound are told, and no suggestion is left over."""
    rules = {"stop__expected_gain": 1e9, "planner__initial_runs": 4, "laboratory__in_flight": in_flight}
    outcome = run(tmp_path, **rules, laboratory__bottleneck=None, budget__runs=30)
    assert outcome.stop.status == "finished"
    assert "less than 1e+09 g (stop.expected_gain)" in outcome.stop.reason
    assert all(r.stage == "finished" for r in outcome.state.runs.values())
    assert 4 <= len(outcome.state.runs) < 8


@pytest.mark.parametrize("value", [1e101, -1e300, 10**400, float("nan"), float("inf")])
def test_engine_takes_no_value_that_no_surrogate_could_bear(tmp_path: Path, value: float) -> None:
    """The run stays open and a person is asked: a slipped unit is mended in the recipe, not learnt from."""
    world = CONFIG.replace("worlds:bake_and_weigh", "worlds:bake_and_return")
    outcome = run(tmp_path, world, recipe={"name": "worlds:bake_and_return", "text": str(value)})
    assert outcome.stop.status == "paused"
    assert "it must return a finite number, at most 1e+100" in outcome.stop.reason


def test_engine_survives_a_phase_that_lasts_longer_than_any_laboratory(tmp_path: Path) -> None:
    """It is a fault of the driver, told as such; there is no date for its end."""
    outcome = run(tmp_path, laboratory__instruments__oven={"driver": "worlds:EndlessOven"})
    failed = next(iter(outcome.state.runs.values()))
    assert failed.failure == "instrument"
    assert "instead of a reading" in failed.reason
