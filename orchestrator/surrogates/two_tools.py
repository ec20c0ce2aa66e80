"""The rows of a target tool and of a source, and how probable they make the shape of a process over both."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVR

from orchestrator.surrogates.bends import BENDS, bent
from orchestrator.surrogates.coral import align
from orchestrator.surrogates.kernels import linear, quadratic
from orchestrator.surrogates.shapes import Shapes, Way

FloatArray = NDArray[np.float64]

_MOST_AT_ONCE = 2**22  # numbers held at once
_JITTER, _APART = 1e-8, 1e10
_SMALLEST_VARIANCE = 1e-10
_RIDGE, _COST, _EPSILON, _LENGTH = 1e-3, 8.0, 0.05, 0.5  # of the source's CORAL-SVR, on values of unit variance


@dataclass(frozen=True)
class TwoTools:
    """What is known: rows of the target and, after them, of the source.

    Args:
        X: Features, shape (n_rows, n_columns).
        values: Scaled values, shape (n_rows,), zero mean by tool.
        is_source: Which are of the source.
        borrowed: What the source's CORAL-SVR predicts at target rows, 0 at source rows, shape (n_rows,).
        machine: That CORAL-SVR, or None.
        length: Of its kernel.
    """

    X: FloatArray
    values: FloatArray
    is_source: NDArray[np.bool_]
    borrowed: FloatArray
    machine: SVR | None = None
    length: float = 1.0

    @classmethod
    def alone(cls, X: FloatArray, values: FloatArray) -> Self:
        """Return the rows of a target without a source."""
        return cls(X, values, np.zeros(len(values), dtype=bool), np.zeros(len(values)))

    def with_source(self, X: FloatArray, y: FloatArray, spread: float) -> "TwoTools":
        """Return the rows with those of a source, whose values are on the scale of the target's."""
        length = _LENGTH * np.sqrt(X.shape[1] / 3)
        scaled = (y - y.mean()) / (y.std() or 1.0)
        machine = SVR(C=_COST, epsilon=_EPSILON, gamma=0.5).fit(align(X, self.X, ridge=_RIDGE) / length, scaled)
        both = np.vstack([self.X, X])
        return TwoTools(
            both,
            np.append(self.values, (y - y.mean()) / spread),
            np.append(self.is_source, np.ones(len(y), dtype=bool)),
            np.append(machine.predict(self.X / length), np.zeros(len(y))),
            machine,
            length,
        )

    @cached_property
    def by_bend(self) -> FloatArray:
        """The features bent in each way, shape (n_bends, n_rows, n_columns)."""
        return np.array([bent(self.X, bend) for bend in range(len(BENDS))])

    @cached_property
    def squares(self) -> FloatArray:
        """Squared differences of these, shape (n_bends, n_rows, n_rows, n_columns)."""
        return np.asarray((self.by_bend[:, :, None] - self.by_bend[:, None]) ** 2)

    @cached_property
    def trend(self) -> FloatArray:
        """The covariance of a quadratic trend at the rows, shape (n_rows, n_rows)."""
        return quadratic(linear(self.X, self.X))

    @property
    def means(self) -> FloatArray:
        """One column for the mean of each tool, shape (n_rows, n_tools)."""
        tools = [~self.is_source, self.is_source] if self.is_source.any() else [~self.is_source]
        return np.array(tools, dtype=float).T

    def borrowed_at(self, X: FloatArray) -> FloatArray:
        """Return the source's CORAL-SVR prediction at target points, shape (n_points,)."""
        return np.zeros(len(X)) if self.machine is None else np.asarray(self.machine.predict(X / self.length))

    def covariance(self, shapes: Shapes, ways: Sequence[Way]) -> FloatArray:
        """Return the covariance of all rows by shape, shape (n_shapes, n_rows, n_rows)."""
        distance = np.zeros((len(shapes), *self.squares.shape[1:3]))
        for bend, squares in enumerate(self.squares):
            precisions = np.exp(-2 * shapes.lengths) * (shapes.bends == bend)
            distance += np.tensordot(precisions, squares, axes=(1, 2))
        along = self._along_tilt(shapes)
        found = np.exp(-0.5 * (distance + (along[:, :, None] - along[:, None]) ** 2))
        if shapes.has_trend.any():
            found[shapes.has_trend] += self.trend
        sizes = np.where(self.is_source, np.exp(shapes.size)[:, None], 1.0)
        if self.is_source.any():
            correlation = np.array([way.correlation for way in ways])[shapes.way][:, None, None]
            together = self.is_source[:, None] == self.is_source
            found *= np.where(together, 1.0, correlation) * sizes[:, :, None] * sizes[:, None, :]
            share = np.array([way.borrowed for way in ways])[shapes.way]
            found += (share**2)[:, None, None] * np.outer(self.borrowed, self.borrowed)
        i = np.arange(len(self.values))
        found[:, i, i] += np.exp(shapes.noise)[:, None] * sizes**2 + _JITTER
        return np.asarray(found)

    def _along_tilt(self, shapes: Shapes) -> FloatArray:
        """Return how far along the tilt of each shape the rows lie, shape (n_shapes, n_rows)."""
        tilt, found = shapes.tilt * shapes.is_tilted[:, None], np.zeros((len(shapes), len(self.values)))
        for bend, rows in enumerate(self.by_bend):
            found += (tilt * (shapes.bends == bend)) @ rows.T
        return found

    def posterior(self, shapes: Shapes, ways: Sequence[Way]) -> FloatArray:
        """Return the logarithm of the posterior density of each shape, up to a constant, shape (n_shapes,)."""
        n_at_once = max(_MOST_AT_ONCE // len(self.values) ** 2, 1)
        parts = [shapes[slice(i, i + n_at_once)] for i in range(0, len(shapes), n_at_once)]
        return np.concatenate([self._likelihood(part, ways) + part.prior(ways) for part in parts])

    def _likelihood(self, shapes: Shapes, ways: Sequence[Way]) -> FloatArray:
        """Return the log marginal likelihood of each shape, the means integrated and the variance maximised out."""
        known = np.column_stack([self.means, self.values])
        n, n_more = known.shape
        # Rows appended to the matrix come out multiplied by the inverse factor: all shapes in one call.
        bordered = np.zeros((len(shapes), n + n_more, n + n_more))
        bordered[:, :n, :n] = self.covariance(shapes, ways)
        bordered[:, n:, :n] = known.T
        i = np.arange(n, n + n_more)
        bordered[:, i, i] = _APART
        factor = np.linalg.cholesky(bordered)
        means, values = factor[:, n:-1, :n], factor[:, -1, :n]
        certainty, pull = means @ np.swapaxes(means, 1, 2), np.einsum("mij,mj->mi", means, values)
        levels = np.linalg.solve(certainty, pull[..., None])[..., 0]
        rest = (values**2).sum(axis=1) - (pull * levels).sum(axis=1)
        n_free = max(n - means.shape[1], 1)
        fit = -0.5 * n_free * np.log(np.maximum(rest / n_free, _SMALLEST_VARIANCE))
        roots = np.log(np.diagonal(factor, axis1=1, axis2=2)[:, :n]).sum(axis=1)
        return np.asarray(fit - roots - 0.5 * np.linalg.slogdet(certainty)[1])
