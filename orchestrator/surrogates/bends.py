"""Bent axes: with one end of a column stretched, a process need not be equally smooth along all of it."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_STRETCH = 5.0
BENDS = ("straight", "low end stretched", "high end stretched")
PRIOR = (0.6, 0.2, 0.2)


def bent(columns: FloatArray, bend: int) -> FloatArray:
    """Return columns of the unit cube bent along one of `BENDS`; the cube stays the cube.

    At the stretched end a step counts 2.8 times as much as without, at the other half as much: what a change of
    power from 50 to 60 W does is often more than one from 250 to 260 W. Beyond the stretched end the axis is straight.

    Args:
        columns: Coordinates, of any shape.
        bend: Place in `BENDS`.

    Source: warping inputs by a family of monotone functions that the data choose from, after Snoek, Swersky, Zemel,
    Adams, "Input Warping for Bayesian Optimization of Non-Stationary Functions", ICML 2014.
    """
    if bend == 0:
        return columns
    return _stretched_low(columns) if bend == 1 else 1.0 - _stretched_low(1.0 - columns)


def _stretched_low(x: FloatArray) -> FloatArray:
    above = np.log1p(_STRETCH * np.maximum(x, 0.0))
    return np.asarray(np.where(x < 0, _STRETCH * x, above) / np.log1p(_STRETCH), dtype=float)
