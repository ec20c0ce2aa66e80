"""The command: run what the cache lacks, print what it holds."""

import argparse
import re
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

from joblib import Parallel, delayed

from benchmarks.planners import table
from benchmarks.planners.cache import Cache
from benchmarks.planners.contenders import NAMES, Entry
from benchmarks.planners.families import FAMILIES, RECORDED, laboratories, laboratory
from benchmarks.planners.figures import Race, count
from benchmarks.planners.laboratory import Laboratory
from benchmarks.planners.race import race
from benchmarks.planners.speed import speeds
from orchestrator.data import DataError


def main(arguments: list[str]) -> None:
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        labs = laboratories(options.family, options.seeds, options.labs, options.skip, exact=options.exact)
        entries = [Entry.parse(spec) for spec in re.split(r",(?![^\[]*\])", options.planners)]
        _ = [entry.version for entry in entries]
    except PackageNotFoundError as error:
        parser.error(f'{error}; the peers come with pip install -e ".[peers]"')
    except (LookupError, ValueError, DataError) as error:
        parser.error(str(error.args[0]))
    if options.speed:
        print(table.machine() + "\n\n" + speeds(entries, labs[0], options.speed))
        return
    cache = Cache(options.cache)
    if not options.table:
        _run(entries, labs, cache, options)
    by_fingerprint = {lab.fingerprint: lab for lab in labs}
    races = {}
    for entry in entries:
        found = cache.latest(entry, labs, options.runs)
        name = entry.spec + "*" * any(record["version"] != entry.version for record in found)
        if found:
            races[name] = [count(record, by_fingerprint[record["laboratory"]], options.runs) for record in found]
    _print(options, races)


def _run(entries: list[Entry], labs: list[Laboratory], cache: Cache, options: argparse.Namespace) -> None:
    missing = [(e, lab) for lab in labs for e in entries if cache.find(e, lab, options.runs) is None]
    results = Parallel(n_jobs=options.jobs, return_as="generator_unordered")(
        delayed(_race)(entry.spec, lab.family, lab.seed, options.runs, exact=options.exact) for entry, lab in missing
    )
    for number, record in enumerate(results, start=1):
        cache.add(record)
        print(f"{number}/{len(missing)} {record['planner']} {record['family']}/{record['seed']}", file=sys.stderr)


def _race(spec: str, family: str, seed: int, n_runs: int, *, exact: bool) -> dict[str, object]:
    """Run one race from names alone, so that it can go to another process."""
    return race(Entry.parse(spec), laboratory(family, seed, exact=exact), n_runs)


def _print(options: argparse.Namespace, races: dict[str, list[Race]]) -> None:
    nature = "recorded measurements" if options.family in RECORDED else "all simulated"
    which = f"{options.labs} laboratories" + f" after {options.skip}" * (options.skip > 0)
    which += " that measure without noise" * options.exact
    print(f"{options.family}, {options.seeds} seeds, {which}, {options.runs} runs; {nature}")
    print(table.machine() + "\n")
    if not races:
        print("no results yet; run the same command without --table")
        return
    print(table.summary(races))
    if any(name.endswith("*") for name in races):
        print("* made in part by another version of its code; run without --table to make it anew")
    ours = next((spec for spec in races if spec.startswith("ours")), None)
    if ours is not None:
        if len(races) > 1:
            print("\n" + table.comparison(races, ours, min(20, options.runs)))
        print("\n" + table.by_trait(races, "source"))
        print("\n" + table.calibration(races))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.planners",
        description="Run planners in families of simulated laboratories and compare them; see docs/planner.md.",
    )
    parser.add_argument(
        "--planners",
        default="ours,random,sobol",
        help=f"comma between planners, settings as ours:surrogate=gp+acquisition=ucb; there are {', '.join(NAMES)}",
    )
    parser.add_argument("--family", choices=list(FAMILIES), default="gaussians3")
    parser.add_argument(
        "--seeds", choices=["tune", "final"], default="tune", help="final is held back: never tune on it"
    )
    parser.add_argument("--labs", type=int, default=20, help="how many laboratories of the family")
    parser.add_argument("--skip", type=int, default=0, help="laboratories of that half to pass over first")
    parser.add_argument("--exact", action="store_true", help="without noise, so as to see what the noise costs")
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--cache", type=Path, default=Path("runs/planners.jsonl"), help="where results are kept")
    parser.add_argument(
        "--speed", type=int, nargs="+", metavar="ROWS", help="time suggestions after so many rows instead"
    )
    parser.add_argument("--table", action="store_true", help="only print what the cache holds")
    return parser
