"""A table for people: drawn in a terminal, plain aligned columns in a pipe."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestrator.files.spreadsheet import harmless


def show(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table to standard output."""
    if sys.stdout.isatty():
        _draw(headings, rows)
    else:
        sys.stdout.write(plain(headings, rows))


def plain(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return the table as lines with aligned columns, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in [headings, *rows])
    return "".join(f"{line}\n" for line in lines)


def _draw(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box  # noqa: PLC0415 - rich only where there is a terminal
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(Text(heading), overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def write_csv(path: Path, headings: Sequence[str], rows: Sequence[Sequence[str | float | None]]) -> None:
    """Write a table as CSV; text that a spreadsheet would take for a formula stands behind an apostrophe."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([_cell(heading) for heading in headings])
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: str | float | None) -> str:
    if isinstance(value, str):
        return harmless(value)
    return "" if value is None else repr(value)
