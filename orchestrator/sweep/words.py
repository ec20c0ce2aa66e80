"""What the command line asks a sweep for: constants, alternatives, seeds.

Rule of this file: text to data, with the option and the place in it where something is wrong.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.config import ConfigError, Problem, read_list, read_scalar

_MOST_VARIATIONS = 1000


@dataclass(frozen=True)
class Seeds:
    """Which seeds: so many from the configuration's own on, or from one to another.

    Args:
        n: How many.
        first: The first; None for the configuration's own.
    """

    n: int
    first: int | None = None

    def from_first(self, own: int) -> range:
        """Return the seeds, given the configuration's own."""
        first = own if self.first is None else self.first
        return range(first, first + self.n)


@dataclass(frozen=True)
class Choice:
    """One alternative: what it sets, and what it is called.

    Args:
        column: The column of the table that tells it from the others; "" where there are no others.
        value: Its value in that column.
        overrides: Values by dotted path.
        option: The option it was given by.
    """

    column: str = ""
    value: Any = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    option: str = ""


@dataclass(frozen=True)
class Asked:
    """Everything that was asked for.

    Args:
        config: The YAML file.
        settings: Values by dotted path that every variation has.
        axes: Alternatives, of which every combination is a variation.
        seeds: Which seeds.
        folder: Where results go.
    """

    config: str
    settings: Mapping[str, Any]
    axes: Sequence[Sequence[Choice]]
    seeds: Seeds
    folder: Path

    @property
    def keys(self) -> list[tuple[str, str]]:
        """Every key that is set, with the option that sets it."""
        keys = [("--set", key) for key in self.settings]
        for axis in self.axes:
            keys += dict.fromkeys((choice.option, key) for choice in axis for key in choice.overrides)
        return keys


def seeds_of(text: str) -> Seeds:
    """Read `1000` or `101-200`.

    Raises:
        ConfigError: It is neither.
    """
    found = re.fullmatch(r"(?:(\d{1,10})-)?(\d{1,10})", text)
    if found is None or int(found[2]) < (int(found[1]) if found[1] else 1):
        message = "is neither a number of seeds (1000) nor a range of them (101-200)"
        raise ConfigError([Problem(f"--seeds {text}", message)])
    first = None if found[1] is None else int(found[1])
    return Seeds(int(found[2]) - (first - 1 if first is not None else 0), first)


def settings_of(texts: Sequence[str]) -> dict[str, Any]:
    """Read `KEY=VALUE` of `--set`.

    Raises:
        ConfigError: One of them is none, or its value is no YAML.
    """
    return {key: read_scalar(value) for key, value in _pairs("--set", texts)}


def axes_of(vary: Sequence[str], cases: Sequence[Sequence[str]]) -> list[list[Choice]]:
    """Read `KEY=A,B` of every `--vary`, and `NAME KEY=VALUE ...` of every `--case`.

    Raises:
        ConfigError: No alternatives, the same one twice, or too many combinations.
    """
    axes = [_case_axis(cases)] if cases else []
    axes += [_axis(key, text) for key, text in _pairs("--vary", vary)]
    n = 1
    for axis in axes:
        n *= len(axis)
    if n > _MOST_VARIATIONS:
        message = f"{n} variations are more than {_MOST_VARIATIONS}; vary less at a time"
        raise ConfigError([Problem("--vary", message)])
    return axes


def _axis(key: str, text: str) -> list[Choice]:
    place = f"--vary {key}"
    values = read_list(text, place)
    if not values:
        raise ConfigError([Problem(place, "has no values; give them as A,B,C")])
    if len(set(map(repr, values))) < len(values):
        raise ConfigError([Problem(place, f"{text} has a value twice; take one of them out")])
    return [Choice(key, value, {key: value}, "--vary") for value in values]


def _case_axis(cases: Sequence[Sequence[str]]) -> list[Choice]:
    names = [name for name, *_ in cases]
    problems = [
        Problem(f"--case {name}", "is given twice; name every case otherwise")
        for name in names
        if names.count(name) > 1
    ]
    problems += [
        Problem(f"--case {name}", "a case begins with its name, then KEY=VALUE") for name in names if "=" in name
    ]
    if problems:
        raise ConfigError(problems)
    return [
        Choice("case", name, {key: read_scalar(value) for key, value in _pairs(f"--case {name}", texts)}, "--case")
        for name, *texts in cases
    ]


def _pairs(option: str, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    loose = [text for text in texts if "=" not in text or text.startswith("=")]
    if loose:
        raise ConfigError([Problem(f"{option} {text}", "is not KEY=VALUE") for text in loose])
    for text in texts:
        key, _, value = text.partition("=")
        yield key, value
