"""Drivers that hang, lie, raise, disconnect and talk nonsense: the campaign ends declared, and no lie is believed."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from invariants import check
from misbehaving import (
    HABITS,
    HALTS,
    LINKS,
    MAKE,
    MEMORIES,
    WEIGH,
    Bench,
    bench_called,
)

from orchestrator.campaign import Campaign
from orchestrator.chance import stream
from orchestrator.clock import wall
from orchestrator.config import ConfigError
from orchestrator.engine import Word
from orchestrator.engine import doubt as doubt_module
from orchestrator.laboratory import laboratory as laboratory_module
from orchestrator.ledger import Ledger, Run, State

N_MIXED = 10 * int(os.environ.get("STORM", "1"))
MOST_LIVES = 60
ACTIONS = {"oven": {"make": MAKE}, "scale": {"weigh": WEIGH}}
HONEST: dict[str, Any] = {"habits": [], "often": 0.0}
UNSAFE = {"habits": ["meets an open door"], "often": 1.0}
DEAF = {**HONEST, "halt": "halts_and_raises"}

CONFIG = """\
campaign: unruly
seed: 1
parameters:
  heat: {unit: K, low: 0, high: 100}
objective: {name: mass, unit: g}
planner: {surrogate: gp, acquisition: random, initial_runs: 1}
laboratory:
  clock: wall
  instruments:
    oven: {driver: "misbehaving:UnrulyOven"}
    scale: {driver: "misbehaving:UnrulyScale"}
recipe: misbehaving:make_and_weigh
policies: {backoff_min: 0, late_answer_min: 0.002, breaker: {failed: 6, of_last: 6}}
budget: {runs: 5}
"""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for long here."""
    monkeypatch.setattr(wall, "HALT_S", 0.2)
    monkeypatch.setattr(doubt_module, "RECALL_S", 0.2)
    monkeypatch.setattr(laboratory_module, "CONNECT_S", 0.2)
    monkeypatch.setattr(laboratory_module, "CLOSE_S", 0.2)


def survive(folder: Path, *, oven: dict[str, Any], scale: dict[str, Any], further: dict[str, Any]) -> State:
    """Run a campaign to its end as a patient person would; hold ledger and bench against the rules at every rest."""
    path = folder / "unruly.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    with bench_called(str(folder)) as bench:
        told = {f"laboratory.instruments.oven.{k}": v for k, v in (oven | {"bench": str(folder)}).items()}
        told |= {f"laboratory.instruments.scale.{k}": v for k, v in (scale | {"bench": str(folder)}).items()}
        words: list[Word] = []
        has_asked = False
        for _ in range(MOST_LIVES):
            campaign = Campaign.from_yaml(path, out=folder / "out", overrides=told | further)
            campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
            try:
                campaign.run(words=words)
            except ConfigError as refused:
                assert "instrument" in str(refused)  # noqa: PT017 - it is one of the two ways out
                continue
            state = check(folder / "out" / "ledger.sqlite", ACTIONS)
            agree(state, bench)
            if state.status == "closed":
                return state
            doubtful = [run for run in state.open_runs if run.steps and run.steps[-1].status == "in doubt"]
            has_asked = bool(doubtful) and not has_asked  # the instruments first
            words = [] if has_asked else [seen(run, bench) for run in doubtful]
    message = f"not closed after {MOST_LIVES} lives: {state.reason}"
    raise AssertionError(message)


def agree(state: State, bench: Bench) -> None:
    """Hold what the ledger says against what happened on the bench."""
    for run in state.runs.values():
        for step in run.steps:
            ids = [attempt.id for attempt in step.attempts]
            moved = [i for i in ids if bench.moved[i]]
            assert all(bench.moved[i] <= 1 for i in ids), f"{ids} moved {[bench.moved[i] for i in ids]} times"
            assert step.action == "weigh" or len(moved) <= 1, f"made twice: {moved}"
            if step.status == "done":
                truth = bench.done[step.last.id].values
                assert step.last.reading is not None
                assert truth.items() <= step.last.reading["values"].items(), f"{step.last.id} is believed wrongly"
        if run.status == "measured":
            assert run.value == bench.mass_g[str(run.details["sample"])]
    assert not bench.overlaps, f"begun while it was on still: {bench.overlaps}"
    doubtful = {run.steps[-1].instrument for run in state.open_runs if run.steps and run.steps[-1].is_under_way}
    left_on = {name: command for name, command in bench.on.items() if name not in doubtful}
    assert not left_on, f"left on and nobody is asked to look: {left_on}"


def seen(run: Run, bench: Bench) -> Word:
    """Say what a person finds on the bench; what is on still is turned off by hand."""
    step = run.steps[-1]
    bench.on.pop(step.instrument, None)
    done = bench.done.get(step.last.id)
    if done is not None and not done.arrays:
        return Word(run.number, step.number, "done", "it lies there", dict(done.values))
    how = "failed" if bench.moved[step.last.id] and step.action == "make" else "repeat"
    return Word(run.number, step.number, how, "I looked")


