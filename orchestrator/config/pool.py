"""A table of past measurements as a laboratory: its parameters, its objective and the points it can answer."""

from collections.abc import Mapping

from pydantic import ValidationError

from orchestrator.config.schema import ObjectiveConfig, ParameterConfig
from orchestrator.files.table import CsvTable, DataError, number_in, refuse, split_unit

Value = float | str


def read_pool(
    table: CsvTable, parameters: Mapping[str, ParameterConfig], objective: ObjectiveConfig
) -> tuple[dict[str, ParameterConfig], ObjectiveConfig, list[dict[str, Value]]]:
    """Read a campaign's space from a table, completing what the configuration leaves open.

    Without parameters every column but the objective is one, except numeric columns that never vary; a text column
    becomes choices. Bounds that are not given are those of the column; bounds that are given restrict the pool.
    Without a name the objective is the last column; a unit that is not given is read from the header's `(S/cm)`.

    Returns:
        The parameters, the objective, and the distinct points of the table in file order.

    Raises:
        DataError: A column that does not exist, cells that are not numbers, or no point to choose from.
    """
    if not table.rows:
        message = f"{table.path}: has a header but no rows; add at least one"
        raise DataError(message)
    objective = _objective(table, objective)
    names = list(parameters) or [name for name in table.header if name != objective.name]
    _check_columns(table, names, objective)
    problems: list[str] = []
    _cells(table, str(objective.name), problems, text=False)
    cells = {name: _cells(table, name, problems, text=_is_text(table, name, parameters)) for name in names}
    refuse(problems)
    varying = {name: column for name, column in cells.items() if name in parameters or len(set(column)) > 1}
    complete = {name: _parameter(table, name, parameters.get(name), column) for name, column in varying.items()}
    points = [dict(zip(varying, row, strict=True)) for row in zip(*varying.values(), strict=True)]
    distinct = [dict(items) for items in dict.fromkeys(tuple(p.items()) for p in points if _inside(p, complete))]
    if not distinct:
        message = f"{table.path}: no row has a point inside the parameters' bounds; widen them or name other columns"
        raise DataError(message)
    return complete, objective, distinct


def _objective(table: CsvTable, objective: ObjectiveConfig) -> ObjectiveConfig:
    name = objective.name or table.header[-1]
    unit = objective.unit or split_unit(name)[1]
    return objective.model_copy(update={"name": name, "unit": unit})


def _check_columns(table: CsvTable, names: list[str], objective: ObjectiveConfig) -> None:
    there = ", ".join(table.header)
    wanted = [("objective", objective.name), *(("parameter", name) for name in names)]
    problems = [
        f"{table.path}: {what} {name!r} is no column; the columns are {there}"
        for what, name in wanted
        if name not in table.header
    ]
    if objective.name in names:
        problems.append(f"{table.path}: column {objective.name!r} is named as parameter and as objective; choose one")
    refuse(problems)


def _is_text(table: CsvTable, name: str, parameters: Mapping[str, ParameterConfig]) -> bool:
    """Whether a column holds choices: as configured, else when no cell of it is a number."""
    config = parameters.get(name)
    if config is not None and config.fixed is not None:
        return isinstance(config.fixed, str)
    if config is not None and (config.choices is not None or config.low is not None or config.levels is not None):
        return config.choices is not None
    return not any(_is_number(text) for text in table.column(name))


def _is_number(text: str) -> bool:
    try:
        number_in(text)
    except ValueError:
        return False
    return True


def _cells(table: CsvTable, name: str, problems: list[str], *, text: bool) -> list[Value]:
    column: list[Value] = []
    for i, cell in enumerate(table.column(name)):
        try:
            column.append(_text(cell) if text else number_in(cell))
        except ValueError as error:
            problems.append(f"{table.where(i)}: column {name!r}: {error}")
    return column


def _text(cell: str) -> str:
    if not cell:
        message = "is empty; give one of the choices or take the row out"
        raise ValueError(message)
    return cell


def _parameter(table: CsvTable, name: str, config: ParameterConfig | None, column: list[Value]) -> ParameterConfig:
    if config is not None and any(v is not None for v in (config.low, config.levels, config.choices, config.fixed)):
        return config
    config = config or ParameterConfig(unit=split_unit(name)[1] or "1")
    if isinstance(column[0], str):
        found: dict[str, object] = {"choices": list(dict.fromkeys(column))}
    else:
        numbers = [float(v) for v in column]
        found = {"low": min(numbers), "high": max(numbers)}
    if len(set(column)) == 1:
        message = f"{table.path}: parameter {name!r} is {column[0]!r} in every row; take it out of the parameters"
        raise DataError(message)
    try:
        return ParameterConfig.model_validate(config.model_dump(exclude_none=True) | found)
    except ValidationError as error:
        message = f"{table.path}: parameter {name!r}: {error.errors()[0]['msg'].removeprefix('Value error, ')}"
        raise DataError(message) from error


def _inside(point: Mapping[str, Value], parameters: Mapping[str, ParameterConfig]) -> bool:
    return all(_allows(parameters[name], value) for name, value in point.items())


def _allows(config: ParameterConfig, value: Value) -> bool:
    if config.fixed is not None:
        return value == config.fixed
    if isinstance(value, str):
        return value in (config.choices or [])
    if config.lattice:
        return value in config.lattice
    return config.low is not None and config.high is not None and config.low <= value <= config.high
