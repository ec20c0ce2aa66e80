"""What a sweep came to: curves of all its campaigns, and what each variation achieves with its quartiles.

Rule of this file: a campaign that ended early keeps what it has found; one that broke counts nowhere and is told of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.sweep.performance import Result
from orchestrator.sweep.plan import Plan, Planned, Variation
from orchestrator.sweep.regret import Curve, Yardstick

FloatArray = NDArray[np.float64]
QUARTILES = (25.0, 50.0, 75.0)


@dataclass(frozen=True)
class Ended:
    """One campaign that came to an end.

    Args:
        planned: The campaign.
        result: What is kept of it.
        curve: Its regret; None where it broke.
    """

    planned: Planned
    result: Result
    curve: Curve | None

    @property
    def labels(self) -> Mapping[str, Any]:
        """What is different in its variation."""
        return self.planned.variation.labels


@dataclass(frozen=True)
class Group:
    """What one variation achieves.

    Args:
        variation: The variation.
        ended: Its campaigns that ended without breaking, by seed.
        n_broken: How many broke.
    """

    variation: Variation
    ended: Sequence[Ended]
    n_broken: int

    @property
    def curves(self) -> dict[int, Curve]:
        """Its curves by seed."""
        return {one.planned.seed: one.curve for one in self.ended if one.curve is not None}

    @property
    def lab_hours(self) -> FloatArray:
        """How long its campaigns lasted, h, shape (n,)."""
        return np.array([one.result["lab_h"] for one in self.ended])

    @property
    def n_runs(self) -> int:
        """The runs of its longest campaign."""
        return max((len(one.result["runs"]) for one in self.ended), default=0)

    @property
    def n_stopped(self) -> int:
        """How many of its campaigns ended for another reason than that they were finished."""
        return sum(one.result["status"] != "finished" for one in self.ended)

    def by_runs(self, runs: NDArray[np.int_]) -> FloatArray:
        """Return the quartiles of regret after numbers of runs, shape (3, n)."""
        return _quartiles(np.array([curve.after_runs(runs) for curve in self.curves.values()]))

    def by_hours(self, hours: FloatArray) -> FloatArray:
        """Return the quartiles of regret after lab hours, shape (3, n)."""
        return _quartiles(np.array([curve.after_hours(hours) for curve in self.curves.values()]))


@dataclass(frozen=True)
class Sweep:
    """A whole sweep, as far as it was performed.

    Args:
        plan: What was asked for.
        yardstick: What regret is measured by.
        ended: Campaigns that came to an end, in the plan's order.
    """

    plan: Plan
    yardstick: Yardstick
    ended: Sequence[Ended]

    @property
    def groups(self) -> list[Group]:
        """What each variation achieves, in the plan's order."""
        by_variation: dict[int, list[Ended]] = {id(v): [] for v in self.plan.variations}
        for one in self.ended:
            by_variation[id(one.planned.variation)].append(one)
        return [
            Group(v, sound := [one for one in by_variation[id(v)] if one.curve], len(by_variation[id(v)]) - len(sound))
            for v in self.plan.variations
        ]


def sweep_of(plan: Plan, yardstick: Yardstick, results: Mapping[str, Result]) -> Sweep:
    """Return what a plan came to, as far as there are results."""
    stick = yardstick.against(plan, results)
    there = [(p, results[p.key]) for p in plan.campaigns if p.key in results]
    return Sweep(
        plan, stick, [Ended(p, r, None if r["status"] == "error" else stick.curve(p.variation, r)) for p, r in there]
    )


def _quartiles(regrets: FloatArray) -> FloatArray:
    """Return the quartiles of each column; before anything is measured there is none."""
    ranked = np.where(np.isnan(regrets), np.inf, regrets)
    found = np.percentile(ranked, QUARTILES, axis=0, method="inverted_cdf")
    return np.where(np.isfinite(found), found, np.nan)
