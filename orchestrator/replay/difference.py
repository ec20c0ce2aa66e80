"""Set two campaigns side by side."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from orchestrator.config import comparison
from orchestrator.ledger import Run, State

Pair = tuple[Run | None, Run | None]


@dataclass(frozen=True)
class Comparison:
    """Where two campaigns differ.

    Args:
        settings: Configuration and data that differ; `was` is of the first, `now` of the second.
        runs: Every pair of runs from the first that differs, None where a campaign has no such run.
        n_same: Runs before that.
    """

    settings: tuple[comparison.Difference, ...]
    runs: tuple[Pair, ...]
    n_same: int

    @property
    def is_same(self) -> bool:
        """Whether neither configuration nor runs differ."""
        return not self.settings and not self.runs


def compare(one: State, other: State) -> Comparison:
    """Compare two campaigns: what they were told to do, and what came of their runs by number."""
    first, second = (state.opened or {} for state in (one, other))
    settings = comparison.differences(first["configuration"], first["data"], second["configuration"], second["data"])
    pairs = list(zip_longest(one.runs.values(), other.runs.values()))
    n_same = next((i for i, pair in enumerate(pairs) if not _same(*pair)), len(pairs))
    return Comparison(tuple(settings), tuple(pairs[n_same:]), n_same)


def counts(state: State) -> Mapping[str, int]:
    """Return how many runs were measured, failed by class, or are not over."""
    return Counter(outcome(run) for run in state.runs.values())


def outcome(run: Run) -> str:
    """Return measured, the failure class, or how far a run has come."""
    return run.failure or run.status or run.stage


def _same(one: Run | None, other: Run | None) -> bool:
    return one is not None and other is not None and _facts(one) == _facts(other)


def _facts(run: Run) -> tuple[Any, ...]:
    return dict(run.point), run.status, run.failure, run.value, run.sd
