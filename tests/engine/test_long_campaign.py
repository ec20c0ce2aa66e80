"""A run of a long campaign costs what the first ones cost, in memory and in work."""

import gc
import sys
import tracemalloc
from pathlib import Path
from types import FrameType
from typing import Any

from worlds import write_config

from orchestrator.campaign import Campaign
from orchestrator.display.watcher import Silent
from orchestrator.ledger import Event, Kind, State

RUNS = {"budget.runs": 120, "planner.acquisition": "random"}
MOST_KB = 12.0


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


class Counter(Silent):
    """Counts the instructions that Python executes in some stretches of ten runs."""

    def __init__(self, *starts: int) -> None:
        self.counts = dict.fromkeys(starts, 0)
        self._at = 0

    def event(self, event: Event, state: State) -> None:  # noqa: ARG002 - the protocol's
        """Begin to count, or end."""
        if event.kind == Kind.RUN_FINISHED and event.run in self.counts:
            self._at = event.run or 0
            sys.settrace(self._trace)
        elif event.kind == Kind.RUN_FINISHED and event.run == self._at + 10:
            sys.settrace(None)

    def _trace(self, frame: FrameType, what: str, _: object) -> Any:
        frame.f_trace_opcodes = True
        self.counts[self._at] += what == "opcode"
        return self._trace


def test_work_of_a_run_does_not_grow(tmp_path: Path) -> None:
    """Where it is one step after another, with a stopping rule that looks at all runs there were."""
    counter = Counter(30, 230)
    overrides = {"budget.runs": 241, "planner.acquisition": "random", "stop.no_improvement_in": 10_000}
    campaign = Campaign.from_yaml(write_config(tmp_path), out=tmp_path / "out", overrides=overrides)
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    before = sys.gettrace()
    try:
        campaign.run(counter)
    finally:
        sys.settrace(before)
    assert counter.counts[30] > 10_000
    assert counter.counts[230] < 1.1 * counter.counts[30], counter.counts


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
