"""Several objectives at once: which results none of the others beats, and how much they gain together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def front(scores: FloatArray) -> NDArray[np.bool_]:
    """Return which rows no other row beats: none is as good in every column and better in one.

    Args:
        scores: Shape (n_rows, n_objectives), larger is better.
    """
    as_good = (scores[:, None, :] >= scores[None, :, :]).all(axis=2)  # row i as good as row j in every column
    better = (scores[:, None, :] > scores[None, :, :]).any(axis=2)
    return np.asarray(~(as_good & better).any(axis=0))


def hypervolume(scores: FloatArray, reference: Sequence[float]) -> float:
    """Return the volume that is beaten by at least one row and itself beats a reference.

    By slices along the last column, each the hypervolume of the rows above it in one dimension less.

    Args:
        scores: Shape (n_rows, n_objectives), larger is better.
        reference: The worst that counts, one score an objective; rows below it in any column add nothing.

    Source: Zitzler and Thiele, PPSN V, 1998; the slicing after While, Hingston, Barone, Huband, IEEE Trans. Evol.
    Comput. 10, 29 (2006).
    """
    gains = np.asarray(scores, dtype=float) - np.asarray(reference, dtype=float)
    gains = gains[(gains > 0).all(axis=1)]
    return _volume(gains[front(gains)]) if len(gains) else 0.0


def _volume(gains: FloatArray) -> float:
    if gains.shape[1] == 1:
        return float(gains.max())
    heights = np.unique(gains[:, -1])  # sorted
    volume, below = 0.0, 0.0
    for height in heights:
        above = gains[gains[:, -1] >= height, :-1]
        volume += (height - below) * _volume(above[front(above)])
        below = height
    return float(volume)
