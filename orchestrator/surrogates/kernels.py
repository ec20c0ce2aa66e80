"""Kernels: how much one point says about another, by their distance."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def squared_distance(A: FloatArray, B: FloatArray) -> FloatArray:
    """Return |a - b|^2 for every row a of A and b of B, shape (n_A, n_B), as one matrix product."""
    squares = (A**2).sum(axis=1)[:, None] + (B**2).sum(axis=1)[None] - 2 * A @ B.T
    return np.asarray(np.maximum(squares, 0.0), dtype=float)


def radial(A: FloatArray, B: FloatArray) -> FloatArray:
    """Return exp(-|a - b|^2 / 2), shape (n_A, n_B)."""
    return np.exp(-0.5 * squared_distance(A, B))


def linear(A: FloatArray, B: FloatArray) -> FloatArray:
    """Return twelve times the mean product of columns, counted from the middle of the unit cube, shape (n_A, n_B).

    Of points spread over the cube, each held against itself, it is one on average.

    Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, section 4.2.2, dot products.
    """
    return np.asarray(12.0 / A.shape[1] * (A - 0.5) @ (B - 0.5).T)


def linear_at(A: FloatArray) -> FloatArray:
    """Return the same kernel of each row with itself, shape (n_A,)."""
    return np.asarray(12.0 / A.shape[1] * ((A - 0.5) ** 2).sum(axis=1))


def quadratic(linear_part: FloatArray) -> FloatArray:
    """Return the kernel of all quadratic functions of the columns, given the linear one; of its shape.

    Source: the same section, inhomogeneous polynomial of degree 2, scaled to be one where the linear one is.
    """
    return np.asarray(0.25 * (1.0 + linear_part) ** 2)


def matern(A: FloatArray, B: FloatArray) -> FloatArray:
    """Return (1 + s + s^2 / 3) exp(-s) with s = sqrt(5) |a - b|, shape (n_A, n_B): rougher than the radial kernel.

    Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, equation 4.17.
    """
    return _rough(np.sqrt(5.0 * squared_distance(A, B)))


def matern_at(distance: FloatArray) -> FloatArray:
    """Return the same kernel at distances |a - b|, whatever their shape."""
    return _rough(np.sqrt(5.0) * distance)


def _rough(s: FloatArray) -> FloatArray:
    return (1.0 + s + s**2 / 3.0) * np.exp(-s)
