"""Tables out of a ledger: CSV, a pandas frame, Parquet."""

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestrator.files.spreadsheet import harmless
from orchestrator.ledger import Kind, Ledger, LedgerError
from orchestrator.ledger.attempted import attempts
from orchestrator.ledger.export import export

WHEN: dict[str, Any] = {"lab_s": 3600.0, "utc": "2026-01-01T00:00:00+00:00", "origin": "simulated"}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def odd_campaign(path: Path) -> Ledger:
    """Two runs whose names and words are as awkward as they may be."""
    ledger = Ledger.write(path)
    configuration = {
        "parameters": {"status": {"unit": "K"}, "gas": {"unit": ""}},
        "objective": {"name": "origin", "unit": "g"},
    }
    ledger.append(
        Kind.CAMPAIGN_OPENED,
        {"format": 1, "epoch": "2026-01-01T00:00:00+00:00", "configuration": configuration},
        **WHEN,
    )
    point = {"status": 1.5, "gas": "=cmd()"}
    ledger.append(Kind.SUGGESTED, {"point": point, "why": {"mean": 2.0, "sd": 0.5}}, run=1, **WHEN)
    ledger.append(Kind.RUN_STARTED, {}, run=1, **WHEN)
    done = {"status": "measured", "value": 3.0, "details": {"odd": 1, "flag": True, "label": "a"}}
    ledger.append(Kind.RUN_FINISHED, done, run=1, **WHEN)
    ledger.append(Kind.SUGGESTED, {"point": point, "why": {}}, run=2, **WHEN)
    ledger.append(Kind.RUN_STARTED, {}, run=2, **WHEN)
    failed = {"status": "failed", "failure": "sample", "reason": "-1 film", "details": {"odd": "two"}}
    ledger.append(Kind.RUN_FINISHED, failed, run=2, **WHEN)
    return ledger


def test_csv_neutralises_what_a_spreadsheet_would_compute(tmp_path: Path) -> None:
    """Text of operators and drivers is never a formula."""
    with odd_campaign(tmp_path / "l.sqlite") as ledger:
        export(ledger, "csv", tmp_path / "runs.csv")
    with (tmp_path / "runs.csv").open(newline="") as file:
        _, first, second = csv.reader(file)
    assert first[5] == "'=cmd()"
    assert second[3] == "'-1 film"


@pytest.mark.extra
def test_frame_has_the_rows_of_the_csv_typed(ledger: Ledger, tmp_path: Path) -> None:
    """The same cells; numbers are numbers, and what is missing is missing."""
    pytest.importorskip("pandas")
    export(ledger, "csv", tmp_path / "runs.csv")
    frame, table = ledger.frame(), rows(tmp_path / "runs.csv")
    assert list(frame.columns[: len(table[0])]) == list(table[0])
    for row, (_, cells) in zip(table, frame.iterrows(), strict=True):
        for name, text in row.items():
            cell = cells[name]
            is_missing = cell is None or cell != cell or cell == ""  # noqa: PLR0124 - NaN
            assert text == (
                "" if is_missing else cell if isinstance(cell, str) else repr(getattr(cell, "item", lambda c=cell: c)())
            )


@pytest.mark.extra
def test_frame_has_prediction_details_and_units(ledger: Ledger) -> None:
    """What the planner expected and what the recipe found stand beside the value."""
    pytest.importorskip("pandas")
    frame, run = ledger.frame(), next(run for run in ledger.runs() if run.value is not None)
    found = frame.set_index("run").loc[run.number]
    assert {f"details.{name}" for name in run.details} <= set(frame.columns)
    assert found["predicted_mean"] == run.why["mean"] or run.why["mean"] is None
    objective = ledger.state.opened["configuration"]["objective"]
    assert frame.attrs["units"][f"{objective['name']}_sd"] == objective["unit"]
    assert frame.dtypes["lab_end_h"] == frame.dtypes["predicted_sd"] == np.float64


@pytest.mark.extra
def test_frame_survives_a_parameter_called_like_a_column(tmp_path: Path) -> None:
    """Neither loses its column."""
    pytest.importorskip("pandas")
    with odd_campaign(tmp_path / "l.sqlite") as ledger:
        frame = ledger.frame()
    assert list(frame["status"]) == ["measured", "failed"]
    assert list(frame["point.status"]) == [1.5, 1.5]
    assert frame["objective.origin"][0] == 3.0
    assert frame.attrs["units"] == {
        "point.status": "K",
        "objective.origin": "g",
        "objective.origin_sd": "g",
        "predicted_mean": "g",
        "predicted_sd": "g",
        "lab_start_h": "h",
        "lab_end_h": "h",
    }


