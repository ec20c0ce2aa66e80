"""A campaign as a research object: its files, and a description of them that other archives read.

Source: RO-Crate Metadata Specification 1.1 (https://w3id.org/ro/crate/1.1): root data entity, data entities, provenance
of entities. The same ledger gives the same bytes: every date is one of the ledger's own.
"""

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from orchestrator.ledger.export.jsonl import write_jsonl
from orchestrator.ledger.export.runs_csv import write_runs_csv
from orchestrator.ledger.export.spectra import write_spectra
from orchestrator.ledger.frame import objective_name
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.run import Run
from orchestrator.ledger.samples import Sample, samples
from orchestrator.ledger.state import State
from orchestrator.ledger.store import LedgerError

_SPECIFICATION = "https://w3id.org/ro/crate/1.1"
_METADATA = "ro-crate-metadata.json"
_SOFTWARE = "closed-loop-campaign"
_ENCODINGS = {".jsonl": "application/jsonl", ".csv": "text/csv", ".html": "text/html"}
_STATUSES = {"measured": "CompletedActionStatus", "failed": "FailedActionStatus", "aborted": "FailedActionStatus"}

Entity = dict[str, Any]


def write_crate(ledger: Ledger, target: Path) -> None:
    """Write ledger, table of runs, report and spectra with their description into a folder or a `.zip`.

    Raises:
        LedgerError: The folder has files already.
        LedgerDamaged: The ledger's bytes are not what was written.
    """
    if target.suffix == ".zip":
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            _write_folder(ledger, Path(folder))
            _pack(Path(folder), target, _moment(ledger.state, ledger.state.lab_s))
        return
    if target.exists() and any(target.iterdir()):
        message = f"{target}: the folder has files already; choose an empty or a new one"
        raise LedgerError(message)
    target.mkdir(exist_ok=True)
    _write_folder(ledger, target)


def _pack(folder: Path, target: Path, moment: datetime) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), moment.timetuple()[:6])
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as sink:
                shutil.copyfileobj(source, sink)


def _write_folder(ledger: Ledger, folder: Path) -> None:
    files = [_ledger_file(ledger, folder), _runs_file(ledger, folder), *_report_file(ledger, folder)]
    spectra: dict[int, list[str]] = {}
    for one, path in write_spectra(ledger, folder / "spectra"):
        files.append(_file(folder, path, f"what {one.step.instrument} read at step {one.attempt.id}"))
        spectra.setdefault(one.run.number, []).append(files[-1]["@id"])
    state = ledger.state
    products = {run: [_sample(one) for one in made] for run, made in _by_run(state).items()}
    made = {run: [entity["@id"] for entity in entities] for run, entities in products.items()}
    results = {run: [*made.get(run, []), *spectra.get(run, [])] for run in state.runs}
    runs = [entity for run in state.runs.values() for entity in _run(state, run, results[run.number])]
    runs += [entity for entities in products.values() for entity in entities]
    graph = [_descriptor(), _root(state, files), *files, _software(state), *_instruments(state), *runs]
    crate = {"@context": [f"{_SPECIFICATION}/context", {"sha256": "https://schema.org/sha256"}], "@graph": graph}
    text = json.dumps(crate, indent=1, ensure_ascii=False)
    (folder / _METADATA).write_text(text + "\n", encoding="utf-8", newline="\n")


def _ledger_file(ledger: Ledger, folder: Path) -> Entity:
    path = folder / "ledger.jsonl"
    write_jsonl(ledger, path)
    return _file(folder, path, "the whole ledger, every event with its hash, and the attachments")


def _runs_file(ledger: Ledger, folder: Path) -> Entity:
    path = folder / "runs.csv"
    write_runs_csv(ledger.state, path)
    return _file(folder, path, "one row a run")


def _report_file(ledger: Ledger, folder: Path) -> Iterator[Entity]:
    """Take the report along if it lies beside the ledger."""
    if isinstance(ledger.path, Path) and (report := ledger.path.with_name("report.html")).exists():
        shutil.copyfile(report, folder / report.name)
        yield _file(folder, folder / report.name, "the campaign's report")


def _file(folder: Path, path: Path, description: str) -> Entity:
    name = path.relative_to(folder).as_posix()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "@id": quote(name),
        "@type": "File",
        "name": name,
        "description": description,
        "encodingFormat": _ENCODINGS[path.suffix],
        "contentSize": str(path.stat().st_size),
        "sha256": digest,
    }


