"""A campaign whose process is killed after any event, and is run again, is the campaign that was never killed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from postgres_server import connected
from worlds import CONFIG, write_config

from orchestrator.address import Address
from orchestrator.ledger import Ledger, LedgerLocked

TESTS = Path(__file__).parent.parent
KILLED = -9
ADDED = {"campaign_opened", "instrument_connected", "step_in_doubt", "doubt_resolved", "resumed", "paused"}
DESIGN = {"budget.runs": 12, "planner.initial_runs": 13}
WORLDS = {
    "one in flight, late answers": {
        "budget.runs": 12,
        "planner.initial_runs": 10,
        "planner.samples": 16,
        "policies.instruments": {"oven": {"timeout_min": 1.75}},
    },
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
    "two ovens, three in flight, all that can be due": {
        **DESIGN,
        "laboratory.in_flight": 3,
        "laboratory.instruments.oven": {
            "driver": "worlds:WornOven",
            "failure_rate": 0.3,
            "maintenance": {"clean": {"at": {"wear": 3}}},
        },
        "laboratory.instruments.stove": {
            "driver": "worlds:WornOven",
            "role": "oven",
            "maintenance": {"clean": {"every_h": 0.1}},
        },
        "policies.sample_repeats": 1,
        "policies.reference": {"point": {"heat": 50}, "every": 3},
        "policies.quiet_hours": {"from": "08:05", "to": "08:20"},
    },
}
WORLDS["five in flight, fired together"] = {
    **DESIGN,
    "recipe": "worlds:bake_fire_and_weigh",
    "laboratory.in_flight": 5,
    "laboratory.bottleneck": None,
    "laboratory.instruments.kiln": {"driver": "worlds:Kiln", "load_wait_h": 0.02, "failure_rate": 0.2},
    "laboratory.instruments.stove": {"driver": "worlds:Oven", "role": "oven"},
}
N_SLICES = 3
NOTICED_S = 10.0  # a server frees the lock of a dead writer a moment after its death

Place = Path | Address
Places = Callable[[str], Place]


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
        self._is_owed = False  # an answer, to a test that ran out of time before it came

    def perform(self, config: Path, place: Place, world: dict[str, Any], n: int = 0) -> int:
        """Run the campaign, killed after its n-th event, and return the exit code of its process."""
        folder = place.parent if isinstance(place, Path) else config.parent / place.campaign
        lent = {} if isinstance(place, Path) else {"ledger": f"{place.url}#{place.campaign}"}
        request = {"config": str(config), "folder": str(folder), "overrides": world | lent, "n": n}
        if self._is_owed:
            self._process.stdout.readline()
        self._is_owed = True
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        self._is_owed = False
        return code

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


@pytest.fixture
def in_files(tmp_path: Path) -> Places:
    """Ledgers in files."""
    return lambda name: tmp_path / name / "ledger.sqlite"


@pytest.fixture
def in_postgres(campaign_address: Address) -> Iterator[Places]:
    """Ledgers in a database, gone after the test."""
    url, prefix = campaign_address.url, campaign_address.campaign
    yield lambda name: Address(url, f"{prefix}-{name}")
    with connected(campaign_address) as connection:
        mine = sa.text("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, :prefix)")
        for name in connection.scalars(mine, {"prefix": prefix}).all():
            connection.exec_driver_sql(f'DROP SCHEMA "{name}" CASCADE')


def opened_to_write(place: Place) -> Ledger:
    """The ledger, as soon as the database knows that its writer is dead."""
    until = time.monotonic() + NOTICED_S
    while True:
        try:
            return Ledger.write(place)
        except LedgerLocked:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def story(place: Place) -> list[tuple[Any, ...]]:
    """Everything that happened, without what only resuming adds."""
    with Ledger.open(place) as ledger:
        return [
            (e.kind, e.lab_s, e.utc, e.run, e.step, {k: v for k, v in e.body.items() if k != "prefix"})
            for e in ledger.events()
            if e.kind not in ADDED
        ]


def deposited(place: Place) -> list[str]:
    """The ids of all steps that were begun on the oven."""
    with Ledger.open(place) as ledger:
        return [e.body["id"] for e in ledger.events() if e.kind == "step_started" and e.body["instrument"] == "oven"]


def kill_after_every_event(mortals: Mortals, places: Places, config: Path, world: dict[str, Any], part: int) -> None:
    """Compare campaigns that were killed once with one that never was; of their number, every `N_SLICES`-th."""
    assert mortals.perform(config, places("whole"), world) == 0
    whole = story(places("whole"))
    with Ledger.open(places("whole")) as ledger:
        n_events = ledger.state.n_events
    for n in range(1 + part, n_events, N_SLICES):
        place = places(f"killed-{n}")
        assert mortals.perform(config, place, world, n) == KILLED
        opened_to_write(place).close()
        assert mortals.perform(config, place, world) == 0
        assert story(place) == whole, f"killed after event {n}"
        assert len(set(deposited(place))) == len(deposited(place)), f"a step repeated after event {n}"


@pytest.mark.parametrize("part", range(N_SLICES))
@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS.keys())
def test_kill_after_any_event_changes_nothing(
    tmp_path: Path, mortals: Mortals, in_files: Places, world: dict[str, Any], part: int
) -> None:
    """Points, outcomes, values, lab times and their order are those of the campaign that was never killed."""
    kill_after_every_event(mortals, in_files, write_config(tmp_path, CONFIG), world, part)


@pytest.mark.postgres
@pytest.mark.parametrize("part", range(N_SLICES))
def test_kill_after_any_event_changes_nothing_in_postgres(
    tmp_path: Path, mortals: Mortals, in_postgres: Places, part: int
) -> None:
    """The same where the ledger is in a database, and the lock is freed by the server."""
    world = WORLDS["two in flight, random"]
    kill_after_every_event(mortals, in_postgres, write_config(tmp_path, CONFIG), world, part)


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS.keys())
def test_kill_again_and_again_changes_nothing(
    tmp_path: Path, mortals: Mortals, in_files: Places, world: dict[str, Any]
) -> None:
    """A campaign whose every process lives for two dozen events, half of them to resume, ends as if it had one."""
    config = write_config(tmp_path, CONFIG)
    assert mortals.perform(config, in_files("whole"), world) == 0
    n_lives = 1
    while mortals.perform(config, in_files("torn"), world, 24) == KILLED:
        n_lives += 1
    assert n_lives > 3
    assert story(in_files("torn")) == story(in_files("whole"))
