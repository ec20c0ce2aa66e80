"""Simulated campaigns in every weather: each ends declared, loses nothing, and means what the table of faults says."""

import os
from contextlib import suppress
from pathlib import Path

import pytest
from weather import FAULTS, RATES, Death, Weather, dying_after, embark, mixed, sail, story

from orchestrator.chance import stream
from orchestrator.ledger import Ledger

N_MIXED = 12 * int(os.environ.get("STORM", "1"))
N_TORN = 12 * int(os.environ.get("STORM", "1"))
N_SEEDS = int(os.environ.get("STORM", "1"))

MEANS: dict[str, set[str]] = {
    "sputter.ignition": {"infeasible"},
    "sputter.mismatch": {"instrument"},
    "sputter.arcing": {"infeasible"},
    "sputter.arcing_stressed": {"infeasible"},
    "sputter.target_crack": {"infeasible"},
    "sputter.pressure_off": {"instrument"},
    "sputter.cooling_water": {"instrument"},
    "sputter.vacuum": {"instrument"},
    "sputter.link_lost": {"instrument"},
    "sputter.interlock": {"safety"},
    "sputter.pinhole": {"sample"},
    "sputter.pinhole_thin": {"sample"},
    "sputter.delamination": {"sample"},
    "sputter.outlier": set(),
    "analyzer.contact_noise": {"measurement"},
    "analyzer.timeout": {"measurement"},
    "analyzer.disconnect": {"measurement"},
}
"""The classes of failure that a fault may show, and no other."""

ODD_SWEEP = {"measurement"}
"""A good sweep in a hundred looks like a bad contact, and is swept again."""


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("fault", FAULTS)
def test_storm_of_one_fault_shows_its_class_alone(tmp_path: Path, fault: str, rate: float) -> None:
    """The classes in the ledger are those of the table, and so is what the planner learns; none at rate zero."""
    scale = 20.0 if fault == "sputter.ignition" else 1.0  # it is a factor on a small chance
    seen: set[str] = set()
    for seed in range(N_SEEDS):
        weather = Weather(seed, {fault: scale * rate}, {"recipe.thickness_nm": 60 if "thin" in fault else 300})
        state = sail(weather, tmp_path / str(seed))
        attempts = [a for run in state.runs.values() for step in run.steps for a in step.attempts]
        seen |= {a.failure for a in attempts if a.failure is not None}
        if rate == 0:
            assert [run.status for run in state.runs.values()] == ["measured"] * 8
    assert seen <= MEANS[fault] | ODD_SWEEP
    assert rate < 0.5 or seen >= MEANS[fault]


def test_storm_table_names_every_fault() -> None:
    """A new fault needs its row: what it means to the campaign."""
    assert set(MEANS) == set(FAULTS)


@pytest.mark.parametrize("seed", range(N_MIXED))
def test_storm_of_all_faults_ends_declared(tmp_path: Path, seed: int) -> None:
    """Any faults at any rate, one to three runs at a time, whatever the policy: every rule holds at every rest."""
    assert sail(mixed(seed), tmp_path).status == "closed"


@pytest.mark.parametrize("seed", range(N_TORN))
def test_storm_survived_in_many_lives_is_the_storm_survived_in_one(tmp_path: Path, seed: int) -> None:
    """Points, outcomes, pauses and lab times are the same when the process dies again and again."""
    weather, dice = mixed(1000 + seed), stream(seed, "lives")
    sail(weather, tmp_path / "whole")
    sail(weather, tmp_path / "torn", lambda: int(dice.integers(3, 60)))
    assert story(tmp_path / "torn") == story(tmp_path / "whole")


def test_storm_pause_that_was_due_outlives_the_process(tmp_path: Path) -> None:
    """An interlock opens and the process dies before it says so: run again, it halts and calls for a person first."""
    weather = Weather(0, {"sputter.interlock": 1.0}, {"laboratory.in_flight": 2})
    kinds = kinds_of_lives(weather, tmp_path)
    fatal = kinds.index("step_failed") + 1
    assert kinds_of_lives(weather, tmp_path / "dies", die_after=fatal)[-1] == "step_failed"
    after = kinds_of_lives(weather, tmp_path / "dies")[fatal:]
    assert "step_started" not in after
    assert after[-1] == "paused"


def kinds_of_lives(weather: Weather, folder: Path, die_after: int = 0) -> list[str]:
    with suppress(Death), dying_after(die_after):
        embark(weather, folder).run()
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        return [event.kind for event in ledger.events()]
