"""What a simulated run costs the engine: `python benchmarks/engine.py [--runs N] [--folder DIR]`.

Performs configs/lipon.yaml with points drawn at random, so that hardly any of the time is the planner's, and prints
runs a second with and without grouped commits (in turns, so that both see the same machine), the share of each part,
what a run costs in time and memory after many others, and how long a suggestion takes after as many. All times are CPU
time of one process, the ledger included; the folder decides which disk is written.
"""

import argparse
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest.mock import patch

from instruments.impedance import spectrum
from orchestrator.campaign import Campaign
from orchestrator.clock import SimulatedClock
from orchestrator.display.watcher import Silent
from orchestrator.engine import observations, performer, planner_of
from orchestrator.ledger import Event, Kind, Ledger, State, store
from orchestrator.planner import Planner
from orchestrator.threads import one_thread

CONFIG = Path(__file__).parent.parent / "configs" / "lipon.yaml"
PACKAGES = ("numpy", "scipy", "scikit-learn", "SQLAlchemy", "simpy")
TURNS, RUNS_A_TURN = 5, 200
WINDOW = 100
LOOKED_AT = (100, 500, 1000, 2000, 5000, 10_000, 20_000)
PARTS: tuple[tuple[str, Any, str], ...] = (
    ("events: encode, hash, fold, write", Ledger, "append"),
    ("look for messages of others", Ledger, "messages"),
    ("simulated instruments and their clock", SimulatedClock, "due"),
    ("spectra: tests and fit", spectrum, "check"),
    ("readings: encode", performer, "encode_reading"),
    ("readings: decode", performer, "decode_reading"),
    ("readings: read again", Ledger, "reading"),
    ("suggestions, at random", Planner, "ask"),
)


class Meter(Silent):
    """Notes CPU time and memory as each run is over."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.mb: list[float] = []

    def event(self, event: Event, state: State) -> None:  # noqa: ARG002 - the protocol's
        """Look at clock and memory as a run is over."""
        if event.kind == Kind.RUN_FINISHED:
            self.seconds.append(time.process_time())
            self.mb.append(resident_mb())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5000, help="of the long campaign")
    parser.add_argument("--folder", help="on which disk (default: that of temporary files)")
    args = parser.parse_args()
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{platform.python_implementation()} {platform.python_version()}, SQLite {sqlite3.sqlite_version}, ", end="")
    print(", ".join(f"{package} {version(package)}" for package in PACKAGES))
    with one_thread(), tempfile.TemporaryDirectory(dir=args.folder) as folder:
        performed(Path(folder) / "warm", 20)
        state = long(Path(folder), args.runs)  # first, while memory is nobody else's
        grouped(Path(folder))
        shares(Path(folder))
        suggestions(state)


def performed(folder: Path, n_runs: int, meter: Meter | None = None) -> tuple[State, float]:
    """Perform a campaign; return its state and the CPU time of a run, s, from the first run's end on."""
    seen = meter or Meter()
    overrides = {
        "budget.runs": n_runs,
        "budget.failures": None,
        "budget.lab_hours": None,
        "planner.acquisition": "random",
    }
    campaign = Campaign.from_yaml(CONFIG, out=folder, overrides=overrides)
    with patch.object(campaign, "write_results"):
        state = campaign.run(seen).state
    return state, (seen.seconds[-1] - seen.seconds[0]) / (len(seen.seconds) - 1)


def grouped(folder: Path) -> None:
    """Compare grouped commits with one for each event, in turns."""
    together, alone = [], []
    for turn in range(TURNS):
        together.append(performed(folder / f"together-{turn}", RUNS_A_TURN)[1])
        with patch.object(store, "MOST_HELD", 0), patch.object(store, "LONGEST_HELD_S", -1.0):
            alone.append(performed(folder / f"alone-{turn}", RUNS_A_TURN)[1])
    print(f"\n{'runs a second, median of ' + str(TURNS):<42}{1 / statistics.median(together):>10.0f}")
    print(f"{'with a commit for each event':<42}{1 / statistics.median(alone):>10.0f}")
    ratios = sorted(b / a for a, b in zip(together, alone, strict=True))
    print(f"{'ratio, median (least-most)':<42}{statistics.median(ratios):>10.1f} ({ratios[0]:.1f}-{ratios[-1]:.1f})")


def shares(folder: Path) -> None:
    """Print where the time of a run goes."""
    spent: dict[str, float] = defaultdict(float)
    with ExitStack() as stack:
        for part, place, name in PARTS:
            stack.enter_context(patch.object(place, name, timed(getattr(place, name), part, spent)))
        state, total = performed(folder / "shares", 2 * RUNS_A_TURN)
    n_runs = len(state.runs)
    spent = {part: seconds / n_runs for part, seconds in spent.items()}
    spent["the loop and everything else"] = total - sum(spent.values())
    print(f"\n{'of a run of ' + format(state.n_events / n_runs, '.0f') + ' events':<42}{'ms':>10}{'share':>8}")
    for part, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"{part:<42}{1e3 * seconds:>10.2f}{seconds / total:>8.0%}")


def timed(function: Callable[..., Any], part: str, spent: dict[str, float]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        before = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            spent[part] += time.process_time() - before

    return wrapper


def long(folder: Path, n_runs: int) -> State:
    """Print what a run costs after many others."""
    meter = Meter()
    state, seconds = performed(folder / "long", n_runs, meter)
    print(f"\n{'after so many runs':<20}{'ms a run':>12}{'MB':>8}{'kB a run':>10}")
    looked_at = [n for n in LOOKED_AT if n <= n_runs]
    for before, n in zip([1, *looked_at], looked_at, strict=False):
        recent = (meter.seconds[n - 1] - meter.seconds[n - WINDOW]) / (WINDOW - 1)
        grown = (meter.mb[n - 1] - meter.mb[before - 1]) / (n - before)
        print(f"{n:<20}{1e3 * recent:>12.2f}{meter.mb[n - 1]:>8.0f}{1e3 * grown:>10.1f}")
    ledger_kb = (folder / "long" / "ledger.sqlite").stat().st_size / 1e3 / n_runs
    print(f"{n_runs} runs: {1 / seconds:.0f} a second, {ledger_kb:.1f} kB a run on the disk")
    return state


def suggestions(state: State) -> None:
    """Print how long the shipped planner thinks about a suggestion after so many runs."""
    planner, known = planner_of(state, {"planner.acquisition": "ei"}), observations(state)
    planner.ask(known[:20], number=21)
    print(f"\n{'after so many runs':<20}{'s a suggestion':>16}")
    for n in (n for n in LOOKED_AT if n <= len(known)):
        before = time.process_time()
        planner.ask(known[:n], number=n + 1)
        print(f"{n:<20}{time.process_time() - before:>16.2f}")


def resident_mb() -> float:
    """Return the memory of this process; 0 where the system does not tell it like Linux."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.exit(main())
