"""What is counted of a race, and how two planners are compared.

Regret after n runs is the optimum minus the best *noiseless* value of the points measured so far, initial rows
included: what the campaign has in hand, whatever luck its measurements had. The optimum is the largest noiseless value
outside the failing region. A laboratory is *solved* when that best reaches 95 % of the optimum.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, wilcoxon

from benchmarks.planners.laboratory import Laboratory
from benchmarks.planners.race import Z80
from instruments.driver import FailureClass

FloatArray = NDArray[np.float64]
SOLVED = 0.95


@dataclass(frozen=True)
class Race:
    """What is counted of one race.

    Args:
        laboratory: Where it was.
        regret: After each number of runs, from 0; shape (n_runs + 1,).
        solved_at: Runs until the laboratory was solved, infinity where it was not.
        failures: Runs in the failing region.
        seconds: CPU seconds of each suggestion.
        inside: For each suggestion with a prediction that was outside the failing region, whether the truth was in the
            80 % interval.
        elsewhere: Share of random feasible points whose truth is in it, at some moments of the race.
    """

    laboratory: Laboratory
    regret: FloatArray
    solved_at: float
    failures: int
    seconds: FloatArray
    inside: FloatArray
    elsewhere: FloatArray


def count(record: dict[str, Any], laboratory: Laboratory, n_runs: int) -> Race:
    """Count a result."""
    runs = record["runs"][:n_runs]
    start = laboratory.truth([point for point, _ in laboratory.initial]).max()
    got = [start, *(run["truth"] if run["value"] is not None else -np.inf for run in runs)]
    best = np.maximum.accumulate(got)
    reached = np.flatnonzero(best >= SOLVED * laboratory.optimum)
    predicted = [run for run in runs if run.get("sd") and run["failure"] != FailureClass.INFEASIBLE]
    return Race(
        laboratory,
        np.maximum(laboratory.optimum - best, 0.0),
        float(reached[0]) if len(reached) else np.inf,
        sum(run["failure"] == FailureClass.INFEASIBLE for run in runs),
        np.array([run["s"] for run in runs]),
        np.array([abs(run["truth"] - run["mean"]) <= Z80 * run["sd"] for run in predicted]),
        np.array([check["inside"] for run, check in record["checks"].items() if int(run) <= n_runs]),
    )


@dataclass(frozen=True)
class Paired:
    """Two planners in the same laboratories.

    Args:
        n: How many laboratories.
        median: Median of the other's regret minus ours; above 0 where ours is better.
        wilcoxon: Two-sided p of the signed-rank test, 1 where all are equal.
        wins: Laboratories in which ours has the smaller regret.
        losses: Laboratories in which the other has.
        sign: Two-sided p of the sign test.
    """

    n: int
    median: float
    wilcoxon: float
    wins: int
    losses: int
    sign: float


def paired(ours: Sequence[Race], other: Sequence[Race], after: int) -> Paired | None:
    """Compare regrets after a number of runs in the laboratories that both were in, or None without any."""
    mine = {race.laboratory.fingerprint: race.regret[after] for race in ours}
    both = [race for race in other if race.laboratory.fingerprint in mine]
    if not both:
        return None
    gains = np.array([race.regret[after] - mine[race.laboratory.fingerprint] for race in both])
    wins, losses = int((gains > 0).sum()), int((gains < 0).sum())
    rank = float(wilcoxon(gains).pvalue) if wins + losses else 1.0
    sign = float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
    return Paired(len(both), float(np.median(gains)), rank, wins, losses, sign)
