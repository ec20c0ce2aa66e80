"""Samples that go through one action together: when a load leaves, and that each sample keeps its own story."""

import itertools
from pathlib import Path
from typing import Any

from worlds import write_config

from orchestrator.campaign import Campaign
from orchestrator.ledger import Attempt, Ledger, Run
from orchestrator.replay.verify import verify

KILN = "laboratory.instruments.kiln"
WORLD = {
    "recipe": "worlds:bake_fire_and_weigh",
    "budget.runs": 12,
    "planner.initial_runs": 13,
    "laboratory.in_flight": 4,
    "laboratory.instruments.stove": {"driver": "worlds:Oven", "role": "oven"},
}


def run(folder: Path, **kiln: Any) -> list[Run]:
    overrides = WORLD | {KILN: {"driver": "worlds:Kiln", **kiln}}
    made = Campaign.from_yaml(write_config(folder), out=folder / "out", overrides=overrides)
    made.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    outcome = made.run()
    assert outcome.stop.status == "finished"
    return list(outcome.state.runs.values())


def fired(runs: list[Run]) -> list[Attempt]:
    return [a for r in runs for s in r.steps if s.instrument == "kiln" for a in s.attempts]


def loads(runs: list[Run]) -> dict[float, list[Attempt]]:
    found: dict[float, list[Attempt]] = {}
    for attempt in fired(runs):
        found.setdefault(attempt.start_s, []).append(attempt)
    return found


def waited_s(runs: list[Run], attempt: Attempt) -> float:
    (one,) = [r for r in runs if r.number == int(attempt.id.split(".")[0])]
    return attempt.start_s - (one.steps[0].last.end_s or 0.0)


def test_members_begin_and_end_together_and_each_has_its_own_reading(tmp_path: Path) -> None:
    """A load is one firing of several samples."""
    runs = run(tmp_path, load_wait_h=1)
    together = loads(runs)
    assert any(len(load) > 1 for load in together.values())
    for load in together.values():
        assert len({a.end_s for a in load}) == 1
        assert {a.load for a in load} == {tuple(a.id for a in load) if len(load) > 1 else ()}
    lost = [r.details["lost"] for r in runs]
    assert len(set(lost)) == len(lost)


def test_loads_follow_one_another_and_are_never_too_large(tmp_path: Path) -> None:
    """There is one kiln, with room for two."""
    spans = sorted((start, load[0].end_s, len(load)) for start, load in loads(run(tmp_path, capacity=2)).items())
    assert max(n for _, _, n in spans) == 2
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_a_load_that_waits_for_nobody_leaves_at_once(tmp_path: Path) -> None:
    """By default whoever is there goes; only a kiln at work is waited for."""
    runs = run(tmp_path)
    ends = {a.end_s for a in fired(runs)}
    assert all(waited_s(runs, load[0]) == 0 or start in ends for start, load in loads(runs).items())


def test_a_load_waits_as_long_as_it_may_unless_it_is_full_or_holds_all_in_flight(tmp_path: Path) -> None:
    """Three minutes, from the first of its samples on."""
    runs = run(tmp_path, load_wait_h=0.05)
    for start, load in loads(runs).items():
        longest = max(waited_s(runs, a) for a in load)
        is_late = any(a.end_s == start for a in fired(runs))
        n_open = sum((r.start_s or 0) <= start < (r.end_s or 0) for r in runs)
        assert is_late or len(load) in (3, n_open) or longest == 0.05 * 3600


def test_a_member_that_fails_is_repeated_without_the_others(tmp_path: Path) -> None:
    """Each sample keeps its own story."""
    runs = run(tmp_path, load_wait_h=1, failure_rate=0.3)
    steps = [s for r in runs for s in r.steps if s.instrument == "kiln"]
    assert any(len(s.attempts) > 1 and len(s.attempts[0].load) > 1 for s in steps)
    assert any(len(s.attempts) == 1 and len(s.attempts[0].load) > 1 for s in steps)
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        assert verify(ledger).holds


def lipon(folder: Path, capacity: int) -> Campaign:
    """Six sputter tools before one evaporator."""
    sputter = {"driver": "simulated-sputter", "role": "sputter"}
    overrides = {f"laboratory.instruments.sputter-{n}": sputter for n in range(5)} | {
        "laboratory.in_flight": 6,
        "laboratory.bottleneck": None,
        "budget.runs": 12,
        "planner.acquisition": "random",
        "laboratory.instruments.evaporator.capacity": capacity,
    }
    config = Path(__file__).parents[2] / "configs" / "lipon.yaml"
    made = Campaign.from_yaml(config, out=folder / str(capacity), overrides=overrides)
    made.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    return made


def test_a_load_of_the_lipon_evaporator_saves_lab_time_and_is_remembered(tmp_path: Path) -> None:
    """Six electrodes take as long as one; after a crash each is on its sample again."""
    one, six = (lipon(tmp_path, capacity) for capacity in (1, 6))
    hours = [made.run().state.lab_s / 3600 for made in (one, six)]
    assert hours[1] < hours[0]
    with Ledger.open(tmp_path / "6" / "ledger.sqlite") as ledger:
        electrodes = [body["electrodes"] for name, body in ledger.state.instrument_states if name == "evaporator"]
    assert max(len(areas) for areas in electrodes) > 1
    again = lipon(tmp_path, 6).laboratory.instruments
    with Ledger.open(tmp_path / "6" / "ledger.sqlite") as ledger:
        for name, body in ledger.state.instrument_states:
            again[name].state = body  # type: ignore[union-attr]  # all are simulated
    shelves = [made["analyzer"]._shelf for made in (again, six.laboratory.instruments)]
    assert {f.id: f.area_cm2 for f in shelves[0].values()} == {f.id: f.area_cm2 for f in shelves[1].values()}
