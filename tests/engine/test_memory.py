"""A long campaign keeps in memory what it needs of a run, and no more for it than for the first."""

import gc
import tracemalloc
from pathlib import Path
from typing import Any

from worlds import write_config

from orchestrator.campaign import Campaign
from orchestrator.display.watcher import Silent
from orchestrator.ledger import Event, Kind, State

RUNS = {"budget.runs": 120, "planner.acquisition": "random"}
MOST_KB = 8.0


class Scale(Silent):
    """Weighs what Python has allocated since the first runs were over."""

    def __init__(self) -> None:
        self.kb: dict[int, float] = {}

    def event(self, event: Event, state: State) -> None:  # noqa: ARG002 - the protocol's
        """Weigh after every 40th run."""
        if event.kind == Kind.RUN_FINISHED and (event.run or 0) % 40 == 0:
            gc.collect()
            tracemalloc.start()
            self.kb[event.run or 0] = tracemalloc.get_traced_memory()[0] / 1e3


def test_memory_grows_by_no_more_than_a_few_kilobytes_a_run(tmp_path: Path) -> None:
    """Telemetry is in the events alone, and keys are shared; what is held back to be written is written."""
    scale = Scale()
    campaign = Campaign.from_yaml(write_config(tmp_path), out=tmp_path / "out", overrides=RUNS)
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    try:
        campaign.run(scale)
    finally:
        tracemalloc.stop()
    assert (scale.kb[120] - scale.kb[80]) / 40 < MOST_KB


def test_state_shares_its_keys_and_leaves_telemetry_to_the_events(tmp_path: Path) -> None:
    """Of an attempt that is over, live or folded again, there is no telemetry; equal keys are the same object."""
    campaign = Campaign.from_yaml(write_config(tmp_path), out=tmp_path / "out", overrides={"budget.runs": 2})
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    one, other = campaign.run().state.runs.values()
    assert [a.phase for run in (one, other) for step in run.steps for a in step.attempts] == [None] * 4
    assert [a.n_phases for step in one.steps for a in step.attempts] == [2, 1]

    def keys(body: Any) -> list[int]:
        return [id(key) for key in body]

    assert keys(one.details) == keys(other.details)
    assert keys(one.point) == keys(other.point)
