"""What a point promises: standard acquisitions of scikit-optimize, weighted by the probability of feasibility."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.config.schema import PlannerConfig

FloatArray = NDArray[np.float64]

NAMES = {"ei": "expected improvement", "ucb": "upper confidence bound", "pi": "probability of improvement"}


@dataclass(frozen=True)
class _Predicted:
    """Predictions already made, turned round because scikit-optimize minimises."""

    mean: FloatArray
    sd: FloatArray

    def predict(self, _: Any, *, return_std: bool) -> tuple[FloatArray, FloatArray]:  # noqa: ANN401, ARG002 - skopt's protocol
        return -self.mean, self.sd


def evaluate(
    settings: PlannerConfig, mean: FloatArray, sd: FloatArray, p_feasible: FloatArray, scores: FloatArray
) -> FloatArray:
    """Return the acquisition of each point; larger is better.

    A run that fails improves nothing, so ei and pi are multiplied by P(feasible). ucb has a value even without
    improvement, so there a failed run counts as the worst measured score.

    Args:
        settings: Which acquisition, with `xi` (in standard deviations of the measured scores) and `kappa`.
        mean: Predicted scores, larger is better, shape (n,).
        sd: Their standard deviations, shape (n,).
        p_feasible: Probability of success, shape (n,).
        scores: The scores measured so far.

    Source: Jones, Schonlau, Welch, J. Global Optim. 13, 455 (1998) for ei; Gelbart, Snoek, Adams, "Bayesian
    Optimization with Unknown Constraints", UAI 2014, for the weighting.
    """
    from skopt.acquisition import gaussian_ei, gaussian_lcb, gaussian_pi  # noqa: PLC0415 - skopt takes seconds to import

    model, nothing = _Predicted(mean, sd), np.empty((len(mean), 0))
    if settings.acquisition == "ucb":
        worst = scores.min()
        return np.asarray(worst + p_feasible * (-gaussian_lcb(nothing, model, settings.kappa) - worst), dtype=float)
    improvement = gaussian_ei if settings.acquisition == "ei" else gaussian_pi
    xi = settings.xi * float(scores.std())
    return np.asarray(p_feasible * improvement(nothing, model, y_opt=-scores.max(), xi=xi), dtype=float)
