"""A campaign as Parquet tables in a folder: runs, steps, telemetry, events, arrays.

Units stand in the metadata of a column, the campaign and the head of its chain in the metadata of each table. Rows are
written in batches, so that memory does not grow with the ledger.
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from orchestrator.ledger.attempted import Attempted, attempts
from orchestrator.ledger.events import Kind
from orchestrator.ledger.frame import hours, run_columns, run_units
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.state import State
from orchestrator.ledger.store import LedgerError

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_AT_ONCE = 5_000
_ARRAYS_AT_ONCE = 200
_WHERE = {"run": "int64", "step": "int64", "attempt": "int64", "instrument": "string", "action": "string"}
_ATTEMPT = {
    **_WHERE,
    "purpose": "string",
    "sample": "string",
    "load": "string",
    "origin": "string",
    "outcome": "string",
    "failure": "string",
    "reason": "string",
    "moved": "string",
    "decision": "string",
    "doubt": "string",
    "settled": "string",
    "lab_start_h": "float64",
    "lab_end_h": "float64",
}
_TELEMETRY = {
    **_WHERE,
    "lab_s": "float64",
    "phase": "string",
    "name": "string",
    "number": "float64",
    "text": "string",
}
_EVENT = {
    "seq": "int64",
    "kind": "string",
    "version": "int64",
    "lab_s": "float64",
    "utc": "string",
    "origin": "string",
    "run": "int64",
    "step": "int64",
    "body": "string",
    "hash": "string",
}
_ARRAY = {**_WHERE, "name": "string", "sha256": "string", "type": "string", "shape": "[int64]"}
_ARRAY |= {"values": "[float64]", "imaginary": "[float64]"}
_UNITS = {"lab_start_h": "h", "lab_end_h": "h", "lab_s": "s"}

Types = Mapping[str, str]
Cells = Mapping[str, Any]


def write_parquet(ledger: Ledger, folder: Path) -> None:
    """Write the tables into a folder.

    Raises:
        LedgerError: pyarrow is not installed.
        LedgerDamaged: The ledger's bytes are not what was written.
    """
    try:
        import pyarrow as pa  # noqa: F401, PLC0415 - only to see whether it is there
    except ImportError as error:
        message = 'Parquet needs pyarrow, which is not installed: pip install "closed-loop-campaign[analysis]"'
        raise LedgerError(message) from error
    folder.mkdir(parents=True, exist_ok=True)
    state, about = ledger.state, _about(ledger.state)
    columns, units = run_columns(state), run_units(state)
    kinds = {name: _type(values) for name, values in columns.items()}
    runs = (dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True))
    _write(folder / "runs.parquet", _schema(kinds, units, about), runs)
    _write(folder / "steps.parquet", _schema({**_ATTEMPT, **_quantities(state)}, _UNITS, about), _attempts(state))
    _write(folder / "telemetry.parquet", _schema(_TELEMETRY, _UNITS, about), _telemetry(ledger))
    events = (dict(zip(_EVENT, row, strict=True)) for row in islice(ledger.rows(), state.n_events))
    _write(folder / "events.parquet", _schema(_EVENT, _UNITS, about), events)
    _write(folder / "arrays.parquet", _schema(_ARRAY, {}, about), _arrays(ledger), _ARRAYS_AT_ONCE)


def _about(state: State) -> dict[str, str]:
    opened = state.opened or {}
    return {
        "campaign": str(opened.get("campaign", "")),
        "ledger_format": str(opened.get("format", "")),
        "ledger_events": str(state.n_events),
        "ledger_head": state.head,
    }


def _schema(types: Types, units: Mapping[str, str], about: Mapping[str, str]) -> "pa.Schema":
    import pyarrow as pa  # noqa: PLC0415 - only when it is asked for

    def field(name: str, kind: str) -> "pa.Field":
        inner = pa.type_for_alias(kind.strip("[]"))
        unit = units.get(name)
        return pa.field(name, pa.list_(inner) if kind.startswith("[") else inner, metadata=unit and {"unit": unit})

    return pa.schema([field(name, kind) for name, kind in types.items()], metadata=dict(about))


def _write(path: Path, schema: "pa.Schema", rows: Iterable[Cells], at_once: int = _ROWS_AT_ONCE) -> None:
    import pyarrow as pa  # noqa: PLC0415 - only when it is asked for
    from pyarrow import parquet  # noqa: PLC0415 - as above

    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    source = iter(rows)
    with parquet.ParquetWriter(path, schema) as writer:
        while batch := list(islice(source, at_once)):
            columns = {name: [row.get(name) for row in batch] for name in schema.names}
            columns |= {name: [_text(cell) for cell in columns[name]] for name in texts}
            writer.write_table(pa.table(columns, schema=schema))


def _text(cell: Any) -> str | None:  # noqa: ANN401 - whatever a recipe or a driver returned
    """Return a cell of a text column, also where a number stands among texts."""
    return cell if cell is None or isinstance(cell, str) else str(cell)


def _type(values: Iterable[Any]) -> str:
    """Return the narrowest type that holds every value; a column without any is a number."""
    found = {type(value) for value in values if value is not None}
    if not found <= {bool, int, float}:
        return "string"
    if found in ({bool}, {int}):
        return "bool" if found == {bool} else "int64"
    return "float64"


def _quantities(state: State) -> dict[str, str]:
    """Return the types of all that was set and read, by column."""
    values: dict[str, list[Any]] = {}
    for attempt in attempts(state):
        for name, value in attempt.quantities.items():
            values.setdefault(name, []).append(value)
    return {name: _type(found) for name, found in values.items()}


def _attempts(state: State) -> Iterator[Cells]:
    for one in attempts(state):
        attempt = one.attempt
        yield {
            **one.where,
            "purpose": one.run.purpose,
            "sample": one.sample,
            "load": " ".join(attempt.load) or None,
            "origin": one.step.origin,
            "outcome": one.outcome,
            "failure": attempt.failure,
            "reason": attempt.reason,
            "moved": attempt.moved,
            "decision": attempt.decision,
            "doubt": attempt.doubt or None,
            "settled": attempt.settled or None,
            "lab_start_h": hours(attempt.start_s),
            "lab_end_h": hours(attempt.end_s),
            **one.quantities,
        }


def _telemetry(ledger: Ledger) -> Iterator[Cells]:
    for event in islice(ledger.events(), ledger.state.n_events):
        if event.kind != Kind.TELEMETRY:
            continue
        run = ledger.state.run(event.run)
        step = run.steps[(event.step or 0) - 1]
        where = Attempted(run, step, step.attempt(event.body["id"])).where
        for name, value in event.body.get("values", {}).items():
            is_text = isinstance(value, str)
            number, text = (None, value) if is_text else (float(value), None)
            when = {"lab_s": event.lab_s, "phase": event.body.get("phase")}
            yield {**where, **when, "name": name, "number": number, "text": text}


def _arrays(ledger: Ledger) -> Iterator[Cells]:
    load = lru_cache(_ARRAYS_AT_ONCE)(partial(_array, ledger))  # every sweep has the frequencies of the one before
    for one in attempts(ledger.state):
        for name, sha256 in one.arrays.items():
            yield {**one.where, "name": name, **load(sha256)}


def _array(ledger: Ledger, sha256: str) -> Cells:
    array = np.load(io.BytesIO(ledger.attachment(sha256)), allow_pickle=False)
    flat = array.reshape(-1)
    return {
        "sha256": sha256,
        "type": str(array.dtype),
        "shape": list(array.shape),
        "values": flat.real.astype(float),
        "imaginary": flat.imag.astype(float) if array.dtype.kind == "c" else None,
    }
