"""Whether a ledger was begun with this configuration, and where the two differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

CHANGEABLE = frozenset({"budget", "stop", "policies", "report", "screening", "emulation"})
"""Sections that no suggestion depends on: they may change while a campaign goes on, and the ledger says so."""

_FILES = {("data", "source"), ("data", "initial"), ("laboratory", "table"), ("ledger",)}
"""Paths are not compared: the data's content is, and a project may move."""


@dataclass(frozen=True)
class Difference:
    """One setting that is not what it was."""

    path: tuple[str, ...]
    was: Any
    now: Any

    @property
    def section(self) -> str:
        """The top-level key it belongs to."""
        return self.path[0]

    def __str__(self) -> str:
        """Return the setting with both values."""
        now, was = ("null" if value is None else repr(value) for value in (self.now, self.was))
        return f"{'.'.join(self.path)} is {now}, but the ledger has {was}"


def differences(
    was: Mapping[str, Any], was_data: Mapping[str, Any], now: Mapping[str, Any], now_data: Mapping[str, Any]
) -> list[Difference]:
    """Return every difference between a recorded configuration with its data and the present one."""
    found = [d for d in _differing(was, now, ()) if d.path not in _FILES]
    for name in ("source", "initial", "table"):
        before, after = ((data.get(name) or {}).get("sha256") for data in (was_data, now_data))
        if before != after:
            found.append(
                Difference(("data", name), before and f"sha256 {before[:12]}", after and f"sha256 {after[:12]}")
            )
    return found


def _differing(was: Any, now: Any, path: tuple[str, ...]) -> Iterator[Difference]:  # noqa: ANN401 - JSON
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in sorted({*was, *now}):
            yield from _differing(was.get(key), now.get(key), (*path, key))
    elif was != now:
        yield Difference(path, was, now)
