"""The Gaussian process beside a support vector machine: how fast each column matters, and how sure a value is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular

from orchestrator.surrogates.kernels import matern, matern_at, squared_distance

FloatArray = NDArray[np.float64]

_LENGTHS = (0.125, 0.18, 0.25, 0.35, 0.5, 0.71, 1.0, 1.4, 2.0, 4.0)  # unit cube, by column
_NOISES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)  # noise variance per signal variance
_USUAL_LENGTH = 0.5  # per square root of columns over three
_USUAL_SPREAD = 1.0  # of the logarithm of a length
_N_SWEEPS = 3
_WIDENING = 1.25  # of the standard deviation; see Deviation
_SMALLEST_VARIANCE = 1e-12


@dataclass(frozen=True)
class Smoothness:
    """How fast a value changes along each column, and how noisy it is.

    Args:
        lengths: Length of the kernel exp(-sum((x - x')^2 / (2 length^2))) by column.
        noise: Noise variance per signal variance.
    """

    lengths: FloatArray
    noise: float


def smoothness(X: FloatArray, y: FloatArray) -> Smoothness:
    """Return the most probable lengths and noise on a grid, by coordinate ascent of the marginal likelihood.

    A grid, unlike a gradient method, gives bit for bit the same answer on every linear algebra library.

    Args:
        X: Rows in the unit cube, shape (n_rows, n_columns).
        y: Values about their mean, shape (n_rows,).

    Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, equation 5.8, the amplitude
    maximised out; log-normal prior on the lengths, growing with the root of the number of columns, after Hvarfner,
    Hellsten, Nardi, ICML 2024.
    """
    usual = _USUAL_LENGTH * np.sqrt(X.shape[1] / 3)
    squares = (X[:, None, :] - X[None]) ** 2
    lengths, noise = np.full(X.shape[1], usual), 3e-2

    def probability(lengths: FloatArray, noise: float) -> float:
        gram = np.exp(-0.5 * squares @ lengths**-2)
        prior = -0.5 * float((np.log(lengths / usual) ** 2).sum()) / _USUAL_SPREAD**2
        return _likelihood(gram, y, noise) + prior

    for _ in range(_N_SWEEPS):
        before = (*lengths, noise)
        for column in range(X.shape[1]):
            options = [np.where(np.arange(X.shape[1]) == column, length, lengths) for length in _LENGTHS]
            lengths = max(options, key=lambda option: probability(option, noise))
        noise = max(_NOISES, key=lambda option: probability(lengths, option))
        if (*lengths, noise) == before:
            break
    return Smoothness(lengths, noise)


class Deviation:
    """The posterior standard deviation of a Gaussian process, its amplitude scaled to left-out residuals.

    The amplitude gives the left-out residuals unit variance, each measured by the process' own leave-one-out variance.
    The sd is widened by a quarter: measured rows lie closer together than the points a planner asks about, and without
    it 80 % intervals held 74 % of the truth on simulated tools, with it 82 %. The kernel is a Matern one, rougher than
    that of the regression, so that gaps stay doubtful.

    Args:
        X: Rows divided by their kernel lengths, shape (n_rows, n_columns).
        residuals: Left-out residuals of the regression, shape (n_rows,).
        noise: Noise variance per signal variance.

    Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, equations 2.26 and 5.12.
    """

    def __init__(self, X: FloatArray, residuals: FloatArray, noise: float) -> None:
        self._X, self._noise = X, noise
        self._lower = cholesky(matern(X, X) + noise * np.eye(len(X)), lower=True)
        inverse = cho_solve((self._lower, True), np.eye(len(X)))
        self.amplitude = max(_WIDENING**2 * float(np.mean(residuals**2 * np.diag(inverse))), _SMALLEST_VARIANCE)

    def at(self, X: FloatArray) -> FloatArray:
        """Return the standard deviation of the noiseless value at each row."""
        whitened = solve_triangular(self._lower, matern(self._X, X), lower=True)
        variance = 1.0 - np.einsum("ij,ij->j", whitened, whitened)
        return np.asarray(np.sqrt(self.amplitude * np.maximum(variance, _SMALLEST_VARIANCE)), dtype=float)

    def around(self, X: FloatArray, radius: FloatArray) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
        """Return the standard deviation at each row, and what it cannot fall below or exceed around it.

        It is the distance of the row's image from what the measured rows span, in the space of the kernel, and so
        cannot change by more than the distance of two images, sqrt(2 - 2 k(x, x')). And one measured row alone, at
        its farthest, leaves no more than 1 - k^2 / (1 + noise) of the variance; more rows leave less.

        Args:
            X: Rows divided by their kernel lengths, shape (n_rows, n_columns).
            radius: How far around them, in the same units, shape (n_rows,).
        """
        apart = np.sqrt(squared_distance(X, self._X).min(axis=1))
        change = np.sqrt(np.maximum(2 - 2 * matern_at(radius), 0.0))
        alone = np.sqrt(1 - matern_at(apart + radius) ** 2 / (1 + self._noise))
        size = float(np.sqrt(self.amplitude))
        sd = self.at(X)
        floor = size * np.sqrt(_SMALLEST_VARIANCE)
        lowest = np.maximum(sd - size * change, floor)
        return sd, (lowest, np.maximum(np.minimum(sd + size * change, size * alone), floor))

    def spanning(
        self, X: FloatArray, reaches: FloatArray, lengths: FloatArray, spread: float
    ) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
        """Return the same as `around` in the columns' own units, and times the spread of the values.

        Args:
            X: Rows, shape (n_rows, n_columns).
            reaches: How far around them along each column, the same shape.
            lengths: Kernel lengths by which the rows were divided.
            spread: Of the values, by which the residuals were divided.
        """
        radius = np.sqrt(((reaches / lengths) ** 2).sum(axis=1))
        sd, (lowest, highest) = self.around(X / lengths, radius)
        return spread * sd, (spread * lowest, spread * highest)


def _likelihood(gram: FloatArray, y: FloatArray, noise: float) -> float:
    """Return the log marginal likelihood with the amplitude maximised out."""
    lower = cholesky(gram + noise * np.eye(len(y)), lower=True, check_finite=False)
    explained = float(y @ cho_solve((lower, True), y, check_finite=False)) / len(y)
    return float(-0.5 * len(y) * np.log(max(explained, _SMALLEST_VARIANCE)) - np.log(np.diag(lower)).sum())
