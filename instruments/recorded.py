"""A laboratory that answers from a table of past measurements: a campaign on real experiments, without a laboratory.

Rule of this file: the table is read once, with the line of every defect named; nothing is interpolated. A point
either stands in the table or the command is refused.
"""

import csv
import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from instruments.driver import (
    Action,
    Command,
    FailureClass,
    Identity,
    InstrumentError,
    Moved,
    Origin,
    Phase,
    Quantity,
    Reading,
    Scalar,
)
from instruments.faults import refuse_forbidden

SAME_POINT = 1e-9


@dataclass(frozen=True)
class Row:
    """One past measurement: its line in the file, its inputs and what was measured."""

    line: int
    inputs: tuple[Scalar, ...]
    value: float


class RecordedLaboratory:
    """A bench that looks up what was measured at a point, drawing among replicates.

    Args:
        name: Its role in the laboratory.
        table: A CSV file with a header; lines that start with `#` are comments.
        inputs: The columns that make a point, numbers or text.
        output: The column that was measured.
        minutes: How long a look-up takes on the campaign's clock.

    Raises:
        ValueError: The table lacks a column, has no rows, or has a cell that is no finite number where one is needed.
    """

    def __init__(
        self,
        *,
        name: str,
        table: Path,
        inputs: list[str],
        output: str,
        minutes: Annotated[float, Field(gt=0, le=1e6)] = 60.0,
    ) -> None:
        rows = read_rows(table, inputs, output)
        self.name = name
        self.state: Mapping[str, Scalar] = {}
        self._table, self._inputs, self._duration_s = table, inputs, minutes * 60.0
        self._replicates: dict[tuple[Scalar, ...], list[Row]] = {}
        for row in rows:
            self._replicates.setdefault(row.inputs, []).append(row)
        self._points = list(self._replicates)
        settings = {column: _quantity([row.inputs[i] for row in rows]) for i, column in enumerate(inputs)}
        outputs = {"value": Quantity(), "line": Quantity(), "replicates": Quantity()}
        self.actions: Mapping[str, Action] = {
            "measure": Action(settings, outputs, self._duration_s, 10 * self._duration_s, repeatable=True)
        }

    def connect(self) -> Identity:
        """Tell who answers."""
        return Identity("recorded", f"table of {len(self._points)} points", self._table.name, Origin.RECORDED)

    def halt(self) -> None:
        """Go to a safe state: a table is always safe."""

    def close(self) -> None:
        """Release nothing."""

    def phases(self, command: Command, rng: np.random.Generator) -> Generator[Phase, None, Reading]:
        """Yield one phase and return one of the values measured at the point.

        Raises:
            InstrumentError: The point is not in the table; class instrument, nothing moved.
        """
        refuse_forbidden(command, self.actions)
        rows = self._replicates[self._find([command.settings[column] for column in self._inputs])]
        yield Phase("look up", self._duration_s)
        row = rows[int(rng.integers(len(rows)))]
        return Reading({"value": row.value, "line": row.line, "replicates": len(rows)})

    def _find(self, wanted: list[Scalar]) -> tuple[Scalar, ...]:
        distances = self._distances(wanted)
        nearest = self._points[int(np.argmin(distances))]
        if distances.min() <= SAME_POINT:
            return nearest
        asked, found = (_shown(self._inputs, values) for values in (wanted, nearest))
        line = self._replicates[nearest][0].line
        reason = (
            f"{self.name}: the table {self._table.name} has no row at {asked}; the nearest is line {line}, {found}; "
            f"suggest only points of the table"
        )
        raise InstrumentError(FailureClass.INSTRUMENT, reason, Moved.NO)

    def _distances(self, wanted: list[Scalar]) -> NDArray[np.float64]:
        """Return how far each point is: the largest difference in units of the column's range, 1 for other text."""
        distances = np.zeros(len(self._points))
        for i, (column, value) in enumerate(zip(self._inputs, wanted, strict=True)):
            quantity = self.actions["measure"].settings[column]
            cells = [point[i] for point in self._points]
            if quantity.text:
                away = np.array([float(cell != value) for cell in cells])
            else:
                span = (quantity.high or 0.0) - (quantity.low or 0.0)
                away = np.abs(np.array(cells, dtype=np.float64) - float(value)) / (span or 1.0)
            distances = np.maximum(distances, away)
        return distances


def read_rows(table: Path, inputs: list[str], output: str) -> list[Row]:
    """Read the table.

    Raises:
        ValueError: As for `RecordedLaboratory`.
    """
    with table.open(encoding="utf-8-sig") as file:
        kept = [(number, line) for number, line in enumerate(file, start=1) if _is_row(line)]
    reader = csv.DictReader((line for _, line in kept), skipinitialspace=True)
    reader.fieldnames = [name.strip() for name in reader.fieldnames or []]
    missing = [column for column in [*inputs, output] if column not in (reader.fieldnames or [])]
    if missing:
        message = f"{table}: no column {', '.join(map(repr, missing))}; it has {', '.join(reader.fieldnames or [])}"
        raise ValueError(message)
    cells = [(kept[reader.line_num - 1][0], row) for row in reader]
    if not cells:
        message = f"{table}: no rows below the header"
        raise ValueError(message)
    is_number = {column: any(_as_number(row[column]) is not None for _, row in cells) for column in inputs}
    is_number[output] = True

    def cell(line: int, row: Mapping[str, str], column: str) -> Scalar:
        found = _as_number(row[column]) if is_number[column] else (row[column] or "").strip()
        if found is None or found == "":
            needed = "a finite number" if is_number[column] else "text"
            message = f"{table}:{line}: {column}={row[column]!r} must be {needed}; correct or delete the row"
            raise ValueError(message)
        return found

    return [
        Row(line, tuple(cell(line, row, column) for column in inputs), float(cell(line, row, output)))
        for line, row in cells
    ]


def _is_row(line: str) -> bool:
    """Return whether a line holds cells: neither a comment nor blank."""
    return not line.lstrip().startswith("#") and bool(line.strip(", \t;\r\n"))


def _as_number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _quantity(cells: list[Scalar]) -> Quantity:
    if isinstance(cells[0], str):
        return Quantity("", text=True)
    numbers = [float(cell) for cell in cells]
    return Quantity("", min(numbers), max(numbers))  # a table does not say its units in a way to rely on


def _shown(columns: list[str], values: list[Scalar] | tuple[Scalar, ...]) -> str:
    return ", ".join(
        f"{column}={value if isinstance(value, str) else format(value, 'g')}"
        for column, value in zip(columns, values, strict=True)
    )
