"""The tables of a sweep: one row a campaign, and one row a run, as CSV or Parquet.

Rule of this file: one column for each key that is varied, so that rows can be grouped by it.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.files.spreadsheet import harmless
from orchestrator.sweep.outcome import Ended

FORMATS = ("csv", "parquet")

Row = Mapping[str, Any]


def campaign_rows(ended: Sequence[Ended]) -> Iterator[Row]:
    """Yield one row a campaign, those that broke included."""
    for one in ended:
        result, objective = one.result, one.planned.variation.campaign.planner.objective
        measured = [run["value"] for run in result["runs"] if run["counts"]]
        yield {
            **_labels(one),
            "status": result["status"],
            "reason": result["reason"],
            "runs": len(result["runs"]),
            "failed_runs": sum(run["status"] != "measured" for run in result["runs"]),
            "lab_days": round(result["lab_h"] / 24, 4),
            f"best_{objective.name}": objective.best(measured),
            "regret": None if one.curve is None else one.curve.regret[-1].item(),
            "cpu_s": result["cpu_s"],
            "worker": result["where"],
        }


def run_rows(ended: Sequence[Ended]) -> Iterator[Row]:
    """Yield one row a run, in the order in which the runs of a campaign ended."""
    for one in ended:
        if one.curve is None:
            continue
        name = one.planned.variation.campaign.planner.objective.name
        regrets = one.curve.regret.tolist()[1:]
        for n, (run, regret) in enumerate(zip(one.result["runs"], regrets, strict=True), start=1):
            yield {
                **_labels(one),
                "ended": n,
                "run": run["run"],
                "purpose": run["purpose"],
                "lab_days": round(run["end_h"] / 24, 4),
                **run["point"],
                "status": run["status"],
                "failure": run["failure"],
                name: run["value"],
                "regret": regret,
            }


def write(rows: Iterator[Row], path: Path, kind: str) -> Path:
    """Write rows as a table and return its file; columns are those of all rows, in the order of their first use.

    Args:
        rows: The rows.
        path: The file without its ending.
        kind: One of `FORMATS`.
    """
    kept = list(rows)
    columns = list(dict.fromkeys(name for row in kept for name in row))
    path = path.with_name(f"{path.name}.{kind}")
    if kind == "parquet":
        import pyarrow as pa  # noqa: PLC0415 - only when it is asked for
        from pyarrow import parquet  # noqa: PLC0415 - as above

        parquet.write_table(pa.table({name: _column([row.get(name) for row in kept]) for name in columns}), path)
        return path
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writerow({name: harmless(name) for name in columns})
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in kept)
    return path


def _labels(one: Ended) -> dict[str, Any]:
    labels = {key: json.dumps(value) if isinstance(value, (list, dict)) else value for key, value in one.labels.items()}
    return {**labels, "seed": one.planned.seed}


def _column(values: list[Any]) -> list[Any]:
    """Return values of one type: a key may be varied over numbers and words."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} or len(kinds) == 1:
        return values
    return [None if value is None else str(_cell(value)) for value in values]


def _cell(value: Any) -> Any:  # noqa: ANN401 - any YAML value
    if isinstance(value, str):
        return harmless(value)
    return str(value).lower() if isinstance(value, bool) else value
