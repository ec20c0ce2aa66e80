"""Does a source tool help? `python benchmarks/transfer.py [WORLDS]`: random designs on the simulated LiPON tools.

Each world draws both sets of rows anew, on the levels and in the numbers that the CORAL-SVR study published, with 5 %
noise. Each way to use the source is compared with the same model without it, by the mean absolute error against the
noiseless truth: over the whole space, and over the box that the target's levels span. SIMULATED throughout.
"""

import argparse
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from campaigns.lipon.make_designs import DESIGNS, balanced_points
from instruments.sputter.physics import SOURCE_TOOL, TARGET_TOOL, Tool, conductivity_us_cm
from orchestrator.config.schema import PlannerConfig
from orchestrator.surrogates import build

LOW, HIGH = np.array([3.0, 50.0, 0.2]), np.array([12.0, 300.0, 4.0])
NOISE = 0.05
N_TRUTH = 14  # points along each side
SETTINGS = {
    "CORAL-SVR, paper": {"surrogate": "coral-svr", "mode": "paper"},
    "CORAL-SVR, scaled": {"surrogate": "coral-svr"},
    "ratio + residual": {"surrogate": "ratio"},
    "TrAdaBoost.R2": {"surrogate": "tradaboost"},
}

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Scenario:
    """Which source there is.

    Args:
        source: The tool.
        n_source: How many rows it has: on the published levels up to the published number, else all over the space.
    """

    source: Tool
    n_source: int


SCENARIOS = {
    "as published: 14 rows of another tool": Scenario(SOURCE_TOOL, 14),
    "40 rows of a similar tool (15 % less conductive)": Scenario(
        replace(TARGET_TOOL, prefactor=0.85 * TARGET_TOOL.prefactor), 40
    ),
}


def true(tool: Tool, points: FloatArray) -> FloatArray:
    return np.asarray(conductivity_us_cm(tool, *points.T))


def drawn(scenario: Scenario, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return the points of source and target rows."""
    levels_source, levels_target = DESIGNS
    target = np.array(balanced_points(levels_target, rng))
    if scenario.n_source > levels_source.n_rows:
        return LOW + rng.random((scenario.n_source, 3)) * (HIGH - LOW), target
    return np.array(balanced_points(levels_source, rng)), target


def measured(tool: Tool, points: FloatArray, rng: np.random.Generator) -> FloatArray:
    return true(tool, points) * np.exp(NOISE * rng.standard_normal(len(points)))


def truths() -> Mapping[str, FloatArray]:
    middle = (np.arange(N_TRUTH) + 0.5) / N_TRUTH
    cube = np.array(list(product(middle, repeat=3)))
    levels = np.array([(min(column), max(column)) for column in DESIGNS[1].levels]).T
    return {"space": LOW + cube * (HIGH - LOW), "box": levels[0] + cube * (levels[1] - levels[0])}


def world(scenario: Scenario, seed: int) -> dict[tuple[str, str, str], float]:
    """Return the error of each model and weight on each set of true points, and the weights that were earned."""
    rng = np.random.default_rng(seed)
    source, target = drawn(scenario, rng)
    source_y, target_y = measured(scenario.source, source, rng), measured(TARGET_TOOL, target, rng)
    found = {}
    for name, settings in SETTINGS.items():
        for weight in (0.0, 1.0, "guarded"):
            config = PlannerConfig.model_validate(settings | {"source_weight": weight})
            code: Callable[[FloatArray], FloatArray] = (
                (lambda X: X) if config.is_natural else (lambda X: (X - LOW) / (HIGH - LOW))
            )
            model = build(config, (code(source), source_y)).fit(code(target), target_y)
            for where, points in truths().items():
                error = np.abs(model.predict(code(points)) - true(TARGET_TOOL, points)).mean()
                found[name, str(weight), where] = float(error)
            found[name, str(weight), "weight"] = model.source_weight_
    return found


def main(n_worlds: int) -> None:
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, ", end="")
    print(", ".join(f"{name} {version(name)}" for name in ("numpy", "scikit-learn")))
    for title, scenario in SCENARIOS.items():
        worlds = [world(scenario, seed) for seed in range(n_worlds)]
        print(f"\n{title}, 18 target rows, {n_worlds} worlds")
        print(f"{'':20}{'':9}{'mean':>7}  {'whole space':^26}  {'box of the target levels':^26}")
        heads = "".join(f"  {'better':>7}{'worse':>7}{'median':>12}" for _ in range(2))
        print(f"{'model':20}{'source':9}{'weight':>7}{heads}")
        for name in SETTINGS:
            for weight in ("1.0", "guarded"):
                print(f"{name:20}{'always' if weight == '1.0' else weight:9}", end="")
                print(f"{np.mean([w[name, weight, 'weight'] for w in worlds]):7.2f}", end="")
                for where in ("space", "box"):
                    change = np.array([w[name, weight, where] / w[name, "0.0", where] - 1.0 for w in worlds])
                    shares = f"{np.mean(change < -1e-9):7.0%}{np.mean(change > 1e-9):7.0%}"
                    print(f"  {shares}{np.median(change):+12.1%}", end="")
                print()
    print("\nbetter, worse: share of worlds. median: change of the error by using the source; below 0 it helps.")


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("worlds", type=int, nargs="?", default=80, help="how many (default 80)")
    main(words.parse_args().worlds)
