"""A predictive standard deviation for a kernel regression that has none of its own."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular

FloatArray = NDArray[np.float64]

_NOISES = (3e-3, 1e-2, 3e-2, 1e-1, 3e-1)  # noise variance per signal variance
_SMALLEST_VARIANCE = 1e-12


class Deviation:
    """The posterior standard deviation of a Gaussian process with a radial kernel, scaled to left-out residuals.

    The noise is the most likely of a few; the amplitude gives the left-out residuals unit variance, each measured by
    the Gaussian process' own leave-one-out variance.

    Args:
        X: Rows, shape (n_rows, n_columns).
        y: Values about their mean, shape (n_rows,).
        residuals: Left-out residuals of the regression, shape (n_rows,).
        gamma: The kernel is exp(-gamma |x - x'|^2).

    Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, equations 2.26, 2.30 and 5.12.
    """

    def __init__(self, X: FloatArray, y: FloatArray, residuals: FloatArray, gamma: float) -> None:
        self._X, self._gamma = X, gamma
        gram = kernel(X, X, gamma)
        fits = [_likelihood(gram, y, noise) for noise in _NOISES]
        _, self.noise, self._lower = max(fits, key=lambda fit: fit[0])
        inverse = cho_solve((self._lower, True), np.eye(len(X)))
        self.amplitude = max(float(np.mean(residuals**2 * np.diag(inverse))), _SMALLEST_VARIANCE)

    def at(self, X: FloatArray) -> FloatArray:
        """Return the standard deviation of the noiseless value at each row."""
        whitened = solve_triangular(self._lower, kernel(self._X, X, self._gamma), lower=True)
        variance = 1.0 - np.einsum("ij,ij->j", whitened, whitened)
        return np.asarray(np.sqrt(self.amplitude * np.maximum(variance, _SMALLEST_VARIANCE)), dtype=float)


def kernel(A: FloatArray, B: FloatArray, gamma: float) -> FloatArray:
    """Return exp(-gamma |a - b|^2), shape (n_A, n_B)."""
    squared = (A**2).sum(axis=1)[:, None] + (B**2).sum(axis=1)[None] - 2 * A @ B.T
    return np.asarray(np.exp(-gamma * np.maximum(squared, 0.0)), dtype=float)


def _likelihood(gram: FloatArray, y: FloatArray, noise: float) -> tuple[float, float, FloatArray]:
    """Return the log marginal likelihood with the amplitude maximised out, the noise, and the Cholesky factor."""
    lower = cholesky(gram + noise * np.eye(len(y)), lower=True)
    explained = float(y @ cho_solve((lower, True), y)) / len(y)
    likelihood = -0.5 * len(y) * np.log(max(explained, _SMALLEST_VARIANCE)) - np.log(np.diag(lower)).sum()
    return float(likelihood), noise, lower
