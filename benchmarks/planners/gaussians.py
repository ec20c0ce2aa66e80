"""Random laboratories of hills with failing regions, and a source tool from near-identical to misleading."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.planners.laboratory import Laboratory, Row, noisy
from benchmarks.planners.landscapes import (
    OPEN,
    SHAPES,
    Hills,
    Region,
    Terrain,
    highest,
    random_hills,
    random_region,
)
from orchestrator.chance import stream
from orchestrator.recipe import Point
from orchestrator.space import Parameter, ParameterSpace

FloatArray = NDArray[np.float64]
Kind = Literal["near", "similar", "related", "misleading"]

OPTIMUM = 2.04
N_INITIAL, N_SOURCE = 18, 14
_SIDE = 0.65  # of the box in which past rows lie, so that they do not cover the space
_KNOWN = 0.90  # of the optimum: past rows of this tool stay below it
_TRAP = 0.94  # of the highest top, below which the second one is no solution
# By kind of source: how far its hills lie from this tool's in the unit cube (sd), and how much their heights differ.
DIFFERENCES: dict[Kind, tuple[float, float]] = {"near": (0.02, 0.02), "similar": (0.06, 0.10), "related": (0.15, 0.30)}
KINDS: tuple[Kind, ...] = ("near", "similar", "related", "misleading")
GAIN = (0.7, 1.1)  # of the source's tool
_TRIES = 50


def laboratory(
    family: str, seed: int, n_parameters: int, kind: Kind | None = None, terrain: Terrain = OPEN
) -> Laboratory:
    """Draw the laboratory of this seed.

    Args:
        family: Its family's name; another name, another laboratory.
        seed: Which one. Kinds of source take turns over pairs of seeds, so that both halves hold all of them.
        n_parameters: How many parameters, each from 0 to 1.
        kind: The kind of source, else by turn.
        terrain: What its hills are drawn from; on `landscapes.TRAPS` past rows lie around the second hill.
    """
    rng = stream(seed, family, "laboratory")
    kind = kind or KINDS[seed // 2 % len(KINDS)]
    hills, region, share = _feasible(n_parameters, rng, terrain)
    top, height, floor = highest(hills, region, n_parameters)
    scale = OPTIMUM / height
    hills = hills.moved(np.zeros(n_parameters), np.array(scale))
    space = ParameterSpace([Parameter(f"x{i}") for i in range(1, n_parameters + 1)])

    def truth(points: Sequence[Point]) -> FloatArray:
        return hills(space.encode(points))

    def fails(points: Sequence[Point]) -> NDArray[np.bool_]:
        return region(space.encode(points))

    traits = {"source": kind, "region": region.shape, "failing": share, "hills": len(hills.heights) - 1}
    traits["terrain"] = "traps" if terrain.is_trap else "open"
    traits |= {f"top {name}": float(x) for name, x in zip(space.names, top, strict=True)}
    traits["second"] = _second(hills, region)
    unaware = _unaware(hills, trapped=terrain.is_trap)
    initial = _rows(space, hills, region, rng, n=N_INITIAL, accept=unaware)
    source = _rows(space, _other(hills, kind, rng), region, rng, n=N_SOURCE)
    return Laboratory(family, seed, space, truth, fails, OPTIMUM, scale * floor, initial, source, traits)


def _feasible(n: int, rng: np.random.Generator, terrain: Terrain) -> tuple[Hills, Region, float]:
    """Draw hills and a failing region that leaves the highest hill's top free, and the second's where it is a trap."""
    while True:
        hills, shape = random_hills(n, rng, terrain), str(rng.choice(list(SHAPES)))
        share = float(rng.uniform(0.10, 0.35))
        first, second = hills(hills.centres[:2])
        if terrain.is_trap and second > _TRAP * first:
            continue
        for _ in range(_TRIES):  # a large corner may hold the top wherever it lies
            region = random_region(shape, n, share, rng)
            if not region(hills.centres[: 1 + terrain.is_trap]).any():
                return hills, region, share


def _second(hills: Hills, region: Region) -> float:
    """Return the height of the best top that is not the best, failing ones left out, as a share of the optimum."""
    heights = np.where(region(hills.centres), 0.0, hills(hills.centres))[1:-1]
    return float(heights.max() / OPTIMUM)


def _other(hills: Hills, kind: Kind, rng: np.random.Generator) -> Hills:
    """Return the landscape of the source tool: this tool's hills moved and rescaled, or quite other ones."""
    gain = rng.uniform(*GAIN)
    if kind == "misleading":
        other = random_hills(hills.centres.shape[1], rng)
        return other.moved(np.zeros(hills.centres.shape[1]), np.array(gain * OPTIMUM))
    apart, uneven = DIFFERENCES[kind]
    by = apart * rng.standard_normal(hills.centres.shape)
    return hills.moved(by, gain * np.exp(uneven * rng.standard_normal(hills.heights.shape)))


def _unaware(hills: Hills, *, trapped: bool) -> Callable[[FloatArray], bool]:
    """Return whether a design does not know the optimum; where there is a trap, it lies around the second hill."""

    def accept(X: FloatArray) -> bool:
        below, above = X.min(axis=0) < hills.centres[1], X.max(axis=0) > hills.centres[1]
        return bool(hills(X).max() < _KNOWN * OPTIMUM and (not trapped or (below & above).all()))

    return accept


def _rows(
    space: ParameterSpace,
    hills: Hills,
    region: Region,
    rng: np.random.Generator,
    *,
    n: int,
    accept: Callable[[FloatArray], bool] = lambda _: True,
) -> tuple[Row, ...]:
    """Draw measured rows in a random box, again until the design is accepted."""
    while True:
        corner = rng.uniform(0, 1 - _SIDE, space.n_columns)
        X = corner + _SIDE * rng.random((40 * n, space.n_columns))
        X = X[~region(X)][:n]
        if len(X) == n and accept(X):
            return tuple(
                (point, noisy(v, rng.standard_normal())) for point, v in zip(space.decode(X), hills(X), strict=True)
            )
