"""A campaign whose process is killed after any event, and is run again, is the campaign that was never killed."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from worlds import CONFIG, write_config

from orchestrator.ledger import Ledger

TESTS = Path(__file__).parent.parent
KILLED = -9
ADDED = {"campaign_opened", "instrument_connected", "step_in_doubt", "doubt_resolved", "resumed", "paused"}
DESIGN = {"budget.runs": 12, "planner.initial_runs": 13}
WORLDS = {
    "one in flight": {"budget.runs": 12, "planner.initial_runs": 10, "planner.samples": 16},
    "two in flight, random": {
        **DESIGN,
        "laboratory.in_flight": 2,
        "laboratory.instruments.scale.shaky_rate": 0.3,
    },
    "three in flight, tied": {
        **DESIGN,
        "laboratory.in_flight": 3,
        "laboratory.instruments.oven.durations": "tied",
        "laboratory.instruments.oven.failure_rate": 0.3,
        "laboratory.instruments.oven.failure": "instrument",
        "laboratory.instruments.oven.moved": "no",
    },
}
N_SLICES = 3


class Mortals:
    """A process that runs campaigns in forks of its own and kills them."""

    def __init__(self) -> None:
        env = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
        self._process = subprocess.Popen(
            [sys.executable, str(TESTS / "engine" / "mortal.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env,
        )

    def perform(self, folder: Path, overrides: dict[str, Any], n: int = 0) -> int:
        """Run the campaign, killed after its n-th event, and return the exit code of its process."""
        config = folder.parent / "tiny.yaml"
        request = {"config": str(config), "folder": str(folder), "overrides": overrides, "n": n}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """Let it go."""
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


@pytest.fixture(scope="module")
def mortals() -> Iterator[Mortals]:
    """One such process for all tests of this file."""
    made = Mortals()
    yield made
    made.close()


def story(folder: Path) -> list[tuple[Any, ...]]:
    """Everything that happened, without what only resuming adds."""
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        return [
            (e.kind, e.lab_s, e.utc, e.run, e.step, {k: v for k, v in e.body.items() if k != "prefix"})
            for e in ledger.events()
            if e.kind not in ADDED
        ]


def deposited(folder: Path) -> list[str]:
    """The ids of all steps that were begun on the oven."""
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        return [e.body["id"] for e in ledger.events() if e.kind == "step_started" and e.body["instrument"] == "oven"]


@pytest.mark.parametrize("part", range(N_SLICES))
@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS.keys())
def test_kill_after_any_event_changes_nothing(
    tmp_path: Path, mortals: Mortals, world: dict[str, Any], part: int
) -> None:
    """Points, outcomes, values, lab times and their order are those of the campaign that was never killed."""
    write_config(tmp_path, CONFIG)
    assert mortals.perform(tmp_path / "whole", world) == 0
    whole = story(tmp_path / "whole")
    with Ledger.open(tmp_path / "whole" / "ledger.sqlite") as ledger:
        n_events = ledger.state.n_events
    for n in range(1 + part, n_events, N_SLICES):
        folder = tmp_path / f"killed-{n}"
        assert mortals.perform(folder, world, n) == KILLED
        assert mortals.perform(folder, world) == 0
        assert story(folder) == whole, f"killed after event {n}"
        assert len(set(deposited(folder))) == len(deposited(folder)), f"a step repeated after event {n}"


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS.keys())
def test_kill_again_and_again_changes_nothing(tmp_path: Path, mortals: Mortals, world: dict[str, Any]) -> None:
    """A campaign whose every process lives for a dozen events only ends as if it had one."""
    write_config(tmp_path, CONFIG)
    assert mortals.perform(tmp_path / "whole", world) == 0
    n_lives = 1
    while mortals.perform(tmp_path / "torn", world, 12) == KILLED:
        n_lives += 1
    assert n_lives > 10
    assert story(tmp_path / "torn") == story(tmp_path / "whole")
