"""How fast campaigns are swept: `python benchmarks/sweep.py [--campaigns N] [--runs N] [--rounds N] [--config YAML]`.

The same campaigns by joblib with 1 and 2 jobs and, with the extra `cluster`, on Dask with 1 and 2 worker processes. All
ways take turns in every round, workers are warm, and ratios are of the same round, because the machine may do other
things too. `efficiency` is the CPU time of the campaigns themselves by that of so many cores in that time, which is low
where the machine is busy; `handing out` is what a campaign costs this process, the only part that cannot be shared.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from orchestrator.sweep.cluster import connected, perform_there
from orchestrator.sweep.local import perform_here
from orchestrator.sweep.performance import Result
from orchestrator.sweep.plan import Plan, Planned, make
from orchestrator.sweep.words import Asked, Seeds

PACKAGES = ("joblib", "numpy", "scikit-learn")
Crew = Callable[[Sequence[Planned]], Iterator[Result]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="configs/lipon.yaml")
    parser.add_argument("--campaigns", type=int, default=12)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    has_dask = find_spec("distributed") is not None
    packages = (*PACKAGES, "distributed") if has_dask else PACKAGES
    python, load = platform.python_version(), os.getloadavg()[0]
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f} before this began, Python {python}")
    print(", ".join(f"{name} {version(name)}" for name in packages))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        seeds = Seeds(args.campaigns)
        plan = make(Asked(args.config, {"budget.runs": args.runs}, [], seeds, Path(folder)))
        print(f"{args.campaigns} campaigns of {args.runs} runs of {args.config}, {args.rounds} rounds\n")
        crews: dict[str, tuple[int, Crew]] = {
            f"joblib, {n} at a time": (n, lambda campaigns, n=n: perform_here(campaigns, plan.code, n)) for n in (1, 2)
        }
        if has_dask:
            for n in (1, 2):
                crews[f"Dask, {n} workers"] = (n, stack.enter_context(dask(Path(folder) / str(n), n, plan)))
        report(crews, plan, args.rounds)


@contextmanager
def dask(folder: Path, n: int, plan: Plan) -> Iterator[Crew]:
    """Start a scheduler and workers in processes of their own."""
    folder.mkdir()
    file = folder / "scheduler.json"
    common = [sys.executable, "-m", "dask"]
    kinds = [["scheduler", "--port", "0", "--no-dashboard", "--no-show"]]
    kinds += [["worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder)]] * n
    with (folder / "log").open("wb") as log:
        processes = [
            subprocess.Popen([*common, *words, "--scheduler-file", str(file)], stdout=log, stderr=log)  # noqa: S603
            for words in kinds
        ]
    try:
        while not file.exists():
            time.sleep(0.05)
        from distributed import Client  # noqa: PLC0415 - an extra

        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(n)
            address = client.scheduler.address
        with connected(address, plan.code) as client:
            yield lambda campaigns: perform_there(campaigns, plan.code, client)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def report(crews: dict[str, tuple[int, Crew]], plan: Plan, n_rounds: int) -> None:
    """Perform all campaigns in every way, in turns, and print what it took."""
    rates: dict[str, list[float]] = {name: [] for name in crews}
    shares: dict[str, list[float]] = {name: [] for name in crews}
    costs: dict[str, list[float]] = {name: [] for name in crews}
    for _ in range(n_rounds):
        for name, (n, crew) in crews.items():
            list(crew(plan.campaigns[: 2 * n]))  # imports, and the caches of a new worker
            began, cpu_began = time.perf_counter(), time.process_time()
            results = list(crew(plan.campaigns))
            took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
            broken = [result["reason"] for result in results if result["status"] == "error"]
            if broken:
                sys.exit(f"{name}: {len(broken)} campaigns broke: {broken[0]}")
            rates[name].append(len(results) / took)
            shares[name].append(sum(result["cpu_s"] for result in results) / (n * took))
            costs[name].append(1000 * cpu / len(results))
    print("                        campaigns/s   by that of 1   efficiency   handing out")
    for name, own in rates.items():
        alone = rates[next(other for other in rates if other.split(",")[0] == name.split(",")[0])]
        gain = statistics.median(rate / single for rate, single in zip(own, alone, strict=True))
        share, cost = 100 * statistics.median(shares[name]), statistics.median(costs[name])
        print(f"{name:<22}  {statistics.median(own):11.2f}   {gain:12.2f}   {share:8.0f} %   {cost:8.1f} ms")


if __name__ == "__main__":
    main()
