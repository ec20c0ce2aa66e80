"""A campaign that dies at any event and is run again is the campaign that never died."""

from pathlib import Path
from typing import Any, Self

import pytest
from worlds import write_config

from orchestrator.campaign import Campaign
from orchestrator.ledger import Event, Ledger, State


class Death(BaseException):
    """The process ends here, as far as the engine can see."""


class Reaper:
    """A watcher that ends the campaign after its n-th event."""

    def __init__(self, n: int) -> None:
        self.left = n

    def event(self, _event: Event, _state: State) -> None:
        """Count down."""
        self.left -= 1
        if self.left == 0:
            raise Death

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""


def perform(folder: Path, overrides: dict[str, Any], n: int = 0) -> None:
    campaign = Campaign.from_yaml(folder.parent / "tiny.yaml", out=folder, overrides=overrides)
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    campaign.run(Reaper(n) if n else None)


def story(folder: Path) -> list[tuple[Any, ...]]:
    """Everything that happened, without what only resuming adds."""
    added = {"step_in_doubt", "doubt_resolved", "instrument_connected", "resumed", "paused"}
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        return [
            (e.kind, e.lab_s, e.run, e.step, {k: v for k, v in e.body.items() if k != "prefix"})
            for e in ledger.events()
            if e.kind not in added and e.kind != "campaign_opened"
        ]


DESIGN = {"planner.initial_runs": 9}
WORLDS = {
    "one in flight": {"laboratory.in_flight": 1},
    "two in flight, random": {**DESIGN, "laboratory.in_flight": 2},
    "three in flight, tied": {**DESIGN, "laboratory.in_flight": 3, "laboratory.instruments.oven.durations": "tied"},
    "shaky": {**DESIGN, "laboratory.in_flight": 2, "laboratory.instruments.scale.shaky_rate": 0.4},
    "failing": {
        **DESIGN,
        "laboratory.in_flight": 2,
        "laboratory.instruments.oven.failure_rate": 0.4,
        "laboratory.instruments.oven.failure": "instrument",
        "laboratory.instruments.oven.moved": "no",
    },
}


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS.keys())
def test_resume_after_death_at_any_event_is_the_same_campaign(tmp_path: Path, world: dict[str, Any]) -> None:
    """Points, outcomes, values, lab times and their order do not depend on where the process died."""
    write_config(tmp_path)
    perform(tmp_path / "whole", world)
    whole = story(tmp_path / "whole")
    for n in range(1, len(whole)):
        folder = tmp_path / f"killed-{n}"
        with pytest.raises(Death):
            perform(folder, world, n)
        perform(folder, world)
        assert story(folder) == whole, f"killed after event {n}"


def test_resume_never_performs_a_finished_step_twice(tmp_path: Path) -> None:
    """A crash after the baking goes on at the scale, with the same cake."""
    write_config(tmp_path)
    with pytest.raises(Death):
        perform(tmp_path / "a", {}, 6)  # suggested, started, step, two phases, baked
    perform(tmp_path / "a", {})
    with Ledger.open(tmp_path / "a" / "ledger.sqlite") as ledger:
        baked = [e.body["id"] for e in ledger.events() if e.kind == "step_started" and e.body["instrument"] == "oven"]
    assert len(baked) == len(set(baked)) == 4
