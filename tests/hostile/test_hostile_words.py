"""Words of others on pages, in terminals and in spreadsheets: what they would do if they could, and do not."""

import csv
import io
import json
import sqlite3
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_ledger import chained, rows_of, write_rows
from trial import DAMAGED, REFUSED, ask, contents
from worlds import CONFIG, Oven, write_config

from instruments.driver import FailureClass, Identity, InstrumentError, Moved, Origin, Phase, Reading
from instruments.people.work import Asked, Work
from instruments.people.workorder import Command, WorkOrder
from orchestrator.cli import check, main, replay
from orchestrator.files.spreadsheet import harmless

SCRIPT = "</script></title><svg onload=alert(1)><script>alert(1)</script>\"'><img src=x onerror=alert(1)>$x$"
ESCAPE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r\x08"
FORMULA = '=HYPERLINK("http://x")'


class HostileOven(Oven):
    """Says the worst in everything that it says; the last of all baking fails."""

    def __init__(self, *, name: str, shelf: dict[str, float], words: str) -> None:
        super().__init__(name=name, shelf=shelf)
        self._words = words

    def connect(self) -> Identity:
        """Tell a story."""
        return Identity(self._words, self._words, self._words, Origin.SIMULATED)

    def phases(self, command: Any, rng: Any) -> Iterator[Any]:
        """Tell another one."""
        yield Phase(self._words, 60.0, {self._words: 1.0, "said": self._words})
        if command.id.startswith("2."):
            raise InstrumentError(FailureClass.SAMPLE, self._words, Moved.YES)
        reading = yield from super().phases(command, rng)
        return Reading(reading.values, {self._words: np.arange(2)})


class Reader(HTMLParser):
    """Knows every tag and attribute of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.add(tag)
        self.attributes |= set(attrs)


def campaign(folder: Path, words: str) -> None:
    """Write a configuration that says the worst wherever it may say something."""
    said, measured = json.dumps(words), json.dumps(f"{words} measured")
    heat = "  heat: {unit: K, low: 0, high: 100}"
    text = CONFIG.replace(heat, f"{heat}\n  {said}: {{unit: {said}, choices: [{said}, other]}}")
    text = text.replace("{name: mass, unit: g}", f"{{name: {measured}, unit: {said}}}")
    text = text.replace('"worlds:Oven"', f'"test_hostile_words:HostileOven", words: {said}')
    write_config(folder, f"{text}further_objectives: {{trace_mean: {{unit: {said}}}}}\n")


def is_safe(page: str) -> None:
    reader = Reader()
    reader.feed(page)
    assert not reader.tags & {"script", "img", "iframe", "object", "embed", "base", "link", "form"}
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    for name, value in reader.attributes:
        if name in ("href", "xlink:href", "src", "style"):
            assert not (value or "").strip().lower().startswith(("javascript:", "data:text", "http")), value
    assert "alert(1)" in page  # it was there to be read, as text


def steers(text: str) -> list[str]:
    return [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs")]


def test_report_and_crate_show_hostile_words_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, units, choices, an instrument's identity, its phases and its reasons, a person's note."""
    monkeypatch.chdir(tmp_path)
    campaign(tmp_path, SCRIPT)
    answer = ask(main, "tiny.yaml", "--out", "out", "--runs", "5")
    assert answer.status == 0, answer
    assert ask(replay, "out", "--verdict", "3=invalid", "--note", SCRIPT, "--who", SCRIPT).status == 0
    assert ask(replay, "out", "--report", "again").status == 0
    for page in ("out/report.html", "again/report.html"):
        is_safe(Path(page).read_text(encoding="utf-8"))
    assert ask(replay, "out", "--export", "ro-crate", "--out", "crate").status == 0
    assert all(not Path(name).is_absolute() and ".." not in name for name in contents(tmp_path / "crate"))


def test_work_order_shows_hostile_words_as_text() -> None:
    """What the recipe passes on, and what the laboratory's owner wrote."""
    gas = {"gas": Asked(text=True)}
    work = Work(instructions=f"{SCRIPT} {{gas}}", settings=gas, enter={SCRIPT: Asked()})
    order = WorkOrder(SCRIPT, work, Command("person", SCRIPT, {"gas": SCRIPT}, id="1.1.1"))
    is_safe(order.as_html(form="orders/1.1.1.csv", result="results/1.1.1.csv", failure="results/1.1.1.failed.csv"))


