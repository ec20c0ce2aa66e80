"""What follows a failed attempt on which instrument, how long after; and how long a driver may be silent."""

from pathlib import Path
from typing import Any

import pytest
from worlds import CONFIG, write_config

from instruments.driver import FailureClass, InstrumentError, Moved
from orchestrator.campaign import Campaign, Outcome
from orchestrator.config import ConfigError
from orchestrator.config.schema import PoliciesConfig
from orchestrator.engine.policies import decide
from orchestrator.ledger import Ledger

SHAKY = {"laboratory.instruments.scale.shaky_rate": 1.0, "budget.runs": 1, "policies.measurement_attempts": 4}
BLOCKING = CONFIG.replace('scale: {driver: "worlds:Scale"}', "").replace("bake_and_weigh", "bake_only")
BLOCKING = BLOCKING.replace("bottleneck: oven", "clock: wall").replace("worlds:Oven", "hanging:HangingOven")


def campaign(folder: Path, overrides: dict[str, Any], text: str = CONFIG) -> Campaign:
    made = Campaign.from_yaml(write_config(folder, text), out=folder / "out", overrides=overrides)
    made.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    return made


def waits_min(outcome: Outcome) -> list[float]:
    """How long the weighing of the first run waited before each further attempt."""
    attempts = outcome.state.runs[1].steps[1].attempts
    ends = [a.end_s or 0.0 for a in attempts]
    return [round((a.start_s - end) / 60, 6) for a, end in zip(attempts[1:], ends, strict=False)]


def test_each_further_attempt_waits_longer_up_to_a_longest_wait(tmp_path: Path) -> None:
    """The ledger records until when; nothing else remembers it."""
    grows = {"policies.backoff_min": 2, "policies.backoff_factor": 3, "policies.backoff_longest_min": 10}
    outcome = campaign(tmp_path, SHAKY | grows).run()
    assert waits_min(outcome) == [2, 6, 10]
    attempts = outcome.state.runs[1].steps[1].attempts
    assert [a.not_before_s for a in attempts[:3]] == [a.start_s for a in attempts[1:]]


def test_an_instrument_may_have_policies_of_its_own(tmp_path: Path) -> None:
    """What it does not say is as in the campaign; other instruments do not hear of it."""
    own = {"policies.instruments": {"scale": {"measurement_attempts": 2, "backoff_min": 7}}}
    outcome = campaign(tmp_path, SHAKY | own).run()
    assert waits_min(outcome) == [7]
    policies = PoliciesConfig(backoff_min=3, instruments=own["policies.instruments"])
    assert (policies.of("scale").instrument_attempts, policies.of("oven").backoff_min) == (2, 3)


def test_policies_of_an_instrument_may_change_while_a_campaign_goes_on(tmp_path: Path) -> None:
    """They are policies and no part of the laboratory, which may not."""
    campaign(tmp_path, {"budget.runs": 1}).run()
    changed = campaign(tmp_path, {"budget.runs": 2, "policies.instruments": {"scale": {"backoff_min": 7}}})
    assert len(changed.run().state.runs) == 2


@pytest.mark.parametrize(("failure", "minutes"), [(FailureClass.MEASUREMENT, 1), (FailureClass.INSTRUMENT, 30)])
def test_each_class_may_wait_its_own_time(failure: FailureClass, minutes: float) -> None:
    """A bad contact is tried again at once, a tool that is not ready when it may be."""
    policies = PoliciesConfig(
        backoff_min={"instrument": 30}, instruments={"scale": {"backoff_min": {"measurement": 1}}}
    )
    decision = decide(InstrumentError(failure, "x", Moved.NO), None, 1, policies.of("scale"))
    assert (decision.retry, decision.backoff_s) == (True, 60 * minutes)
    assert policies.of("oven").waits == {"measurement": 10, "instrument": 30}


def test_the_first_wait_is_never_cut_and_no_wait_overflows() -> None:
    """A longest wait bounds the growth alone."""
    policies = PoliciesConfig(backoff_min=600, backoff_factor=100, measurement_attempts=100_000)
    assert policies.wait_s("measurement", 1) == 600 * 60
    assert policies.wait_s("measurement", 99_999) == 600 * 60


def test_a_timeout_of_the_policies_stands_in_for_the_drivers(tmp_path: Path) -> None:
    """The driver would be in doubt after 0.2 s and answers after 0.6 s: with a longer timeout nobody doubts it."""
    oven = {"laboratory.instruments.oven.late_s": 0.6, "budget.runs": 1}
    timeout = {"policies.instruments": {"oven": {"timeout_min": {"bake": 0.5}}}}
    assert in_doubt(tmp_path / "as the driver says", oven)
    assert not in_doubt(tmp_path / "as the policies say", oven | timeout)


def in_doubt(folder: Path, overrides: dict[str, Any]) -> list[str]:
    folder.mkdir()
    assert campaign(folder, overrides, BLOCKING).run().stop.status == "finished"
    with Ledger.open(folder / "out" / "ledger.sqlite") as ledger:
        return [event.kind for event in ledger.events() if event.kind == "step_in_doubt"]


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ({"ofen": {"backoff_min": 1}}, "policies.instruments.ofen: there is no such instrument.*has oven, scale"),
        (
            {"oven": {"timeout_min": 0.5}},
            r"timeout_min: 0.5 min is shorter than oven.bake usually takes \(1 min\)",
        ),
        ({"oven": {"timeout_min": {"grill": 5}}}, "timeout_min.grill: oven cannot do that; it can do bake"),
        ({"oven": {"timeout": 5}}, "unknown key; did you mean 'timeout_min'?"),
    ],
)
def test_policies_about_what_is_not_there_are_refused(tmp_path: Path, policies: dict[str, Any], message: str) -> None:
    """Before anything moves, with the place."""
    with pytest.raises(ConfigError, match=message):
        campaign(tmp_path, {"policies.instruments": policies})
