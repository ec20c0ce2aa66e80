"""How fast the ledger is: `python benchmarks/ledger.py [--folder DIR] [--runs N] [--events N] [--appends N]`.

Measures durable appends against raw sqlite3 (same row, same pragmas, in turns), opening a ledger of many events, and
opening, folding and exporting a generated campaign of many runs. The folder decides which disk is measured.
"""

import argparse
import math
import os
import platform
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.ledger import Kind, Ledger
from orchestrator.ledger.events import GENESIS, chain, compact
from orchestrator.ledger.export import FORMATS, export, import_jsonl
from orchestrator.ledger.opening import open_store
from orchestrator.ledger.readings import encode_reading
from orchestrator.ledger.store import Row

PACKAGES = ("SQLAlchemy", "numpy", "pandas", "pyarrow")
UTC = "2026-01-05T08:00:00.000+00:00"
WHEN: dict[str, Any] = {"lab_s": 0.0, "utc": UTC, "origin": "simulated"}
OPENED = {
    "format": 1,
    "campaign": "generated",
    "epoch": "2026-01-05T08:00:00+00:00",
    "configuration": {
        "campaign": "generated",
        "parameters": {"power": {"unit": "W"}, "pressure": {"unit": "Pa"}},
        "objective": {"name": "conductivity", "unit": "uS/cm", "goal": "maximise"},
        "laboratory": {"clock": "simulated"},
    },
    "versions": {},
}
SHOWN = {"forward_w": 59.3, "reflected_w": 0.77, "bias_v": 167.8, "pressure_pa": 0.2, "rate_nm_min": 0.8585}
ROUND = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", help="on which disk (default: that of temporary files)")
    parser.add_argument("--appends", type=int, default=4000)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--open", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.open:
        open_alone(Path(args.open))
        return
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{platform.python_implementation()} {platform.python_version()}, SQLite {sqlite3.sqlite_version}, ", end="")
    print(", ".join(f"{package} {version(package)}" for package in PACKAGES))
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        appends(Path(folder), args.appends)
        long(Path(folder) / "long.sqlite", args.events)
        wide(Path(folder), args.runs)


def show(name: str, value: str) -> None:
    print(f"{name:<58}{value:>18}", flush=True)


def timed(function: Callable[..., Any], *args: Any) -> float:
    before = time.perf_counter()
    function(*args)
    return time.perf_counter() - before


