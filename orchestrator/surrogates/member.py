"""A process of one shape, conditioned on the rows of two tools."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular

from orchestrator.surrogates.bends import bent
from orchestrator.surrogates.kernels import radial
from orchestrator.surrogates.separable import Separable
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

    Source: Rasmussen and Williams, 2006, equations 2.25, 2.26 and 2.42 with a flat prior on the means.
    """

    def __init__(self, rows: TwoTools, shape: Shapes, ways: Sequence[Way]) -> None:
        self.way = ways[int(shape.way[0])]
        self._lengths, self._bends = np.exp(shape.lengths[0]), shape.bends[0]
        self._rows, self._borrowed = self._seen(rows.X), rows.borrowed
        self._shares = np.where(rows.is_source, self.way.correlation * np.exp(shape.size[0]), 1.0)
        self._lower = cholesky(rows.covariance(shape, ways)[0], lower=True, check_finite=False)
        both = solve_triangular(self._lower, np.column_stack([rows.means, rows.values]), lower=True)
        means, values = both[:, :-1], both[:, -1]
        certainty = means.T @ means
        levels = np.linalg.solve(certainty, means.T @ values)
        rest = values - means @ levels
        self._mean = float(levels[0])
        self.variance = max(float(rest @ rest) / max(len(rest) - means.shape[1], 1), _SMALLEST_VARIANCE)
        self._weights = solve_triangular(self._lower, rest, lower=True, trans="T")
        self._means, self._certainty = means[:, 0], float(certainty[0, 0])

    def at(self, X: FloatArray, borrowed: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and variance of the noiseless scaled value at points, shapes (n_points,)."""
        share = self.way.borrowed**2
        kernel = self._shares[:, None] * radial(self._rows, self._seen(X))
        if share:
            kernel += share * np.outer(self._borrowed, borrowed)
        whitened = solve_triangular(self._lower, kernel, lower=True, check_finite=False)
        left = 1.0 + share * borrowed**2 - np.einsum("ij,ij->j", whitened, whitened)
        # The mean is found from the rows, too: far from them the doubt about it comes on top.
        unsure = (1.0 - self._means @ whitened) ** 2 / self._certainty
        return self._mean + self._weights @ kernel, self.variance * np.maximum(left + unsure, _SMALLEST_VARIANCE)

    def separable(self, axes: Sequence[FloatArray], borrowed: Separable | None) -> Separable:
        """Return the mean on a grid, given the source's CORAL-SVR prediction there."""
        seen = [bent(a, int(b)) / n for a, b, n in zip(axes, self._bends, self._lengths, strict=True)]
        halves, weights = np.full(len(seen), 0.5), self._weights * self._shares
        own = Separable.radial(seen, self._rows, halves, weights, self._mean)
        if borrowed is None:
            return own
        return Separable.total([own, borrowed.scaled(self.way.borrowed**2 * float(self._weights @ self._borrowed))])

    def _seen(self, X: FloatArray) -> FloatArray:
        """Return rows as the kernel sees them."""
        columns = [bent(column, int(bend)) for column, bend in zip(X.T, self._bends, strict=True)]
        return np.asarray(np.column_stack(columns) / self._lengths)
