"""Configuration: from YAML to typed settings whose every error names file, line and column.

Knows the keys, their bounds and defaults, and where each one stands in the file.
Must not know what a planner or an instrument does with them.
"""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator.address import without_password
from orchestrator.config import schema
from orchestrator.config.messages import nearest, problems_of, shown
from orchestrator.config.schema import CampaignConfig
from orchestrator.config.yaml_source import ConfigError, Problem, Source, read_list, read_pairs, read_scalar, read_yaml
from orchestrator.files.reading import Unreadable, as_text, read_bytes, what_else
from orchestrator.formula import FormulaError, Names, read_comparisons, read_expression

__all__ = [
    "CampaignConfig",
    "ConfigError",
    "Configuration",
    "Problem",
    "load",
    "nearest",
    "read_list",
    "read_pairs",
    "read_scalar",
    "recorded",
    "schema",
]

_LARGEST_FILE = 250_000
_BEFORE: Mapping[tuple[str, str], Any] = {("planner", "levels"): None, ("planner", "most_rows"): None}
"""What was done before there was such a key: that is what a ledger without it means."""

_FILES = (
    ("data", "source"),
    ("data", "initial"),
    ("laboratory", "table"),
    ("screening", "published"),
    ("screening", "defects"),
)


@dataclass(frozen=True)
class Configuration:
    """Typed settings and where they came from.

    Args:
        settings: The typed settings, file paths absolute.
        plain: The same as JSON data, file paths as the user wrote them.
        source: The places of the keys.
    """

    settings: CampaignConfig
    plain: dict[str, Any]
    source: Source

    @property
    def path(self) -> str:
        """The file as the user wrote it."""
        return self.source.name

    def error(self, path: tuple[str | int, ...], message: str) -> ConfigError:
        """Return an error about the value at a path, with its place."""
        return ConfigError([Problem(self.source.where(path), f"{'.'.join(map(str, path))}: {message}")])


def load(
    path: str | Path, overrides: Mapping[str, Any] | None = None, options: Mapping[str, str] | None = None
) -> Configuration:
    """Read a configuration.

    Args:
        path: The YAML file. Files it names are looked for beside it.
        overrides: Values by dotted path (`{"budget.runs": 30}`); files they name are looked for from here.
        options: By which option of the command line an override was given, where not by `--set`.

    Raises:
        ConfigError: Everything that is wrong with it, at once, each with `file:line:column`.
    """
    source = read_yaml(_text(Path(path)), str(path))
    if not isinstance(source.data, dict):
        raise ConfigError([Problem(str(path), "must be a mapping of keys (campaign:, parameters:, ...)")])
    data = copy.deepcopy(source.data)
    for key, value in (overrides or {}).items():
        _override(source, data, key, value, (options or {}).get(key, "--set"))
    plain = json.loads(json.dumps(data, default=str))
    _absolute_files(source, data, set(overrides or {}))
    try:
        settings = CampaignConfig.model_validate(data)
    except ValidationError as error:
        raise ConfigError(problems_of(error, source, CampaignConfig)) from error
    settings = _complete(settings, source)
    return Configuration(settings, _plain(settings, plain), source)


def recorded(
    plain: Mapping[str, Any], name: str, overrides: Mapping[str, Any] | None = None, *, option: str = "--set"
) -> Configuration:
    """Return the configuration that a ledger holds. It is complete, and no file is looked for.

    Args:
        plain: As in `Configuration.plain`.
        name: What to call it in messages.
        overrides: Values by dotted path.
        option: What the command line calls the overrides.

    Raises:
        ConfigError: A key or a value that this version does not know.
    """
    source = Source(name, copy.deepcopy(dict(plain)))
    for (section, key), value in _BEFORE.items():
        source.data.setdefault(section, {}).setdefault(key, value)
    for key, value in (overrides or {}).items():
        _override(source, source.data, key, value, option)
    try:
        return Configuration(CampaignConfig.model_validate(source.data), source.data, source)
    except ValidationError as error:
        raise ConfigError(problems_of(error, source, CampaignConfig)) from error


def _text(path: Path) -> str:
    what = "a campaign's YAML file"
    try:
        return as_text(read_bytes(path, _LARGEST_FILE, what))
    except Unreadable as error:
        raise ConfigError([Problem(str(path), str(error))]) from error


def _override(
    source: Source,
    data: dict[str, Any],
    key: str,
    value: Any,  # noqa: ANN401 - any YAML value
    option: str = "--set",
) -> None:
    place, parts = f"{option} {key}", tuple(key.split("."))
    here = data
    for i, part in enumerate(parts[:-1]):
        here = here.setdefault(part, {})
        source.marks.setdefault(parts[: i + 1], place)
        if not isinstance(here, dict):
            message = f"{'.'.join(parts[: i + 1])} is a single value and has no {parts[i + 1]!r}"
            raise ConfigError([Problem(place, message)])
    for inner in [p for p in source.marks if p[: len(parts)] == parts]:
        source.marks[inner] = place
    source.marks[parts] = place
    here[parts[-1]] = copy.deepcopy(value)  # further overrides may go into it


