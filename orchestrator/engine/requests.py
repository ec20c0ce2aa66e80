"""What other processes have asked of a campaign, and what the engine makes of it.

Rule of this file: a request counts once it is in the chain, and until the campaign pauses or closes. So a campaign that
was killed meanwhile still follows it, and one that a person lets go on has no old request before it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.engine.stopping import Stop
from orchestrator.ledger import Ask, Kind, LedgerMisfit, State

_NEEDED: Mapping[Kind, tuple[str, ...]] = {
    Kind.VERDICT_CHANGED: ("verdict",),
    Kind.REQUESTED: ("ask", "who"),
    Kind.NOTE: (),
}
"""What may be left for a running campaign, and what its body must hold. Anything else becomes a note."""

_LONGEST_CONTENT = 2000


@dataclass(frozen=True)
class Request:
    """How a campaign was asked to end.

    Args:
        stop: How and why.
        is_soon: Whether already after the steps under way; else runs under way are finished first.
    """

    stop: Stop
    is_soon: bool


def requested(state: State) -> Request | None:
    """Return what was asked for; of several requests the last counts."""
    if not state.requests:
        return None
    last, is_soon = state.requests[-1], state.is_asked_to_end_soon
    why = f": {last['note']}" if last.get("note") else ""
    if last["ask"] == Ask.PAUSE:
        return Request(Stop(f"paused by {last['who']}{why}", "paused", who=last["who"], exit_code=3), is_soon)
    return Request(Stop(f"stopped by {last['who']}{why}", "finished", who=last["who"]), is_soon)


def copy_messages(
    messages: Iterable[tuple[int, Mapping[str, Any]]], record: Callable[[Kind, Mapping[str, Any], int | None], object]
) -> None:
    """Copy what other processes have left into the chain, each once.

    Args:
        messages: Number and content of each.
        record: Appends an event of human origin: kind, body, run.
    """
    for number, message in messages:
        try:
            kind, body, run = _followed(message)
            record(kind, {**body, "message": number}, run)
        except (KeyError, TypeError, ValueError, LedgerMisfit) as error:
            content = repr(message)[:_LONGEST_CONTENT]
            text = f"a message that cannot be followed: {error!r}"
            record(Kind.NOTE, {"text": text, "message": number, "content": content}, None)


def _followed(message: Mapping[str, Any]) -> tuple[Kind, Mapping[str, Any], int | None]:
    """Return kind, body and run of what a message asks to record: any program may have left it.

    Raises:
        KeyError: A part is missing, or it is of a kind that is not left by others.
        TypeError: A part is not what it should be.
        ValueError: A word that is unknown.
    """
    kind, body, run = Kind(message["kind"]), dict(message["body"]), message["run"]
    for key in _NEEDED[kind]:
        if not isinstance(body[key], str):
            reason = f"{key} must be text"
            raise TypeError(reason)
    if not (run is None or type(run) is int):
        reason = "run must be a number"
        raise TypeError(reason)
    if kind == Kind.REQUESTED:
        Ask(body["ask"])
    return kind, body, run
