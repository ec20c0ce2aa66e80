"""Verify: every suggestion is given again, and whatever was done to a ledger is found and named."""

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

from orchestrator.cli import replay
from orchestrator.display.watcher import Silent
from orchestrator.ledger import Event, Kind, Ledger, State, amend
from orchestrator.replay.verify import verify

COPY_ROW = f"UPDATE events SET ({tiny.REST}) = (SELECT {tiny.REST} FROM other.events WHERE seq = 12) WHERE seq = 12"
ADD_ROW = f"INSERT INTO events SELECT (SELECT max(seq) + 1 FROM events), {tiny.REST} FROM events WHERE seq = 20"
CHANGE_TRACE = """UPDATE attachments SET content = zeroblob(176) WHERE sha256 = (
  SELECT json_extract(body, '$.reading.arrays.trace') FROM events WHERE run = 1 AND step = 2 AND kind = 'step_finished'
)"""
MISFIT = "is not what was written: its hash does not fit the chain"
HARMS = {
    "a byte of the body": (
        ["""UPDATE events SET body = replace(body, '"heat":', '"heat":1') WHERE seq = 4"""],
        f"event 4 {MISFIT} (suggested, run 1); its content was edited, for event 5 still follows",
    ),
    "a lab time": (["UPDATE events SET lab_s = lab_s + 1 WHERE seq = 12"], f"event 12 {MISFIT} ("),
    "a hash": (
        ["UPDATE events SET hash = replace(hash, 'a', 'b') WHERE seq = 9"],
        f"event 9 {MISFIT} (step_finished, run 1 step 1); its hash was edited",
    ),
    "a deleted row": (["DELETE FROM events WHERE seq = 7"], "event 7 is missing (the next row is event 8)"),
    "a deleted row, the gap closed": (
        ["DELETE FROM events WHERE seq = 7", "UPDATE events SET seq = seq - 1 WHERE seq > 7"],
        f"event 7 {MISFIT}",
    ),
    "two rows exchanged": (
        [f"UPDATE events SET seq = {new} WHERE seq = {old}" for old, new in ((8, 0), (11, 8), (0, 11))],
        f"event 8 {MISFIT} (telemetry, run 1 step 2); it has changed places with event 11",
    ),
    "a row from another campaign": (
        ["ATTACH :other AS other", COPY_ROW],
        f"event 12 {MISFIT} (step_finished, run 1 step 2); nor does event 13 follow from it: it comes from another",
    ),
    "a row too many": ([ADD_ROW], "it is the last one, and was edited or comes from another ledger"),
    "a changed attachment": ([CHANGE_TRACE], "(step_finished of run 1 step 2): its attachment trace ("),
    "no attachments": (["DELETE FROM attachments"], "is missing or was changed"),
    "a cut tail": (["DELETE FROM events WHERE seq > 40"], "but the ledger ends at event 40: its tail was cut off"),
}


