"""What a driver is asked between steps: it may not answer, and keeps nobody waiting for long."""

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from worlds import CONFIG, BlockingOven, bake_only, write_config

from instruments.driver import Command, Reading
from orchestrator.campaign import Campaign
from orchestrator.config import ConfigError
from orchestrator.laboratory import Laboratory
from orchestrator.laboratory import laboratory as laboratory_module

BAKE = Command("oven", "bake", {"heat": 40.0})


class ForeseeingOven(BlockingOven):
    """Foresees what it is told to; told nothing, it asks a tool that is silent."""

    def __init__(self, foreseen: Any = None) -> None:
        super().__init__(name="oven")
        self._foreseen, self.n_asked = foreseen, 0

    def expected_s(self, command: Command) -> float:  # noqa: ARG002 - any is the same
        """Answer, or hang."""
        self.n_asked += 1
        if self._foreseen is None:
            time.sleep(60)
        return self._foreseen  # type: ignore[no-any-return]  # whatever it is


def test_driver_that_hangs_over_what_it_foresees_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual time of its action counts from then on."""
    monkeypatch.setattr(laboratory_module, "FORESEE_S", 0.1)
    oven, began_s = ForeseeingOven(), time.monotonic()
    laboratory = Laboratory({"oven": oven}, bake_only)
    assert [laboratory.expected_s("oven", BAKE) for _ in range(3)] == [0.01] * 3
    assert time.monotonic() - began_s < 5
    assert oven.n_asked == 1


@pytest.mark.parametrize("nonsense", [math.nan, math.inf, -math.inf, 0.0, -1.0, 1e9, 1e300, "an hour", [1.0], 10**400])
def test_nonsense_that_a_driver_foresees_does_not_count(nonsense: Any) -> None:
    """Nobody can wait for it, nor find a date for it."""
    assert Laboratory({"oven": ForeseeingOven(nonsense)}, bake_only).expected_s("oven", BAKE) == 0.01


def test_what_a_driver_foresees_counts() -> None:
    """It knows the settings."""
    assert Laboratory({"oven": ForeseeingOven(7200)}, bake_only).expected_s("oven", BAKE) == 7200.0


class PonderingOven(BlockingOven):
    """Asks a tool that is silent for its state, once it has baked."""

    def __init__(self, *, name: str) -> None:
        super().__init__(name=name)
        self._has_baked = False

    @property
    def state(self) -> Mapping[str, Any]:
        """Answer, or hang."""
        if self._has_baked:
            time.sleep(60)
        return {}

    def perform(self, command: Command, report: Any) -> Reading:
        """Bake."""
        self._has_baked = True
        return super().perform(command, report)


def test_driver_that_hangs_over_its_state_costs_no_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it has made is recorded without the state, in time, and a person hears of it."""
    monkeypatch.setattr(laboratory_module, "STATE_S", 0.1)
    text = CONFIG.replace('scale: {driver: "worlds:Scale"}', "").replace("bake_and_weigh", "bake_only")
    text = text.replace("worlds:Oven", "test_asking:PonderingOven").replace("bottleneck: oven", "clock: wall")
    campaign = Campaign.from_yaml(write_config(tmp_path, text), out=tmp_path / "out", overrides={"budget.runs": 1})
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    began_s = time.monotonic()
    state = campaign.run().state
    assert time.monotonic() - began_s < 30
    assert state.runs[1].status == "measured"
    assert "step 1.1.1 on oven: its state is not recorded: no answer within 0.1 s" in capsys.readouterr().err


class Settled(BlockingOven):
    """Knows its campaign, and none other."""

    campaign = property(lambda _self: "mine")


def test_driver_that_does_not_take_its_campaign_is_refused_in_words() -> None:
    """Before it connects, so before anything moves."""
    with pytest.raises(ConfigError, match="instrument oven: does not take the campaign it works for: AttributeError"):
        Laboratory({"oven": Settled(name="oven")}, bake_only).belong("tiny 2026")
