"""Tables out of a ledger, for analysis elsewhere."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.ledger.state import Run, State

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def write_runs_csv(state: State, path: Path) -> None:
    """Write one row a run: status, failure, point, objective with its uncertainty, lab hours, origin.

    Text that a spreadsheet would take for a formula is written behind an apostrophe.
    """
    parameters = list((state.opened or {})["configuration"]["parameters"])
    objective = str((state.opened or {})["configuration"]["objective"]["name"])
    header = ["run", "status", "failure", "reason", *parameters, objective, f"{objective}_sd"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([_harmless(name) for name in [*header, "lab_start_h", "lab_end_h", "origin"]])
        for run in state.runs.values():
            writer.writerow(_row(run, parameters))


def _row(run: Run, parameters: list[str]) -> list[Any]:
    return [
        run.number,
        run.status or run.stage,
        run.failure or "",
        _harmless(run.reason),
        *(_cell(run.point, name) for name in parameters),
        _number(run.value),
        _number(run.sd),
        _number(None if run.start_s is None else run.start_s / 3600),
        _number(None if run.end_s is None else run.end_s / 3600),
        run.origin,
    ]


def _cell(point: Mapping[str, float | str], name: str) -> str:
    value = point[name]
    return _harmless(value) if isinstance(value, str) else _number(value)


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_DANGEROUS) else text
