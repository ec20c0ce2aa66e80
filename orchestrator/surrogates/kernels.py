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
