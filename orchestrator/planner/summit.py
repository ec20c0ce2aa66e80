"""The exact maximum of an acquisition over a grid: best-first, leaving out only what provably cannot win.

The mean is known at every point, from a traversal of the whole grid. The standard deviation and the probability of
feasibility are known at the middle of a block and cannot differ by more than so much within it, so that a block has a
highest acquisition that it cannot exceed. The block with the highest one is divided next, until what is left is below
the best point found.

Source: Land and Doig, Econometrica 28, 497 (1960): branch and bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from orchestrator.planner.acquisition import Doubt, Outlook
from orchestrator.planner.belief import Belief
from orchestrator.planner.lattice import Blocks, Index, Lattice
from orchestrator.surrogates.separable import Layout, Separable

FloatArray = NDArray[np.float64]
Places = NDArray[np.intp]

_EQUAL = 1e-9  # relative: acquisitions this close count as equal, and the first in C order is taken
_ALL_AT_ONCE = 2**14  # points; smaller grids are not worth dividing
_WIDEST_DIVISION = 2**12  # blocks to begin with, at most
_TOGETHER = 2**11  # blocks looked at before the best is known anew
_SLAB = 2**18  # values of the mean held at once


def summit(belief: Belief, lattice: Lattice, excluded: Places) -> FloatArray | None:
    """Return the point of the largest acquisition in the unit cube, shape (1, n_parameters).

    Args:
        belief: What is believed.
        lattice: Where to look.
        excluded: Places, in C order, of points that may not be suggested; not all of them.

    Returns:
        The point, or None where the grid is large and the surrogate cannot bound its doubt.
    """
    if lattice.n_points <= _ALL_AT_ONCE or len(lattice.shape) == 1:
        first = _all_at_once(belief, lattice, excluded)
    elif (mean := belief.mean_on(lattice.features)) is not None:
        first = _Search(belief, lattice, mean, excluded).run()
    else:
        return None
    return lattice.columns_at(np.unravel_index(np.array([first]), lattice.shape))


def _all_at_once(belief: Belief, lattice: Lattice, excluded: Places) -> int:
    places, found = np.arange(lattice.n_points), _Found(excluded)
    places = places[lattice.is_allowed(np.unravel_index(places, lattice.shape))]
    found.add(places, belief.promise(belief.at(lattice.columns_at(np.unravel_index(places, lattice.shape)))))
    return found.first


@dataclass
class _Found:
    """The best points so far: all that count as equal."""

    excluded: Places
    best: float = -np.inf
    places: Places = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    values: FloatArray = field(default_factory=lambda: np.empty(0))

    @property
    def least(self) -> float:
        """What a point must promise to count as equal to the best."""
        return self.best - _EQUAL * abs(self.best) if np.isfinite(self.best) else self.best

    @property
    def first(self) -> int:
        """The first of the best points in C order."""
        return int(self.places.min())

    def add(self, places: Places, values: FloatArray) -> None:
        """Take points with their acquisition into account."""
        allowed = ~np.isin(places, self.excluded)
        places, values = np.append(self.places, places[allowed]), np.append(self.values, values[allowed])
        self.best = float(values.max(initial=-np.inf))
        good = values >= self.least
        self.places, self.values = places[good], values[good]


class _Search:
    """Best-first over a pyramid of blocks: level 0 are the points, a block of each further level is twice as wide."""

    def __init__(self, belief: Belief, lattice: Lattice, mean: Separable, excluded: Places) -> None:
        self._belief, self._lattice, self._mean = belief, lattice, mean
        self._maxima = _pyramid(mean, lattice.barred)
        self._blocks = [Blocks(lattice, 2**level) for level in range(len(self._maxima) + 1)]
        self._found = _Found(excluded)
        self._places = np.flatnonzero(np.isfinite(self._maxima[-1]))
        self._ceilings = np.full(len(self._places), np.inf)
        self._levels = np.full(len(self._places), len(self._maxima))

    def run(self) -> int:
        """Divide until nothing that waits can be better than the best, or equal; return that."""
        while len(chosen := self._chosen()):
            levels, places = self._levels[chosen], self._places[chosen]
            self._keep(~np.isin(np.arange(len(self._levels)), chosen))
            for level in np.unique(levels).tolist():
                self._look(level, places[levels == level])
            self._keep(self._ceilings >= self._found.least)
        return self._found.first

    def _chosen(self) -> Places:
        """Return which waiting blocks to look at next: the most promising."""
        if len(self._ceilings) <= _TOGETHER or np.isinf(self._ceilings[0]):
            return np.arange(len(self._ceilings))
        return np.asarray(np.argpartition(-self._ceilings, _TOGETHER)[:_TOGETHER])

    def _keep(self, which: NDArray[np.bool_]) -> None:
        self._ceilings, self._levels, self._places = self._ceilings[which], self._levels[which], self._places[which]

    def _look(self, level: int, places: Places) -> None:
        """Evaluate the centres of blocks, and let the blocks within them wait, each with its ceiling."""
        axes, blocks = self._lattice, self._blocks[level]
        index = np.unravel_index(places, blocks.shape)
        centres = blocks.centres(index)
        columns, features = axes.columns_at(centres), axes.features_at(centres)
        if level == 0:
            self._evaluate(centres, *self._belief.doubt_at(columns, features))
            return
        reaches = blocks.reaches(axes.columns, index), blocks.reaches(axes.features, index)
        doubt = self._belief.doubt_around(columns, features, *reaches)
        self._evaluate(centres, doubt.sd, doubt.p_feasible)
        self._wait(level - 1, *_parts(index, self._blocks[level - 1].shape), doubt)

    def _evaluate(self, points: Index, sd: FloatArray, p_feasible: FloatArray) -> None:
        promise = self._belief.promise(Outlook(self._mean.at(points), sd, p_feasible))
        allowed = self._lattice.is_allowed(points)
        self._found.add(np.ravel_multi_index(points, self._lattice.shape)[allowed], promise[allowed])

    def _wait(self, level: int, parents: Places, index: Index, doubt: Doubt) -> None:
        highest = self._maxima[level - 1][index] if level else self._mean.at(index)
        some = np.isfinite(highest) if level else self._lattice.is_allowed(index)  # else no point of it is allowed
        highest, parents, index = highest[some], parents[some], tuple(i[some] for i in index)
        ceilings = self._belief.ceiling(highest, doubt.of(parents))
        self._ceilings = np.append(self._ceilings, ceilings)
        self._levels = np.append(self._levels, np.full(len(ceilings), level))
        self._places = np.append(self._places, np.ravel_multi_index(index, self._blocks[level].shape))


def _parts(index: Index, shape: Sequence[int]) -> tuple[Places, Index]:
    """Return the blocks of half the width within blocks: the number of the one each is in, and their places."""
    corners = np.indices((2,) * len(shape)).reshape(len(shape), -1)
    parts = [(2 * i[:, None] + corner[None]).ravel() for i, corner in zip(index, corners, strict=True)]
    inside = np.all([part < n for part, n in zip(parts, shape, strict=True)], axis=0)
    parents = np.repeat(np.arange(len(index[0])), corners.shape[1])
    return parents[inside], tuple(part[inside] for part in parts)


def _pyramid(mean: Separable, barred: NDArray[np.bool_] | None = None) -> list[FloatArray]:
    """Return the largest mean in blocks of 2, 4, 8, ... points along each axis, the mean itself never held whole.

    Barred points do not count; a block without others has -inf.
    """
    levels = [_lowest(mean, barred)]
    while levels[-1].size > _WIDEST_DIVISION:
        levels.append(_halved(levels[-1]))
    return levels


def _lowest(mean: Separable, barred: NDArray[np.bool_] | None) -> FloatArray:
    layout, (n_first, *others) = Layout(mean.shape), mean.shape
    n_rows = layout.n_rows // n_first  # of the layout, for each point of the first axis
    n_at_once = 2 * max(_SLAB // (2 * n_rows * layout.n_columns), 1)
    slab = np.empty((n_at_once, *others))
    found = np.empty([-(-n // 2) for n in mean.shape])
    for start in range(0, n_first, n_at_once):
        part = slab[: n_first - start]
        mean.fill(start * n_rows, part.reshape(-1, layout.n_columns))
        if barred is not None:
            part[barred[start : start + len(part)]] = -np.inf
        found[start // 2 : (start + len(part) + 1) // 2] = _halved(part)
    return found


def _halved(values: FloatArray) -> FloatArray:
    """Return the largest of each two neighbours along every axis, an odd last one alone."""
    for axis in range(values.ndim):
        along = np.moveaxis(values, axis, 0)
        pairs = along[::2].copy()
        np.maximum(pairs[: len(along) // 2], along[1::2], out=pairs[: len(along) // 2])
        values = np.moveaxis(pairs, 0, axis)
    return values
