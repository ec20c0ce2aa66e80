"""Several instruments that fill one role: who performs what, and what a person hears when none may."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from worlds import CONFIG, write_config

from orchestrator.campaign import Campaign, Outcome
from orchestrator.config import ConfigError
from orchestrator.ledger import Run, Step

SECOND = CONFIG.replace(
    '    scale: {driver: "worlds:Scale"}',
    '    stove: {driver: "worlds:Oven", role: oven}\n' + '    scale: {driver: "worlds:Scale"}',
)


def run(folder: Path, text: str = SECOND, out: str = "out", **overrides: Any) -> Outcome:
    overrides = {"budget.runs": 8, "laboratory.in_flight": 3} | {k.replace("__", "."): v for k, v in overrides.items()}
    campaign = Campaign.from_yaml(write_config(folder, text), out=folder / out, overrides=overrides)
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    return campaign.run()


def steps(runs: list[Run], role: str) -> list[Step]:
    return [step for one in runs for step in one.steps if step.role == role]


def spans(runs: list[Run], instrument: str) -> list[tuple[float, float]]:
    found = [(a.start_s, a.end_s) for r in runs for s in r.steps if s.instrument == instrument for a in s.attempts]
    return sorted((start, end) for start, end in found if end is not None)


def test_a_free_instrument_of_the_role_takes_the_step_and_none_has_two_at_a_time(tmp_path: Path) -> None:
    """The recipe asks for an oven; two of them work side by side."""
    runs = list(run(tmp_path).state.runs.values())
    baked = steps(runs, "oven")
    assert {s.instrument for s in baked} == {"oven", "stove"}
    assert baked[0].instrument == "oven"
    assert baked[1].instrument == "stove"
    assert baked[1].attempts[0].start_s == baked[0].attempts[0].start_s
    for name in ("oven", "stove", "scale"):
        taken = spans(runs, name)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(taken))


def test_a_second_instrument_saves_lab_time(tmp_path: Path) -> None:
    """Twice the ovens, and the same runs are over earlier."""
    one = run(tmp_path, CONFIG, out="one").state.lab_s
    assert run(tmp_path, out="two").state.lab_s < 0.75 * one


def test_what_is_repeated_stays_on_its_instrument(tmp_path: Path) -> None:
    """The sample is there, and the other one goes on meanwhile."""
    fails = {f"laboratory__instruments__{name}__{key}": value for name in ("oven", "stove") for key, value in FAILING}
    runs = list(run(tmp_path, **fails).state.runs.values())
    assert any(len(s.attempts) > 1 for s in steps(runs, "oven"))
    for name in ("oven", "stove"):
        taken = spans(runs, name)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(taken))


FAILING = (("failure", "instrument"), ("failure_rate", 0.4), ("moved", "no"))


def test_a_bottleneck_is_a_role(tmp_path: Path) -> None:
    """An instrument beside others has no name of its own for recipes."""
    with pytest.raises(ConfigError, match="bottleneck 'stove' is not among the instruments oven, scale"):
        run(tmp_path, SECOND.replace("bottleneck: oven", "bottleneck: stove"))
