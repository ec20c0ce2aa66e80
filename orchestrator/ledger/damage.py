"""Name what was done to an event that does not fit the chain."""

from collections.abc import Iterable
from itertools import dropwhile
from typing import Any

from orchestrator.ledger.events import Kind, chain

Row = tuple[Any, ...]


def misfit(rows: Iterable[Row], previous: str, seq: int) -> str:
    """Return in words what the first event that does not fit is, and what was likely done to it.

    Args:
        rows: Every row as stored, in order, each with its hash at the end.
        previous: Hash of the event before it.
        seq: Its number.
    """
    here = dropwhile(lambda row: row[0] < seq, rows)
    row, after = next(here), next(here, None)
    rule = f"event {seq} is not what was written: its hash does not fit the chain"
    return f"{rule} ({_name(row)}); {_cause(previous, row, after, here)}"


def _name(row: Row) -> str:
    _seq, kind, *_, run, step, _body, _hash = row
    known = kind if kind in set(Kind) else "of an unknown kind"
    return known if run is None else f"{known}, run {run}" if step is None else f"{known}, run {run} step {step}"


def _cause(previous: str, row: Row, after: Row | None, rest: Iterable[Row]) -> str:
    *content, digest = row
    if after is None:
        return "it is the last one, and was edited or comes from another ledger"
    if fits(digest, after):
        return f"its content was edited, for event {after[0]} still follows from the hash it was written with"
    if fits(_hash(previous, content) or "", after):
        return f"its hash was edited, for event {after[0]} still follows from its content"
    for later in (after, *rest):
        if fits(previous, (content[0], *later[1:])):
            return f"it has changed places with event {later[0]}"
    return f"nor does event {after[0]} follow from it: it comes from another ledger, or more than one was edited"


def fits(previous: str, row: Row) -> bool:
    """Return whether a row as stored, its hash at the end, follows from the hash of the row before it."""
    *content, digest = row
    return bool(_hash(previous, content) == digest)


def _hash(previous: str, content: list[Any]) -> str | None:
    try:
        return chain(previous, tuple(content))
    except (TypeError, ValueError):  # a flipped bit has made bytes of a text, or no number of a number
        return None
