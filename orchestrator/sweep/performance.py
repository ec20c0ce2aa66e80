"""One campaign of a sweep, performed in a worker: into a ledger in memory, without report, display or signals.

Rule of this file: whatever happens is returned as plain data, because nobody looks at a worker's terminal.
"""

import os
import platform
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from orchestrator.campaign import Campaign
from orchestrator.ledger import Ledger, Run, State
from orchestrator.ledger.memory import MemoryStore
from orchestrator.objective.merit import Merit
from orchestrator.sweep.fingerprint import differing, fingerprint
from orchestrator.sweep.luggage import Luggage

Result = dict[str, Any]
"""What is kept of a campaign, as JSON data: how it ended, and of each run its point, value and hours."""


@dataclass(frozen=True)
class Code:
    """The code that a sweep counts on: the packages, and their fingerprint where the sweep was asked for."""

    packages: tuple[str, ...]
    expected: Mapping[str, str]


def perform(luggage: Luggage, seed: int, key: str, code: Code) -> Result:
    """Perform a campaign from its beginning to its end.

    Args:
        luggage: The campaign.
        seed: Its seed.
        key: What to call the result.
        code: What must be installed here.

    Returns:
        `key`, `status` (finished, halted, paused, or error), `reason`, `lab_h`, `runs` and where it was performed.
    """
    began, where = time.process_time(), f"{platform.node()}:{os.getpid()}"
    others = differing(dict(code.expected), fingerprint(code.packages))
    if others:
        return failed(key, f"worker {where} has other code: {'; '.join(others)}", where)
    try:
        result = _performed(luggage, seed)
    except Exception as error:  # noqa: BLE001 - a campaign that breaks is a row of the table, not the end of the sweep
        place = traceback.extract_tb(error.__traceback__)[-1]
        return failed(key, f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})", where)
    return {"key": key, **result, "cpu_s": round(time.process_time() - began, 3), "where": where}


def failed(key: str, reason: str, where: str = "") -> Result:
    """Return the result of a campaign that could not be performed."""
    return {"key": key, "status": "error", "reason": reason, "lab_h": 0.0, "runs": [], "cpu_s": 0.0, "where": where}


def _performed(luggage: Luggage, seed: int) -> Result:
    with TemporaryDirectory(prefix="sweep-") as folder:
        campaign = Campaign(luggage.unpack(Path(folder), seed), Path(folder))
        with Ledger(MemoryStore()) as ledger:
            stop = campaign.perform(ledger)
            return {"status": stop.status, "reason": stop.reason, **_kept(ledger.state, campaign)}


def _kept(state: State, campaign: Campaign) -> Result:
    merit = Merit.from_config(campaign.settings)
    ended = sorted(state.finished, key=lambda run: (run.end_s, run.number))
    return {"lab_h": _hours(state.lab_s), "runs": [_plain(run, is_counted=merit.counts(run)) for run in ended]}


def _plain(run: Run, *, is_counted: bool) -> Result:
    return {
        "run": run.number,
        "purpose": run.purpose,
        "point": dict(run.point),
        "status": run.status,
        "failure": run.failure,
        "value": run.value,
        "counts": is_counted,
        "end_h": _hours(run.end_s or 0.0),
    }


def _hours(seconds: float) -> float:
    return round(seconds / 3600, 4)
