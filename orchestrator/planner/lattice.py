"""The grid of a space on which an acquisition is maximised exactly, and its division into blocks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from orchestrator.space import Parameter, ParameterSpace

FloatArray = NDArray[np.float64]
Index = tuple[NDArray[np.intp], ...]

_MOST_SEARCHED = 3  # parameters
_THINNEST = 0.02  # share of the box that constraints leave
_MOST_POINTS = 400**3
_TESTED_AT_ONCE = 2**18  # points held against the constraints


@dataclass(frozen=True)
class Lattice:
    """All points of a space on evenly spaced values of each parameter, or on its own levels.

    Args:
        columns: For each encoded column its values in the unit cube, rising.
        features: The same as the surrogate sees them.
        barred: Which points break a constraint, array of the grid's shape; None where there are no constraints.
    """

    columns: tuple[FloatArray, ...]
    features: tuple[FloatArray, ...]
    barred: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, space: ParameterSpace, levels: int | None, *, natural: bool) -> "Lattice | None":
        """Return the grid of a space, or None where it has none.

        It has none with choices, a pool, an equality between parameters or more than three that are searched, with more
        than 6.4e7 points, and where constraints leave so little that the points of the grid would miss most of it.

        Args:
            space: The parameters.
            levels: How many values each range is divided into, both ends included; None for no grid.
            natural: Whether the surrogate sees parameters in their own units.
        """
        if levels is None or space.candidates is not None or space.has_equality:
            return None
        if space.share < _THINNEST and not space.is_discrete:
            return None
        seen = [p for p in space.parameters if not p.is_constant]
        if len(space.searched) > _MOST_SEARCHED or any(p.choices for p in seen):
            return None
        columns = tuple(_values(p, levels) for p in seen)
        if prod(map(len, columns)) > _MOST_POINTS:
            return None
        features = (np.asarray(p.natural(c[:, None]), dtype=float) for p, c in zip(seen, columns, strict=True))
        lattice = cls(columns, tuple(features) if natural else columns)
        barred = lattice._broken(space) if space.constraints else None
        return None if barred is not None and barred.all() else replace(lattice, barred=barred)

    def _broken(self, space: ParameterSpace) -> NDArray[np.bool_]:
        broken = np.empty(self.n_points, dtype=bool)
        for start in range(0, self.n_points, _TESTED_AT_ONCE):
            part = broken[start : start + _TESTED_AT_ONCE]
            index = np.unravel_index(np.arange(start, start + len(part)), self.shape)
            part[:] = ~space.allowed(self.columns_at(index))
        return broken.reshape(self.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        return tuple(map(len, self.columns))

    @property
    def n_points(self) -> int:
        """Points in all."""
        return prod(self.shape)

    @property
    def n_allowed(self) -> int:
        """Points that meet the constraints."""
        return self.n_points - (0 if self.barred is None else int(np.count_nonzero(self.barred)))

    def is_allowed(self, index: Index) -> NDArray[np.bool_]:
        """Return which points meet the constraints, shape (n_points,)."""
        return np.ones(len(index[0]), dtype=bool) if self.barred is None else ~self.barred[index]

    def columns_at(self, index: Index) -> FloatArray:
        """Return points in the unit cube, shape (n_points, n_parameters)."""
        return _gathered(self.columns, index)

    def features_at(self, index: Index) -> FloatArray:
        """Return points as the surrogate sees them, shape (n_points, n_parameters)."""
        return _gathered(self.features, index)

    def rounded(self, columns: FloatArray) -> FloatArray:
        """Return the points of the grid nearest to points of the unit cube, without those that break a constraint."""
        index = tuple(
            np.abs(axis[None] - column[:, None]).argmin(axis=1)
            for axis, column in zip(self.columns, columns.T, strict=True)
        )
        return self.columns_at(index)[self.is_allowed(index)]

    def places(self, columns: FloatArray, *, within: float) -> NDArray[np.intp]:
        """Return the places, in C order, of those points of the unit cube that are allowed points of the grid.

        Args:
            columns: Points in the unit cube, shape (n, n_parameters).
            within: Distance below which a point is one of the grid.
        """
        index = tuple(
            np.abs(axis[None] - column[:, None]).argmin(axis=1)
            for axis, column in zip(self.columns, columns.T, strict=True)
        )
        apart = ((self.columns_at(index) - columns) ** 2).sum(axis=1)
        is_one = (apart <= within**2) & self.is_allowed(index)
        found = np.unique(np.ravel_multi_index(index, self.shape)[is_one])
        return np.asarray(found, dtype=np.intp)


@dataclass(frozen=True)
class Blocks:
    """The division of a grid into blocks of so many points along each axis; the last ones may be smaller.

    Args:
        lattice: The grid.
        size: Points along each axis.
    """

    lattice: Lattice
    size: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Blocks along each axis."""
        return tuple(-(-n // self.size) for n in self.lattice.shape)

    def centres(self, index: Index) -> Index:
        """Return the point nearest to the middle of each block, as places along the axes of the grid."""
        return tuple(self._centre(n, i) for n, i in zip(self.lattice.shape, index, strict=True))

    def reaches(self, axes: Sequence[FloatArray], index: Index) -> FloatArray:
        """Return how far each block reaches from its centre along each axis, shape (n_blocks, n_axes).

        Args:
            axes: Of the grid, `columns` or `features`.
            index: The blocks' places along each axis.
        """
        return np.column_stack([self._reach(axis, i) for axis, i in zip(axes, index, strict=True)])

    def _ends(self, n: int, i: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        return i * self.size, np.minimum((i + 1) * self.size, n) - 1

    def _centre(self, n: int, i: NDArray[np.intp]) -> NDArray[np.intp]:
        first, last = self._ends(n, i)
        return np.asarray((first + last) // 2)

    def _reach(self, axis: FloatArray, i: NDArray[np.intp]) -> FloatArray:
        first, last = self._ends(len(axis), i)
        centre = axis[self._centre(len(axis), i)]
        return np.asarray(np.maximum(axis[last] - centre, centre - axis[first]), dtype=float)


def _values(parameter: Parameter, levels: int) -> FloatArray:
    if parameter.fixed is not None:
        return parameter.encode([parameter.fixed])[:, 0]
    if parameter.levels:
        return parameter.encode(parameter.levels)[:, 0]
    return np.linspace(0.0, 1.0, levels)


def _gathered(axes: Sequence[FloatArray], index: Index) -> FloatArray:
    return np.column_stack([axis[i] for axis, i in zip(axes, index, strict=True)])
