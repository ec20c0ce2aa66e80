"""What the ledger is made of: events, their text and the chain that joins them.

Rule of this file: what is stored is what is hashed. A body is compact JSON text without NaN or numpy.
The order of its keys is kept, so that parameters stay in the order of the configuration.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

FORMAT = 1
"""Version of the ledger format; every version stays readable."""

GENESIS = "0" * 64
"""What the first event names as the hash before it."""

LARGEST = 1e300
"""Numbers of an event are smaller: sums and squares of them have to stay finite."""

_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class Kind(StrEnum):
    """What can happen. A kind this version does not know is preserved and changes nothing."""

    CAMPAIGN_OPENED = "campaign_opened"
    CONFIGURATION_CHANGED = "configuration_changed"
    INSTRUMENT_CONNECTED = "instrument_connected"
    SUGGESTED = "suggested"
    RUN_STARTED = "run_started"
    RUN_WAITS = "run_waits"
    STEP_STARTED = "step_started"
    TELEMETRY = "telemetry"
    STEP_FINISHED = "step_finished"
    STEP_FAILED = "step_failed"
    STEP_IN_DOUBT = "step_in_doubt"
    DOUBT_RESOLVED = "doubt_resolved"
    RUN_FINISHED = "run_finished"
    VERDICT_CHANGED = "verdict_changed"
    REQUESTED = "requested"
    PAUSED = "paused"
    RESUMED = "resumed"
    NOTE = "note"
    CAMPAIGN_CLOSED = "campaign_closed"


class Ask(StrEnum):
    """What may be asked of a running campaign: to pause, or to come to its end."""

    PAUSE = "pause"
    STOP = "stop"


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Args:
        seq: Its place in the ledger, from 1 without gaps.
        kind: What happened (`Kind`, or the text of a kind from a later version).
        lab_s: Lab time, in seconds since the campaign's epoch.
        utc: The same moment as ISO text.
        origin: simulated, recorded, real or human; `mixed` where instruments of several origins take part.
        run: The run it belongs to, from 1, or None.
        step: The step within the run, from 1, or None.
        body: Everything else.
        hash: sha256 over the previous hash and this row.
        version: Version of the body's form.
    """

    seq: int
    kind: str
    lab_s: float
    utc: str
    origin: str
    run: int | None
    step: int | None
    body: Mapping[str, Any]
    hash: str
    version: int = 1


def compact(body: object) -> str:
    """Return the JSON text of a body; what is no Unicode text (a lone surrogate from a driver) becomes "?".

    Raises:
        ValueError: NaN or infinity, which JSON does not have.
        TypeError: Something that is not JSON (a numpy number, a tuple key).
    """
    return _ENCODER.encode(body).encode("utf-8", "replace").decode("utf-8")


def chain(previous: str, row: tuple[Any, ...]) -> str:
    """Return the hash of a row.

    Args:
        previous: Hash of the row before it (`GENESIS` for the first).
        row: `(seq, kind, version, lab_s, utc, origin, run, step, body text)` as stored.
    """
    return hashlib.sha256((previous + compact(list(row))).encode()).hexdigest()
