"""What is done beside the search: maintenance, repeats and references, each when it is due and not before."""

import io
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from worlds import CONFIG, WornOven, write_config

from orchestrator.campaign import Campaign, Outcome
from orchestrator.config import ConfigError
from orchestrator.display.terminal import LiveWatcher, PlainWatcher
from orchestrator.ledger import Ledger, Run, State
from orchestrator.replay.decisions import decisions
from orchestrator.replay.verify import verify

OVEN = "laboratory.instruments.oven"
WORN = {f"{OVEN}.driver": "worlds:WornOven", "budget.runs": 10}
AT_THREE = {f"{OVEN}.maintenance.clean": {"at": {"wear": 3}}}
STOVE = {"laboratory.instruments.stove": {"driver": "worlds:WornOven", "role": "oven"}}


def campaign(folder: Path, *changes: dict[str, Any], out: str = "out", text: str = CONFIG) -> Campaign:
    overrides = {key: value for change in (WORN, *changes) for key, value in change.items()}
    made = Campaign.from_yaml(write_config(folder, text), out=folder / out, overrides=overrides)
    made.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    return made


def run(folder: Path, *changes: dict[str, Any], out: str = "out") -> Outcome:
    return campaign(folder, *changes, out=out).run()


def holds(folder: Path) -> bool:
    with Ledger.open(folder / "out" / "ledger.sqlite") as ledger:
        return verify(ledger).holds


def all_runs(state: State) -> list[Run]:
    return sorted([*state.runs.values(), *state.maintenance.values()], key=lambda r: r.number)


def purposes(state: State) -> str:
    """One letter a run: s, r(eference), m(aintenance), a(gain)."""
    letters = {"search": "s", "reference": "r", "maintenance": "m", "repeat": "a"}
    return "".join(letters[r.purpose] for r in all_runs(state))


def test_maintenance_comes_when_a_reading_says_so_and_costs_no_run(tmp_path: Path) -> None:
    """Three bakes wear the oven as far as it may be worn; each cleaning sets it back."""
    outcome = run(tmp_path, AT_THREE)
    assert purposes(outcome.state) == "sssmsssmsssms"
    assert outcome.stop.status == "finished"
    assert "wear is 3, and 3 is where it is due" in outcome.state.maintenance[4].why["why"]
    assert holds(tmp_path)


def test_people_see_maintenance_and_what_a_run_was_for(tmp_path: Path) -> None:
    """One line for each, also after a resume."""
    made = campaign(tmp_path, AT_THREE, {"policies.reference": {"point": {"heat": 50}, "every": 5}})
    told = io.StringIO()
    made.run(PlainWatcher(made.settings, told))
    lines = told.getvalue().splitlines()
    assert sum("maintained clean of oven: wear is 3" in line for line in lines) == 3
    assert sum("heat 50 K (reference)" in line for line in lines) == 2
    longer = campaign(
        tmp_path, AT_THREE, {"policies.reference": {"point": {"heat": 50}, "every": 5}, "budget.runs": 13}
    )
    longer.run(LiveWatcher(longer.settings, Console(file=told, width=120)))


def test_no_maintenance_is_begun_when_no_run_will_follow(tmp_path: Path) -> None:
    """The oven is as worn as it may be after the sixth run, which is the last."""
    assert purposes(run(tmp_path, AT_THREE, {"budget.runs": 6}).state) == "sssmsss"
    kiln = {"recipe": "worlds:bake_fire_and_weigh", "laboratory.instruments.kiln": {"driver": "worlds:Kiln"}}
    kiln |= {"laboratory.in_flight": 3, "budget.runs": 3}
    assert purposes(run(tmp_path, AT_THREE, kiln, out="kiln").state) == "sss"


def test_maintenance_is_not_known_to_the_planner(tmp_path: Path) -> None:
    """The points are those of the same campaign on an oven that needs none, up to what its wear changes."""
    with_it, without = run(tmp_path, AT_THREE, out="out"), run(tmp_path, out="other")
    firsts = [[r.point for r in o.state.runs.values()][:3] for o in (with_it, without)]
    assert firsts[0] == firsts[1]
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        found = list(decisions(ledger))
    assert [d.number for d in found] == list(range(1, 11))
    assert [len(d.known) for d in found] == list(range(10))


def test_maintenance_by_the_hour_and_after_another(tmp_path: Path) -> None:
    """A calibration is due by the calendar, and another one follows it."""
    rules = {"clean": {"every_h": 0.1, "settings": {"brush_mm": 5}}, "rinse": {"after": "clean"}}
    state = run(tmp_path, {f"{OVEN}.maintenance": rules}).state
    done = list(state.maintenance.values())
    cleaned, rinsed = done[::2], done[1::2]
    assert len(cleaned) >= 2
    assert {r.steps[0].action for r in cleaned} == {"clean"}
    assert {r.steps[0].action for r in rinsed} == {"rinse"}
    assert all(after.start_s - before.end_s >= 0.1 * 3600 for before, after in pairwise(cleaned))
    assert all(rinse.start_s == clean.end_s for clean, rinse in zip(cleaned, rinsed, strict=False))
    assert cleaned[0].steps[0].settings == {"brush_mm": 5}


def test_no_new_sample_comes_to_an_instrument_that_waits_for_maintenance(tmp_path: Path) -> None:
    """The other oven goes on meanwhile."""
    state = run(tmp_path, AT_THREE, STOVE, {"laboratory.in_flight": 3}).state
    assert state.maintenance
    for cleaning in state.maintenance.values():
        baked = [s for r in state.runs.values() for s in r.steps if s.instrument == "oven"]
        during = [s for s in baked if cleaning.start_s <= s.attempts[0].start_s < cleaning.end_s]
        assert not during
    assert {s.instrument for r in state.maintenance.values() for s in r.steps} == {"oven"}


