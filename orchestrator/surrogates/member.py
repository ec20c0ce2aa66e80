"""A process of one shape, conditioned on the rows of two tools."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular

from orchestrator.surrogates.bends import bent
from orchestrator.surrogates.kernels import linear, linear_at, quadratic, radial
from orchestrator.surrogates.shapes import Shapes, Way
from orchestrator.surrogates.two_tools import TwoTools

FloatArray = NDArray[np.float64]

_SMALLEST_VARIANCE = 1e-10


class Member:
    """One shape of a process, conditioned on what is known.

    Args:
        rows: What is known.
        shape: The one shape.
        ways: In which the source may bear on the target.

    Attributes:
        tilt: The direction askew to the columns in reciprocal lengths, shape (n_columns,); zeros where there is none.
        variance: Of the process, scaled.
        noise: Variance of one measurement, scaled.

    Source: Rasmussen and Williams, 2006, equations 2.25, 2.26 and 2.42 with a flat prior on the means.
    """

    def __init__(self, rows: TwoTools, shape: Shapes, ways: Sequence[Way]) -> None:
        self.way = ways[int(shape.way[0])]
        self._lengths, self._bends = np.exp(shape.lengths[0]), shape.bends[0]
        self.tilt, self._has_trend = shape.tilt[0] * shape.is_tilted[0], bool(shape.has_trend[0])
        self._X, self._rows, self._borrowed = rows.X, self._seen(rows.X), rows.borrowed
        self._shares = np.where(rows.is_source, self.way.correlation * np.exp(shape.size[0]), 1.0)
        self._lower = cholesky(rows.covariance(shape, ways)[0], lower=True, check_finite=False)
        both = solve_triangular(self._lower, np.column_stack([rows.means, rows.values]), lower=True)
        means, values = both[:, :-1], both[:, -1]
        certainty = means.T @ means
        levels = np.linalg.solve(certainty, means.T @ values)
        rest = values - means @ levels
        self._mean = float(levels[0])
        self.variance = max(float(rest @ rest) / max(len(rest) - means.shape[1], 1), _SMALLEST_VARIANCE)
        self.noise = self.variance * float(np.exp(shape.noise[0]))
        self._weights = solve_triangular(self._lower, rest, lower=True, trans="T")
        self._means, self._certainty = means[:, 0], float(certainty[0, 0])

    def at(self, X: FloatArray, borrowed: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and variance of the noiseless scaled value at points, shapes (n_points,)."""
        kernel, alone = self._covariance(X, borrowed), 1.0 + self.way.borrowed**2 * borrowed**2
        if self._has_trend:
            alone = alone + quadratic(linear_at(X))
        whitened = solve_triangular(self._lower, kernel, lower=True, check_finite=False)
        left = alone - np.einsum("ij,ij->j", whitened, whitened)
        # The mean is found from the rows, too: far from them the doubt about it comes on top.
        unsure = (1.0 - self._means @ whitened) ** 2 / self._certainty
        return self._mean + self._weights @ kernel, self.variance * np.maximum(left + unsure, _SMALLEST_VARIANCE)

    def mean_at(self, X: FloatArray, borrowed: FloatArray) -> FloatArray:
        """Return the mean alone."""
        return np.asarray(self._mean + self._weights @ self._covariance(X, borrowed))

    def _covariance(self, X: FloatArray, borrowed: FloatArray) -> FloatArray:
        """Return the covariance of the rows with points, shape (n_rows, n_points)."""
        kernel = radial(self._rows, self._seen(X))
        if self._has_trend:
            kernel += quadratic(linear(self._X, X))
        kernel *= self._shares[:, None]
        if self.way.borrowed:
            kernel += self.way.borrowed**2 * np.outer(self._borrowed, borrowed)
        return kernel

    def _seen(self, X: FloatArray) -> FloatArray:
        """Return rows as the kernel sees them."""
        columns = np.column_stack([bent(c, int(bend)) for c, bend in zip(X.T, self._bends, strict=True)])
        return np.column_stack([columns / self._lengths, columns @ self.tilt])