def appends(folder: Path, n: int) -> None:
    """Append to a ledger and to a raw database in turns of `ROUND`, so that both see the same disk."""
    text = compact({"id": "1.1.1", "phase": "deposit", "values": SHOWN})
    raw = raw_database(folder / "raw.sqlite")
    ours, theirs, numbers = [], [], count(1)

    def insert() -> None:
        row = (next(numbers), "telemetry", 1, 0.0, UTC, "simulated", 1, 1, text, GENESIS)
        raw.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        raw.commit()

    with Ledger.write(folder / "appends.sqlite") as ledger:
        begin(ledger)

        def append() -> None:
            body = {"id": "1.1.1", "phase": "deposit", "values": SHOWN}
            ledger.append(Kind.TELEMETRY, body, run=1, step=1, **WHEN)

        for _ in range(n // ROUND):
            theirs.append(ROUND / timed(repeated, insert))
            ours.append(ROUND / timed(repeated, append))
    raw.close()
    show("durable appends, raw sqlite3", f"{statistics.median(theirs):,.0f} /s")
    show("durable appends, Ledger.append", f"{statistics.median(ours):,.0f} /s")
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    show("ratio, median (quartiles)", "{1:.2f} ({0:.2f}-{2:.2f})".format(*statistics.quantiles(ratios)))


def repeated(function: Callable[[], None]) -> None:
    for _ in range(ROUND):
        function()


def raw_database(path: Path) -> sqlite3.Connection:
    """Return a database with the same table and pragmas, without triggers."""
    connection = sqlite3.connect(path)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(
        "CREATE TABLE events (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, version INTEGER NOT NULL,"
        " lab_s FLOAT NOT NULL, utc TEXT NOT NULL, origin TEXT NOT NULL, run INTEGER, step INTEGER,"
        " body TEXT NOT NULL, hash TEXT NOT NULL)"
    )
    return connection


def begin(ledger: Ledger) -> None:
    ledger.append(Kind.CAMPAIGN_OPENED, OPENED, **WHEN)
    ledger.append(Kind.SUGGESTED, {"point": {"power": 60.0, "pressure": 0.2}, "why": {}}, run=1, **WHEN)
    ledger.append(Kind.RUN_STARTED, {}, run=1, **WHEN)
    ledger.append(Kind.STEP_STARTED, step_body("1.1.1", "sputter", "deposit"), run=1, step=1, **WHEN)


def step_body(number: str, instrument: str, action: str) -> dict[str, Any]:
    settings = {"power_w": 60.0, "pressure_pa": 0.2}
    return {"id": number, "attempt": 1, "instrument": instrument, "action": action, "settings": settings}


def chained(events: Iterator[tuple[str, float, int | None, int | None, dict[str, Any]]]) -> Iterator[tuple[str, Row]]:
    """Yield the events as rows of a ledger."""
    previous = GENESIS
    for seq, (kind, lab_s, run, step, body) in enumerate(events, start=1):
        content = (seq, kind, 1, lab_s, UTC, "simulated", run, step, compact(body))
        previous = chain(previous, content)
        yield "events", (*content, previous)


def fill(path: Path, rows: Iterator[tuple[str, Row]]) -> None:
    store = open_store(path, write=True)
    store.fill(rows)
    store.close()


def long(path: Path, n: int) -> None:
    """Open a ledger of so many events, in a process of its own so that its memory can be seen."""
    n_runs = math.ceil(n / len(list(run_events(1, ["0" * 64] * 3))))
    fill(path, generated(n_runs))
    with Ledger.open(path) as ledger:
        show(f"events, in {n_runs:,} runs", f"{ledger.state.n_events:,}")
        show("  read and verify the chain", f"{timed(lambda: sum(1 for _ in ledger.rows())):.1f} s")
    report_opening(path)


def report_opening(path: Path) -> None:
    command = [sys.executable, __file__, "--open", str(path)]
    seconds, megabytes = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()  # noqa: S603 - this script
    show("  open: read, verify, fold", f"{seconds} s")
    show("  memory of the process before and after", f"{megabytes} MB")


def open_alone(path: Path) -> None:
    before = peak_mb()
    seconds = timed(lambda: Ledger.open(path).close())
    print(f"{seconds:.1f} {before:.0f}-{peak_mb():.0f}")


def peak_mb() -> float:
    """Return the most memory this process has held; on Linux `ru_maxrss` would count that of the parent, too."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def wide(folder: Path, n_runs: int) -> None:
    """Open a campaign of so many runs, and export it in every format."""
    path = folder / "wide.sqlite"
    show(f"a campaign of {n_runs:,} runs: generate", f"{timed(fill, path, generated(n_runs)):.1f} s")
    report_opening(path)
    with Ledger.open(path) as ledger:
        show("  events", f"{ledger.state.n_events:,}")
        show("  size", f"{path.stat().st_size / 1e6:.0f} MB")
        show("  Ledger.frame()", f"{timed(ledger.frame):.1f} s")
        for name in FORMATS:
            target = folder / name
            seconds = timed(export, ledger, name, target)
            paths = [target] if target.is_file() else [file for file in target.rglob("*") if file.is_file()]
            size = sum(file.stat().st_size for file in paths)
            show(f"  export {name} ({size / 1e6:.0f} MB)", f"{seconds:.1f} s")
    show("  import jsonl", f"{timed(import_jsonl, folder / 'jsonl', folder / 'again.sqlite'):.1f} s")
    shutil.rmtree(folder / "ro-crate")


def generated(n_runs: int) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a campaign: every run with two steps, telemetry, and one of a hundred spectra."""
    spectra: list[list[str]] = []
    contents: dict[str, bytes] = {}
    for seed in range(100):
        rng = np.random.default_rng(seed)
        names = ("frequency_hz", "z_real_ohm", "z_imag_ohm")
        body, made = encode_reading(reading(names, rng))
        spectra.append(list(body["arrays"].values()))
        contents.update(zip(spectra[-1], made, strict=True))
    yield from (("attachments", attachment) for attachment in contents.items())
    yield from chained(campaign_events(n_runs, spectra))


def reading(names: tuple[str, ...], rng: np.random.Generator) -> Any:
    from instruments.driver import Reading  # noqa: PLC0415 - beside its only use

    swept = np.geomspace(1e6, 0.1, 71)  # every sweep has the same frequencies
    return Reading({}, {name: swept if name == "frequency_hz" else rng.normal(size=71) for name in names})


def campaign_events(
    n_runs: int, spectra: list[list[str]]
) -> Iterator[tuple[str, float, int | None, int | None, dict[str, Any]]]:
    yield Kind.CAMPAIGN_OPENED, 0.0, None, None, OPENED
    for number in range(1, n_runs + 1):
        for kind, lab_s, step, body in run_events(number, spectra[number % len(spectra)]):
            yield kind, lab_s, number, step, body


def run_events(number: int, arrays: list[str]) -> Iterator[tuple[str, float, int | None, dict[str, Any]]]:
    start = number * 86400.0
    value = math.sin(number)
    why = {
        "number": number,
        "kind": "model",
        "why": "expected improvement",
        "mean": value,
        "sd": 0.3,
        "p_feasible": 0.9,
    }
    yield Kind.SUGGESTED, start, None, {"point": {"power": 60 + value, "pressure": 0.2}, "why": why, "prefix": 1}
    yield Kind.RUN_STARTED, start, None, {}
    yield Kind.STEP_STARTED, start, 1, step_body(f"{number}.1.1", "sputter", "deposit")
    for phase in ("pump", "strike", "ramp", "deposit", "deposit", "deposit", "cool", "vent"):
        start += 3600
        yield Kind.TELEMETRY, start, 1, {"id": f"{number}.1.1", "phase": phase, "values": SHOWN}
    film = {"values": {"sample": f"film-{number}", "thickness_nm": 801.5, **SHOWN}, "arrays": {}}
    yield Kind.STEP_FINISHED, start, 1, {"id": f"{number}.1.1", "reading": film, "state": {"energy_kwh": value}}
    yield Kind.STEP_STARTED, start, 2, step_body(f"{number}.2.1", "analyzer", "sweep")
    yield Kind.TELEMETRY, start + 600, 2, {"id": f"{number}.2.1", "phase": "sweep", "values": {"points": 71}}
    names = dict(zip(("frequency_hz", "z_real_ohm", "z_imag_ohm"), arrays, strict=True))
    yield Kind.STEP_FINISHED, start + 900, 2, {"id": f"{number}.2.1", "reading": {"values": {}, "arrays": names}}
    details = {"sample": f"film-{number}", "thickness_nm": 801.5, "r_bulk_ohm": 8187.9}
    yield Kind.RUN_FINISHED, start + 900, None, {"status": "measured", "value": value, "sd": 0.05, "details": details}


if __name__ == "__main__":
    main()
