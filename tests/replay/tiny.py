"""Tiny campaigns to replay, and the ways to do them harm."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from worlds import CONFIG, write_config

from orchestrator.campaign import Campaign
from orchestrator.display.watcher import Silent, Watcher
from orchestrator.ledger import Event, Kind, Ledger

CONFIG = CONFIG.replace('"worlds:Oven"', '"worlds:Oven", failure_rate: 0.3')
REST = "kind, version, lab_s, utc, origin, run, step, body, hash"


def run(folder: Path, *, report: bool = False, watcher: Watcher | None = None, **overrides: Any) -> Path:
    """Run a tiny campaign of seven runs and return its ledger; overrides have `__` for the dot."""
    settings = {"budget.runs": 7} | {key.replace("__", "."): value for key, value in overrides.items()}
    folder.mkdir(parents=True, exist_ok=True)
    made = Campaign.from_yaml(write_config(folder, CONFIG), out=folder / "out", overrides=settings)
    if not report:
        made.write_results = lambda _ledger: None  # type: ignore[method-assign]  # pictures take a second
    made.run(watcher or Silent())
    return folder / "out" / "ledger.sqlite"


def rewritten(ledger: Path, copy: Path, change: Callable[[Event], Any]) -> Path:
    """Write a ledger anew with other bodies, its chain whole: what only asking again can tell."""
    with Ledger.open(ledger) as source, Ledger.write(copy) as target:
        for event in source.events():
            arrays = ((event.body.get("reading") or {}).get("arrays") or {}).values()
            where: dict[str, Any] = {"lab_s": event.lab_s, "utc": event.utc, "origin": event.origin}
            contents = [source.attachment(sha256) for sha256 in arrays]
            body = change(event)
            target.append(Kind(event.kind), body, **where, run=event.run, step=event.step, attachments=contents)
    return copy


def tamper(ledger: Path, *statements: str, **values: Any) -> None:
    """Run statements on a ledger whose guards were taken away."""
    connection = sqlite3.connect(ledger)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement, {name: value for name, value in values.items() if f":{name}" in statement})
    connection.commit()
    connection.close()
