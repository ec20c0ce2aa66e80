"""CSV tables as text: header, cells and the line each row stands on, so that every complaint can name it.

Knows files and nothing of parameters or objectives.
"""

import csv
import hashlib
import io
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.files.reading import Unreadable, as_text, read_bytes

N_SHOWN = 10
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_LONGEST_SHOWN = 60
_LARGEST = 1e100
"""The cube of a number is still one."""

_LARGEST_FILE = 100_000_000


class DataError(ValueError):
    """A data file that cannot be used; says where and why."""


@dataclass(frozen=True)
class CsvTable:
    """A CSV file as it was written.

    Args:
        path: The file.
        sha256: Hash of its bytes.
        header: The column names.
        rows: The cells of each row, as text without surrounding blanks.
        lines: The line each row stands on.
        comments: The `#` lines, without the `#`.
    """

    path: Path
    sha256: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    comments: tuple[str, ...] = ()

    def column(self, name: str) -> list[str]:
        """Return the cells of a column."""
        i = self.header.index(name)
        return [row[i] for row in self.rows]

    def where(self, i: int) -> str:
        """Return `file:line` of row i."""
        return f"{self.path}:{self.lines[i]}"


def read_csv(path: str | Path) -> CsvTable:
    """Read a CSV file with one header line; `#` lines are comments, blank lines are skipped.

    Raises:
        DataError: No such file, not text, empty, a column twice or without a name, or a row of another length.
    """
    path = Path(path)
    content, text = _read(path)
    comments, numbered = [], []
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if line.lstrip().startswith("#"):
            comments.append(line.lstrip().lstrip("#").strip())
        elif line.strip(", \t;\n"):
            numbered.append((number, line))
    if not numbered:
        message = f"{path}: is empty; it needs a header line and at least one row"
        raise DataError(message)
    cells, lines = _split(path, numbered), [number for number, _ in numbered]
    table = CsvTable(path, hashlib.sha256(content).hexdigest(), cells[0], (), (), tuple(comments))
    _check_header(table, lines[0])
    refuse(_ragged(table, cells[1:], lines[1:]))
    return CsvTable(path, table.sha256, cells[0], tuple(cells[1:]), tuple(lines[1:]), tuple(comments))


def number_in(text: str) -> float:
    """Return the finite number a cell holds.

    Raises:
        ValueError: Says what the text is instead: empty, not a number, or not finite.
    """
    if not text:
        message = "is empty; give a number or take the row out"
        raise ValueError(message)
    try:
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        hint = "; write a decimal point" if re.fullmatch(r"[-+]?\d+,\d+", text) else ""
        message = f"value {_shown(text)} is not a number{hint}"
        raise ValueError(message) from None
    if not math.isfinite(number):
        message = f"value {_shown(text)} is not a finite number"
        raise ValueError(message)
    if abs(number) > _LARGEST:
        message = f"value {_shown(text)} is beyond {_LARGEST:g}, where nothing can be computed; correct it"
        raise ValueError(message)
    return number


def _shown(text: str) -> str:
    return repr(text) if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]!r}..."


def without_columns(table: CsvTable, wanted: Sequence[str], there: Collection[str]) -> list[str]:
    """Return in a sentence which of the wanted columns are not there; nothing where all of them are."""
    missing = [repr(name) for name in wanted if name not in there]
    if not missing:
        return []
    names = ", ".join(name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}..." for name in table.header)
    what = f"column {missing[0]} is" if len(missing) == 1 else f"columns {', '.join(missing)} are"
    return [f"{table.path}: {what} missing; the file has {names}"]


def split_unit(header: str) -> tuple[str, str | None]:
    """Return name and unit of a header such as `power [W]` or `power (W)`; the unit is None where none is written."""
    found = re.fullmatch(r"(.*\S)\s*(?:\[([^\[\]]*)\]|\(([^()]*)\))", header)
    if found is None:
        return header, None
    return found[1], (found[2] if found[2] is not None else found[3]).strip()


def refuse(problems: list[str]) -> None:
    """Raise a `DataError` with all problems, at most ten shown and the rest counted.

    Raises:
        DataError: There is at least one problem.
    """
    if problems:
        rest = len(problems) - N_SHOWN
        more = [f"... and {rest} more problem{'s' if rest > 1 else ''}"] if rest > 0 else []
        raise DataError("\n".join([*problems[:N_SHOWN], *more]))


def _read(path: Path) -> tuple[bytes, str]:
    what = "a table as CSV"
    try:
        content = read_bytes(path, _LARGEST_FILE, what)
        return content, as_text(content)
    except Unreadable as error:
        message = f"{path}: {error}"
        raise DataError(message) from error


def _split(path: Path, numbered: Sequence[tuple[int, str]]) -> list[tuple[str, ...]]:
    """Return the cells of each line."""
    first, header = numbered[0]
    other = next((name for sign, name in _SEPARATORS.items() if sign in header and "," not in header), None)
    if other is not None:
        message = f"{path}:{first}: the cells are separated by {other}; save it with commas, and numbers with points"
        raise DataError(message)
    reader, cells = csv.reader((line for _, line in numbered), strict=True), list[tuple[str, ...]]()
    try:
        for row in reader:
            if reader.line_num > len(cells) + 1:
                message = f"{path}:{numbered[len(cells)][0]}: a quoted cell goes over several lines; keep it on one"
                raise DataError(message)
            cells.append(tuple(cell.strip() for cell in row))
    except csv.Error as error:
        message = f"{path}:{numbered[len(cells)][0]}: the quotes do not pair up, or a cell is endless ({error})"
        raise DataError(message) from error
    return cells


def _check_header(table: CsvTable, line: int) -> None:
    where = f"{table.path}:{line}"
    twice = sorted({name for name in table.header if name and table.header.count(name) > 1})
    problems = [f"{where}: column {name!r} is there twice; rename one of them" for name in twice]
    problems += [f"{where}: column {i + 1} has no name; name it" for i, name in enumerate(table.header) if not name]
    refuse(problems)


def _ragged(table: CsvTable, rows: list[tuple[str, ...]], lines: list[int]) -> list[str]:
    wanted = len(table.header)
    return [
        f"{table.path}:{line}: the header has {wanted} cells, this row has {len(row)}; is a comma missing or too many?"
        for row, line in zip(rows, lines, strict=True)
        if len(row) != wanted
    ]
