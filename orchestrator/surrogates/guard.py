"""The negative-transfer guard: how much weight a source earns, judged on rows that the model has not seen."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Predictor = Callable[[FloatArray], FloatArray]
Learner = Callable[[FloatArray, FloatArray], Predictor]

N_FOLDS = 6
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
MARGIN = 1.0  # standard errors by which a weight must beat none
LEAST_GAIN = 0.02  # of the error without the source; what is less is no help worth the name
_FEWEST_ROWS = 6


def deal_folds(X: FloatArray, y: FloatArray) -> NDArray[np.int_]:
    """Return the fold of each row: six, each spanning low to high values, replicates of a point never apart.

    With fewer distinct points than six, each point is its own fold (leave-one-out).
    """
    _, group = np.unique(X, axis=0, return_inverse=True)
    group = group.reshape(-1)
    means = np.bincount(group, weights=y) / np.bincount(group)
    rank = np.empty(len(means), dtype=int)
    rank[np.argsort(means, kind="stable")] = np.arange(len(means))
    return np.asarray(rank[group] % min(N_FOLDS, len(means)))


def left_out(learn: Learner, X: FloatArray, y: FloatArray, folds: NDArray[np.int_]) -> FloatArray:
    """Return for each row the prediction of a model that was learned without its fold."""
    predicted = np.full(len(y), y.mean())
    for fold in range(folds.max() + 1) if folds.max() else ():
        out = folds == fold
        predicted[out] = learn(X[~out], y[~out])(X[out])
    return predicted


def judge(
    y: FloatArray, plain: FloatArray, borrowed: FloatArray, fixed: float | None = None
) -> tuple[float, dict[str, Any]]:
    """Decide the weight of the source from left-out predictions.

    Args:
        y: Measured values, shape (n_rows,).
        plain: Left-out predictions without the source.
        borrowed: Left-out predictions with it.
        fixed: A weight that the configuration has decided; its error is recorded all the same.

    Returns:
        The weight, and a JSON-ready record: `rule`, `rows`, and `error`, the mean absolute error by weight.
    """
    weights = WEIGHTS if fixed is None else sorted({*WEIGHTS, fixed})
    return judge_misses({w: np.abs(y - (1 - w) * plain - w * borrowed) for w in weights}, fixed)


def judge_misses(misses: Mapping[float, FloatArray], fixed: float | None = None) -> tuple[float, dict[str, Any]]:
    """Decide the weight of the source from the left-out errors of each.

    Args:
        misses: Absolute left-out errors by weight, each of shape (n_rows,); weight 0 is among them.
        fixed: A weight of them that the configuration has decided.

    Returns:
        As `judge` does.
    """
    n_rows = len(misses[0.0])
    record: dict[str, Any] = {
        "rule": f"the smallest left-out error, if it beats weight 0 by {MARGIN:g} standard error and {LEAST_GAIN:.0%}",
        "rows": n_rows,
        "error": {f"{w:g}": float(miss.mean()) for w, miss in sorted(misses.items())},
    }
    if fixed is not None:
        return fixed, record | {"rule": "fixed by the configuration"}
    if n_rows < _FEWEST_ROWS:
        return 0.0, record | {"rule": f"weight 0 below {_FEWEST_ROWS} measured rows: too few to judge a source by"}
    best = min(misses, key=lambda w: (misses[w].mean(), w))
    gain = misses[0.0] - misses[best]
    least = max(MARGIN * gain.std(ddof=1) / np.sqrt(n_rows), LEAST_GAIN * misses[0.0].mean())
    earned = gain.mean() > least
    return (best if earned else 0.0), record
