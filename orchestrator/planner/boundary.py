"""Where nothing can be made: a boundary learned by a process that says how likely a point is to succeed."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.special import log_ndtr, ndtr

from orchestrator.surrogates.kernels import linear, linear_at, radial

FloatArray = NDArray[np.float64]

_MEAN = 1.28  # of the latent score: 90 % where nothing is known
_LENGTHS = (0.1, 0.17, 0.3, 0.5, 0.9, 2.0)  # per root of columns over three, by column
_STRETCHES = (0.7, 1.4)  # of all lengths at once
_SIZES = (1.0, 2.0, 4.0)  # standard deviation of the latent score
_USUAL_LENGTH, _SPREAD_OF_LENGTH = 0.35, 0.6  # of the logarithm
_USUAL_SIZE, _SPREAD_OF_SIZE = 2.0, 0.7  # of the logarithm
_SWEEPS = 2
_MOST_STEPS = 25
_SETTLED = 1e-6
_JITTER = 1e-8
_LEAST_GAIN = 1e-9
_LEAST_CURVATURE = 1e-10


class Boundary:
    """Probability of success from a Gaussian process behind a normal distribution function (a probit model).

    The latent score has a linear kernel, since many a boundary is nearly a plane, a radial one with a length for each
    column for what is not, and a mean of 90 %. Lengths and size are the most probable ones on a grid, by coordinate
    ascent of Laplace's approximation to the evidence, so that two failures and the successes between them tell along
    which parameter the boundary runs.

    Args:
        X: Encoded points of the runs, shape (n_runs, n_columns), unit cube.
        failed: How far each run failed, shape (n_runs,): 0 for measured, up to 1 for infeasible; in between it is a
            failure that counts so much of one.

    Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, algorithms 3.1 and 3.2, equations
    3.25 and 3.32.
    """

    def __init__(self, X: FloatArray, failed: FloatArray) -> None:
        self._X, self._sign = X, np.where(failed > 0, -1.0, 1.0)
        self._counts = np.where(failed > 0, failed, 1.0)
        self._is_known = bool((failed > 0).any())
        if self._is_known:
            self._plane = linear(X, X)
            self._lengths, self._size = self._most_probable()
            self._laplace(self._lengths, self._size)

    def at(self, X: FloatArray) -> FloatArray:
        """Return the probability of success at encoded points, shape (n,)."""
        if not self._is_known:
            return np.full(len(X), float(ndtr(_MEAN)))
        kernel = self._size**2 * (radial(self._X / self._lengths, X / self._lengths) + linear(self._X, X))
        latent = _MEAN + self._pull @ kernel
        whitened = solve_triangular(self._lower, self._root[:, None] * kernel, lower=True, check_finite=False)
        alone = self._size**2 * (1.0 + linear_at(X))
        variance = np.maximum(alone - np.einsum("ij,ij->j", whitened, whitened), 0.0)
        return np.asarray(ndtr(latent / np.sqrt(1.0 + variance)), dtype=float)

    def _most_probable(self) -> tuple[FloatArray, float]:
        scale = np.sqrt(self._X.shape[1] / 3)

        def probability(lengths: FloatArray, size: float) -> float:
            prior = float((np.log(lengths / (_USUAL_LENGTH * scale)) ** 2).sum()) / _SPREAD_OF_LENGTH**2
            prior += (np.log(size / _USUAL_SIZE) / _SPREAD_OF_SIZE) ** 2
            return float(self._laplace(lengths, size) - 0.5 * prior)

        found: tuple[FloatArray, float] = np.full(self._X.shape[1], _USUAL_LENGTH * scale), _USUAL_SIZE
        best = probability(*found)
        for _ in range(_SWEEPS):
            before = best
            for column in (*range(self._X.shape[1]), None):
                for option in _variations(*found, column, scale):
                    value = probability(*option)
                    if value > best + _LEAST_GAIN:
                        best, found = value, option
            if best <= before:
                break
        return found

    def _laplace(self, lengths: FloatArray, size: float) -> float:
        """Find the mode of the latent score by Newton's method, keep what predicts, and return the log evidence."""
        kernel = size**2 * (radial(self._X / lengths, self._X / lengths) + self._plane)
        kernel[np.diag_indices_from(kernel)] += _JITTER
        latent, reached = np.zeros(len(kernel)), -np.inf
        for _ in range(_MOST_STEPS):
            slope, curvature = self._derivatives(latent)
            self._root = np.sqrt(curvature)
            inner = np.eye(len(kernel)) + self._root[:, None] * kernel * self._root
            self._lower = cholesky(inner, lower=True, check_finite=False)
            b = curvature * latent + slope
            self._pull = b - self._root * cho_solve((self._lower, True), self._root * (kernel @ b), check_finite=False)
            latent = kernel @ self._pull
            likelihood = float(self._counts @ log_ndtr(self._sign * (latent + _MEAN)))
            before, reached = reached, likelihood - 0.5 * float(self._pull @ latent)
            if abs(reached - before) < _SETTLED:
                break
        return reached - float(np.log(np.diag(self._lower)).sum())

    def _derivatives(self, latent: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the first and minus the second derivative of the log likelihood."""
        z = self._sign * (latent + _MEAN)
        ratio = np.exp(-0.5 * z**2 - log_ndtr(z)) / np.sqrt(2 * np.pi)
        curvature = np.maximum(self._counts * ratio * (ratio + z), _LEAST_CURVATURE)
        return self._counts * self._sign * ratio, curvature


def _variations(
    lengths: FloatArray, size: float, column: int | None, scale: float
) -> Iterable[tuple[FloatArray, float]]:
    """Return what may be varied together: the length along one column, or the size and all lengths."""
    if column is None:
        return [(lengths, s) for s in _SIZES] + [(lengths * stretch, size) for stretch in _STRETCHES]
    is_it = np.arange(len(lengths)) == column
    return [(np.where(is_it, scale * length, lengths), size) for length in _LENGTHS]
