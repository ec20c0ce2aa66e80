"""Whether a point lies beyond everything measured, in words a scientist can check."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from orchestrator.recipe import Point
from orchestrator.space import Parameter, ParameterSpace

_TOLERANCE = 1e-6  # of the unit cube


@dataclass(frozen=True)
class Novelty:
    """How new a point is.

    Args:
        nearest: Distance to the nearest measured row in the unit cube, None without any.
        extrapolating: Whether it is outside the convex hull of the measured rows.
        words: What is outside, "" where nothing is.
    """

    nearest: float | None
    extrapolating: bool
    words: str = ""


def novelty(space: ParameterSpace, point: Point, measured: Sequence[Point]) -> Novelty:
    """Compare a point with the measured ones."""
    if not measured:
        return Novelty(None, extrapolating=True, words="nothing is measured yet")
    x, X = space.encode([point])[0], space.encode(measured)
    nearest = float(np.sqrt(((X - x) ** 2).sum(axis=1)).min())
    if _in_hull(x, X):
        return Novelty(nearest, extrapolating=False)
    beyond = [words for p in space.parameters if (words := _beyond(p, point, measured))]
    words = " and ".join(beyond) or "each parameter is within the measured rows, their combination is not"
    return Novelty(nearest, extrapolating=True, words=words)


def _in_hull(x: NDArray[np.float64], X: NDArray[np.float64]) -> bool:
    """Whether x is a mixture of the rows of X: non-negative weights that sum to one."""
    _, residual = nnls(np.vstack([X.T, np.ones(len(X))]), np.append(x, 1.0))
    return bool(residual < _TOLERANCE)


def _beyond(parameter: Parameter, point: Point, measured: Sequence[Point]) -> str:
    value, values = point[parameter.name], [row[parameter.name] for row in measured]
    if isinstance(value, str):
        return "" if value in values else f"{parameter.name} {value} is in no measured row"
    numbers = [float(v) for v in values]
    low, high = min(numbers), max(numbers)
    if low <= value <= high:
        return ""
    side = "above" if value > high else "below"
    unit = "" if parameter.unit == "1" else f" {parameter.unit}"
    return f"{parameter.name} {value:.4g}{unit} is {side} every measured row ({low:.4g}-{high:.4g})"