@pytest.mark.extra
def test_parquet_holds_runs_steps_telemetry_events_and_arrays(ledger: Ledger, tmp_path: Path) -> None:
    """Row for row what the ledger says, with units and the head of the chain in the metadata."""
    parquet = pytest.importorskip("pyarrow.parquet")
    export(ledger, "parquet", tmp_path / "tables")
    tables = {path.stem: parquet.read_table(path) for path in (tmp_path / "tables").iterdir()}
    state, every = ledger.state, list(attempts(ledger.state))
    names = ("seq", "kind", "version", "lab_s", "utc", "origin", "run", "step", "body", "hash")
    assert tables["events"].to_pylist() == [dict(zip(names, row, strict=True)) for row in ledger.rows()]
    assert tables["runs"]["run"].to_pylist() == list(state.runs)
    steps = tables["steps"].to_pylist()
    assert [f"{s['run']}.{s['step']}.{s['attempt']}" for s in steps] == [one.attempt.id for one in every]
    assert [s["failure"] for s in steps] == [one.attempt.failure for one in every]
    doubts = {
        e.body["id"]: e.body for kind in ("step_in_doubt", "doubt_resolved") for e in ledger.events() if e.kind == kind
    }
    found = {one.attempt.id: step["settled"] for one, step in zip(every, steps, strict=True) if step["doubt"]}
    assert found == {name: f"{body['how']}: {body['note']}" for name, body in doubts.items()}
    told = [
        (e.body["id"], e.lab_s, *shown)
        for e in ledger.events()
        if e.kind == "telemetry"
        for shown in e.body["values"].items()
    ]
    shown = [
        (
            f"{t['run']}.{t['step']}.{t['attempt']}",
            t["lab_s"],
            t["name"],
            t["text"] if t["number"] is None else t["number"],
        )
        for t in tables["telemetry"].to_pylist()
    ]
    assert shown == told
    objective = state.opened["configuration"]["objective"]
    assert tables["runs"].schema.field(objective["name"]).metadata == {b"unit": objective["unit"].encode()}
    assert all(table.schema.metadata[b"ledger_head"] == state.head.encode() for table in tables.values())


@pytest.mark.extra
def test_parquet_arrays_are_those_that_were_read(ledger: Ledger, tmp_path: Path) -> None:
    """Every number of every spectrum."""
    parquet = pytest.importorskip("pyarrow.parquet")
    export(ledger, "parquet", tmp_path / "tables")
    found = {
        (f"{r['run']}.{r['step']}.{r['attempt']}", r["name"]): r
        for r in parquet.read_table(tmp_path / "tables" / "arrays.parquet").to_pylist()
    }
    read = [(one.attempt.id, ledger.reading(one.attempt).arrays) for one in attempts(ledger.state) if one.arrays]
    assert len(found) == sum(len(arrays) for _, arrays in read) > 0
    for number, arrays in read:
        for name, array in arrays.items():
            assert found[number, name]["shape"] == list(array.shape)
            np.testing.assert_array_equal(found[number, name]["values"], array)


@pytest.mark.extra
def test_parquet_takes_columns_of_mixed_kinds_as_text(tmp_path: Path) -> None:
    """A detail that is a number in one run and a word in another loses neither."""
    parquet = pytest.importorskip("pyarrow.parquet")
    with odd_campaign(tmp_path / "l.sqlite") as ledger:
        export(ledger, "parquet", tmp_path / "tables")
    runs = parquet.read_table(tmp_path / "tables" / "runs.parquet")
    assert runs["details.odd"].to_pylist() == ["1", "two"]
    assert runs["details.flag"].to_pylist() == [True, None]
    assert runs["point.gas" if "point.gas" in runs.column_names else "gas"].to_pylist() == ["=cmd()", "=cmd()"]


@pytest.mark.parametrize(
    ("missing", "call"),
    [("pandas", "ledger.frame()"), ("pyarrow", "export(ledger, 'parquet', pathlib.Path('tables'))")],
)
def test_missing_extra_is_named(ledger: Ledger, tmp_path: Path, missing: str, call: str) -> None:
    """The message is the command that helps."""
    code = (
        f"import sys, pathlib; sys.modules[{missing!r}] = None\n"
        "from orchestrator.ledger import Ledger, LedgerError\n"
        "from orchestrator.ledger.export import export\n"
        f"with Ledger.open({str(ledger.path)!r}) as ledger:\n"
        f"    try:\n        {call}\n    except LedgerError as error:\n        print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert f"needs {missing}, which is not installed" in done.stdout
    assert 'pip install "closed-loop-campaign[analysis]"' in done.stdout


def test_export_in_an_unknown_format_names_those_there_are(ledger: Ledger, tmp_path: Path) -> None:
    """No file is made."""
    with pytest.raises(LedgerError, match=r"'xlsx' is unknown; choose one of csv, jsonl, parquet, ro-crate"):
        export(ledger, "xlsx", tmp_path / "runs.xlsx")


@pytest.mark.parametrize("form", ["csv", "jsonl", "ro-crate"])
def test_export_to_a_place_that_cannot_be_written_says_so(ledger: Ledger, tmp_path: Path, form: str) -> None:
    """A file where the folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="cannot be written"):
        export(ledger, form, tmp_path / "file" / "x")


def test_csv_cells_steer_no_terminal() -> None:
    """Control characters of an instrument's words are taken out before a formula is looked for; lines may break."""
    assert harmless("\x1b]0;mine\x07=1+1\x9b2J") == "]0;mine=1+12J"
    assert harmless("\x1b=1+1") == "'=1+1"
    assert harmless("two\nlines, 5 \u00b5m") == "two\nlines, 5 \u00b5m"
