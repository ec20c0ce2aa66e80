"""The table of runs as CSV, which any spreadsheet opens."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.files.spreadsheet import harmless
from orchestrator.ledger.frame import further_objectives, hours, objective_name, parameters
from orchestrator.ledger.run import Run
from orchestrator.ledger.state import State

_LAST = ("lab_start_h", "lab_end_h", "origin")


def write_runs_csv(state: State, path: Path) -> None:
    """Write one row a run: status, failure, point, objective with its uncertainty, further ones, lab hours, origin.

    Text that a spreadsheet would take for a formula is written behind an apostrophe.
    """
    names, objective = parameters(state), objective_name(state)
    header = ["run", "status", "failure", "reason", *names, objective, f"{objective}_sd"]
    further = list(further_objectives(state))
    header += [f"details.{name}" if name in {*header, *_LAST} else name for name in further]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([harmless(name) for name in [*header, *_LAST]])
        for run in state.runs.values():
            writer.writerow(_row(run, names, further))


def _row(run: Run, names: list[str], further: list[str]) -> list[Any]:
    return [
        run.number,
        harmless(run.status or run.stage),
        harmless(run.failure or ""),
        harmless(run.reason),
        *(_cell(run.point, name) for name in names),
        _number(run.value),
        _number(run.sd),
        *(_detail(run.details.get(name)) for name in further),
        _number(hours(run.start_s)),
        _number(hours(run.end_s)),
        harmless(run.origin),
    ]


def _cell(point: Mapping[str, float | str], name: str) -> str:
    value = point[name]
    return harmless(value) if isinstance(value, str) else _number(value)


def _detail(value: object) -> str:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return _number(value) if is_number else ""  # type: ignore[arg-type]  # a number, as was just seen


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)
