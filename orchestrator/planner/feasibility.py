"""How likely a point is to give a film at all, learned from runs that did and runs that did not."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from instruments.driver import FailureClass
from orchestrator.surrogates.kernels import radial, squared_distance

FloatArray = NDArray[np.float64]

# How much of a failed run each class of failure is; the classes that are absent say nothing about the point.
EVIDENCE: Mapping[Any, float] = {FailureClass.INFEASIBLE: 1.0, FailureClass.SAMPLE: 0.3}
_REACH = 0.12  # distance in the unit cube, per square root of columns, at which a run counts 60 %
_STRETCHES = (1.0, 0.2, 0.45, 2.2, 5.0)  # of the reach along one column
_EARNED = 0.5  # log likelihood that a stretch must gain, so that a few failures do not invent a boundary
_SWEEPS = 2
_PRIOR_SUCCESSES, _PRIOR_FAILURES = 0.9, 0.1


class Evidence(Protocol):
    """What a model of feasibility answers."""

    def at(self, X: FloatArray) -> FloatArray:
        """Return the probability of success at encoded points, shape (n,)."""


class Feasibility:
    """Kernel-weighted Beta estimate of the probability that a run succeeds.

    Every run counts at a point by a radial kernel of its distance; a prior of 0.9 successes and 0.1 failures makes
    unseen regions 90 % feasible, so that one failure warns and two neighbours close a region. How far a run reaches
    along each column is chosen by the left-out likelihood of the outcomes: plasma that goes out at low pressure,
    whatever distance and power, teaches that only pressure matters.

    Args:
        X: Encoded points of the runs, shape (n_runs, n_columns), unit cube.
        failed: How far each run failed, shape (n_runs,): 0 for measured, up to 1 for infeasible.

    Source: Beta-binomial posterior mean with kernel-smoothed counts; Goetschalckx, Poupart, Hoey, "Continuous
    Correlated Beta Processes", IJCAI 2011.
    """

    def __init__(self, X: FloatArray, failed: FloatArray) -> None:
        self._X, self._failed = X, failed
        self.reach = _reaches(X, failed)

    def at(self, X: FloatArray) -> FloatArray:
        """Return the probability of success at encoded points, shape (n,), strictly between 0 and 1."""
        if not len(self._X):
            return np.full(len(X), _PRIOR_SUCCESSES)
        return _success(radial(X / self.reach, self._X / self.reach), self._failed)

    def around(self, X: FloatArray, reaches: FloatArray) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
        """Return the probability at encoded points, and what it cannot fall below or exceed around them.

        Args:
            X: Points, shape (n, n_columns).
            reaches: How far around them along each column, the same shape.
        """
        if not len(self._X):
            p = self.at(X)
            return p, (p, p)
        apart = np.sqrt(squared_distance(X / self.reach, self._X / self.reach))
        radius = np.sqrt(((reaches / self.reach) ** 2).sum(axis=1))[:, None]
        least, most = np.exp(-0.5 * (apart + radius) ** 2), np.exp(-0.5 * np.maximum(apart - radius, 0.0) ** 2)
        succeeded = self._failed == 0
        lowest = _probability(least @ succeeded, most @ self._failed)
        highest = _probability(most @ succeeded, least @ self._failed)
        return _success(np.exp(-0.5 * apart**2), self._failed), (lowest, highest)


def _success(counts: FloatArray, failed: FloatArray) -> FloatArray:
    """Return the posterior mean from how much each run counts, shape (n_points, n_runs)."""
    # A weak failure is weak evidence, not partial success: only measured runs count as successes.
    return _probability(counts @ (failed == 0), counts @ failed)


def _probability(successes: FloatArray, failures: FloatArray) -> FloatArray:
    successes, failures = _PRIOR_SUCCESSES + successes, _PRIOR_FAILURES + failures
    return np.asarray(successes / (successes + failures), dtype=float)


def _reaches(X: FloatArray, failed: FloatArray) -> FloatArray:
    """Return the reach along each column: one column at a time, the stretch of the best left-out likelihood."""
    reach = np.full(X.shape[1], _REACH * np.sqrt(X.shape[1]))
    if np.count_nonzero(failed == 1) < 2:
        return reach
    stretch = np.ones(X.shape[1])
    best = _left_out_likelihood(X / reach, failed)
    for column in list(range(X.shape[1])) * _SWEEPS:
        for tried in _STRETCHES:
            candidate = np.where(np.arange(X.shape[1]) == column, tried, stretch)
            likelihood = _left_out_likelihood(X / (reach * candidate), failed)
            if likelihood > best + _EARNED:
                best, stretch = likelihood, candidate
    return np.asarray(reach * stretch, dtype=float)


def _left_out_likelihood(X: FloatArray, failed: FloatArray) -> float:
    counts = radial(X, X)
    np.fill_diagonal(counts, 0.0)
    success = _success(counts, failed)
    return float(np.sum(np.where(failed == 0, np.log(success), failed * np.log(1 - success))))
