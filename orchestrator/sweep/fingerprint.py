"""Which code computes here: versions of the libraries, and the content of the packages that a campaign is made of.

Two processes with the same fingerprint perform the same campaign; a finished one is not performed again.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from orchestrator.config import Configuration
from orchestrator.laboratory import driver_of
from orchestrator.versions import versions

_OWN = ("orchestrator", "instruments")


def packages_of(configuration: Configuration) -> tuple[str, ...]:
    """Return the top-level packages that a campaign's code is in: ours, those of its drivers, that of its recipe.

    Raises:
        ConfigError: A driver that is not found.
    """
    modules = [driver_of(configuration, role).__module__ for role in configuration.settings.laboratory.instruments]
    modules.append(configuration.settings.recipe.name)
    return tuple(sorted({*_OWN, *(name.partition(":")[0].partition(".")[0] for name in modules)}))


@cache
def fingerprint(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of the libraries and a hash of each package's Python files, by name.

    Args:
        packages: Top-level packages or modules; one that is not there counts as `missing`.
    """
    found = versions()
    found["python"] = ".".join(found["python"].split(".")[:2])
    return found | {f"code of {name}": _hash(name) for name in packages}


def digest(found: dict[str, str]) -> str:
    """Return a fingerprint as one short text."""
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]


def differing(here: dict[str, str], there: dict[str, str]) -> list[str]:
    """Return in words what differs between the fingerprint here and the one of a worker."""
    return [
        f"{name} is {there.get(name, 'missing')} there and {here.get(name, 'missing')} here"
        for name in sorted({*here, *there})
        if here.get(name) != there.get(name)
    ]


def _hash(package: str) -> str:
    try:
        spec: Any = find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return "missing"
    content = hashlib.sha256()
    for name, path in _files(spec.submodule_search_locations, spec.origin):
        content.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return content.hexdigest()[:12]


def _files(folders: Iterable[str] | None, origin: str | None) -> Iterator[tuple[str, Path]]:
    if folders is None:
        if origin is not None and Path(origin).is_file():
            yield Path(origin).name, Path(origin)
        return
    for folder in map(Path, folders):
        for path in sorted(folder.rglob("*.py")):
            yield path.relative_to(folder).as_posix(), path
