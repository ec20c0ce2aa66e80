"""The engine: suggest, perform, record, stop, and go on where a ledger ends.

Knows the loop, who gets an instrument when, what follows a failure and when it is enough.
Must not know how a point is chosen, what an instrument is, or how an event is stored.
Every decision is read off the ledger's state, the configuration and the clock; nothing else remembers.
"""

from orchestrator.engine.agenda import everything_due
from orchestrator.engine.doubt import Word
from orchestrator.engine.drift import Drift, Trend, drift_of, has_references
from orchestrator.engine.history import observations, planner_of
from orchestrator.engine.loop import Engine
from orchestrator.engine.stopping import Stop

__all__ = [
    "Drift",
    "Engine",
    "Stop",
    "Trend",
    "Word",
    "drift_of",
    "everything_due",
    "has_references",
    "observations",
    "planner_of",
]