UNKNOWABLE = {("answers for another sample", "oven")}
"""Lies that nobody can see: a driver names the samples that its tool makes."""


@pytest.mark.parametrize(
    ("habit", "who"), [(habit, who) for habit in HABITS for who in ("oven", "scale") if (habit, who) not in UNKNOWABLE]
)
def test_driver_with_one_habit_is_survived(tmp_path: Path, habit: str, who: str) -> None:
    """Every second command meets it; every other one is honest, and its value counts."""
    habits = {"oven": HONEST, "scale": HONEST, who: {"habits": [habit], "often": 0.5, "seed": 3}}
    state = survive(tmp_path, **habits, further={"policies.after_instrument_failure": "continue"})
    assert len(state.runs) == 5
    assert any(run.status == "measured" for run in state.runs.values())


@pytest.mark.parametrize("halt", HALTS)
@pytest.mark.parametrize("who", ["oven", "scale"])
def test_driver_that_breaks_in_motion_is_made_safe_or_asked_about(tmp_path: Path, halt: str, who: str) -> None:
    """It is halted before anything else begins on it; where that fails, too, its step is in doubt."""
    habits = {
        "oven": HONEST,
        "scale": HONEST,
        who: {"habits": ["loses its link in motion"], "halt": halt, "often": 0.6},
    }
    state = survive(tmp_path, **habits, further={"policies.after_instrument_failure": "continue"})
    told = [a.reason for run in state.runs.values() for step in run.steps for a in step.attempts if a.failure]
    assert any("it was halted" in reason for reason in told) == (halt == "halts")


@pytest.mark.parametrize("link", LINKS)
def test_driver_that_does_not_connect_or_close_is_survived(tmp_path: Path, link: str) -> None:
    """A refusal with words at every second try, nothing recorded by it, and the campaign goes on at the next."""
    unlinked = {**HONEST, "link": link}
    state = survive(tmp_path, oven=unlinked, scale=unlinked, further={})
    assert [run.status for run in state.runs.values()] == ["measured"] * 5


@pytest.mark.parametrize("memory", MEMORIES)
def test_driver_that_recalls_wrongly_is_survived(tmp_path: Path, memory: str) -> None:
    """What it says of a step in doubt counts only if it is a recollection, and a reading that fits."""
    oven = {"habits": ["hangs_when_all_is_done", "hangs_in_motion"], "often": 0.5, "memory": memory}
    state = survive(tmp_path, oven=oven, scale=HONEST, further={"policies.after_instrument_failure": "continue"})
    assert len(state.runs) == 5


@pytest.mark.parametrize("seed", range(N_MIXED))
def test_drivers_with_all_habits_are_survived(tmp_path: Path, seed: int) -> None:
    """Any habits, ways to halt, links and memories at once, one to three runs at a time, whatever the policy."""
    dice = stream(seed, "habits")

    def drawn(options: Sequence[Any]) -> Any:
        return options[int(dice.integers(len(options)))]

    def driver(who: str) -> dict[str, Any]:
        habits = [habit for habit in HABITS if (habit, who) not in UNKNOWABLE]
        return {
            "habits": habits,
            "often": drawn((0.05, 0.2, 0.5)),
            "seed": seed,
            "halt": drawn(list(HALTS)),
            "link": drawn(("well", "well", "well", *LINKS)),
            "memory": drawn(MEMORIES),
        }

    further = {
        "laboratory.in_flight": drawn((1, 2, 3)),
        "policies.after_instrument_failure": drawn(("pause", "continue")),
        "policies.measurement_attempts": drawn((1, 2, 3)),
    }
    assert survive(tmp_path, oven=driver("oven"), scale=driver("scale"), further=further).status == "closed"


def test_safety_failure_halts_what_rests_too(tmp_path: Path) -> None:
    """Every instrument is sent to a safe state; which could not be is told on the screen and in the ledger."""
    path = tmp_path / "unruly.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    told = {"laboratory.instruments.oven": {"driver": "misbehaving:UnrulyOven", "bench": "safety", **UNSAFE}}
    told |= {"laboratory.instruments.scale": {"driver": "misbehaving:UnrulyScale", "bench": "safety", **DEAF}}
    with bench_called("safety") as bench:
        campaign = Campaign.from_yaml(path, out=tmp_path / "out", overrides=told)
        campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
        stop = campaign.run().stop
    assert bench.halted == ["oven", "scale"]
    assert "a door stands open" in stop.reason
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        notes = [event.body["text"] for event in ledger.events() if event.kind == "note"]
    assert notes == [
        "instrument scale: it could not be halted: ConnectionResetError: the line went dead; look at it now"
    ]
