"""Spoilt ledgers: their files, their rows, their stories, and their JSON lines, whatever is asked of them."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile_ledger import FILE_SPOILS, ROW_SPOILS, Row, chained, renumbered, rows_of, write_rows
from hostile_yaml import fragment_put_in, lines_swapped
from trial import DAMAGED, MORE, REFUSED, ask, chance, contents, faults
from worlds import CONFIG, write_config

from orchestrator.campaign import Campaign
from orchestrator.cli import main, replay
from orchestrator.ledger import Ledger, LedgerDamaged

CASES = 6 * MORE
TEXT = CONFIG.replace('"worlds:Oven"', '"worlds:Oven", failure_rate: 0.3')
PLACE = (
    r"^(spoilt|orig)/ledger.sqlite|^--|^the ledger's configuration|^tiny.yaml|^instrument oven: |^Parquet needs pyarrow"
)
QUESTIONS: tuple[tuple[Callable[..., int], tuple[str, ...]], ...] = (
    (replay, ("spoilt",)),
    (replay, ("spoilt", "--verify")),
    (replay, ("spoilt", "--what-if", "planner.acquisition=ucb")),
    (replay, ("spoilt", "--explain", "5")),
    (replay, ("spoilt", "--diff", "orig")),
    (replay, ("spoilt", "--export", "csv", "--out", "out.csv")),
    (replay, ("spoilt", "--export", "jsonl", "--out", "out.jsonl")),
    (replay, ("spoilt", "--export", "ro-crate", "--out", "out.zip")),
    (replay, ("spoilt", "--export", "parquet", "--out", "tables")),
    (replay, ("spoilt", "--at", "20")),
    (replay, ("spoilt", "--csv", "out.csv")),
    (replay, ("spoilt", "--verdict", "2=invalid", "--note", "n")),
    (replay, ("spoilt", "--report", "page")),
    (main, ("tiny.yaml", "--out", "spoilt", "--runs", "6")),
    (main, ("--status", "spoilt")),
    (main, ("--pause", "spoilt", "--note", "n")),
    (main, ("--stop", "spoilt")),
)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of five tiny runs, one of which failed, and the same ledger as JSON lines; not to be written to."""
    folder = tmp_path_factory.mktemp("original")
    campaign = Campaign.from_yaml(write_config(folder, TEXT), out=folder / "orig", overrides={"budget.runs": 5})
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # pictures take a second
    campaign.run()
    assert ask(replay, folder / "orig", "--export", "jsonl", "--out", folder / "orig.jsonl").status == 0
    return folder


