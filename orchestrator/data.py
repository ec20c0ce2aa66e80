"""Past rows for the planner: a source of another tool, or initial rows of this one, each with its provenance."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from orchestrator.files.table import CsvTable, DataError, number_in, read_csv, refuse, split_unit, without_columns
from orchestrator.objective import Objective
from orchestrator.space import Parameter, ParameterSpace, SpaceError, Value

__all__ = ["CsvTable", "DataError", "Rows", "read_csv", "read_rows"]


@dataclass(frozen=True)
class Rows:
    """Measured points of the past.

    Args:
        path: The file they come from.
        sha256: Hash of the file's bytes.
        points: The points, plain dicts.
        values: The measured objective, array, shape (n_rows,), in the objective's unit.
        sds: Its standard uncertainty, array, shape (n_rows,), NaN where the cell is empty; None without the column.
        origins: Where each row comes from (simulated, recorded, real, human), "" where unsaid.
        notes: A remark for each row, "" where there is none.
        comments: The `#` lines of the file.
        ignored: Columns of the file that nothing here uses.
        further: Values of further objectives by name, as far as the file has them: arrays, shape (n_rows,), NaN where
            the cell is empty.
    """

    path: Path
    sha256: str
    points: tuple[dict[str, Value], ...]
    values: NDArray[np.float64]
    sds: NDArray[np.float64] | None
    origins: tuple[str, ...]
    notes: tuple[str, ...]
    comments: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    further: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.points)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """Return the rows that a ledger holds; their file is known by name alone."""
        sds = plain.get("sds")
        return cls(
            path=Path(plain["file"]),
            sha256=plain["sha256"],
            points=tuple(dict(point) for point in plain["points"]),
            values=np.array(plain["values"], dtype=float),
            sds=None if sds is None else _with_gaps(sds),
            origins=tuple(plain["origins"]),
            notes=("",) * len(plain["points"]),
            comments=tuple(plain["comments"]),
            further={name: _with_gaps(values) for name, values in plain.get("further", {}).items()},
        )

    def to_json(self) -> dict[str, Any]:
        """Return what a ledger holds of them: everything a planner is told, as JSON data."""
        return {
            "sha256": self.sha256,
            "file": self.path.name,
            "points": [dict(point) for point in self.points],
            "values": self.values.tolist(),
            "sds": None if self.sds is None else _without_nan(self.sds),
            "origins": list(self.origins),
            "comments": list(self.comments),
            **({"further": {name: _without_nan(v) for name, v in self.further.items()}} if self.further else {}),
        }

    def further_of(self, i: int) -> dict[str, float]:
        """Return what the i-th row has of further objectives."""
        return {name: float(values[i]) for name, values in self.further.items() if not math.isnan(values[i])}


def _with_gaps(values: Iterable[float | None]) -> NDArray[np.float64]:
    return np.array([math.nan if value is None else value for value in values], dtype=float)


def _without_nan(values: NDArray[np.float64]) -> list[float | None]:
    return [None if math.isnan(value) else float(value) for value in values]


def read_rows(path: str | Path, space: ParameterSpace, objective: Objective, further: Sequence[Objective] = ()) -> Rows:
    """Read measured points from a CSV file with one column a parameter and one for the objective.

    A header may carry its unit, `power [W]` or `power (W)`. Columns `<objective>_sd`, `origin`, `note` and those of
    further objectives are optional.

    Raises:
        DataError: Everything that is wrong with the file at once, each with `file:line` and column.
    """
    table = read_csv(path)
    wanted = {p.name: p.unit for p in space.parameters} | {objective.name: objective.unit}
    sd_name = f"{objective.name}_sd"
    optional = {o.name: o.unit for o in further} | {sd_name: objective.unit, "origin": "", "note": ""}
    columns, problems = _columns(table, optional | wanted)
    constant = {p.name for p in space.parameters if p.is_constant or p.instrument}
    problems += without_columns(table, [name for name in wanted if name not in constant], columns)
    if not table.rows:
        problems.append(f"{table.path}: has a header but no rows; add at least one")
    refuse(problems)
    cells = {name: table.column(header) for name, header in columns.items()}
    blank = [""] * len(table.rows)
    points = _points(table, space, columns, cells, problems)
    values = _numbers(table, columns[objective.name], cells[objective.name], problems)
    sds = None
    if sd_name in columns:
        sds = np.array(_numbers(table, columns[sd_name], cells[sd_name], problems, optional=True))
        problems += _negative(table, columns[sd_name], sds)
    others = {
        o.name: np.array(_numbers(table, columns[o.name], cells[o.name], problems, optional=True))
        for o in further
        if o.name in columns
    }
    refuse(sorted(problems, key=lambda problem: int(problem.removeprefix(f"{table.path}:").split(":")[0])))
    ignored = tuple(h for h in table.header if h not in columns.values())
    origins, notes = tuple(cells.get("origin", blank)), tuple(cells.get("note", blank))
    told = tuple(points), np.array(values), sds, origins, notes, table.comments, ignored, others
    return Rows(table.path, table.sha256, *told)


def _columns(table: CsvTable, units: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the header of each known name, and what is wrong with the units they state."""
    found: dict[str, str] = {}
    problems = []
    for header in table.header:
        name, unit = (header, None) if header in units else split_unit(header)
        if name not in units:
            continue
        if name in found:
            problems.append(f"{table.path}: columns {found[name]!r} and {header!r} are both {name}; keep one of them")
        if unit is not None and unit != units[name]:
            problems.append(
                f"{table.path}: column {header!r} is in {unit!r} but {name} is in {units[name]!r}; "
                "convert the column or correct the unit"
            )
        found[name] = header
    return found, problems


def _points(
    table: CsvTable,
    space: ParameterSpace,
    columns: dict[str, str],
    cells: dict[str, list[str]],
    problems: list[str],
) -> list[dict[str, Value]]:
    points: list[dict[str, Value]] = [{} for _ in table.rows]
    for parameter in space.parameters:
        # Only where one value is all there is, or rows say nothing of the instrument: then it was the first one.
        only = parameter.choices[0] if parameter.instrument else parameter.fixed
        unsaid = [str(only)] * len(table.rows)
        for i, text in enumerate(cells.get(parameter.name, unsaid)):
            try:
                points[i][parameter.name] = _value(parameter, text)
            except ValueError as error:
                problems.append(_problem(table, i, columns[parameter.name], str(error)))
    return points


def _value(parameter: Parameter, text: str) -> Value:
    try:
        return parameter.check(text if parameter.choices else number_in(text))
    except SpaceError as error:
        raise ValueError(str(error).removeprefix(f"parameter {parameter.name!r}: ")) from error


def _numbers(
    table: CsvTable, header: str, cells: Sequence[str], problems: list[str], *, optional: bool = False
) -> list[float]:
    numbers = []
    for i, text in enumerate(cells):
        try:
            numbers.append(float("nan") if optional and not text else number_in(text))
        except ValueError as error:
            problems.append(_problem(table, i, header, str(error)))
            numbers.append(float("nan"))
    return numbers


def _negative(table: CsvTable, header: str, sds: NDArray[np.float64]) -> list[str]:
    return [
        _problem(table, int(i), header, f"{sds[i]:g} is below 0; a standard uncertainty is not")
        for i in np.flatnonzero(sds < 0)
    ]


def _problem(table: CsvTable, i: int, header: str, reason: str) -> str:
    return f"{table.where(i)}: column {header!r}: {reason}"
