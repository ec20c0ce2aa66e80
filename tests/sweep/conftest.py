"""A tiny configuration to sweep, and how it is swept."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fields import TINY
from worlds import write_config

from orchestrator.cli import sweep
from orchestrator.sweep import local


class Folder:
    """A folder with a configuration and the results of its sweeps."""

    def __init__(self, path: Path) -> None:
        self.path, self.out = path, path / "out"
        self.config = write_config(path, TINY)

    def sweep(self, *words: str) -> int:
        """Sweep with one job; return the exit status."""
        return self.swept("--jobs", "1", *words)

    def swept(self, *words: str) -> int:
        """Sweep in this folder; return the exit status."""
        return sweep([str(self.config), "--out", str(self.out), *words])

    def rows(self, name: str) -> list[dict[str, str]]:
        """Return the rows of a table."""
        with (self.out / f"{name}.csv").open() as file:
            return list(csv.DictReader(file))

    @property
    def results(self) -> list[dict[str, Any]]:
        """Return the lines of results."""
        return [json.loads(line) for line in (self.out / "results.jsonl").read_text().splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes every further performance a failure of the test."""

    def forbid() -> None:
        def refuse(*_: object) -> None:
            pytest.fail("a campaign was performed")

        monkeypatch.setattr(local, "perform_here", refuse)

    return forbid
