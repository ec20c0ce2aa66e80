"""Simulated instruments that misbehave: what they tell beside the protocol is their failure, in words."""

from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from invariants import check
from unshowable import ClosedBuffer, Unshowable, UnshowableError
from worlds import CONFIG, Oven, Scale, write_config

from instruments.driver import Command, Phase, Reading
from orchestrator.campaign import Campaign
from orchestrator.config import ConfigError


def unshowable() -> Any:
    raise UnshowableError


def buffered() -> Generator[Phase, None, Reading]:
    yield Phase("heat", 1.0, {"x": Unshowable()})
    yield Phase("heat", 1.0, ClosedBuffer())
    return Reading(ClosedBuffer())


HABITS: dict[str, Callable[[], Any]] = {
    "phases is no generator": lambda: 7,
    "phases returns nothing": lambda: None,
    "phases raises at once": lambda: 1 / 0,
    "phases is a list": lambda: [Phase("heat", 1.0)],
    "yields no phase": lambda: iter(["heat"]),
    "yields a phase without an end": lambda: iter([Phase("heat", float("inf"))]),
    "yields a phase of no length at all": lambda: iter([Phase("heat", float("nan"))]),
    "yields a phase that lasts a word": lambda: iter([Phase("heat", "long")]),  # type: ignore[arg-type]
    "yields a phase without telemetry": lambda: iter([Phase("heat", 1.0, None)]),  # type: ignore[arg-type]
    "yields what cannot be shown": lambda: iter([Unshowable()]),
    "raises what cannot be shown": unshowable,
    "answers from a closed buffer": buffered,
    "yields a phase without a name": lambda: iter([Phase(b"\xff", 1.0)]),  # type: ignore[arg-type]
}


class OddOven(Oven):
    """Bakes oddly at every second sample."""

    def __init__(self, *, name: str, shelf: dict[str, float], habit: str) -> None:
        super().__init__(name=name, shelf=shelf)
        self._habit = HABITS[habit]

    def phases(self, command: Command, rng: np.random.Generator) -> Generator[Phase, None, Reading]:
        """Bake, or follow the habit."""
        is_odd = int(command.id.split(".")[0]) % 2
        return self._habit() if is_odd else super().phases(command, rng)  # type: ignore[no-any-return]


class ExitingOven(Oven):
    """Leaves the program in the middle of a phase."""

    def phases(self, command: Command, rng: np.random.Generator) -> Generator[Phase, None, Reading]:
        """Bake until it exits."""
        yield from super().phases(command, rng)
        raise SystemExit(3)


class SecretiveScale(Scale):
    """Has a state that nobody can write down, from the first sample on or before."""

    def __init__(self, *, name: str, shelf: dict[str, float], at_once: bool = False) -> None:
        self._secret, self._at_once = False, at_once
        super().__init__(name=name, shelf=shelf)

    @property
    def state(self) -> Mapping[str, Any]:
        """No JSON, sooner or later."""
        return {"secret": float("nan")} if self._secret or self._at_once else {}

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        pass

    def phases(self, command: Command, rng: np.random.Generator) -> Generator[Phase, None, Reading]:
        """Weigh, and know more than can be written."""
        self._secret = command.id.startswith("1.")
        return (yield from super().phases(command, rng))


class ForgetfulOven(Oven):
    """Does not take back what it gave away."""

    @property
    def state(self) -> Mapping[str, Any]:
        """A state as good as any."""
        return super().state

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        if state["wear"] > 0:
            self._wear = state["tear"]


def campaign(folder: Path, text: str, **overrides: Any) -> Campaign:
    made = Campaign.from_yaml(write_config(folder, text), out=folder / "out", overrides=overrides)
    made.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    return made


def reasons(folder: Path, made: Campaign) -> list[str]:
    """Why the runs of a closed campaign failed, the rules checked."""
    state = made.run().state
    assert state.status == "closed"
    check(folder / "out" / "ledger.sqlite", {n: i.actions for n, i in made.laboratory.instruments.items()})
    return [run.reason for run in state.runs.values() if run.status == "failed"]


@pytest.mark.parametrize("habit", HABITS)
def test_simulation_that_tells_nonsense_fails_its_step_alone(tmp_path: Path, habit: str) -> None:
    """Every second run fails in words that name the driver; the others are measured."""
    text = CONFIG.replace("worlds:Oven", "test_misbehaving_phases:OddOven")
    failed = reasons(tmp_path, campaign(tmp_path, text, **{"laboratory.instruments.oven.habit": habit}))
    assert len(failed) == 2
    assert all(reason.startswith(("the driver raised", "the driver returned")) for reason in failed)


def test_simulation_that_exits_fails_its_step_alone(tmp_path: Path) -> None:
    """A `sys.exit` in a driver does not end the campaign."""
    failed = reasons(tmp_path, campaign(tmp_path, CONFIG.replace("worlds:Oven", "test_misbehaving_phases:ExitingOven")))
    assert failed == ["the driver ended its thread by SystemExit(3)"] * 4


def test_state_that_cannot_be_recorded_fails_the_step(tmp_path: Path) -> None:
    """A campaign that went on with it could not be resumed."""
    text = CONFIG.replace("worlds:Scale", "test_misbehaving_phases:SecretiveScale")
    failed = reasons(tmp_path, campaign(tmp_path, text))
    assert len(failed) == 1
    assert "its state cannot be recorded: ValueError" in failed[0]


def test_state_that_cannot_be_recorded_at_the_start_is_refused(tmp_path: Path) -> None:
    """Before anything begins."""
    text = CONFIG.replace("worlds:Scale", "test_misbehaving_phases:SecretiveScale")
    with pytest.raises(ConfigError, match="instrument scale: its state cannot be recorded"):
        campaign(tmp_path, text, **{"laboratory.instruments.scale.at_once": True}).run()


def test_state_that_is_not_taken_back_is_told(tmp_path: Path) -> None:
    """Which instrument, why, and the way out; no traceback."""
    text = CONFIG.replace("worlds:Oven", "test_misbehaving_phases:ForgetfulOven")
    assert campaign(tmp_path, text).run().stop.status == "finished"
    with pytest.raises(ConfigError, match=r"instrument oven: does not take its recorded state back: KeyError: 'tear'"):
        campaign(tmp_path, text, **{"budget.runs": 5}).run()