def test_terminal_is_not_steered_by_hostile_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever command shows them: escapes, bells, backspaces and letters that run the other way are taken out."""
    monkeypatch.chdir(tmp_path)
    campaign(tmp_path, ESCAPE)
    shown = [[], ["--verify"], ["--explain", "5"], ["--what-if", "planner.acquisition=ucb"], ["--diff", "out"]]
    answers = [
        ask(main, "tiny.yaml", "--check"),
        ask(main, "tiny.yaml", "--out", "out", "--runs", "5"),
        ask(check, "tiny.yaml"),
        ask(replay, "out", "--verdict", "3=invalid", "--note", ESCAPE),
        *(ask(replay, "out", *words) for words in shown),
        ask(main, "tiny.yaml", "--out", "out", "--runs", "5", "--set", f"seed={ESCAPE!r}"),
    ]
    assert [answer.status for answer in answers[:2]] == [0, 0], answers[:2]
    for answer in answers:
        assert "Traceback" not in answer.err
        assert not steers(answer.out + answer.err), answer


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
def test_spreadsheet_computes_no_text(beginning: str) -> None:
    """An apostrophe makes text of it; other text is left alone."""
    assert harmless(f"{beginning}1+1") == f"'{beginning}1+1"
    assert harmless(f"1{beginning}1") == f"1{beginning}1"


def test_tables_hold_no_formula_and_numbers_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table of text that is written: runs, what if, spectra, and their headings."""
    monkeypatch.chdir(tmp_path)
    campaign(tmp_path, FORMULA)
    assert ask(main, "tiny.yaml", "--out", "out", "--runs", "5").status == 0
    assert ask(replay, "out", "--what-if", "planner.acquisition=ucb", "--csv", "what_if.csv").status == 0
    assert ask(replay, "out", "--export", "csv", "--out", "again.csv").status == 0
    assert ask(replay, "out", "--export", "ro-crate", "--out", "crate").status == 0
    tables = [*Path().glob("*.csv"), *Path("out").glob("*.csv"), *Path("crate").rglob("*.csv")]
    assert len(tables) >= 7
    for path in tables:
        cells = [cell for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8"))) for cell in row]
        for cell in cells:
            assert not cell.startswith(("=", "+", "@", "\t", "\r")), (path, cell)
            if cell.startswith("-"):
                float(cell)
    assert "'=HYPERLINK" in Path("out/runs.csv").read_text()
    assert any(cell.startswith("-") for cell in Path("out/runs.csv").read_text().split(","))


def story(folder: Path, change: Mapping[str, Any]) -> Path:
    """Run a campaign, and write its ledger anew with other values of some keys, wherever they stand; the chain fits."""
    write_config(folder, CONFIG)
    assert ask(main, "tiny.yaml", "--out", "out", "--runs", "2").status == 0
    rows = rows_of(Path("out/ledger.sqlite"))

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: change[key] if key in change else changed(inner) for key, inner in value.items()}
        return [changed(inner) for inner in value] if isinstance(value, list) else value

    for row in rows:
        row[8] = json.dumps(changed(json.loads(row[8])), separators=(",", ":"))
    (folder / "forged").mkdir()
    write_rows(folder / "forged" / "ledger.sqlite", chained(rows), folder / "out" / "ledger.sqlite")
    return folder / "forged"


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../../../../../escaped"},
        {"id": "/tmp/escaped"},  # noqa: S108 - what an attacker would write
        {"campaign": "../../escaped"},
        {"instrument": "../../escaped"},
        {"file": "../../../etc/passwd"},
        {"ledger": "../../escaped.sqlite"},
        {"sample": "../../escaped"},
    ],
    ids=str,
)
def test_path_in_a_ledger_leads_nowhere(
    tmp_path: Path, change: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever an imported ledger calls its steps, files and samples, nothing is written beside what was asked for."""
    monkeypatch.chdir(tmp_path)
    forged = story(tmp_path, change)
    before = set(contents(tmp_path.parent))
    (tmp_path / "a" / "b").mkdir(parents=True)
    wanted = [("--export", "ro-crate", "--out", f"a/b/{name}") for name in ("crate", "crate.zip")]
    wanted += [("--export", "parquet", "--out", "a/b/tables"), ("--report", "a/b/page"), ("--csv", "a/b/runs.csv")]
    for words in wanted:
        answer = ask(replay, forged, *words)
        assert answer.status in (0, DAMAGED, REFUSED), answer
    made = {name for name in set(contents(tmp_path.parent)) - before if f"{forged.name}/" not in name}
    assert all(name.startswith(f"{tmp_path.name}/a") for name in made), made
    if (tmp_path / "a" / "b" / "crate.zip").exists():
        names = zipfile.ZipFile(tmp_path / "a" / "b" / "crate.zip").namelist()
        assert not [name for name in names if ".." in name or name.startswith("/")]


def test_json_lines_name_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attachment is known by its hash, which is computed anew; a path is none."""
    monkeypatch.chdir(tmp_path)
    head = '{"ledger":1,"events":0,"head":"' + "0" * 64 + '"}\n'
    Path("x.jsonl").write_text(head + '{"attachment":"../../escaped","base64":"eA=="}\n')
    before = contents(tmp_path)
    answer = ask(replay, "new.sqlite", "--import", "x.jsonl")
    assert answer.status == DAMAGED
    assert "x.jsonl:2: not what was written: the attachment's bytes do not have that hash" in answer.err
    assert contents(tmp_path) == before


def test_view_in_a_ledger_runs_nothing(tmp_path: Path) -> None:
    """A trigger or a view of a foreign file is SQL that somebody else wrote; a ledger is only opened with tables."""
    connection = sqlite3.connect(tmp_path / "l.sqlite")
    connection.execute("CREATE VIEW events AS SELECT load_extension('evil')")
    connection.close()
    assert ask(replay, tmp_path / "l.sqlite").status == DAMAGED
