"""Artificial neural networks, a small committee of them: the paper's third model, with a doubt."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.utils.validation import check_is_fitted

from orchestrator.surrogates.guard import Learner, left_out
from orchestrator.surrogates.scaled import FloatArray, ScaledRegressor, members_disagree
from orchestrator.surrogates.separable import Layout
from orchestrator.threads import one_thread

_MOST_STEPS = 200
_LARGEST_EXPONENT = 300.0  # of one side of a product; two such sides stay finite


@dataclass(frozen=True)
class Activations:
    """offset + sum over units u of w_u tanh(z_u(x)) on a grid, z_u linear in x.

    As tanh(z) = 1 - 2 / (1 + exp(2 z)) and exp(2 z) is a product over axes, no unit needs an exponential for each
    point of the grid.

    Args:
        offset: Added everywhere.
        weights: Of the units, shape (n_units,).
        exponents: For each axis its share of 2 z of each unit, shapes (n_points_on_axis, n_units).
        magnitude: What rounding errors are relative to.
    """

    offset: float
    weights: FloatArray
    exponents: tuple[FloatArray, ...]
    magnitude: float

    @classmethod
    def of(cls, networks: Sequence[Any], axes: Sequence[FloatArray], slope: float, offset: float) -> Self | None:
        """Return offset + slope * (sum of the networks), each on columns from -1 to 1; None where it would overflow."""
        inner = np.hstack([network.coefs_[0] for network in networks])
        constants = np.concatenate([network.intercepts_[0] for network in networks])
        weights = slope * np.concatenate([network.coefs_[1][:, 0] for network in networks])
        exponents = [2.0 * np.outer(2.0 * axis - 1.0, row) for axis, row in zip(axes, inner, strict=True)]
        exponents[0] = exponents[0] + 2.0 * constants
        if sum(np.abs(share).max() for share in exponents) > _LARGEST_EXPONENT:
            return None
        offset += slope * sum(float(network.intercepts_[1][0]) for network in networks)
        return cls(offset, weights, tuple(exponents), abs(offset) + float(np.abs(weights).sum()))

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        return tuple(map(len, self.exponents))

    def fill(self, first: int, out: FloatArray) -> None:
        """Write consecutive rows of the grid's layout into an array of shape (n_rows, n_columns)."""
        n = Layout(self.shape).n_leading
        rows = np.exp(_summed(self.exponents[:n], np.arange(first, first + len(out))))
        columns = np.exp(_summed(self.exponents[n:], np.arange(out.shape[1])))
        out[:] = self.offset + self.weights.sum()
        for unit, weight in enumerate(self.weights):
            row = rows[:, unit, None] if n else 1.0
            product = row * columns[None, :, unit]
            product += 1.0
            np.divide(-2.0 * weight, product, out=product)
            out += product

    def at(self, index: Sequence[NDArray[np.intp]]) -> FloatArray:
        """Return the values at grid points, one array of places for each axis."""
        z = 0.5 * sum(share[i] for share, i in zip(self.exponents, index, strict=True))
        return np.asarray(self.offset + np.tanh(z) @ self.weights, dtype=float)


def _summed(exponents: tuple[FloatArray, ...], places: NDArray[np.int_]) -> FloatArray:
    """Return the exponents of points in C order over some axes, shape (n_points, n_units)."""
    if not exponents:
        return np.zeros((len(places), 1))
    index = np.unravel_index(places, tuple(map(len, exponents)))
    return np.asarray(sum(share[i] for share, i in zip(exponents, index, strict=True)), dtype=float)


class NeuralNetworks(ScaledRegressor):
    """Mean of a few networks of one hidden layer, equal but for their first weights.

    The penalty on the weights is the one of the smallest left-out error. The networks are polished by L-BFGS, so that
    two machines may differ in the last digits; on one machine a fit is repeated bit for bit.

    Args:
        n_networks: How many.
        n_hidden: Units of the hidden layer, hyperbolic tangent.
        penalties: Penalties on squared weights to choose from.

    Source: Rumelhart, Hinton, Williams, Nature 323, 533 (1986); committees: Hansen, Salamon, IEEE Trans. Pattern Anal.
    Mach. Intell. 12, 993 (1990).
    """

    def __init__(self, n_networks: int = 5, n_hidden: int = 6, penalties: tuple[float, ...] = (0.01, 0.1, 1.0)) -> None:
        self.n_networks = n_networks
        self.n_hidden = n_hidden
        self.penalties = penalties

    def separable(self, axes: Sequence[FloatArray]) -> Activations | None:
        """Return the prediction on a grid, a factor of each unit's exponential for each axis (`orchestrator.grid`).

        Args:
            axes: For each column its values on the grid, as `predict` takes them.
        """
        check_is_fitted(self)
        networks = [member.network for _, part in self.shares_ for member in cast("_Networks", part).members]
        return Activations.of(networks, axes, self.spread_ / len(networks), self.offset_)

    def _learner(self, X: FloatArray, y: FloatArray, folds: NDArray[np.int_]) -> Learner:
        errors = [
            np.abs(y - left_out(partial(_networks, 1, self.n_hidden, p), X, y, folds)).mean() for p in self.penalties
        ]
        penalty = self.penalties[int(np.argmin(errors))]
        self.hyperparameters_ = {"penalty": penalty, "hidden units": self.n_hidden, "networks": self.n_networks}
        return partial(_networks, self.n_networks, self.n_hidden, penalty)


@dataclass(frozen=True)
class _Networks:
    """Fitted networks."""

    members: tuple[Any, ...]

    def __call__(self, X: FloatArray) -> FloatArray:
        return np.asarray(np.mean([member.predict(X) for member in self.members], axis=0), dtype=float)

    def disagreement(self, X: FloatArray) -> FloatArray:
        """Return the standard deviation of the networks' predictions."""
        return members_disagree([member.predict(X) for member in self.members])


def _networks(n: int, n_hidden: int, penalty: float, X: FloatArray, y: FloatArray) -> _Networks:
    settings = {"activation": "tanh", "solver": "lbfgs", "alpha": penalty, "max_iter": _MOST_STEPS}
    centred = 2.0 * X - 1.0
    with warnings.catch_warnings(), one_thread():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is no fault of a small network
        members = [MLPRegressor(hidden_layer_sizes=(n_hidden,), random_state=i, **settings) for i in range(n)]
        return _Networks(tuple(_Centred(member.fit(centred, y)) for member in members))


@dataclass(frozen=True)
class _Centred:
    """A network on columns from -1 to 1, where its first weights expect them."""

    network: Any

    def predict(self, X: FloatArray) -> FloatArray:
        return np.asarray(self.network.predict(2.0 * X - 1.0), dtype=float)
