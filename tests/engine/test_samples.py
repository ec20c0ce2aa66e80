"""Samples: each is made once, is in one place at a time, fits its holder, and its story can be read off the ledger."""

import os
from collections import Counter
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

import pytest
from worlds import write_config

from orchestrator.campaign import Campaign, Outcome
from orchestrator.chance import stream
from orchestrator.ledger import Ledger, State
from orchestrator.ledger.samples import IN_WORK, KEPT, SCRAPPED, Sample, samples

INSTRUMENTS = "laboratory.instruments"
KILN = {"recipe": "worlds:bake_fire_and_weigh", f"{INSTRUMENTS}.kiln": {"driver": "worlds:Kiln", "load_wait_h": 0.05}}
STOVE = {f"{INSTRUMENTS}.stove": {"driver": "worlds:Oven", "role": "oven"}}
RANDOM = {"planner.acquisition": "random"}
N_STORMS = 6 * int(os.environ.get("STORM", "1"))


def run(folder: Path, *changes: dict[str, Any]) -> Outcome:
    overrides = {key: value for change in (RANDOM, *changes) for key, value in change.items()}
    made = Campaign.from_yaml(write_config(folder), out=folder / "out", overrides=overrides)
    made.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    return made.run()


def named(state: State) -> dict[str, Sample]:
    return {sample.name: sample for sample in samples(state)}


def weather(seed: int) -> dict[str, Any]:
    """Two ovens before one kiln with room for one to four, up to four runs in flight, failures everywhere."""
    dice = stream(seed, "samples")
    oven = {"driver": "worlds:Oven", "failure": "sample", "failure_rate": float(dice.choice([0, 0.3]))}
    kiln = {"capacity": int(dice.integers(1, 5)), "failure_rate": float(dice.choice([0, 0.4]))}
    kiln |= {"driver": "worlds:Kiln", "load_wait_h": float(dice.choice([0, 0.05]))}
    return KILN | {
        "seed": seed,
        "budget.runs": 14,
        "planner.initial_runs": 20,
        "laboratory.in_flight": int(dice.integers(1, 5)),
        "policies.sample_repeats": int(dice.integers(0, 3)),
        f"{INSTRUMENTS}.oven": oven,
        f"{INSTRUMENTS}.stove": {**oven, "role": "oven"},
        f"{INSTRUMENTS}.kiln": kiln,
        f"{INSTRUMENTS}.scale.shaky_rate": float(dice.choice([0, 0.4])),
    }


@pytest.mark.parametrize("seed", range(N_STORMS))
def test_no_sample_is_ever_in_two_places_whatever_goes_wrong(tmp_path: Path, seed: int) -> None:
    """Counted from the events alone: made once, on one instrument at a time, no more together than there is room."""
    world = weather(seed)
    run(tmp_path, world)
    made: Counter[str] = Counter()
    state, under_way = State(), dict[str, str]()
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        for event in ledger.events():
            body, sample = event.body, event.body.get("settings", {}).get("sample")
            if event.kind == "step_started" and sample is not None:
                assert sample in made
                assert sample not in under_way.values()
                under_way[body["id"]] = sample
                assert len(body.get("load", ())) <= world[f"{INSTRUMENTS}.kiln"]["capacity"]
            elif event.kind in ("step_finished", "step_failed"):
                made.update(n for n in [body.get("reading", {}).get("values", {}).get("sample")] if n)
                under_way.pop(body["id"], None)
            state.apply(event)
            places = [s.name for s in samples(state) if s.position.is_in and s.name]
            assert sorted(under_way.values()) == sorted(set(under_way.values()) & set(places))
        assert state.made == ledger.state.made
    assert set(made.values()) == {1}
    check_stories(state, made)


def check_stories(state: State, made: Counter[str]) -> None:
    """Every sample is there with all it went through, in the order of time and without overlap."""
    found = samples(state)
    assert {sample.name for sample in found if sample.name} == set(made)
    for sample in found:
        spans = [(one.attempt.start_s, one.attempt.end_s or inf) for one in sample.lineage]
        assert all(before[1] <= after[0] for before, after in pairwise(spans))
        assert sample.fate == {"measured": KEPT, "failed": SCRAPPED, None: IN_WORK}[sample.run.status]
        assert bool(sample.why) == (sample.fate == SCRAPPED)
    told = [a.id for r in state.runs.values() for s in r.steps for a in s.attempts if "sample" in s.settings]
    assert sorted(told) == sorted(one.attempt.id for sample in found for one in sample.lineage[1:])
    lost = [r.number for r in state.runs.values() if r.failure == "sample" and len(r.steps) == 1]
    assert lost == [sample.run.number for sample in found if not sample.name]


