"""Results on disk, one JSON line a race, so that a long comparison can be stopped, resumed and extended."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.planners.contenders import Entry
from benchmarks.planners.laboratory import Laboratory

Record = dict[str, Any]


class Cache:
    """A file of results.

    Args:
        path: The file; a torn last line, left by a kill, is passed over.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        text = path.read_text("utf-8") if path.exists() else ""
        self._is_torn, lines = bool(text) and not text.endswith("\n"), text.splitlines()
        self._records = list(filter(None, map(_read, lines)))

    def find(self, entry: Entry, laboratory: Laboratory, n_runs: int) -> Record | None:
        """Return the latest result of this very planner, version and laboratory with at least so many runs, or None."""
        for record in reversed(self._records):
            same = (record["planner"], record["version"]) == (entry.spec, entry.version)
            if same and record["laboratory"] == laboratory.fingerprint and record["n_runs"] >= n_runs:
                return record
        return None

    def latest(self, entry: Entry, laboratories: Iterable[Laboratory], n_runs: int) -> list[Record]:
        """Return the latest result of the planner in each laboratory with so many runs, of whatever version."""
        fitting = (r for r in self._records if r["planner"] == entry.spec and r["n_runs"] >= n_runs)
        by_laboratory = {r["laboratory"]: r for r in fitting}
        return [by_laboratory[lab.fingerprint] for lab in laboratories if lab.fingerprint in by_laboratory]

    def add(self, record: Record) -> None:
        """Append a result."""
        self._records.append(record)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write("\n" * self._is_torn + json.dumps(record) + "\n")
        self._is_torn = False


def _read(line: str) -> Record | None:
    try:
        record: Record = json.loads(line)
    except json.JSONDecodeError:
        return None
    return record
