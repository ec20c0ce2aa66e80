"""How likely a point is to give a film at all, learned from runs that did and runs that did not."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instruments.driver import FailureClass
from orchestrator.surrogates.kernels import radial

FloatArray = NDArray[np.float64]

# How much of a failed run each class of failure is; the classes that are absent say nothing about the point.
EVIDENCE: Mapping[Any, float] = {FailureClass.INFEASIBLE: 1.0, FailureClass.SAMPLE: 0.3}
_REACH = 0.12  # distance in the unit cube, per square root of columns, at which a run counts 60 %
_PRIOR_SUCCESSES, _PRIOR_FAILURES = 0.9, 0.1


class Feasibility:
    """Kernel-weighted Beta estimate of the probability that a run succeeds.

    Every run counts at a point by a radial kernel of its distance; a prior of 0.9 successes and 0.1 failures makes
    unseen regions 90 % feasible, so that one failure warns and two neighbours close a region.

    Args:
        X: Encoded points of the runs, shape (n_runs, n_columns), unit cube.
        failed: How far each run failed, shape (n_runs,): 0 for measured, up to 1 for infeasible.

    Source: Beta-binomial posterior mean with kernel-smoothed counts; Goetschalckx, Poupart, Hoey, "Continuous
    Correlated Beta Processes", IJCAI 2011.
    """

    def __init__(self, X: FloatArray, failed: FloatArray) -> None:
        self._X, self._failed = X, failed

    def at(self, X: FloatArray) -> FloatArray:
        """Return the probability of success at encoded points, shape (n,), strictly between 0 and 1."""
        if not len(self._X):
            return np.full(len(X), _PRIOR_SUCCESSES)
        reach = _REACH * np.sqrt(X.shape[1])
        counts = radial(X / reach, self._X / reach)
        failures = _PRIOR_FAILURES + counts @ self._failed
        # A weak failure is weak evidence, not partial success: only measured runs count as successes.
        successes = _PRIOR_SUCCESSES + counts @ (self._failed == 0)
        return np.asarray(successes / (successes + failures), dtype=float)
