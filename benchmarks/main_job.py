"""Where the time of the main job goes: `python benchmarks/main_job.py [RUNS]`.

Runs configs/lipon.yaml into a temporary folder, in this process, and prints the share of each part.
"""

import argparse
import os
import platform
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

BEGAN = time.perf_counter()
CONFIG = Path(__file__).parent.parent / "configs" / "lipon.yaml"
PACKAGES = ("numpy", "scipy", "scikit-learn", "scikit-optimize", "SQLAlchemy", "matplotlib")


def main(n_runs: int) -> None:
    spent: dict[str, float] = defaultdict(float)
    import orchestrator.report  # noqa: PLC0415 - timed
    import orchestrator.surrogates.svr  # noqa: F401, PLC0415 - timed
    from instruments.impedance import circuit  # noqa: F401, PLC0415 - timed
    from orchestrator.campaign import Campaign  # noqa: PLC0415 - timed
    from orchestrator.clock import SimulatedClock  # noqa: PLC0415 - timed
    from orchestrator.ledger import Ledger  # noqa: PLC0415 - timed
    from orchestrator.planner import Planner  # noqa: PLC0415 - timed

    spent["imports"] = time.perf_counter() - BEGAN
    for place, name, part in (
        (Planner, "ask", "suggestions"),
        (Ledger, "append", "durable appends"),
        (SimulatedClock, "due", "simulated instruments"),
        (Campaign, "write_results", "report and table"),
    ):
        setattr(place, name, timed(getattr(place, name), part, spent))
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign.from_yaml(CONFIG, out=folder, overrides={"budget.runs": n_runs})
        outcome = campaign.run()
        n_events = outcome.state.n_events
    total = time.perf_counter() - BEGAN
    spent["the rest: configuration, spectra fits, loop"] = total - sum(spent.values())
    print(
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}"
    )
    print(", ".join(f"{package} {version(package)}" for package in PACKAGES))
    print(f"\n{n_runs} runs, {n_events} events, {outcome.state.lab_s / 86400:.1f} lab days in {total:.1f} s\n")
    print(f"{'part':<46}{'s':>8}{'share':>8}")
    for part, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"{part:<46}{seconds:>8.2f}{seconds / total:>8.0%}")


def timed(function: Callable[..., Any], part: str, spent: dict[str, float]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        before = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            spent[part] += time.perf_counter() - before

    return wrapper


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("runs", type=int, nargs="?", default=30, help="how many (default 30)")
    main(words.parse_args().runs)
