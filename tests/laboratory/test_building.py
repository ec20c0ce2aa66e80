"""What is held against a driver when a laboratory is built: nothing has moved, and its place in the YAML is told."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from worlds import CONFIG, Oven, write_config

from instruments.driver import Action, Identity, Quantity
from orchestrator.campaign import Campaign
from orchestrator.config import ConfigError

FLAWS: dict[str, dict[str, Any]] = {
    "expected_s=nan": {"expected_s": math.nan},
    "expected_s='soon'": {"expected_s": "soon"},
    "timeout_s=inf": {"timeout_s": math.inf},
    "timeout_s=nan": {"timeout_s": math.nan},
    "capacity=0": {"capacity": 0},
    "heat: the lower limit nan": {"settings": {"heat": Quantity("K", math.nan, 100)}},
}


class FlawedOven(Oven):
    """Declares what nobody can plan by, at once or as soon as it is connected."""

    def __init__(self, *, name: str, shelf: dict[str, float], flaw: str, late: bool = False) -> None:
        super().__init__(name=name, shelf=shelf)
        self._flawed = {"bake": replace(self.actions["bake"], **FLAWS[flaw])}
        self.actions = self.actions if late else self._flawed

    def connect(self) -> Identity:
        """Ask the tool for its limits."""
        self.actions = self._flawed
        return super().connect()


class DeafOven(Oven):
    """Asks its tool what it can do, and its link is down."""

    @property
    def actions(self) -> Mapping[str, Action]:  # type: ignore[override]
        """Raise."""
        message = "the line went dead"
        raise ConnectionResetError(message)

    @actions.setter
    def actions(self, actions: Mapping[str, Action]) -> None:
        pass


def built(folder: Path, driver: str, **options: Any) -> Campaign:
    text = CONFIG.replace("worlds:Oven", f"test_building:{driver}")
    told = {f"laboratory.instruments.oven.{key}": value for key, value in options.items()}
    return Campaign.from_yaml(write_config(folder, text), out=folder / "out", overrides=told)


@pytest.mark.parametrize("flaw", FLAWS)
def test_driver_whose_actions_are_flawed_is_refused(tmp_path: Path, flaw: str) -> None:
    """With its place, the action and what is wrong; no ledger is begun."""
    with pytest.raises(ConfigError) as refused:
        built(tmp_path, "FlawedOven", flaw=flaw)
    assert "tiny.yaml:" in str(refused.value)
    assert f"laboratory.instruments.oven: FlawedOven cannot be relied on: bake: {flaw}" in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_driver_whose_actions_are_flawed_once_connected_is_refused(tmp_path: Path) -> None:
    """A driver may ask its tool for its limits; what it is told is looked at before anything begins."""
    with pytest.raises(ConfigError, match="instrument oven: bake: timeout_s=inf must be a finite number"):
        built(tmp_path, "FlawedOven", flaw="timeout_s=inf", late=True).run()


def test_driver_whose_actions_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A reason with its place instead of a traceback."""
    with pytest.raises(ConfigError, match=r"laboratory\.instruments\.oven: .*the line went dead"):
        built(tmp_path, "DeafOven")
