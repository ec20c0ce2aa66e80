"""A screening for people at a terminal: a recommendation, tables, what to know. Plain aligned columns in a pipe."""

import textwrap
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.display.wording import plural
from orchestrator.screening.recommendation import sentences
from orchestrator.screening.result import Screening
from orchestrator.screening.tables import Sheet, sheets

if TYPE_CHECKING:
    from pathlib import Path

_WIDTH = 100


def show(screening: Screening, console: Console) -> None:
    """Print a screening: drawn in a terminal, plain text in a pipe."""
    if console.is_terminal:
        console.print(_drawn(screening, is_narrow=console.width < _WIDTH))
    else:
        console.file.write(plain(screening))


def plain(screening: Screening) -> str:
    """Return a screening as text without colour, at most 100 columns but for wide tables."""
    blocks = [_wrapped(heading(screening))]
    blocks += [f"{sheet.title}\n\n{_columns(sheet)}\n{_wrapped(sheet.note)}" for sheet in sheets(screening)]
    blocks += [_list("recommendation", sentences(screening)), _list("to know", known(screening))]
    return "\n".join(blocks)


def heading(screening: Screening) -> str:
    """Return what was screened on, in one sentence."""
    source = "no source rows" if screening.source is None else plural(len(screening.source), "source row")
    grid = " x ".join(str(len(axis)) for axis in screening.axes.values())
    return (
        f"{screening.campaign}: {plural(len(screening.models), 'model')} on {len(screening.target)} target rows "
        f"({screening.origin}) and {source}; grid of {grid}"
    )


def known(screening: Screening) -> list[str]:
    """Return what a reader must know: peculiarities of the rows, why there is no truth, models left out."""
    left_out = [f"{key} is left out: {reason}" for key, reason in screening.failed.items()]
    return [*screening.notes, *([screening.no_truth] if screening.no_truth else []), *left_out]


def files(paths: "dict[str, Path]") -> str:
    """Return where everything was written, one line each."""
    return "".join(f"{what:16}{path}\n" for what, path in paths.items())


def _drawn(screening: Screening, *, is_narrow: bool) -> RenderableType:
    parts: list[RenderableType] = [Text(heading(screening), style="bold"), ""]
    for sheet in sheets(screening):
        parts += [
            Text(sheet.title, style="bold"),
            _table(sheet, is_narrow=is_narrow),
            Text(sheet.note, style="dim"),
            "",
        ]
    for title, lines in (("Recommendation", sentences(screening)), ("To know", known(screening))):
        if lines:
            parts += [Text(title, style="bold"), *(Text(f"- {line}") for line in lines), ""]
    return Group(*parts)


def _table(sheet: Sheet, *, is_narrow: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 0 if is_narrow else 1, 0, 0))
    for i, name in enumerate(sheet.headings):
        table.add_column(Text(name), justify="left" if i == 0 else "right", overflow="fold")
    first_published = len(sheet.rows) - sheet.n_published
    for i, row in enumerate(sheet.rows):
        is_last_of_ours = sheet.n_published > 0 and i == first_published - 1
        table.add_row(*map(Text, row), style="italic" if i >= first_published else None, end_section=is_last_of_ours)
    return table


def _columns(sheet: Sheet) -> str:
    widths = [max(map(len, cells)) for cells in zip(sheet.headings, *sheet.rows, strict=True)]
    lines = []
    for row in (sheet.headings, *sheet.rows):
        rest = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        lines.append("  ".join([row[0].ljust(widths[0]), *rest]).rstrip())
    return "".join(f"{line}\n" for line in lines)


def _list(title: str, lines: list[str]) -> str:
    return f"{title}\n" + "".join(_wrapped(f"- {line}", "  ") for line in lines) if lines else ""


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=indent, break_long_words=False) + "\n" if text else ""
