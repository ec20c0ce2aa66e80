"""The ledger: the append-only, hash-chained record of a campaign, and the state it folds to.

Knows events, the state machine of runs and steps, durability and locking.
Must not know planners, recipes or instruments: what happened is told to it.
State is a fold over events; a suggestion is a function of a prefix of them.
"""

from orchestrator.ledger.amendment import amend, append_word, leave
from orchestrator.ledger.events import Ask, Event, Kind
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.opening import exists, holder
from orchestrator.ledger.run import Attempt, Run, Step
from orchestrator.ledger.state import State
from orchestrator.ledger.store import LedgerDamaged, LedgerError, LedgerLocked, LedgerMisfit, LedgerRefused

__all__ = [
    "Ask",
    "Attempt",
    "Event",
    "Kind",
    "Ledger",
    "LedgerDamaged",
    "LedgerError",
    "LedgerLocked",
    "LedgerMisfit",
    "LedgerRefused",
    "Run",
    "State",
    "Step",
    "amend",
    "append_word",
    "exists",
    "holder",
    "leave",
]
