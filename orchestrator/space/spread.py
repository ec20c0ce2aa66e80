"""Well spread points out of many: the initial design of a region that is no box."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orchestrator.space.parameter import FloatArray

_N_ROUNDS = 5


def well_spread(points: FloatArray, n: int) -> NDArray[np.intp]:
    """Choose n of the points so that no place of their region is far from one.

    Each is as far as possible from those before it; then each moves to the middle of the points nearest to it.

    Args:
        points: Many points of the region, shape (n_points, n_columns).
        n: How many to choose. Where there are fewer different points, they come again.

    Source:
        Gonzalez (1985), Theoretical Computer Science 38, 293; Lloyd (1982), IEEE Trans. Information Theory 28, 129.
    """
    chosen = farthest(points, [int(_squares(points, points.mean(axis=0)).argmin())], n)
    for _ in range(_N_ROUNDS):
        chosen = _centred(points, chosen)
    return np.resize(np.array(chosen), n)


def farthest(points: FloatArray, chosen: Sequence[int], n: int) -> list[int]:
    """Return some of the points and others, each as far as possible from all before it, until there are n.

    Args:
        points: Many points, shape (n_points, n_columns).
        chosen: Those to begin with, at least one.
        n: How many there shall be. Fewer come where all that are left repeat others.
    """
    chosen = list(chosen)
    apart = np.min([_squares(points, points[i]) for i in chosen], axis=0)
    while len(chosen) < n and apart.max() > 0:
        chosen.append(int(apart.argmax()))
        apart = np.minimum(apart, _squares(points, points[chosen[-1]]))
    return chosen


def _centred(points: FloatArray, chosen: list[int]) -> list[int]:
    owner = np.array([_squares(points, points[i]) for i in chosen]).argmin(axis=0)
    middles = [(k, points[owner == k].mean(axis=0)) for k in range(len(chosen))]
    members = [np.flatnonzero(owner == k) for k in range(len(chosen))]
    return [int(members[k][_squares(points[members[k]], middle).argmin()]) for k, middle in middles]


def _squares(points: FloatArray, point: FloatArray) -> FloatArray:
    return np.asarray(((points - point) ** 2).sum(axis=1))