def verified(ledger: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = replay([str(ledger), "--verify", *words])
    shown = capsys.readouterr()
    return status, shown.out + shown.err


def test_verify_of_the_shipped_campaign_holds(lipon: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With source and initial rows, transfer and sweeps, from the ledger alone; the folder is as good as the file."""
    status, text = verified(lipon.parent, capsys)
    assert status == 0, text
    assert "suggestions  6 asked for again, each the same" in text
    assert "verified     everything holds" in text


@pytest.mark.parametrize(("in_flight", "durations"), [(1, "random"), (2, "tied"), (3, "random")])
def test_verify_asks_with_what_was_pending(tmp_path: Path, in_flight: int, durations: str) -> None:
    """Whatever is in flight when a point is chosen."""
    lab: dict[str, Any] = {"laboratory__bottleneck": None, "laboratory__in_flight": in_flight}
    path = tiny.run(tmp_path, laboratory__instruments__oven__durations=durations, **lab)
    with Ledger.open(path) as ledger:
        found = verify(ledger)
        pending = {len(e.body["pending"]) for e in ledger.events() if e.kind == Kind.SUGGESTED}
    assert found.holds, found.difference
    assert found.n_suggestions == 7
    assert max(pending) == in_flight - 1


class Judge(Silent):
    """Takes the second run's value back while the campaign goes on, and gives it again two runs later."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def event(self, event: Event, state: State) -> None:  # noqa: ARG002 - the protocol's
        """Wait for the runs."""
        if event.kind == Kind.RUN_FINISHED and event.run in (4, 6):
            word = "invalid" if event.run == 4 else "valid"
            amend(self.path, Kind.VERDICT_CHANGED, {"verdict": word}, run=2)


def test_verify_counts_a_verdict_from_where_it_stands(tmp_path: Path) -> None:
    """Suggestions before it were made with the value, those after it without."""
    path = tiny.run(tmp_path, watcher=Judge(tmp_path / "out" / "ledger.sqlite"))
    with Ledger.open(path) as ledger:
        assert [e.body["verdict"] for e in ledger.events() if e.kind == Kind.VERDICT_CHANGED] == ["invalid", "valid"]
        assert verify(ledger).holds
    early = tiny.rewritten(path, tmp_path / "early.sqlite", lambda e: {**e.body, **_valid(e)})
    with Ledger.open(early) as ledger:
        found = verify(ledger)
    assert found.difference is not None
    assert found.difference.run == 5


def _valid(event: Event) -> dict[str, str]:
    return {"verdict": "valid"} if event.kind == Kind.VERDICT_CHANGED else {}


def test_verify_shows_the_first_other_suggestion_with_both_values(
    ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A chain that was written anew is whole; asking again tells, and the library that changed is named."""

    def changed(event: Event) -> Any:
        if event.kind == Kind.CAMPAIGN_OPENED:
            return {**event.body, "versions": {**event.body["versions"], "numpy": "0.0.1"}}
        if event.kind == Kind.SUGGESTED and (event.run or 0) >= 4:
            return {**event.body, "point": {"heat": 12.5}}
        return event.body

    status, text = verified(tiny.rewritten(ledger, tmp_path / "new.sqlite", changed), capsys)
    assert status == 5
    assert "that of run 4 (event " in text
    assert "heat: 12.5 recorded, " in text
    assert f"numpy 0.0.1 then, {np.__version__} now" in text
    assert "run 5" not in text


def test_verify_shows_a_planner_that_fails_today(
    ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It gave a point then; what it says now is shown instead of a traceback."""

    def changed(event: Event) -> Any:
        empty_pool = event.kind == Kind.CAMPAIGN_OPENED
        return {**event.body, "candidates": []} if empty_pool else event.body

    status, text = verified(tiny.rewritten(ledger, tmp_path / "new.sqlite", changed), capsys)
    assert status == 5
    assert "a point recorded, LedgerDamaged: the ledger's configuration: the pool of candidates is empty" in text


def test_verify_takes_a_last_digit_for_the_same(ledger: Path, tmp_path: Path) -> None:
    """Libraries round differently by 1e-9; by 1e-5 it is another point."""
    for factor, same in ((1 + 1e-9, True), (1 + 1e-5, False)):

        def moved(event: Event, factor: float = factor) -> Any:
            is_last = event.kind == Kind.SUGGESTED and event.run == 7
            return {**event.body, "point": {"heat": event.body["point"]["heat"] * factor}} if is_last else event.body

        with Ledger.open(tiny.rewritten(ledger, tmp_path / f"{factor}.sqlite", moved)) as again:
            assert verify(again).holds is same


@pytest.mark.parametrize("harm", HARMS)
def test_verify_names_what_was_done(
    ledger: Path, stranger: Path, capsys: pytest.CaptureFixture[str], harm: str
) -> None:
    """An edit, a deletion, an exchange, a copied-in row, a changed attachment and a cut tail, each in words; exit 5."""
    statements, expected = HARMS[harm]
    tiny.tamper(ledger, *statements, other=str(stranger))
    status, text = verified(ledger, capsys)
    assert status == 5
    assert expected in text


def test_verify_of_a_truncated_file_says_so(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is asked."""
    content = ledger.read_bytes()
    ledger.write_bytes(content[: len(content) // 2])
    status, text = verified(ledger, capsys)
    assert status == 5
    assert "not a readable ledger" in text


def test_verify_finds_text_that_has_become_bytes(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One bit of a row's header decides what a column is; the ledger is damaged then, and says so."""
    tiny.tamper(ledger, "UPDATE events SET kind = CAST(kind AS BLOB) WHERE seq = 3")
    status, text = verified(ledger, capsys)
    assert status == 5
    assert "event 3 is not what was written" in text


def test_verify_misses_no_flipped_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wherever in the file it is: it is found, or no event and no attachment is touched by it."""
    ledger = tiny.run(tmp_path, budget__runs=2)
    content, whole = ledger.read_bytes(), _everything(ledger)
    n_found = 0
    for place in np.random.default_rng(1).choice(len(content), 60, replace=False):
        flipped = bytearray(content)
        flipped[place] ^= 0x01
        ledger.write_bytes(flipped)
        status, text = verified(ledger, capsys)
        n_found += status == 5
        assert status == 5 or _everything(ledger) == whole, text
    assert n_found > 10


def _everything(ledger: Path) -> list[Any]:
    """Read past the ledger: every event, and every attachment's content (its key is also kept in an index)."""
    connection = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    try:
        events = connection.execute("SELECT * FROM events ORDER BY seq").fetchall()
        return [events, connection.execute("SELECT content FROM attachments ORDER BY content").fetchall()]
    finally:
        connection.close()


def test_verify_holds_the_chain_against_a_noted_head(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cut tail fits the chain; only a hash noted elsewhere tells of it. A chain that has grown still has it."""
    with Ledger.open(ledger) as whole:
        head, n_events = whole.state.head, whole.state.n_events
    amend(ledger, Kind.VERDICT_CHANGED, {"verdict": "invalid"}, run=1)
    assert verified(ledger, capsys, "--head", head)[0] == 0
    (ledger.parent / "report.html").unlink()
    tiny.tamper(ledger, "DELETE FROM events WHERE seq >= :last", last=n_events)
    assert verified(ledger, capsys)[0] == 0
    status, text = verified(ledger, capsys, "--head", head[:12])
    assert status == 5
    assert f"no event has the hash {head[:12]}: what followed event {n_events - 1} was cut off" in text


def test_verify_tells_a_report_of_another_ledger(ledger: Path, stranger: Path) -> None:
    """A ledger written anew has other hashes than the report that stands beside it."""
    with Ledger.open(stranger) as foreign:
        found = verify(foreign, beside=ledger.parent)
    assert "the ledger was written anew, or the report is of another one" in found.damage[0]
