"""What the reference runs tell of drift, and what the planner learns because of it."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worlds import write_config

from orchestrator.campaign import Campaign
from orchestrator.engine.drift import DAY_S, Drift, drift_of
from orchestrator.engine.history import observations
from orchestrator.ledger import Kind, Ledger, Run, State, Step
from orchestrator.replay.verify import verify
from orchestrator.report.references import words

SIGNIFICANT = 0.05


def state_of(references: Sequence[tuple[str, float, float]], parameters: dict[str, Any] | None = None) -> State:
    """A campaign of reference runs alone: instrument, lab day and value of each."""
    configuration = {
        "policies": {"reference": {"every": 1}},
        "laboratory": {"bottleneck": "oven"},
        "parameters": parameters or {},
    }
    state = State(opened={"configuration": configuration}, identities={"oven": {}, "stove": {}})
    for number, (instrument, day, value) in enumerate(references, start=1):
        run = Run(number, {"heat": 50.0}, {}, "reference", stage="finished", status="measured", value=value, sd=0.1)
        run.start_s = day * DAY_S
        run.steps.append(Step(1, instrument, "bake", {}, "simulated", "oven"))
        state.runs[number] = run
        state.finished.append(run)
    return state


def drift(references: Sequence[tuple[str, float, float]], parameters: dict[str, Any] | None = None) -> Drift:
    found = drift_of(state_of(references, parameters))
    assert found is not None
    return found


def series(instrument: str, level: float, per_day: float, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [(instrument, float(d), level * math.exp(per_day * d + 0.01 * rng.normal())) for d in range(0, 16, 2)]


def test_a_slope_is_found_and_taken_out() -> None:
    """Two percent a day, of values that repeat to one: corrected values lie where the tool began."""
    state = state_of(series("oven", 5.0, -0.02, seed=1))
    found = drift_of(state)
    assert found is not None
    assert found.trends["oven"].per_day == pytest.approx(-0.02, rel=0.2)
    assert [o.value for o in observations(state)] == pytest.approx([5.0] * 8, rel=0.04)
    assert "-2" in words(found)


def test_chance_is_not_corrected_more_often_than_it_may_be() -> None:
    """Of tools that do not drift, one in twenty is thought to."""
    wrong = sum(not drift(series("oven", 5.0, 0.0, seed)).is_none for seed in range(400))
    assert wrong / 400 == pytest.approx(SIGNIFICANT, abs=0.03)


def test_an_offset_between_two_instruments_is_found_and_taken_out() -> None:
    """The second one gives four fifths of what the first one does."""
    state = state_of([*series("oven", 5.0, 0.0, 3), *series("stove", 4.0, 0.0, 5)])
    found = drift_of(state)
    assert found is not None
    assert found.offsets["oven"] == 0.0
    assert found.offsets["stove"] == pytest.approx(math.log(0.8), abs=0.03)
    assert [o.value for o in observations(state)] == pytest.approx([5.0] * 16, rel=0.06)


def test_an_offset_is_left_to_the_surrogate_where_a_parameter_tells_instruments_apart() -> None:
    """It is learnt once, not twice."""
    chamber = {"chamber": {"instrument": "oven"}}
    found = drift([*series("oven", 5.0, 0.0, 3), *series("stove", 4.0, 0.0, 5)], chamber)
    assert set(found.offsets.values()) == {0.0}


def test_values_about_zero_are_corrected_by_differences() -> None:
    """A logarithm needs values above zero."""
    values = [("oven", float(day), 0.5 * day - 2.0 + 0.01 * (-1) ** day) for day in range(8)]
    state = state_of(values)
    found = drift_of(state)
    assert found is not None
    assert not found.is_relative
    assert [o.value for o in observations(state)] == pytest.approx([-2.0] * 8, abs=0.1)


@pytest.mark.parametrize("references", [[], [("oven", 0.0, 5.0)], [("oven", 0.0, 5.0), ("oven", 1.0, 4.0)]])
def test_too_few_references_say_nothing(references: list[Any]) -> None:
    """A line through two points is always perfect."""
    found = drift(references)
    assert found.is_none
    assert "nothing is said" in words(found)


def test_references_of_one_instant_say_nothing_of_time() -> None:
    """Three references on the first day have no slope."""
    assert drift([("oven", 0.0, 5.0), ("oven", 0.0, 5.1), ("oven", 0.0, 4.9)]).is_none


def test_a_campaign_learns_from_corrected_values_and_says_so(tmp_path: Path) -> None:
    """Its suggestions are asked again and come out the same, its measured values stay as they were measured."""
    overrides = {
        "laboratory.instruments.oven": {"driver": "worlds:DriftingOven"},
        "policies.reference": {"point": {"heat": 50}, "every": 2},
        "budget.runs": 16,
    }
    made = Campaign.from_yaml(write_config(tmp_path), out=tmp_path / "out", overrides=overrides)
    state = made.run().state
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        told = [e.body["drift"]["oven"] for e in ledger.events() if e.kind == Kind.SUGGESTED and "drift" in e.body]
        assert verify(ledger).holds
    assert told
    assert told[-1]["per_day"] < 0
    measured = [r.value for r in state.runs.values() if r.purpose == "reference"]
    seen = [o.value for o, r in zip(observations(state), state.finished, strict=True) if r.purpose == "reference"]
    assert np.ptp(seen) < 0.3 * np.ptp(measured)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "The reference point" in page
