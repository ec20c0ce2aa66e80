"""One race: one planner in one laboratory, and what is written down of it."""

import time
from typing import Any

import numpy as np

from benchmarks.planners.contenders import Contender, Entry, Ours
from benchmarks.planners.laboratory import Laboratory
from orchestrator.chance import stream

Z80 = 1.2815515655446004  # standard deviations to either side of an 80 % interval
_CHECKED_AT = (10, 20, 30)  # runs at which the surrogate is held against the truth of random points
_N_CHECKED = 64


def race(entry: Entry, laboratory: Laboratory, n_runs: int) -> dict[str, Any]:
    """Let the planner run, and return a JSON-ready record.

    Times are CPU seconds of the process: other work on the machine does not count, and with one thread they are
    seconds a person waits.
    """
    before = time.process_time()
    contender = entry.enter(laboratory)
    record: dict[str, Any] = {
        "planner": entry.spec,
        "version": entry.version,
        "family": laboratory.family,
        "seed": laboratory.seed,
        "laboratory": laboratory.fingerprint,
        "n_runs": n_runs,
        "setup_s": round(time.process_time() - before, 4),
        "runs": [],
        "checks": {},
    }
    for run in range(1, n_runs + 1):
        record["runs"].append(_perform(contender, laboratory, run))
        if run in _CHECKED_AT:
            record["checks"] |= _check(contender, laboratory, run)
    return record


def _perform(contender: Contender, laboratory: Laboratory, run: int) -> dict[str, Any]:
    before = time.process_time()
    point = contender.ask()
    asked_s = time.process_time() - before
    answer = laboratory.answer(point, run)
    before = time.process_time()
    contender.tell(point, answer.value, answer.failure)
    told_s = time.process_time() - before
    plain = {"point": dict(point), "truth": answer.truth, "value": answer.value, "failure": answer.failure}
    return plain | {"s": round(asked_s + told_s, 4)} | _belief(contender)


def _belief(contender: Contender) -> dict[str, Any]:
    suggestion = contender.suggestion if isinstance(contender, Ours) else None
    if suggestion is None:
        return {}
    return {
        "mean": suggestion.mean,
        "sd": suggestion.sd,
        "p": suggestion.p_feasible,
        "weight": suggestion.source_weight,
    }


def _check(contender: Contender, laboratory: Laboratory, run: int) -> dict[str, Any]:
    """Return the share of random feasible points whose truth lies in the surrogate's 80 % interval, and its error."""
    if not isinstance(contender, Ours):
        return {}
    points = laboratory.space.sample(4 * _N_CHECKED, stream(laboratory.seed, laboratory.family, "check"))
    points = [p for p, fails in zip(points, laboratory.fails(points), strict=True) if not fails][:_N_CHECKED]
    mean, sd = contender.planner.predict(contender.planner.observations, points)
    miss = np.abs(mean - laboratory.truth(points))
    return {str(run): {"inside": float(np.mean(miss <= Z80 * sd)), "mae": float(miss.mean()), "sd": float(sd.mean())}}