def _absolute_files(source: Source, data: dict[str, Any], overridden: set[str]) -> None:
    for section, key in _FILES:
        inner = data.get(section)
        if isinstance(inner, dict) and isinstance(inner.get(key), (str, Path)):
            base = Path() if f"{section}.{key}" in overridden else Path(source.name).parent
            inner[key] = (base / Path(inner[key]).expanduser()).absolute()


def _complete(settings: CampaignConfig, source: Source) -> CampaignConfig:
    """Fill in from `laboratory.table` what was left out, and refuse what is still missing."""
    problems = [
        Problem(source.where((section, key)), f"{section}.{key}: {other}: {without_password(str(file))}")
        for section, key in _FILES
        if (file := getattr(getattr(settings, section), key)) is not None and (other := what_else(file))
    ]
    if problems:
        raise ConfigError(problems)
    if settings.laboratory.table is not None:
        from orchestrator.config.pool import read_pool  # noqa: PLC0415 - only where a table is named
        from orchestrator.files.table import DataError, read_csv  # noqa: PLC0415 - as above

        try:
            parameters, objective, _ = read_pool(
                read_csv(settings.laboratory.table), settings.parameters, settings.objective
            )
        except DataError as error:
            raise ConfigError([Problem(source.where(("laboratory", "table")), str(error))]) from error
        settings = settings.model_copy(update={"parameters": parameters, "objective": objective})
    elif not settings.parameters:
        problems.append(
            Problem(
                source.where(("parameters",)),
                "parameters: at least one is needed, or laboratory.table to read them from",
            )
        )
    settings = _with_instruments(settings)
    for name, p in settings.parameters.items():
        if p.low is None and p.levels is None and p.choices is None and p.fixed is None:
            where = source.where(("parameters", name))
            problems.append(Problem(where, f"parameters.{name}: needs low and high, or levels, or choices"))
    problems += _formula_problems(settings, source)
    if settings.objective.name is None:
        problems.append(
            Problem(source.where(("objective",)), "objective.name: is missing; what does the recipe measure?")
        )
    columns = {"run", "status", "failure", "reason", "origin", "lab_start_h", "lab_end_h"}
    names = [*settings.parameters, str(settings.objective.name), f"{settings.objective.name}_sd"]
    names += settings.further_objectives
    problems += [
        Problem(_place_of(name, settings, source), f"{name!r} is a column of runs.csv; rename it")
        for i, name in enumerate(names)
        if name in columns or name in names[:i]
    ]
    if problems:
        raise ConfigError(problems)
    return settings


def _with_instruments(settings: CampaignConfig) -> CampaignConfig:
    """Fill in the names of the instruments where a parameter is to tell them apart."""
    complete = dict(settings.parameters)
    for name, p in settings.parameters.items():
        if p.instrument is not None:
            complete[name] = p.model_copy(update={"choices": list(settings.laboratory.roles[p.instrument])})
    return settings.model_copy(update={"parameters": complete})


def _place_of(name: str, settings: CampaignConfig, source: Source) -> str:
    """Return where a name stands: in the file, or in the table that was read."""
    if name in settings.further_objectives:
        return source.where(("further_objectives", name))
    table = settings.laboratory.table
    if table is None or ("parameters", name) in source.marks:
        return source.where(("parameters", name))
    return f"{source.where(('laboratory', 'table'))}: {table}"


def _formula_problems(settings: CampaignConfig, source: Source) -> list[Problem]:
    choices = {name: tuple(p.choices) for name, p in settings.parameters.items() if p.choices is not None}
    choices |= {name: (p.fixed,) for name, p in settings.parameters.items() if isinstance(p.fixed, str)} | choices
    names = Names(tuple(name for name in settings.parameters if name not in choices), choices)
    kinds: list[tuple[str, tuple[str, ...], list[str], Callable[[str, Names], object]]] = [
        ("constraint", ("constraints",), settings.constraints, read_comparisons),
        ("feature", ("planner", "features"), settings.planner.features, read_expression),
    ]
    problems = []
    for kind, path, texts, read in kinds:
        for i, text in enumerate(texts):
            try:
                read(text, names)
            except FormulaError as error:
                problems.append(Problem(source.where((*path, i)), f"{kind} {shown(text)}: {error}"))
    return problems


def _plain(settings: CampaignConfig, written: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = settings.model_dump(mode="json")
    for section, key in _FILES:
        plain[section][key] = (written.get(section) or {}).get(key)
    return plain
