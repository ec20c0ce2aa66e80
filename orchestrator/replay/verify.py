"""Verify a ledger: every attachment is hashed again and every suggestion is asked for again.

The chain and the state machine are checked wherever events are read; what is checked here is what they cannot see.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.config import ConfigError, recorded
from orchestrator.engine import everything_due
from orchestrator.ledger import Event, Kind, Ledger, LedgerDamaged, State
from orchestrator.planner import Suggestion
from orchestrator.replay.decisions import Decision, Reader, Respondent, is_search
from orchestrator.versions import versions

_TOLERANCE = 1e-6  # relative: what two builds of a linear algebra library may differ by
_REPORTED = re.compile(r"(\d+) events, head <code>([0-9a-f]{64})</code>")
_SHOWN = ("mean", "sd", "acquisition", "p_feasible", "source_weight")


@dataclass(frozen=True)
class Difference:
    """The first suggestion that is not given again.

    Args:
        seq: The event that holds it.
        run: The run it began.
        values: (what, as recorded, as asked again) for the point and for what was predicted there.
        versions: (library, version then, version now) where they differ.
    """

    seq: int
    run: int
    values: tuple[tuple[str, Any, Any], ...]
    versions: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Verification:
    """What was checked, and what does not hold.

    Args:
        n_events: Events in the chain.
        head: Hash of the last one.
        n_attachments: Attachments hashed again.
        n_suggestions: Suggestions asked for again.
        reported: Events that the report beside the ledger names, None without a report.
        damage: What does not fit, one sentence each.
        difference: The first suggestion that is not given again.
    """

    n_events: int
    head: str
    n_attachments: int
    n_suggestions: int
    reported: int | None
    damage: tuple[str, ...]
    difference: Difference | None

    @property
    def holds(self) -> bool:
        """Whether everything is as it was written."""
        return not self.damage and self.difference is None


class _Anchors:
    """Hashes that the chain must contain, known from outside the ledger: a cut tail is seen only by them."""

    def __init__(self, path: Path | None, head: str | None) -> None:
        self.reported = _reported(path)
        self._head, self._seen = head, False
        self._reported_hash = ""

    def see(self, event: Event) -> None:
        """Hold one event against them."""
        self._seen = self._seen or (self._head is not None and event.hash.startswith(self._head))
        if self.reported is not None and event.seq == self.reported[0]:
            self._reported_hash = event.hash

    def damage(self, n_events: int) -> Iterator[str]:
        """Yield what is missing from a chain of so many events."""
        if self._head is not None and not self._seen:
            yield (
                f"no event has the hash {self._head}: what followed event {n_events} was cut off, "
                "or the hash is of another ledger"
            )
        if self.reported is None:
            return
        n_reported, head = self.reported
        if n_reported > n_events:
            yield (
                f"report.html beside it names {n_reported} events, but the ledger ends at event {n_events}: "
                "its tail was cut off; restore it from a copy"
            )
        elif self._reported_hash != head:
            yield (
                f"report.html beside it names {head[:12]} as event {n_reported}, but the ledger has "
                f"{self._reported_hash[:12]}: the ledger was written anew, or the report is of another one"
            )


def verify(
    ledger: Ledger,
    *,
    beside: Path | None = None,
    head: str | None = None,
    on_event: Callable[[int], None] = lambda _seq: None,
) -> Verification:
    """Check everything that can be checked of a ledger, in one pass over its events.

    Args:
        ledger: Open, so its chain and its transitions hold.
        beside: The folder in which the campaign wrote its report, if there is one.
        head: Hash of an event that must be there (or its first digits), as noted when the ledger was last trusted.
        on_event: Called after each event with its number.

    Raises:
        ConfigError: The recorded configuration has a key that this version does not know.
    """
    anchors, respondent, reader = _Anchors(beside, head), Respondent(), Reader(ledger)
    attachments: set[str] = set()
    damage: list[str] = []
    difference: Difference | None = None
    n_suggestions = 0
    for event in ledger.events():
        anchors.see(event)
        damage += _damaged_attachments(ledger, event, attachments)
        if is_search(event):
            if difference is None:
                difference = _asked_again(respondent, reader.decision(event))
                n_suggestions += 1
        elif event.kind == Kind.SUGGESTED:
            damage += _undue(reader.state, event)
        reader.apply(event)
        on_event(event.seq)
    state = reader.state
    damage += anchors.damage(state.n_events)
    reported = anchors.reported and anchors.reported[0]
    return Verification(
        state.n_events, state.head, len(attachments), n_suggestions, reported, tuple(damage), difference
    )


def _reported(folder: Path | None) -> tuple[int, str] | None:
    """Return the number of events and the head that a report names."""
    path = folder / "report.html" if folder is not None else None
    if path is None or not path.is_file():
        return None
    found = _REPORTED.findall(path.read_text(encoding="utf-8", errors="replace"))
    return (int(found[-1][0]), found[-1][1]) if found else None


def _damaged_attachments(ledger: Ledger, event: Event, hashed: set[str]) -> Iterator[str]:
    for name, sha256 in ((event.body.get("reading") or {}).get("arrays") or {}).items():
        if sha256 in hashed:
            continue
        hashed.add(sha256)
        try:
            ledger.attachment(sha256)
        except LedgerDamaged:
            where = f"event {event.seq} ({event.kind} of run {event.run} step {event.step})"
            yield f"{where}: its attachment {name} ({sha256[:12]}) is missing or was changed"


def _undue(state: State, event: Event) -> Iterator[str]:
    """Yield that a run which the planner did not ask for was not due."""
    settings = recorded((state.opened or {})["configuration"], "the ledger's configuration").settings
    if not any(due.fits(event.body) for due in everything_due(settings, state, event.lab_s)):
        yield f"event {event.seq}: run {event.run} ({event.body['purpose']}) was not due by the configuration"


def _asked_again(respondent: Respondent, decision: Decision) -> Difference | None:
    try:
        again = respondent.ask(decision)
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - a planner that fails today gave a point then: that is the difference
        failed = ("planner", "a point", f"{type(error).__name__}: {error}")
        return _difference(decision, (failed,))
    if set(again.point) == set(decision.point) and all(
        _same(value, again.point[name]) for name, value in decision.point.items()
    ):
        return None
    return _difference(decision, _values(decision, again))


def _difference(decision: Decision, values: tuple[tuple[str, Any, Any], ...]) -> Difference:
    recorded = (decision.state.opened or {}).get("versions", {})
    return Difference(decision.seq, decision.run, values, tuple(_changed_versions(recorded)))


def _same(one: float | str, other: float | str) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return math.isclose(one, other, rel_tol=_TOLERANCE)


def _values(decision: Decision, again: Suggestion) -> tuple[tuple[str, Any, Any], ...]:
    why = again.to_json()
    names = dict.fromkeys([*decision.point, *again.point])
    point = [(name, decision.point.get(name), again.point.get(name)) for name in names]
    return (*point, *((name, decision.why.get(name), why[name]) for name in _SHOWN))


def _changed_versions(recorded: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield name, version then and version now of every library that is not the same."""
    now = versions()
    for name in dict.fromkeys([*recorded, *now]):
        then, today = recorded.get(name, "not recorded"), now.get(name, "not looked for")
        if then != today:
            yield name, then, today
