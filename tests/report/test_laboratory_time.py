"""What the report shows of a laboratory: who was at work when, maintenance, samples."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from worlds import write_config

from orchestrator.campaign import Campaign
from orchestrator.engine import planner_of
from orchestrator.ledger import Ledger, State
from orchestrator.report import write_report
from orchestrator.report.occupancy import hours_alone, lanes, n_in_flight, stretches, uses

INSTRUMENTS = "laboratory.instruments"
CLEANED = {"driver": "worlds:WornOven", "failure_rate": 0.2, "maintenance": {"clean": {"at": {"wear": 4}}}}
WORLD: dict[str, Any] = {
    "recipe": "worlds:bake_fire_and_weigh",
    "budget.runs": 14,
    "planner.acquisition": "random",
    "laboratory.in_flight": 4,
    f"{INSTRUMENTS}.oven": CLEANED,
    f"{INSTRUMENTS}.stove": {**CLEANED, "role": "oven"},
    f"{INSTRUMENTS}.kiln": {"driver": "worlds:Kiln", "load_wait_h": 0.05},
    "policies.sample_repeats": 1,
    "policies.reference": {"point": {"heat": 50}, "every": 5},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign on two ovens that wear and are cleaned, and a kiln with room for three; its ledger and its report."""
    where = tmp_path_factory.mktemp("laboratory")
    Campaign.from_yaml(write_config(where), out=where / "out", overrides=WORLD).run()
    return where / "out"


@pytest.fixture(scope="module")
def state(folder: Path) -> State:
    """The state of that campaign."""
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        return ledger.state


def spans(folder: Path) -> dict[tuple[str, bool], set[tuple[float, float]]]:
    """Return from when to when each instrument was at work, or in maintenance, from the events alone."""
    found: dict[tuple[str, bool], set[tuple[float, float]]] = {}
    begun, upkeep = dict[str, tuple[str, float]](), set[int]()
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        for event in ledger.events():
            if event.kind == "suggested" and event.body.get("purpose") == "maintenance":
                upkeep.add(event.run or 0)
            elif event.kind == "step_started":
                begun[event.body["id"]] = event.body["instrument"], event.lab_s
            elif event.kind in ("step_finished", "step_failed"):
                instrument, start_s = begun[event.body["id"]]
                found.setdefault((instrument, event.run in upkeep), set()).add((start_s, event.lab_s))
    return found


def test_shares_of_time_are_those_of_the_events(folder: Path, state: State) -> None:
    """A load counts once, however many samples are in it; maintenance apart; the rest is waiting."""
    told = {(name, is_upkeep): sum(b - a for a, b in of) for (name, is_upkeep), of in spans(folder).items()}
    for use in uses(state, stretches(state)):
        shares = [told.get((use.instrument, is_upkeep), 0.0) / state.lab_s for is_upkeep in (False, True)]
        assert [use.working, use.maintained] == pytest.approx(shares)
        assert use.waiting == pytest.approx(1 - sum(shares))
    assert told["oven", True] > 0
    assert told["stove", True] > 0


def test_a_load_is_one_stretch_with_all_its_runs(state: State) -> None:
    """And no instrument is taken twice at a time."""
    found = [stretch for stretch in stretches(state) if stretch.instrument == "kiln"]
    assert max(len(stretch.runs) for stretch in found) > 1
    assert sorted(run.number for stretch in found for run in stretch.runs) == sorted(
        run.number for run in state.runs.values() for step in run.steps if step.instrument == "kiln"
    )
    assert all(before.end_s <= after.start_s for before, after in pairwise(found))


def test_lanes_stand_by_role_in_the_order_of_the_configuration(state: State) -> None:
    """The second oven stands beside the first."""
    assert lanes(state) == {"oven": ["oven", "stove"], "scale": ["scale"], "kiln": ["kiln"]}


def test_one_at_a_time_takes_the_sum_of_all_attempts(state: State) -> None:
    """Each sample of a load by itself, maintenance too; more than the campaign took, since runs were in flight."""
    runs = [*state.runs.values(), *state.maintenance.values()]
    assert hours_alone(state) == pytest.approx(sum(run.step_hours or 0 for run in runs))
    assert hours_alone(state) > state.lab_s / 3600
    assert 1 < n_in_flight(state) <= 4


def test_maintenance_by_somebody_else_takes_the_instrument_too(tmp_path: Path) -> None:
    """A person cleans the oven: both are taken meanwhile."""
    when = {"utc": "", "origin": "simulated"}
    instruments = {"oven": {"driver": "x"}, "butler": {"driver": "y"}}
    with Ledger.write(tmp_path / "l.sqlite") as ledger:
        configuration = {"parameters": {}, "objective": {}, "laboratory": {"instruments": instruments}}
        opened = {"format": 1, "epoch": "2026-01-05T08:00:00+00:00", "configuration": configuration}
        ledger.append("campaign_opened", opened, lab_s=0, **when)
        for name in instruments:
            ledger.append("instrument_connected", {"instrument": name, "origin": "simulated"}, lab_s=0, **when)
        what = {"instrument": "oven", "action": "clean", "role": "butler", "settings": {}}
        body = {"point": {}, "why": {}, "purpose": "maintenance", "concerns": what}
        ledger.append("suggested", body, run=1, lab_s=0, **when)
        ledger.append("run_started", {}, run=1, lab_s=0, **when)
        begun = {"id": "1.1.1", "instrument": "butler", "action": "clean", "settings": {}}
        ledger.append("step_started", begun, run=1, step=1, lab_s=300, **when)
        ledger.append("step_finished", {"id": "1.1.1", "reading": {"values": {}}}, run=1, step=1, lab_s=400, **when)
        found = uses(ledger.state, stretches(ledger.state))
    assert [(use.instrument, use.working, use.maintained) for use in found] == [("oven", 0, 0.25), ("butler", 0, 0.25)]


def test_report_shows_the_laboratory(folder: Path, state: State) -> None:
    """In the picture, in words, and in tables of maintenance and samples."""
    page = (folder / "report.html").read_text(encoding="utf-8")
    text = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    for key in ("maintenance", "reference run", "repeat run"):
        assert re.search(rf"</i> {key}</span>", page), key
    assert "A load is one bar" in text
    assert f"for {len(state.runs)} runs. The same steps one at a time take" in text
    assert f"maintenance was done {len(state.maintenance)} times" in text
    assert "wear is 4, and 4 is where it is due maintained" in text
    assert ">clean</text>" in page
    assert "scrapped: sample: the oven was told to fail" in text
    assert re.search(r"repeat of run \d+</span>", page)


def test_report_of_a_laboratory_has_the_same_bytes_when_it_is_written_again(folder: Path, tmp_path: Path) -> None:
    """From the ledger alone."""
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        again = write_report(ledger, planner_of(ledger.state), tmp_path)
    assert again.read_bytes() == (folder / "report.html").read_bytes()
