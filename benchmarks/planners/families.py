"""The families of laboratories by name."""

from collections.abc import Callable, Mapping
from functools import partial

from benchmarks.planners import gaussians, pools, twin
from benchmarks.planners.laboratory import Laboratory
from benchmarks.planners.landscapes import TRAPS

FAMILIES: Mapping[str, Callable[[str, int], Laboratory]] = {
    "gaussians3": partial(gaussians.laboratory, n_parameters=3),
    "gaussians5": partial(gaussians.laboratory, n_parameters=5),
    "gaussians8": partial(gaussians.laboratory, n_parameters=8),
    "misleading3": partial(gaussians.laboratory, n_parameters=3, kind="misleading"),
    "traps3": partial(gaussians.laboratory, n_parameters=3, terrain=TRAPS),
    "lipon": twin.laboratory,
    "composites": pools.composites,
    "barrels": pools.barrels,
    "couplings": pools.couplings,
}
RECORDED = ("composites", "barrels", "couplings")


def laboratories(family: str, half: str, n: int) -> list[Laboratory]:
    """Return the first laboratories of one half of a family: even seeds are for tuning, odd ones held back for the end.

    Raises:
        KeyError: No such family.
    """
    first = {"tune": 0, "final": 1}[half]
    return [FAMILIES[family](family, seed) for seed in range(first, 2 * n, 2)]