def _descriptor() -> Entity:
    return {
        "@id": _METADATA,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": _SPECIFICATION},
    }


def _root(state: State, files: list[Entity]) -> Entity:
    opened = state.opened or {}
    configuration = opened["configuration"]
    objective = configuration["objective"]
    sought = f"{objective.get('goal', 'optimise')} {objective['name']} over {', '.join(configuration['parameters'])}"
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": f"campaign {opened.get('campaign', '')}".strip(),
        "description": f"{len(state.runs)} runs to {sought}; origin of the readings: {state.origin}",
        "datePublished": _date(state, state.lab_s),
        "identifier": f"urn:sha256:{state.head}",
        "hasPart": [{"@id": file["@id"]} for file in files],
        "mentions": [{"@id": f"#run-{number}"} for number in state.runs],
    }


def _software(state: State) -> Entity:
    versions: Mapping[str, Any] = (state.opened or {}).get("versions", {})
    others = ", ".join(f"{name} {version}" for name, version in versions.items() if name != _SOFTWARE)
    entity = {"@id": f"#{_SOFTWARE}", "@type": "SoftwareApplication", "name": _SOFTWARE}
    return entity | {"softwareVersion": str(versions.get(_SOFTWARE, "unknown")), "softwareRequirements": others}


def _instruments(state: State) -> Iterator[Entity]:
    for role, identity in state.identities.items():
        yield {
            "@id": _id("instrument", role),
            "@type": "IndividualProduct",
            "name": role,
            "description": f"{identity['maker']}, {identity['model']}; origin of its readings: {identity['origin']}",
            "model": identity["model"],
            "serialNumber": identity["serial"],
        }


def _by_run(state: State) -> dict[int, list[Sample]]:
    """Return the samples that have a name, by the run that made them."""
    found: dict[int, list[Sample]] = {}
    for sample in samples(state):
        if sample.name:
            found.setdefault(sample.run.number, []).append(sample)
    return found


def _sample(sample: Sample) -> Entity:
    why = f" ({sample.why})" if sample.why else ""
    return {
        "@id": _id(f"run-{sample.run.number}-sample", sample.name),
        "@type": "IndividualProduct",
        "name": sample.name,
        "description": f"sample made by step {sample.origin.attempt.id}: {sample.fate}{why}",
    }


def _run(state: State, run: Run, made: list[str]) -> Iterator[Entity]:
    configuration = (state.opened or {})["configuration"]
    inputs = [
        _quantity(f"run-{run.number}", name, run.point[name], parameter.get("unit", ""))
        for name, parameter in configuration["parameters"].items()
    ]
    outputs = [{"@id": one} for one in made]
    if run.value is not None:
        unit = configuration["objective"].get("unit", "")
        value = _quantity(f"run-{run.number}-result", objective_name(state), run.value, unit)
        yield value
        outputs.append({"@id": value["@id"]})
    used = dict.fromkeys(step.instrument for step in run.steps)
    status = _STATUSES.get(run.status or "", "ActiveActionStatus" if run.is_open else "PotentialActionStatus")
    action: Entity = {
        "@id": f"#run-{run.number}",
        "@type": "CreateAction",
        "name": f"run {run.number}: {run.status or run.stage}",
        "actionStatus": {"@id": f"http://schema.org/{status}"},
        "instrument": [*({"@id": _id("instrument", role)} for role in used), {"@id": f"#{_SOFTWARE}"}],
        "object": [{"@id": entity["@id"]} for entity in inputs],
        "result": outputs,
    }
    moments = {"startTime": run.start_s, "endTime": run.end_s}
    action |= {name: _date(state, lab_s) for name, lab_s in moments.items() if lab_s is not None}
    if run.failure is not None:
        action["error"] = f"{run.failure}: {run.reason}"
    yield from (action, *inputs)


def _quantity(owner: str, name: str, value: float | str, unit: str) -> Entity:
    return {"@id": _id(owner, name), "@type": "PropertyValue", "name": name, "value": value, "unitText": unit}


def _id(kind: str, name: str) -> str:
    return f"#{kind}-{quote(name, safe='')}"


def _moment(state: State, lab_s: float) -> datetime:
    opened = state.opened or {}
    return datetime.fromisoformat(opened["epoch"]) + timedelta(seconds=lab_s)


def _date(state: State, lab_s: float) -> str:
    return _moment(state, lab_s).isoformat(timespec="milliseconds")
