"""Printed figures of others, from a CSV file, to stand beside ours and never among them."""

from collections.abc import Sequence
from pathlib import Path

from orchestrator.data import DataError
from orchestrator.files.table import CsvTable, number_in, read_csv, refuse, without_columns
from orchestrator.objective import Objective
from orchestrator.planner.extrapolation import novelty
from orchestrator.recipe import Point
from orchestrator.screening.catalogue import KEYS
from orchestrator.screening.result import Published
from orchestrator.space import ParameterSpace, SpaceError, Value

_FIGURES = ("mae", "r2", "mape")


def read_published(
    path: Path, space: ParameterSpace, objective: Objective, measured: Sequence[Point]
) -> tuple[Published, ...]:
    """Read printed figures.

    The columns are `label`, `model` (as on the command line), `mae`, `r2`, `mape`, one for each parameter, one for the
    objective (the printed optimum) and `source` (where it is printed).

    Args:
        path: The CSV file.
        space: The parameters.
        objective: What is measured.
        measured: The target rows' points, which a printed optimum may lie beyond.

    Raises:
        DataError: A column is missing, a model unknown, or a cell is not what its column says.
    """
    table = read_csv(path)
    wanted = ("label", "model", *_FIGURES, *space.names, objective.name, "source")
    refuse(without_columns(table, wanted, table.header))
    found, problems = [], []
    for i in range(len(table.rows)):
        try:
            found.append(_row(table, i, space, objective, measured))
        except ValueError as error:
            problems.append(f"{table.where(i)}: {error}")
    refuse(problems)
    return tuple(found)


def read_defects(path: Path) -> tuple[tuple[str, str], ...]:
    """Read what is wrong with a publication and how it is handled, from the columns `defect` and `handled`.

    Raises:
        DataError: The file cannot be read, or a column is missing.
    """
    table = read_csv(path)
    wanted = ("defect", "handled")
    refuse(without_columns(table, wanted, table.header))
    return tuple(zip(*(table.column(name) for name in wanted), strict=True))


def _row(table: CsvTable, i: int, space: ParameterSpace, objective: Objective, measured: Sequence[Point]) -> Published:
    cells = dict(zip(table.header, table.rows[i], strict=True))
    if cells["model"] not in KEYS:
        message = f"column 'model': {cells['model']!r} is none of {', '.join(KEYS)}"
        raise DataError(message)
    point = {p.name: cells[p.name] if p.choices else number_in(cells[p.name]) for p in space.parameters}
    mae, r2, mape = (number_in(cells[name]) for name in _FIGURES)
    value, source = number_in(cells[objective.name]), cells["source"]
    beyond = _beyond(space, point, measured)
    return Published(cells["label"], cells["model"], mae, r2, mape, point, value, source, beyond)


def _beyond(space: ParameterSpace, point: dict[str, Value], measured: Sequence[Point]) -> str:
    try:
        return novelty(space, space.check(point), measured).words
    except SpaceError as error:
        return f"outside this space: {error}"
