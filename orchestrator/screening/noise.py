"""How far measured values scatter about the noiseless ones: as the rows say, else as repeated points show."""

import numpy as np

from orchestrator.data import Rows
from orchestrator.display.wording import number, plural
from orchestrator.screening.result import FloatArray, Noise
from orchestrator.space import ParameterSpace


def noise_of(target: Rows, space: ParameterSpace) -> Noise:
    """Return the scatter of each target row: its own uncertainty, else the pooled one of repeated points, else none."""
    n = len(target)
    pooled, n_repeats = _pooled(space.encode(target.points), target.values)
    if target.sds is not None and not np.isnan(target.sds).all():
        rest = pooled if n_repeats else 0.0
        words = "widened by each row's own uncertainty"
        n_unsaid = int(np.isnan(target.sds).sum())
        if n_unsaid:
            words += f", {number(rest, 2)} for the {plural(n_unsaid, 'row')} that state none"
        return Noise(np.where(np.isnan(target.sds), rest, target.sds), words)
    if n_repeats:
        return Noise(np.full(n, pooled), f"widened by {number(pooled, 2)}, the scatter of repeated points")
    return Noise(np.zeros(n), "not widened: rows state no uncertainty and no point is repeated")


def _pooled(X: FloatArray, y: FloatArray) -> tuple[float, int]:
    """Return the pooled standard deviation of rows at the same point, and how many degrees of freedom it has."""
    _, group = np.unique(X, axis=0, return_inverse=True)
    group = group.reshape(-1)
    means = np.bincount(group, weights=y) / np.bincount(group)
    n_repeats = len(y) - len(means)
    return float(np.sqrt(((y - means[group]) ** 2).sum() / max(n_repeats, 1))), n_repeats