def test_failed_maintenance_pauses_and_is_tried_again_when_someone_has_seen_to_it(tmp_path: Path) -> None:
    """Nothing is deposited in a tool whose maintenance failed."""
    first = campaign(tmp_path, AT_THREE)
    oven = first.laboratory.instruments["oven"]
    assert isinstance(oven, WornOven)
    oven.is_rusty = True
    stop = first.run().stop
    assert (stop.status, stop.exit_code) == ("paused", 4)
    assert "maintenance failed: clean of oven" in stop.reason
    assert "the rust stays" in stop.reason
    assert purposes(run(tmp_path, AT_THREE).state) == "sssmmsssmsssms"


def test_the_pause_after_failed_maintenance_outlives_the_process(tmp_path: Path) -> None:
    """A crash between the failure and the pause: the campaign pauses before it tries again."""
    first = campaign(tmp_path, AT_THREE)
    oven = first.laboratory.instruments["oven"]
    assert isinstance(oven, WornOven)
    oven.is_rusty = True
    reason = first.run().stop.reason
    with closing(sqlite3.connect(tmp_path / "out" / "ledger.sqlite")) as database:
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{trigger}"')
        database.execute("DELETE FROM events WHERE kind = 'paused'")
        database.commit()
    assert run(tmp_path, AT_THREE).stop.reason == reason
    assert run(tmp_path, AT_THREE).stop.status == "finished"


def test_reference_is_first_and_then_every_so_many_runs(tmp_path: Path) -> None:
    """It is performed at the very point, counts as a run, and is an observation."""
    reference = {"policies.reference": {"point": {"heat": 50}, "every": 3}}
    state = run(tmp_path, reference).state
    assert purposes(state) == "rsssrsssrs"
    assert {r.point["heat"] for r in state.runs.values() if r.purpose == "reference"} == {50.0}
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        assert [d.number for d in decisions(ledger)] == list(range(1, 8))
    assert holds(tmp_path)


def test_each_instrument_of_the_bottleneck_has_its_own_references(tmp_path: Path) -> None:
    """Two chambers drift apart."""
    reference = {"policies.reference": {"point": {"heat": 50}, "every": 2}, "laboratory.in_flight": 2}
    state = run(tmp_path, reference, STOVE).state
    on = [r.steps[0].instrument for r in state.runs.values() if r.purpose == "reference"]
    assert set(on) == {"oven", "stove"}
    assert all(r.steps[0].instrument == r.units["oven"] for r in state.runs.values() if r.purpose == "reference")
    assert holds(tmp_path)


def test_a_lost_sample_is_made_again_as_often_as_the_policy_says(tmp_path: Path) -> None:
    """Never more often, and at the same point."""
    lossy = {f"{OVEN}.failure_rate": 0.6, "policies.sample_repeats": 2, "budget.runs": 20}
    state = run(tmp_path, lossy).state
    again = [r for r in state.runs.values() if r.purpose == "repeat"]
    assert again
    for one in again:
        lost = state.runs[one.concerns["run"]]
        assert lost.failure == "sample"
        assert one.point == lost.point
        assert one.concerns["repeat"] <= 2
    assert len({r.concerns["run"] for r in again}) == len(again)
    assert holds(tmp_path)


def test_a_run_that_was_not_due_is_found(tmp_path: Path) -> None:
    """A verified ledger holds no reference that nothing asked for."""
    run(tmp_path, {"policies.reference": {"point": {"heat": 50}, "every": 3}})
    changed = campaign(tmp_path, {"policies.reference": {"point": {"heat": 50}, "every": 3}})
    with Ledger.write(tmp_path / "out" / "ledger.sqlite") as ledger:
        state = ledger.state
        body = {"point": {"heat": 50.0}, "why": {"why": "a whim"}, "purpose": "reference", "units": {"oven": "oven"}}
        body |= {"concerns": {}, "prefix": state.n_events, "pending": []}
        ledger.append("suggested", body, lab_s=state.lab_s, utc="", origin="simulated", run=11)
        found = verify(ledger)
    assert changed.settings.policies.reference is not None
    assert found.damage == (f"event {state.n_events}: run 11 (reference) was not due by the configuration",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({f"{OVEN}.maintenance.clean": {}}, "when is it due"),
        ({f"{OVEN}.maintenance.clean": {"at": {"rust": 3}}}, "oven reads no 'rust'; it reads wear"),
        ({f"{OVEN}.maintenance.polish": {"every_h": 3}}, "no such action; oven can do bake, clean, rinse"),
        ({f"{OVEN}.maintenance.clean": {"every_h": 3, "settings": {"brush_mm": 99}}}, "above the tool's limit of 50"),
        ({f"{OVEN}.maintenance.clean": {"every_h": 3, "by": "butler"}}, "there is no 'butler' in the laboratory"),
        ({f"{OVEN}.maintenance.clean": {"after": "rinse"}}, "clean comes after 'rinse'"),
        ({"policies.reference": {"point": {"heat": 500}}}, "policies.reference.point"),
        ({"policies.reference": {"point": {"cold": 5}}}, "needs a value for each of heat"),
    ],
)
def test_what_cannot_come_due_is_refused_before_anything_moves(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    """With its place in the YAML."""
    with pytest.raises(ConfigError) as refused:
        campaign(tmp_path, change)
    assert words in str(refused.value)
