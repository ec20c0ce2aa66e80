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


def laboratory(family: str, seed: int, *, exact: bool = False) -> Laboratory:
    """Return the laboratory of a seed, or one that measures without noise.

    Raises:
        KeyError: No such family.
        ValueError: One without noise, of a recorded table.
    """
    found = FAMILIES[family](family, seed)
    return found.exact() if exact else found


def laboratories(family: str, half: str, n: int, skip: int = 0, *, exact: bool = False) -> list[Laboratory]:
    """Return n laboratories of one half of a family: even seeds are for tuning, odd ones held back for the end.

    Args:
        family: Its name.
        half: "tune" or "final".
        n: How many.
        skip: How many of the half to pass over first: held-back ones that were looked at are held back no more.
        exact: Whether they measure without noise.

    Raises:
        KeyError: No such family.
    """
    first = {"tune": 0, "final": 1}[half]
    return [laboratory(family, seed, exact=exact) for seed in range(first + 2 * skip, 2 * (skip + n), 2)]
