"""Sums of products: functions that take a grid apart, one factor for each of its axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_WIDEST = 4096  # grid points along the last axes that are multiplied out once
_MOST_FACTORS = 2**20  # numbers of the left side of one matrix product
_NEGLIGIBLE = 1e-36  # smaller factors count as zero: products of them are subnormal, and slow by two orders


@dataclass(frozen=True)
class Layout:
    """A grid in C order as a table: a row for each point of the first axes, a column for each point of the last ones.

    Args:
        shape: Points along each axis.
    """

    shape: tuple[int, ...]

    @cached_property
    def n_leading(self) -> int:
        """How many axes make the rows; the others make the columns, as many as keep a row short."""
        sizes = np.cumprod(self.shape[::-1], dtype=float)[::-1]
        return min(int(np.count_nonzero(sizes > _WIDEST)), len(self.shape) - 1)

    @property
    def n_rows(self) -> int:
        """Points of the first axes."""
        return prod(self.shape[: self.n_leading])

    @property
    def n_columns(self) -> int:
        """Points of the last axes."""
        return prod(self.shape[self.n_leading :])


@dataclass(frozen=True)
class Separable:
    """A function on a grid: constant + sum over j of weights[j] * factors[0][i_1, j] * factors[1][i_2, j] * ...

    The radial kernel exp(-sum_k g_k (x_k - s_k)^2) is such a product, so every weighted sum of radial kernels (support
    vector machines, Gaussian process means, ensembles of them) is of this form, and all its values on a grid are one
    matrix product.

    Args:
        constant: Added everywhere.
        weights: Of the terms, shape (n_terms,).
        factors: For each axis the factor of each term at each point of that axis, shapes (n_points_on_axis, n_terms).

    Source: Wilson and Nickisch, "Kernel Interpolation for Scalable Structured Gaussian Processes", ICML 2015, section
    5 (kernels that are products over dimensions, on grids).
    """

    constant: float
    weights: FloatArray
    factors: tuple[FloatArray, ...]

    @classmethod
    def radial(
        cls,
        axes: Sequence[FloatArray],
        centres: FloatArray,
        precisions: FloatArray,
        weights: FloatArray,
        constant: float = 0.0,
    ) -> Self:
        """Return constant + sum over j of weights[j] exp(-sum over k of precisions[k] (x_k - centres[j, k])^2).

        Args:
            axes: Coordinates of the grid, one array for each axis.
            centres: Shape (n_terms, n_axes).
            precisions: Shape (n_axes,), one over twice the squared length.
            weights: Shape (n_terms,).
            constant: Added everywhere.
        """
        factors = [
            np.exp(-precision * (axis[:, None] - centre[None]) ** 2)
            for axis, centre, precision in zip(axes, centres.T, precisions, strict=True)
        ]
        for factor in factors:
            factor[factor < _NEGLIGIBLE] = 0.0
        return cls(constant, np.asarray(weights, dtype=float), tuple(factors))

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        return tuple(map(len, self.factors))

    @property
    def magnitude(self) -> float:
        """How large the terms can be together: rounding errors are of this size times the machine's precision."""
        return abs(self.constant) + float(np.abs(self.weights).sum())

    @classmethod
    def total(cls, parts: Sequence["Separable"]) -> Self:
        """Return the sum of at least one function on the same grid."""
        factors = tuple(map(np.hstack, zip(*(part.factors for part in parts), strict=True)))
        return cls(sum(part.constant for part in parts), np.concatenate([part.weights for part in parts]), factors)

    def scaled(self, slope: float, offset: float = 0.0) -> "Separable":
        """Return offset + slope times the function."""
        return Separable(offset + slope * self.constant, slope * self.weights, self.factors)

    def fill(self, first: int, out: FloatArray) -> None:
        """Write consecutive rows of the grid's layout into an array of shape (n_rows, n_columns).

        Args:
            first: Number of the first row.
            out: Where to write; C-contiguous.
        """
        n_at_once = max(_MOST_FACTORS // max(len(self.weights), 1), 1)
        for start in range(0, len(out), n_at_once):
            part = out[start : start + n_at_once]
            np.matmul(self._rows(first + start, len(part)), self._columns, out=part)

    def at(self, index: Sequence[NDArray[np.intp]]) -> FloatArray:
        """Return the values at grid points, shape (n_points,).

        Args:
            index: For each axis the points' places along it, each of shape (n_points,).
        """
        terms = self.factors[0][index[0]]
        for factor, i in zip(self.factors[1:], index[1:], strict=True):
            terms *= factor[i]
        return np.asarray(self.constant + terms @ self.weights, dtype=float)

    def _rows(self, first: int, n: int) -> FloatArray:
        """The factors of the first axes multiplied out with the weights, shape (n, n_terms + 1)."""
        shape = self.shape[: Layout(self.shape).n_leading]
        index = np.unravel_index(np.arange(first, first + n), shape) if shape else ()
        rows = np.empty((n, len(self.weights) + 1))
        rows[:, :-1] = self.weights
        rows[:, -1] = self.constant  # a term like any other: adding it afterwards would read everything once more
        for factor, i in zip(self.factors, index, strict=False):
            rows[:, :-1] *= factor[i]
        return rows

    @cached_property
    def _columns(self) -> FloatArray:
        """The factors of the last axes multiplied out, shape (n_terms + 1, n_columns), the last row ones."""
        columns = np.ones((len(self.weights) + 1, 1))
        for factor in self.factors[Layout(self.shape).n_leading :]:
            terms = np.vstack([factor.T, np.ones(len(factor))])
            columns = (columns[:, :, None] * terms[:, None, :]).reshape(len(columns), -1)
        return columns
