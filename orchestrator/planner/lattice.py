"""The grid of a space on which an acquisition is maximised exactly, and its division into blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from orchestrator.space import Parameter, ParameterSpace

FloatArray = NDArray[np.float64]
Index = tuple[NDArray[np.intp], ...]

_MOST_PARAMETERS = 3


@dataclass(frozen=True)
class Lattice:
    """All points of a space on evenly spaced values of each parameter, or on its own levels.

    Args:
        columns: For each parameter its values in the unit cube, rising.
        features: The same as the surrogate sees them.
    """

    columns: tuple[FloatArray, ...]
    features: tuple[FloatArray, ...]

    @classmethod
    def of(cls, space: ParameterSpace, levels: int | None, *, natural: bool) -> "Lattice | None":
        """Return the grid of a space, or None where it has none: choices, a pool, or more than three parameters.

        Args:
            space: The parameters.
            levels: How many values each range is divided into, both ends included; None for no grid.
            natural: Whether the surrogate sees parameters in their own units.
        """
        if levels is None or space.candidates is not None or len(space.parameters) > _MOST_PARAMETERS:
            return None
        if any(p.choices for p in space.parameters):
            return None
        columns = tuple(_values(p, levels) for p in space.parameters)
        if not natural:
            return cls(columns, columns)
        features = (np.array(p.decode(c[:, None]), dtype=float) for p, c in zip(space.parameters, columns, strict=True))
        return cls(columns, tuple(features))

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        return tuple(map(len, self.columns))

    @property
    def n_points(self) -> int:
        """Points in all."""
        return prod(self.shape)

    def columns_at(self, index: Index) -> FloatArray:
        """Return points in the unit cube, shape (n_points, n_parameters)."""
        return _gathered(self.columns, index)

    def features_at(self, index: Index) -> FloatArray:
        """Return points as the surrogate sees them, shape (n_points, n_parameters)."""
        return _gathered(self.features, index)

    def places(self, columns: FloatArray, *, within: float) -> NDArray[np.intp]:
        """Return the places, in C order, of those points of the unit cube that are points of the grid.

        Args:
            columns: Points in the unit cube, shape (n, n_parameters).
            within: Distance below which a point is one of the grid.
        """
        index = tuple(
            np.abs(axis[None] - column[:, None]).argmin(axis=1)
            for axis, column in zip(self.columns, columns.T, strict=True)
        )
        apart = ((self.columns_at(index) - columns) ** 2).sum(axis=1)
        found = np.unique(np.ravel_multi_index(index, self.shape)[apart <= within**2])
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
    if parameter.levels:
        return parameter.encode(parameter.levels)[:, 0]
    return np.linspace(0.0, 1.0, levels)


def _gathered(axes: Sequence[FloatArray], index: Index) -> FloatArray:
    return np.column_stack([axis[i] for axis, i in zip(axes, index, strict=True)])
