"""What a point promises: standard acquisitions of scikit-optimize, weighted by the probability of feasibility."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.config.schema import PlannerConfig

FloatArray = NDArray[np.float64]

NAMES = {
    "ei": "expected improvement",
    "ucb": "upper confidence bound",
    "pi": "probability of improvement",
    "mean": "best prediction",
}
_NO_GAIN = frozenset({"ucb", "mean"})  # scores, not gains over what was reached


@dataclass(frozen=True)
class Outlook:
    """What is believed at some points, arrays of shape (n_points,).

    Args:
        score: Predicted score (the objective turned so that larger is better).
        sd: Standard deviation of that prediction.
        p_feasible: Probability that a run there can be measured, and is of use.
        hours: Predicted hours of a run, above 0, where the acquisition is to be counted by the hour.
        members: Score and sd of each member of an averaged surrogate, shapes (n_members, n_points), or None.
        is_risky: Which points are not to be suggested while there are others, or None.
    """

    score: FloatArray
    sd: FloatArray
    p_feasible: FloatArray
    hours: FloatArray | None = None
    members: tuple[FloatArray, FloatArray] | None = None
    is_risky: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Reference:
    """What the measured rows have reached, as scores.

    Args:
        best: The best prediction at a measured row. A noisy maximum would be one row's luck, never to be beaten.
        worst: The worst measured score.
        spread: Standard deviation of the measured scores.
        members: The best prediction of each member of an averaged surrogate, and the standard deviation of one
            measurement as it has it, shapes (n_members,), or None.
    """

    best: float
    worst: float
    spread: float
    members: tuple[FloatArray, FloatArray] | None = None


@dataclass(frozen=True)
class _Predicted:
    """Predictions already made, turned round because scikit-optimize minimises."""

    mean: FloatArray
    sd: FloatArray

    def predict(self, _: Any, *, return_std: bool) -> tuple[FloatArray, FloatArray]:  # noqa: ANN401, ARG002 - skopt's protocol
        return -self.mean, self.sd


@dataclass(frozen=True)
class Doubt:
    """What is known of sd and P(feasible) at the centres of blocks and within them, arrays of shape (n_blocks,).

    Args:
        sd: At the centres.
        sd_range: The smallest and the largest within each block, or bounds of these.
        p_feasible: At the centres.
        p_range: As `sd_range`.
    """

    sd: FloatArray
    sd_range: tuple[FloatArray, FloatArray]
    p_feasible: FloatArray
    p_range: tuple[FloatArray, FloatArray]

    def of(self, places: NDArray[np.intp]) -> "Doubt":
        """Return what is known of some of the blocks."""
        (sd_low, sd_high), (p_low, p_high) = self.sd_range, self.p_range
        ranges = (sd_low[places], sd_high[places]), (p_low[places], p_high[places])
        return Doubt(self.sd[places], ranges[0], self.p_feasible[places], ranges[1])


def expected_gain(outlook: Outlook, reference: Reference) -> float:
    """Return by how much a run at the first point of an outlook is expected to exceed the best prediction, as a score.

    Expected improvement without `xi`, whatever the acquisition, times P(feasible): what one more run is worth.
    """
    from skopt.acquisition import gaussian_ei  # noqa: PLC0415 - skopt takes seconds to import

    model = _Predicted(outlook.score[:1], outlook.sd[:1])
    return float(outlook.p_feasible[0] * gaussian_ei(np.empty((1, 0)), model, y_opt=-reference.best, xi=0.0)[0])


def ceiling(settings: PlannerConfig, highest: FloatArray, doubt: Doubt, reference: Reference) -> FloatArray:
    """Return what the acquisition cannot exceed within blocks, shape (n_blocks,).

    Every acquisition rises with the score, and rises or falls with each of sd and P(feasible) when the others are held,
    so that its largest value over ranges of them is at one of their four corners.

    Args:
        settings: As for `evaluate`.
        highest: The largest score within each block.
        doubt: The ranges of the others.
        reference: As for `evaluate`.
    """
    corners = [evaluate(settings, Outlook(highest, sd, p), reference) for sd in doubt.sd_range for p in doubt.p_range]
    return np.asarray(np.max(corners, axis=0), dtype=float)


def evaluate(settings: PlannerConfig, outlook: Outlook, reference: Reference) -> FloatArray:
    """Return the acquisition of each point; larger is better, and risky points are behind all others.

    Args:
        settings: Which acquisition, with `xi` (in standard deviations of the measured scores) and `kappa`.
        outlook: What is believed at the points.
        reference: What the measured rows have reached.
    """
    promise = _promise(settings, outlook, reference)
    if outlook.is_risky is None:
        return promise
    floor = reference.worst if settings.acquisition in _NO_GAIN else 0.0
    behind = floor - (1 - outlook.p_feasible) * (reference.spread or 1.0)
    return np.where(outlook.is_risky, np.minimum(promise, behind), promise)


def _promise(settings: PlannerConfig, outlook: Outlook, reference: Reference) -> FloatArray:
    """Return the acquisition of each point, of risky ones too.

    Of an averaged surrogate ei and pi are the means of its members', each against its own best prediction: one member
    that sees a chance is enough to look there. What is to be exceeded is a prediction, and by a prediction: that at the
    point after one noisy run, which moves by less than the doubt there. So a campaign does not measure the top of a
    known hill again and again for gains that its noise hides.

    A run that fails improves nothing, so ei and pi are multiplied by P(feasible). ucb has a value even without
    improvement, so there a failed run counts as the worst measured score; mean is ucb without the bonus for doubt.

    Source: Jones, Schonlau, Welch, J. Global Optim. 13, 455 (1998) for ei; Gelbart, Snoek, Adams, "Bayesian
    Optimization with Unknown Constraints", UAI 2014, for the weighting; Picheny, Wagner, Ginsbourger, Struct.
    Multidisc. Optim. 48, 607 (2013) for the best prediction in place of the best value; Frazier, Powell, Dayanik,
    INFORMS J. Comput. 21, 599 (2009), equation 3, for how far one noisy run moves a prediction.
    """
    from skopt.acquisition import gaussian_ei, gaussian_lcb, gaussian_pi  # noqa: PLC0415 - skopt takes seconds to import

    model, nothing = _Predicted(outlook.score, outlook.sd), np.empty((len(outlook.score), 0))
    if settings.acquisition in _NO_GAIN:
        kappa = settings.kappa if settings.acquisition == "ucb" else 0.0
        promise = -gaussian_lcb(nothing, model, kappa)
        return np.asarray(reference.worst + outlook.p_feasible * (promise - reference.worst), dtype=float)
    improvement = gaussian_ei if settings.acquisition == "ei" else gaussian_pi
    if outlook.members is None or reference.members is None:
        gain = improvement(nothing, model, y_opt=-reference.best, xi=settings.xi * reference.spread)
    else:
        each = [
            improvement(nothing, _Predicted(score, _moved(sd, noise)), y_opt=-best, xi=settings.xi * reference.spread)
            for score, sd, best, noise in zip(*outlook.members, *reference.members, strict=True)
        ]
        gain = np.mean(each, axis=0)
    useful = np.asarray(outlook.p_feasible * gain, dtype=float)
    return useful if outlook.hours is None else np.asarray(useful / outlook.hours, dtype=float)


def _moved(sd: FloatArray, noise: float) -> FloatArray:
    """Return the standard deviation of what one noisy run at a point makes of the prediction there."""
    return np.asarray(sd**2 / np.hypot(sd, noise))
