"""Asking a campaign to pause or to stop: by a message where it runs, in its ledger at once where it does not."""

from dataclasses import dataclass
from pathlib import Path

from orchestrator.address import Address
from orchestrator.ledger import Ask, Kind, Ledger, LedgerLocked, State, append_word, leave


@dataclass(frozen=True)
class Answer:
    """What became of a request.

    Args:
        state: The campaign as it is now.
        is_left: Whether the request was left for the process that runs the campaign.
        is_new: Whether anything was done; False where it is so already.
    """

    state: State
    is_left: bool = False
    is_new: bool = True


def ask(place: Path | Address, what: Ask, *, who: str, note: str = "") -> Answer:
    """Ask the campaign of a ledger to pause or to stop.

    Where no process writes the ledger, the pause or the end is recorded at once.

    Args:
        place: Where the ledger is.
        what: To pause, or to stop: to close, once its runs are over.
        who: Who asks, as `ada@lab1`.
        note: Why.

    Raises:
        LedgerError: There is no such ledger, or it cannot be written.
        LedgerDamaged: Its bytes are not what was written.
    """
    with Ledger.open(place) as ledger:
        state = ledger.state
    if _is_so(state, what):
        return Answer(state, is_new=False)
    try:
        with Ledger.write(place) as ledger:
            if _is_so(ledger.state, what):  # it has ended since it was looked at
                return Answer(ledger.state, is_new=False)
            _at_once(ledger, what, who, note)
            return Answer(ledger.state)
    except LedgerLocked:
        leave(place, Kind.REQUESTED, {"ask": str(what), "who": who, "note": note})
        return Answer(state, is_left=True)


def _is_so(state: State, what: Ask) -> bool:
    return state.status == "closed" or (state.status == "paused" and what == Ask.PAUSE)


def _at_once(ledger: Ledger, what: Ask, who: str, note: str) -> None:
    done, kind, status, exit_code = {
        Ask.PAUSE: ("paused", Kind.PAUSED, "paused", 3),
        Ask.STOP: ("stopped", Kind.CAMPAIGN_CLOSED, "finished", 0),
    }[what]
    reason = f"{done} by {who}{': ' if note else ''}{note}"
    append_word(ledger, kind, {"reason": reason, "who": who, "status": status, "exit_code": exit_code})
