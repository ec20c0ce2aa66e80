"""The research object describes every file it holds, and every run."""

import csv
import hashlib
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

from orchestrator.ledger import Ledger, LedgerError
from orchestrator.ledger.attempted import attempts
from orchestrator.ledger.export import export, import_jsonl


def graph(folder: Path) -> dict[str, dict[str, Any]]:
    entities = json.loads((folder / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    assert len({entity["@id"] for entity in entities}) == len(entities)
    return {entity["@id"]: entity for entity in entities}


def references(value: Any) -> list[str]:
    """Every `@id` that is only pointed at."""
    if isinstance(value, list):
        return [found for item in value for found in references(item)]
    if not isinstance(value, dict):
        return []
    return [value["@id"]] if set(value) == {"@id"} else [f for item in value.values() for f in references(item)]


def test_crate_describes_every_file_as_it_is(ledger: Ledger, tmp_path: Path) -> None:
    """Size and hash of each; nothing in the folder is left out, the report is taken along."""
    Path(str(ledger.path)).with_name("report.html").write_text("<p>report</p>")
    export(ledger, "ro-crate", tmp_path / "crate")
    entities = graph(tmp_path / "crate")
    files = {unquote(name): entity for name, entity in entities.items() if entity["@type"] == "File"}
    there = {p.relative_to(tmp_path / "crate").as_posix() for p in (tmp_path / "crate").rglob("*") if p.is_file()}
    assert there == {*files, "ro-crate-metadata.json"}
    assert {"ledger.jsonl", "runs.csv", "report.html"} < there
    for name, entity in files.items():
        content = (tmp_path / "crate" / name).read_bytes()
        assert entity["contentSize"] == str(len(content))
        assert entity["sha256"] == hashlib.sha256(content).hexdigest()
    assert {part["@id"] for part in entities["./"]["hasPart"]} == {entity["@id"] for entity in files.values()}


def test_crate_refers_only_to_what_it_describes(ledger: Ledger, tmp_path: Path) -> None:
    """Beside the words of the specification and of schema.org."""
    export(ledger, "ro-crate", tmp_path / "crate")
    entities = graph(tmp_path / "crate")
    found = {name for entity in entities.values() for value in entity.values() for name in references(value)}
    outside = {name for name in found if not name.startswith(("https://w3id.org/ro/crate/", "http://schema.org/"))}
    assert outside <= set(entities)
    assert entities["ro-crate-metadata.json"]["about"] == {"@id": "./"}


def test_crate_tells_each_run_as_an_action(ledger: Ledger, tmp_path: Path) -> None:
    """With its point, instruments, value or error."""
    export(ledger, "ro-crate", tmp_path / "crate")
    entities = graph(tmp_path / "crate")
    for run in ledger.runs():
        action = entities[f"#run-{run.number}"]
        results = [entities[result["@id"]] for result in action["result"]]
        assert [entities[given["@id"]]["value"] for given in action["object"]] == list(run.point.values())
        assert [r["value"] for r in results if r["@type"] == "PropertyValue"] == [run.value] * (run.value is not None)
        assert (action.get("error") is None) == (run.failure is None)
        assert action["actionStatus"]["@id"].endswith(
            "Failed" * bool(run.failure) + "Completed" * (not run.failure) + "ActionStatus"
        )
        used = [entities[instrument["@id"]]["@type"] for instrument in action["instrument"]]
        assert used == ["IndividualProduct"] * len({step.instrument for step in run.steps}) + ["SoftwareApplication"]


def test_crate_has_spectra_that_are_those_read(ledger: Ledger, tmp_path: Path) -> None:
    """As columns of a CSV file, to the last digit."""
    export(ledger, "ro-crate", tmp_path / "crate")
    for one in attempts(ledger.state):
        if one.arrays:
            with (tmp_path / "crate" / "spectra" / f"{one.attempt.id}.csv").open(newline="") as file:
                header, *cells = csv.reader(file)
            for name, array in ledger.reading(one.attempt).arrays.items():
                column = [row[header.index(name)] for row in cells]
                np.testing.assert_array_equal([float(cell) for cell in column if cell], array)


def test_crate_packed_twice_has_the_same_bytes(ledger: Ledger, tmp_path: Path) -> None:
    """Dates are the ledger's own; unpacked, it is the folder."""
    for name in ("a.zip", "b.zip"):
        export(ledger, "ro-crate", tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    export(ledger, "ro-crate", tmp_path / "folder")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    for path in (tmp_path / "folder").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "unpacked" / path.relative_to(tmp_path / "folder")).read_bytes()


def test_crate_gives_the_ledger_back(ledger: Ledger, tmp_path: Path) -> None:
    """What is archived can be opened again."""
    export(ledger, "ro-crate", tmp_path / "crate")
    import_jsonl(tmp_path / "crate" / "ledger.jsonl", tmp_path / "again.sqlite")
    with Ledger.open(tmp_path / "again.sqlite") as again:
        assert again.state == ledger.state


def test_crate_is_not_written_among_other_files(ledger: Ledger, tmp_path: Path) -> None:
    """A folder with leftovers would hold files that nothing describes."""
    (tmp_path / "crate").mkdir()
    (tmp_path / "crate" / "mine.txt").write_text("mine")
    with pytest.raises(LedgerError, match="has files already"):
        export(ledger, "ro-crate", tmp_path / "crate")
    shutil.rmtree(tmp_path / "crate")
    export(ledger, "ro-crate", tmp_path / "crate")
