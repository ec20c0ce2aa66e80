"""What a point promises: standard acquisitions of scikit-optimize, weighted by the probability of feasibility."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.config.schema import PlannerConfig

FloatArray = NDArray[np.float64]

NAMES = {"ei": "expected improvement", "ucb": "upper confidence bound", "pi": "probability of improvement"}


@dataclass(frozen=True)
class Outlook:
    """What is believed at some points, arrays of shape (n_points,).

    Args:
        score: Predicted score (the objective turned so that larger is better).
        sd: Standard deviation of that prediction.
        p_feasible: Probability that a run there can be measured.
    """

    score: FloatArray
    sd: FloatArray
    p_feasible: FloatArray


@dataclass(frozen=True)
class Reference:
    """What the measured rows have reached, as scores.

    Args:
        best: The best prediction at a measured row. A noisy maximum would be one row's luck, never to be beaten.
        worst: The worst measured score.
        spread: Standard deviation of the measured scores.
    """

    best: float
    worst: float
    spread: float


@dataclass(frozen=True)
class _Predicted:
    """Predictions already made, turned round because scikit-optimize minimises."""

    mean: FloatArray
    sd: FloatArray

    def predict(self, _: Any, *, return_std: bool) -> tuple[FloatArray, FloatArray]:  # noqa: ANN401, ARG002 - skopt's protocol
        return -self.mean, self.sd


def evaluate(settings: PlannerConfig, outlook: Outlook, reference: Reference) -> FloatArray:
    """Return the acquisition of each point; larger is better.

    A run that fails improves nothing, so ei and pi are multiplied by P(feasible). ucb has a value even without
    improvement, so there a failed run counts as the worst measured score.

    Args:
        settings: Which acquisition, with `xi` (in standard deviations of the measured scores) and `kappa`.
        outlook: What is believed at the points.
        reference: What the measured rows have reached.

    Source: Jones, Schonlau, Welch, J. Global Optim. 13, 455 (1998) for ei; Gelbart, Snoek, Adams, "Bayesian
    Optimization with Unknown Constraints", UAI 2014, for the weighting; Picheny, Wagner, Ginsbourger, Struct.
    Multidisc. Optim. 48, 607 (2013) for the best prediction in place of the best value.
    """
    from skopt.acquisition import gaussian_ei, gaussian_lcb, gaussian_pi  # noqa: PLC0415 - skopt takes seconds to import

    model, nothing = _Predicted(outlook.score, outlook.sd), np.empty((len(outlook.score), 0))
    if settings.acquisition == "ucb":
        promise = -gaussian_lcb(nothing, model, settings.kappa)
        return np.asarray(reference.worst + outlook.p_feasible * (promise - reference.worst), dtype=float)
    improvement = gaussian_ei if settings.acquisition == "ei" else gaussian_pi
    gain = improvement(nothing, model, y_opt=-reference.best, xi=settings.xi * reference.spread)
    return np.asarray(outlook.p_feasible * gain, dtype=float)
