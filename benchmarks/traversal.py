"""How fast a grid is traversed: `python benchmarks/traversal.py [--levels N] [--large N] [--suggestions]`.

An SVR on the published design sizes is asked at all points of a grid of three parameters, by `orchestrator.grid` and by
its own `predict`, in turns and in one process. The larger grid is traversed in a process of its own, so that its peak
memory is its own. `--suggestions` adds what a whole suggestion of configs/lipon.yaml costs.
"""

import argparse
import multiprocessing
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from instruments.sputter.physics import TARGET_TOOL, conductivity_us_cm
from orchestrator.grid import maximum, traverse
from orchestrator.planner import Observation, Planner

CONFIG = Path(__file__).parent.parent / "configs" / "lipon.yaml"
LOW, HIGH = np.array([3.0, 50.0, 0.2]), np.array([12.0, 300.0, 4.0])
N_ROWS = 32  # 18 of the target and 14 of the source, as published; here all drawn from the simulated tool
N_TURNS = 7
SLAB = 10  # values of the first parameter that `predict` is asked for at once: its kernel matrix would fill the memory
MIB = 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--levels", type=int, default=200)
    parser.add_argument("--large", type=int, default=400)
    parser.add_argument("--suggestions", action="store_true", help="also time whole suggestions")
    args = parser.parse_args()
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, CPython {platform.python_version()}")
    print(", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "scikit-learn")))
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "as many as it likes, one within orchestrator.grid")
    print(f"threads of the linear algebra: {threads}; simulated rows: {N_ROWS}\n")
    for function in ("traverse", "maximum"):  # first: a process begins with the peak memory of the one that began it
        alone(function, args.large)
    compare(args.levels)
    if args.suggestions:
        suggestions()


def rows(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = LOW + rng.random((n, 3)) * (HIGH - LOW)
    return X, conductivity_us_cm(TARGET_TOOL, *X.T) * np.exp(0.05 * rng.normal(size=n))


def axes(levels: int) -> list[np.ndarray]:
    return [np.linspace(low, high, levels) for low, high in zip(LOW, HIGH, strict=True)]


def machine() -> Any:
    """The SVR of the paper: raw features, its hyper-parameters."""
    return SVR(C=192, epsilon=0.01, gamma=1e-4).fit(*rows(N_ROWS))


def compare(levels: int) -> None:
    grid, model = axes(levels), machine()
    kernel = ConstantKernel() * RBF([1.0] * 3) + WhiteKernel(0.01)
    process = GaussianProcessRegressor(kernel, optimizer=None, normalize_y=True)
    scaled, process = (
        make_pipeline(StandardScaler(), m).fit(*rows(N_ROWS)) for m in (SVR(C=10, epsilon=0.05), process)
    )
    print(f"{levels}^3 = {levels**3:,} points, {len(model.support_)} support vectors; times are medians of {N_TURNS}\n")
    taken, found = timed(lambda: traverse(model, grid))
    written, _ = timed(lambda: np.full(levels**3, 1.5))
    searched, best = timed(lambda: maximum(model, grid))
    asked, difference, place = predicted(model, grid, found)
    line("SVR.predict, slab by slab", asked)
    line("orchestrator.grid.traverse", taken)
    line("orchestrator.grid.maximum", searched)
    line("traverse, scaled SVR in a pipeline", timed(lambda: traverse(scaled, grid))[0])
    line("traverse, Gaussian process in a pipeline", timed(lambda: traverse(process, grid))[0])
    line("writing as many float64 values", written)
    print()
    print(f"{'times faster than SVR.predict':<44}{asked / taken:>12.0f}  (required: 50)")
    print(f"{'largest difference from SVR.predict':<44}{difference:>12.1e}  (required: 1e-10)")
    print(f"{'times writing the values':<44}{taken / written:>12.1f}")
    same = np.ravel_multi_index(best.index, (levels,) * 3) == place
    print(f"{'maximum at the same point as by predict':<44}{'yes' if same else 'no':>12}\n")


def predicted(model: Any, grid: list[np.ndarray], found: np.ndarray) -> tuple[float, float, int]:
    """Ask the model itself: seconds, the largest difference from what was found, and the place of the maximum."""
    seconds, difference, best, place = 0.0, 0.0, -np.inf, 0
    for start in range(0, len(grid[0]), SLAB):
        mesh = np.meshgrid(grid[0][start : start + SLAB], *grid[1:], indexing="ij")
        X = np.column_stack([part.ravel() for part in mesh])
        began = time.perf_counter()
        values = model.predict(X)
        seconds += time.perf_counter() - began
        part = found[start : start + SLAB].ravel()
        difference = max(difference, float(np.abs(values - part).max()))
        if values.max() > best:
            best, place = values.max(), start * found[0].size + int(values.argmax())
    return seconds, difference, place


def alone(function: str, levels: int) -> None:
    """Traverse in a fresh process and print its time and peak memory."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=measure, args=(function, levels, theirs))
    process.start()
    seconds, before, after = mine.recv()
    process.join()
    print(f"{function} on {levels}^3 = {levels**3:,} points: {seconds:.2f} s, peak memory {after:.0f} MiB")
    print(f"    of which {before:.0f} MiB before it began; the values themselves are {8 * levels**3 / MIB:.0f} MiB\n")


def measure(function: str, levels: int, answer: Any) -> None:
    model, grid = machine(), axes(levels)
    before = peak_mib()
    began = time.perf_counter()
    found = {"traverse": traverse, "maximum": maximum}[function](model, grid)
    answer.send((time.perf_counter() - began, before, peak_mib()))
    del found


def suggestions() -> None:
    planner = Planner.from_yaml(CONFIG, seed=1)
    print(f"a whole suggestion of {CONFIG.name}: fit, guard and the exact maximum of the acquisition\n")
    for n in (20, 60, 200):
        told = observations(planner, n - 18)
        planner.ask(told, number=n)
        seconds, suggestion = timed(lambda told=told, n=n: planner.ask(told, number=n))
        line(f"{n} observations, source weight {suggestion.source_weight:g}", seconds)


def observations(planner: Planner, n: int) -> list[Observation]:
    points = planner.space.sample(n, np.random.default_rng(n))
    values = [float(conductivity_us_cm(TARGET_TOOL, *point.values())) for point in points]
    return [
        Observation(point, failure="infeasible") if point["pressure"] < 0.3 else Observation(point, value)
        for point, value in zip(points, values, strict=True)
    ]


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    seconds, found = [], None
    for _ in range(N_TURNS):
        began = time.perf_counter()
        found = function()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), found


def line(what: str, seconds: float) -> None:
    print(f"{what:<44}{seconds * 1000:>9.0f} ms")


def peak_mib() -> float:
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / 1024 if sys.platform != "darwin" else kilobytes / MIB


if __name__ == "__main__":
    main()
