"""The variance of a prediction over a grid, split among its parameters: the analysis of variance, exact on the grid.

Rule of this file: every point of the grid counts the same. Along a log scale equal steps are equal ratios.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
Subset = tuple[int, ...]

_FLAT = 1e-9  # a standard deviation below this share of the largest value is rounding, not variation


@dataclass(frozen=True)
class Decomposition:
    """How the variance of a prediction divides among its parameters and their interactions.

    Args:
        mean: Mean over the grid.
        variance: Variance over the grid; 0 where the prediction is constant.
        effects: For each parameter, the mean over all others at each of its levels, shape (n_levels,).
        shares: Share of the variance by subset of parameters, from single ones to all together; they sum to 1, or
            are all 0 where the prediction is constant.
    """

    mean: float
    variance: float
    effects: tuple[FloatArray, ...]
    shares: Mapping[Subset, float]

    @property
    def is_constant(self) -> bool:
        """Whether the prediction does not vary, so that nothing drives it."""
        return self.variance == 0

    @property
    def first_order(self) -> FloatArray:
        """The share of each parameter by itself, shape (n_parameters,)."""
        return np.array([self.shares[(i,)] for i in range(len(self.effects))])

    @property
    def total(self) -> FloatArray:
        """The share of each parameter with all its interactions, shape (n_parameters,); may sum to over 1."""
        return np.array([self._total(i) for i in range(len(self.effects))])

    @property
    def pairs(self) -> Mapping[Subset, float]:
        """The share of each interaction of two parameters, the largest first."""
        found = {subset: share for subset, share in self.shares.items() if len(subset) == 2}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def _total(self, i: int) -> float:
        return float(sum(share for subset, share in self.shares.items() if i in subset))


def decompose(values: ArrayLike) -> Decomposition:
    """Split the variance of a prediction that was traversed over a full grid.

    With f_S the part of f that depends on all parameters of S and on no fewer, f is the sum of the f_S, they are
    orthogonal over the grid, and the variance is the sum of theirs. The share of S is V_S / V with

        V_S = sum over T in S of (-1)^(|S| - |T|) Var(E[f | x_T])

    Args:
        values: The prediction, shape (n_1, ..., n_d), one axis a parameter.

    Raises:
        ValueError: No axis, no values, or a value that is not finite.

    Source: Sobol', "Global sensitivity indices for nonlinear mathematical models", Math. Comput. Simul. 55, 271 (2001),
        equations 2-8; total index: Homma and Saltelli, Reliab. Eng. Syst. Saf. 52, 1 (1996).
    """
    array = _checked(np.asarray(values, dtype=float))
    variances: dict[Subset, float] = {}
    effects: dict[Subset, FloatArray] = {}
    for subset, marginal in _marginals(array):
        variances[subset] = _variance(marginal)
        if len(subset) == 1:
            effects[subset] = marginal
    mean, whole = float(effects[(0,)].mean()), variances[tuple(range(array.ndim))]
    curves = tuple(effects[(i,)] for i in range(array.ndim))
    if np.sqrt(whole) <= _FLAT * float(np.abs(array).max()):
        return Decomposition(mean, 0.0, curves, dict.fromkeys(_ordered(array.ndim), 0.0))
    return Decomposition(mean, whole, curves, _shares(variances, whole, array.ndim))


def _checked(array: FloatArray) -> FloatArray:
    if array.ndim == 0 or array.size == 0:
        message = f"variance over a grid: the array has shape {array.shape}; give one axis a parameter, none empty"
        raise ValueError(message)
    if not np.isfinite(array).all():
        n_bad = int((~np.isfinite(array)).sum())
        message = f"variance over a grid: {n_bad} of {array.size} predictions are not finite; mend the model first"
        raise ValueError(message)
    return array


def _marginals(array: FloatArray) -> Iterator[tuple[Subset, FloatArray]]:
    """Yield E[f | x_S] for every subset S, each averaged from a subset with one parameter more."""
    waiting: list[tuple[Subset, FloatArray, int]] = [(tuple(range(array.ndim)), array, 0)]
    while waiting:
        kept, marginal, start = waiting.pop()
        yield kept, marginal
        for position in range(len(kept)):
            if kept[position] >= start:
                left = kept[:position] + kept[position + 1 :]
                waiting.append((left, marginal.mean(axis=position), kept[position] + 1))


def _variance(array: FloatArray) -> float:
    """Return the variance slab by slab, so that a large grid is not copied."""
    mean = float(array.mean())
    return sum(float(((slab - mean) ** 2).sum()) for slab in np.atleast_1d(array)) / array.size


def _ordered(n: int) -> Iterator[Subset]:
    for size in range(1, n + 1):
        yield from combinations(range(n), size)


def _shares(variances: Mapping[Subset, float], whole: float, n: int) -> dict[Subset, float]:
    own: dict[Subset, float] = {}
    for subset in _ordered(n):
        within = sum(own[part] for size in range(1, len(subset)) for part in combinations(subset, size))
        own[subset] = max(variances[subset] - within, 0.0)  # rounding must not make a share negative
    return {subset: part / whole for subset, part in own.items()}
