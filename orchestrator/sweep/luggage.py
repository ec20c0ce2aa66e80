"""What a campaign needs where there is no file of its owner: its configuration and the content of the files it names.

Rule of this file: a worker on another machine gets everything but the installed packages.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from inspect import isclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from orchestrator.config import Configuration, recorded
from orchestrator.laboratory import driver_of, imported

_FILES = (("data", "source"), ("data", "initial"), ("laboratory", "table"))
_LEFT = ("report", "screening", "emulation", "ledger")
"""Sections that no run depends on."""

Place = tuple[str, ...]


@dataclass(frozen=True)
class File:
    """A file that travels along: its name without a folder, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Luggage:
    """A campaign to be performed anywhere, with any seed.

    Args:
        plain: The configuration as JSON data.
        files: The files it names, by the place of their name in it.
    """

    plain: Mapping[str, Any]
    files: Mapping[Place, File]

    def key(self, seed: int, code: str) -> str:
        """Return the hash of all that the outcome depends on.

        Args:
            seed: The campaign's seed.
            code: The fingerprint of the code that performs it.
        """
        return hashlib.sha256(f"{self._digest} {seed} {code}".encode()).hexdigest()[:32]

    @cached_property
    def _digest(self) -> str:
        plain = {name: value for name, value in self.plain.items() if name not in ("campaign", "seed")}
        files = {".".join(place): hashlib.sha256(file.content).hexdigest() for place, file in self.files.items()}
        return hashlib.sha256(json.dumps([plain, files], sort_keys=True).encode()).hexdigest()

    def unpack(self, folder: Path, seed: int) -> Configuration:
        """Return the configuration with this seed, its files written into a folder."""
        plain = deepcopy(dict(self.plain))
        for place, file in self.files.items():
            path = folder / ".".join(place) / file.name
            path.parent.mkdir()
            path.write_bytes(file.content)
            _put(plain, place, str(path))
        return recorded({**plain, "seed": seed}, "the sweep's configuration")


def pack(configuration: Configuration) -> Luggage:
    """Return what a configuration needs to travel.

    A file that an option of an instrument or of the recipe names goes along, where the option is annotated as a `Path`.

    Raises:
        ConfigError: A driver or a recipe that is not found.
    """
    plain = {name: deepcopy(value) for name, value in configuration.plain.items() if name not in _LEFT}
    files = {}
    for place, path in _named(configuration):
        files[place] = File(path.name, path.read_bytes())
        _put(plain, place, None)
    return Luggage(plain, files)


def _named(configuration: Configuration) -> Iterator[tuple[Place, Path]]:
    for section, key in _FILES:
        path = getattr(getattr(configuration.settings, section), key)
        if path is not None:
            yield (section, key), path
    beside = Path(configuration.path).parent
    for place, called, options in _optioned(configuration):
        hints = get_type_hints(called.__init__ if isclass(called) else called)
        for name, value in options.items():
            if _is_path(hints.get(name)) and value and (path := beside / value).is_file():
                yield (*place, name), path


def _optioned(configuration: Configuration) -> Iterator[tuple[Place, Callable[..., Any], Mapping[str, Any]]]:
    """Yield drivers and recipe with their options, and where these stand."""
    for role, instrument in configuration.settings.laboratory.instruments.items():
        yield ("laboratory", "instruments", role), driver_of(configuration, role), instrument.options
    recipe = configuration.settings.recipe
    yield ("recipe",), imported(configuration, ("recipe",), recipe.name), recipe.options


def _is_path(hint: Any) -> bool:  # noqa: ANN401 - any annotation
    """Whether an option is a file by its annotation; text may name a file that a driver only writes."""
    return hint is Path or any(map(_is_path, get_args(hint)))


def _put(plain: dict[str, Any], place: Place, value: str | None) -> None:
    for part in place[:-1]:
        plain = plain[part]
    plain[place[-1]] = value
