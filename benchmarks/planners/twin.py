"""The simulated LiPON tools with random constants: two good regions, and films that cannot be made at the edges."""

from collections.abc import Callable, Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from benchmarks.planners.laboratory import Laboratory, Row, noisy
from benchmarks.planners.landscapes import highest
from instruments.sputter import physics
from instruments.sputter.physics import SOURCE_TOOL, TARGET_TOOL, Tool
from orchestrator.chance import stream
from orchestrator.recipe import Point
from orchestrator.space import Parameter, ParameterSpace

FloatArray = NDArray[np.float64]
Levels = tuple[tuple[float, ...], ...]
Lost = Callable[[FloatArray], NDArray[np.bool_]]

SPACE = ParameterSpace(
    [
        Parameter("distance", "cm", 3.0, 12.0),
        Parameter("power", "W", 50.0, 300.0),
        Parameter("pressure", "Pa", 0.2, 4.0),
    ]
)
# The published levels of the CORAL-SVR paper's two data sets, as in campaigns/lipon/make_designs.py.
_INITIAL_LEVELS = ((4.0, 5.0, 6.0, 7.0, 8.0), (100.0, 150.0, 200.0, 250.0), (0.5, 1.0, 1.5, 2.0, 3.0))
_SOURCE_LEVELS = ((7.5, 9.0, 11.6), (100.0, 150.0, 200.0), (0.5, 1.0, 1.5))
_CONSTANTS_SD = 0.10  # of the logarithm of each constant
_APART_SD = 0.05  # the same between the two tools, on top of their known differences
_KNOWN = 0.94  # of the optimum: initial rows stay below it


def laboratory(family: str, seed: int) -> Laboratory:
    """Draw the pair of tools of this seed.

    Nothing can be made where no plasma strikes (pressure times distance too small, as in Paschen's law) or where the
    substrate gets too hot and the film comes off; both limits are drawn.
    """
    rng = stream(seed, family, "laboratory")
    target = _varied(TARGET_TOOL, _CONSTANTS_SD, rng)
    apart = {name: value / asdict(TARGET_TOOL)[name] for name, value in asdict(SOURCE_TOOL).items()}
    source = _varied(Tool(**{name: value * apart[name] for name, value in asdict(target).items()}), _APART_SD, rng)
    cube = rng.random((8192, 3))
    strikes_at = float(np.quantile(_strike(_natural(cube)), rng.uniform(0.03, 0.12)))
    too_hot_k = float(np.quantile(_heat(target, _natural(cube)), 1 - rng.uniform(0.05, 0.2)))

    def lost(X: FloatArray) -> NDArray[np.bool_]:
        natural = _natural(X)
        return np.asarray((_strike(natural) < strikes_at) | (_heat(target, natural) > too_hot_k))

    def truth(points: Sequence[Point]) -> FloatArray:
        return _values(target, SPACE.encode(points))

    def fails(points: Sequence[Point]) -> NDArray[np.bool_]:
        return lost(SPACE.encode(points))

    top, height, floor = highest(lambda X: _values(target, X), lost, 3)
    traits = {"source": "other tool", "region": "plasma and heat", "failing": float(lost(cube).mean())}
    traits |= {f"top {name}": float(x) for name, x in zip(SPACE.names, top, strict=True)}
    while True:
        initial = _rows(target, _INITIAL_LEVELS, 18, rng, lost)
        if truth([point for point, _ in initial]).max() < _KNOWN * height:
            break
    past = _rows(source, _SOURCE_LEVELS, 14, rng, _nowhere)
    return Laboratory(family, seed, SPACE, truth, fails, height, floor, initial, past, traits)


def _nowhere(X: FloatArray) -> NDArray[np.bool_]:
    return np.zeros(len(X), dtype=bool)


def _varied(tool: Tool, sd: float, rng: np.random.Generator) -> Tool:
    return Tool(**{name: value * float(np.exp(sd * rng.standard_normal())) for name, value in asdict(tool).items()})


def _natural(X: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return distance in cm, power in W and pressure in Pa at rows of the unit cube."""
    low, high = np.array([[p.low, p.high] for p in SPACE.parameters]).T
    distance, power, pressure = (low + X * (high - low)).T
    return distance, power, pressure


def _values(tool: Tool, X: FloatArray) -> FloatArray:
    return np.asarray(physics.conductivity_us_cm(tool, *_natural(X)), dtype=float)


def _strike(natural: tuple[FloatArray, FloatArray, FloatArray]) -> FloatArray:
    distance, _, pressure = natural
    return distance * pressure


def _heat(tool: Tool, natural: tuple[FloatArray, FloatArray, FloatArray]) -> FloatArray:
    distance, power, _ = natural
    return np.asarray(physics.substrate_k(tool, distance, power), dtype=float)


def _rows(tool: Tool, levels: Levels, n: int, rng: np.random.Generator, fails: Lost) -> tuple[Row, ...]:
    """Draw measured rows on levels, all different and none where nothing can be made."""
    every = np.stack(np.meshgrid(*levels, indexing="ij"), axis=-1).reshape(-1, 3)
    X = SPACE.encode(
        [dict(zip(SPACE.names, map(float, row), strict=True)) for row in every[rng.permutation(len(every))]]
    )
    X = X[~fails(X)][:n]
    return tuple((p, noisy(v, rng.standard_normal())) for p, v in zip(SPACE.decode(X), _values(tool, X), strict=True))
