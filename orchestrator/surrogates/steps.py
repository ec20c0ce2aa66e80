"""Functions that are constant between thresholds, as trees are, on a grid: every cell is asked once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from orchestrator.surrogates.separable import Layout

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
    """A function on a grid that is constant within cells.

    Args:
        values: One value for each cell, shape (n_cells_1, n_cells_2, ...).
        cells: For each axis the cell of each of its points.
        magnitude: Always 0: equal values are equal to the last bit.
    """

    values: FloatArray
    cells: tuple[NDArray[np.intp], ...]
    magnitude: float = 0.0

    @classmethod
    def between(
        cls, thresholds: Sequence[FloatArray], axes: Sequence[FloatArray], ask: Callable[[FloatArray], FloatArray]
    ) -> Self:
        """Ask a function once a cell.

        Args:
            thresholds: For each column the sorted thresholds; a value is on the lower side if single(x) <= threshold,
                as scikit-learn's trees compare.
            axes: Coordinates of the grid.
            ask: The function, of rows of shape (n, n_columns).
        """
        sides = [np.searchsorted(t, axis.astype(np.float32)) for t, axis in zip(thresholds, axes, strict=True)]
        found = [np.unique(side, return_index=True, return_inverse=True)[1:] for side in sides]
        corners = np.meshgrid(*(axis[i] for axis, (i, _) in zip(axes, found, strict=True)), indexing="ij")
        values = ask(np.column_stack([corner.ravel() for corner in corners])).reshape(corners[0].shape)
        return cls(values, tuple(cells for _, cells in found))

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        return tuple(map(len, self.cells))

    def fill(self, first: int, out: FloatArray) -> None:
        """Write consecutive rows of the grid's layout into an array of shape (n_rows, n_columns)."""
        n = Layout(self.shape).n_leading
        leading = self.values.shape[:n]
        flat = self.values.reshape(-1, *self.values.shape[n:])
        lasts = np.array([block[np.ix_(*self.cells[n:])].ravel() for block in flat]).reshape(*leading, -1)
        places = np.unravel_index(np.arange(first, first + len(out)), self.shape[:n]) if n else ()
        out[:] = lasts[tuple(cells[place] for cells, place in zip(self.cells[:n], places, strict=True))]

    def at(self, index: Sequence[NDArray[np.intp]]) -> FloatArray:
        """Return the values at grid points, one array of places for each axis."""
        return np.asarray(self.values[tuple(cells[i] for cells, i in zip(self.cells, index, strict=True))])