@pytest.fixture
def bench(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that campaign in the current folder, which pictures are not drawn in."""
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr("orchestrator.report.write_report", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(spoilt: Path, case: int) -> None:
    """Ask two questions of a spoilt ledger, others for every case, and look at the answers."""
    for number in (2 * case, 2 * case + 1):
        command, words = QUESTIONS[number % len(QUESTIONS)]
        before = spoilt.read_bytes()
        answer = ask(command, *words)
        statuses = (0, 1, 2, 5) if "--diff" in words else (0, 2, 3, 4, 5) if command is main else (0, 2, 5)
        found = [fault for fault in faults(answer, PLACE, statuses) if "--verify" not in words or answer.err]
        assert not found, (words, found, answer)
        if answer.status in (REFUSED, DAMAGED) and not answer.err.startswith("instrument "):  # who answered is recorded
            assert spoilt.read_bytes() == before, (words, answer)


@pytest.mark.parametrize("spoil", FILE_SPOILS, ids=lambda spoil: spoil.__name__)
def test_ledger_file_spoilt_anyhow_is_read_or_refused_unchanged(bench: Path, spoil: Callable[..., bytes]) -> None:
    """36 cases, two questions each: status 0, 2 or 5, the ledger named, not a byte of it changed by a refusal."""
    content = (bench / "orig" / "ledger.sqlite").read_bytes()
    for case in range(CASES):
        shutil.rmtree("spoilt", ignore_errors=True)
        Path("spoilt").mkdir()
        Path("spoilt/ledger.sqlite").write_bytes(spoil(chance(spoil.__name__, case), content))
        asked(Path("spoilt/ledger.sqlite"), case)


@pytest.mark.parametrize("is_chained", [False, True], ids=["rows", "story"])
@pytest.mark.parametrize("spoil", ROW_SPOILS, ids=lambda spoil: spoil.__name__)
def test_ledger_rows_spoilt_anyhow_are_read_or_refused_unchanged(
    bench: Path, spoil: Callable[..., list[Row]], *, is_chained: bool
) -> None:
    """120 cases, two questions each: as they are, and with a chain computed anew, which hides what was done."""
    rows = rows_of(bench / "orig" / "ledger.sqlite")
    for case in range(CASES):
        shutil.rmtree("spoilt", ignore_errors=True)
        Path("spoilt").mkdir()
        changed = spoil(chance(is_chained, spoil.__name__, case), [list(row) for row in rows])
        if is_chained:
            changed = chained(changed if spoil.__name__ == "cell_replaced" else renumbered(changed))
        write_rows(Path("spoilt/ledger.sqlite"), changed, bench / "orig" / "ledger.sqlite")
        asked(Path("spoilt/ledger.sqlite"), case)


LINES = (
    "{}", "[]", "null", "1", '"x"', "[" * 3000, '{"events":-1,"head":null}', '{"attachment":1,"base64":2}', "\x00", "",
    '{"message":"x","text":[]}', '{"attachment":"../x","base64":"eA=="}', '{"seq":"1","body":{}}', '{"body":',
    '{"seq":1,"kind":null,"version":1,"lab_s":0,"utc":0,"origin":0,"run":0,"step":0,"hash":0,"body":{}}',
)  # fmt: skip


def line_dropped(rng: Any, text: str) -> bytes:
    lines = text.splitlines(keepends=True)
    del lines[rng.randrange(len(lines))]
    return "".join(lines).encode()


def bits_flipped(rng: Any, text: str) -> bytes:
    return FILE_SPOILS[0](rng, text.encode())


def cut_off(rng: Any, text: str) -> bytes:
    return text.encode()[: rng.randrange(len(text))]


def line_replaced(rng: Any, text: str) -> bytes:
    lines = text.splitlines(keepends=True)
    lines[rng.randrange(len(lines))] = rng.choice(LINES) + "\n"
    return "".join(lines).encode()


@pytest.mark.parametrize(
    "spoil",
    [line_dropped, lines_swapped, line_replaced, fragment_put_in, bits_flipped, cut_off],
    ids=lambda spoil: spoil.__name__,
)
def test_json_lines_spoilt_anyhow_make_the_same_ledger_or_none(bench: Path, spoil: Callable[..., bytes]) -> None:
    """36 cases: status 0, 2 or 5, the line named; after a refusal there is neither a ledger nor half of one."""
    text = (bench / "orig.jsonl").read_text(encoding="utf-8")
    for case in range(CASES):
        Path("spoilt.jsonl").write_bytes(spoil(chance(spoil.__name__, case), text))
        before = contents(bench)
        answer = ask(replay, "new.sqlite", "--import", "spoilt.jsonl")
        assert not faults(answer, r"^spoilt.jsonl(:\d+)?: ", (0, 2, 5)), (case, answer)
        if answer.status:
            assert contents(bench) == before, (case, answer)
            continue
        for path in Path().glob("new.sqlite*"):
            path.unlink()


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE t (a)"],
        ["CREATE TABLE events (seq, kind)"],
        ["CREATE TABLE events (seq INTEGER PRIMARY KEY, kind, version, lab_s, utc, origin, run, step, body, hash)"],
        ["CREATE VIEW events AS SELECT 1 AS seq"],
        ["CREATE VIEW events AS WITH RECURSIVE c(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM c) SELECT * FROM c"],
        ["PRAGMA user_version = 7"],
    ],
)
@pytest.mark.parametrize("question", [0, 11, 13])
@pytest.mark.usefixtures("bench")
def test_foreign_database_is_refused_unchanged(statements: list[str], question: int) -> None:
    """18 cases: no table, another one, an empty one, views that pretend to be one, one of them without end."""
    Path("spoilt").mkdir()
    connection = sqlite3.connect("spoilt/ledger.sqlite")
    for statement in [*statements, "CREATE TABLE other (x)"]:
        connection.execute(statement)
    connection.commit()
    connection.close()
    before = Path("spoilt/ledger.sqlite").read_bytes()
    command, words = QUESTIONS[question]
    answer = ask(command, *words)
    assert answer.status in (REFUSED, DAMAGED), answer
    assert not faults(answer, PLACE, (REFUSED, DAMAGED)), answer
    assert Path("spoilt/ledger.sqlite").read_bytes() == before


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.parametrize("question", [0, 11, 13])
@pytest.mark.usefixtures("bench")
def test_ledger_that_is_no_file_is_refused_at_once(make: Callable[[Path], None], question: int) -> None:
    """A folder, a pipe that nobody fills, a device without end."""
    Path("spoilt").mkdir()
    make(Path("spoilt/ledger.sqlite"))
    command, words = QUESTIONS[question]
    answer = ask(command, *words)
    assert answer.status == REFUSED, answer
    assert not faults(answer, PLACE), answer


@pytest.mark.usefixtures("bench")
def test_ledger_message_that_is_no_json_is_noted_and_the_campaign_goes_on() -> None:
    """Whoever can write the file can leave what they like in the inbox."""
    with sqlite3.connect("orig/ledger.sqlite") as connection:
        for text in ("not JSON", "[1]", "null", '{"kind":"note"}', '{"kind":"x","body":[],"run":{}}', "[" * 3000):
            connection.execute("INSERT INTO inbox (body) VALUES (?)", (text,))
    answer = ask(main, "tiny.yaml", "--out", "orig", "--runs", "6")
    assert answer.status == 0, answer
    with Ledger.open("orig/ledger.sqlite") as ledger:
        notes = [event.body["text"] for event in ledger.events() if event.kind == "note"]
    assert len(notes) == 6
    assert all("a message that cannot be followed" in note for note in notes)


def test_ledger_that_says_nonsense_names_the_event_and_what_is_wrong(bench: Path) -> None:
    """Its chain is whole, for whoever wrote it computed it."""
    rows = rows_of(bench / "orig" / "ledger.sqlite")
    rows[0][8] = rows[0][8].replace('"low":0.0', '"low":"cold"').replace('"unit":"K"', '"unit":7')
    Path("spoilt").mkdir()
    write_rows(Path("spoilt/ledger.sqlite"), chained(rows), bench / "orig" / "ledger.sqlite")
    with pytest.raises(
        LedgerDamaged, match=r"event 1 \(campaign_opened\): configuration.parameters.heat is .*'unit': 7"
    ):
        Ledger.open("spoilt/ledger.sqlite")


def test_json_lines_without_an_attachment_are_refused_by_their_own_name(original: Path, tmp_path: Path) -> None:
    """Not by that of the unfinished ledger, which is gone by then; nor does a tower of brackets end in a traceback."""
    lines = (original / "orig.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    for kept, rule in (
        ([line for line in lines if not line.startswith('{"attachment"')], r"x.jsonl: attachment \w+ is missing"),
        ([lines[0], "[" * 100_000], r"x.jsonl:2: not what was written"),
    ):
        (tmp_path / "x.jsonl").write_text("".join(kept))
        answer = ask(replay, tmp_path / "new.sqlite", "--import", tmp_path / "x.jsonl")
        assert not faults(answer, rule, (DAMAGED,)), answer
        assert [path.name for path in tmp_path.iterdir()] == ["x.jsonl"]