def test_the_story_of_a_sample_has_its_maker_its_load_and_its_end(tmp_path: Path) -> None:
    """Identity, lineage, company and fate."""
    state = run(tmp_path, KILN, STOVE, {"laboratory.in_flight": 2, "budget.runs": 2}).state
    one, other = samples(state)
    assert (one.name, one.run.number, one.origin.attempt.id) == ("cake-1.1.1", 1, "1.1.1")
    assert (one.origin.step.instrument, other.origin.step.instrument) == ("oven", "stove")
    assert [part.step.instrument for part in one.lineage] == ["oven", "kiln", "scale"]
    assert one.lineage[1].attempt.load == other.lineage[1].attempt.load == ("1.2.1", "2.2.1")
    assert (one.fate, one.position.instrument, one.position.is_in) == (KEPT, "scale", False)


def test_a_sample_under_way_has_its_place_in_the_load(tmp_path: Path) -> None:
    """And one whose step waits to be repeated is where it was."""
    run(tmp_path, KILN, STOVE, {"laboratory.in_flight": 2, "budget.runs": 2, f"{INSTRUMENTS}.kiln.failure_rate": 0.9})
    state, places = State(), set()
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        for event in ledger.events():
            state.apply(event)
            if event.kind in ("step_started", "step_failed") and event.body["id"] in ("1.2.1", "2.2.1"):
                where = named(state)[f"cake-{event.run}.1.1"].position
                places.add((event.kind, event.run, where.instrument, where.is_in, where.place, where.of))
    assert ("step_started", 2, "kiln", True, 2, 2) in places
    assert ("step_failed", 1, "kiln", True, None, None) in places


def test_what_is_lost_in_the_making_has_no_name_and_is_made_again(tmp_path: Path) -> None:
    """The repeat says for which run it was made."""
    lossy = {f"{INSTRUMENTS}.oven": {"driver": "worlds:Oven", "failure": "sample", "failure_rate": 0.6}}
    found = samples(run(tmp_path, lossy, {"policies.sample_repeats": 2, "budget.runs": 12}).state)
    lost = [sample for sample in found if not sample.name]
    assert lost
    assert {sample.fate for sample in lost} == {SCRAPPED}
    assert lost[0].why == "sample: the oven was told to fail"
    assert {s.replaces for s in found} - {None} <= {s.run.number for s in lost}
    assert any(s.replaces == lost[0].run.number for s in found)


def test_a_verdict_scraps_a_sample_and_takes_that_back(tmp_path: Path) -> None:
    """It follows what the run counts for."""
    run(tmp_path)
    with Ledger.write(tmp_path / "out" / "ledger.sqlite") as ledger:
        for verdict, fate in (("sample", SCRAPPED), ("valid", KEPT)):
            body = {"verdict": verdict, "note": "it fell"}
            ledger.append("verdict_changed", body, lab_s=9e9, utc="", origin="human", run=2)
            assert named(ledger.state)["cake-2.1.1"].fate == fate


@pytest.mark.parametrize(
    ("recipe", "changes", "words"),
    [
        ("misspell", {}, "sample 'CAKE-1.1.1' was never made; name it as the step that made it has read it"),
        (
            "weigh_the_first",
            {f"{INSTRUMENTS}.scale.shaky_rate": 1.0},
            "sample 'cake-1.1.1' was scrapped with run 1 (measurement: a shaky hand); make a new one",
        ),
        (
            "fire_the_first",
            KILN | STOVE | {"laboratory.in_flight": 2, f"{INSTRUMENTS}.kiln.capacity": 1},
            "sample 'cake-1.1.1' is in kiln, at step 1.2.1; a sample is in one place at a time",
        ),
    ],
)
def test_a_recipe_that_mixes_up_samples_is_stopped_before_anything_moves(
    tmp_path: Path, recipe: str, changes: dict[str, Any], words: str
) -> None:
    """The run stays open with its sample, until the recipe is mended."""
    stop = run(tmp_path, changes, {"recipe": f"mixups:{recipe}"}).stop
    assert (stop.status, stop.exit_code) == ("paused", 4)
    assert words in stop.reason
    assert "mend it" in stop.reason


def test_two_runs_that_name_one_sample_never_share_a_load(tmp_path: Path) -> None:
    """The first goes in, the other is told."""
    changes = KILN | STOVE | {"laboratory.in_flight": 2, f"{INSTRUMENTS}.kiln.load_wait_h": 1}
    outcome = run(tmp_path, changes, {"recipe": "mixups:fire_the_first"})
    loads = [a.load for r in outcome.state.runs.values() for s in r.steps[1:2] for a in s.attempts]
    assert set(loads) == {()}
    assert "sample 'cake-1.1.1' is in kiln" in outcome.stop.reason


def test_a_sample_that_was_brought_in_is_no_mix_up(tmp_path: Path) -> None:
    """A name that steps were told before any was made stays known; it has no maker, and is not listed."""
    standard = {
        "recipe": "mixups:bake_and_weigh_beside_a_standard",
        f"{INSTRUMENTS}.scale.driver": "mixups:KnowingScale",
    }
    outcome = run(tmp_path, standard)
    assert outcome.stop.status == "finished"
    assert len(named(outcome.state)) == 4
