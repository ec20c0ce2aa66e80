"""Errors and interval coverage: the figures by which models are compared."""

import math

import numpy as np
from scipy.stats import norm

from orchestrator.screening.result import Coverage, FloatArray, Kind, Predictions, Scores

NOMINAL = (0.5, 0.8, 0.95)


def scores(values: FloatArray, predicted: FloatArray) -> Scores:
    """Return the errors of predictions, arrays of shape (n,) in the same unit.

    R2 is one minus the squared error over the squared distance to the mean of these values; a model that is worse than
    that mean has a negative one.
    """
    misses = np.abs(values - predicted)
    scatter = float(((values - values.mean()) ** 2).sum())
    return Scores(
        mae=float(misses.mean()),
        rmse=float(np.sqrt((misses**2).mean())),
        r2=1 - float((misses**2).sum()) / scatter if scatter > 0 else math.nan,
        mape=float((misses / np.abs(values)).mean()) if np.all(values != 0) else math.nan,
        n=len(values),
    )


def coverage(
    kind: Kind, values: FloatArray, predicted: Predictions, noise_sd: FloatArray | None = None
) -> tuple[Coverage, ...]:
    """Return for each nominal share how many values the central intervals of a normal distribution hold.

    Args:
        kind: What the values are.
        values: Measured or true values, shape (n,).
        predicted: Predictions of the noiseless value.
        noise_sd: Standard uncertainty of each value; a measured value scatters by it as well.
    """
    sd = predicted.sd if noise_sd is None else np.hypot(predicted.sd, noise_sd)
    off = np.abs(values - predicted.mean)
    return tuple(
        Coverage(kind, share, float(np.mean(off <= norm.ppf(0.5 + share / 2) * sd)), len(values)) for share in NOMINAL
    )
