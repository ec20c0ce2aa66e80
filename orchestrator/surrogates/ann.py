"""Artificial neural networks, a small committee of them: the paper's third model, with a doubt."""

import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from orchestrator.surrogates.guard import Learner, left_out
from orchestrator.surrogates.scaled import FloatArray, ScaledRegressor, members_disagree

_PENALTIES = (0.01, 0.1, 1.0)  # of squared weights
_MOST_STEPS = 200


class NeuralNetworks(ScaledRegressor):
    """Mean of a few networks of one hidden layer, equal but for their first weights.

    The penalty on the weights is the one of the smallest left-out error. The networks are polished by L-BFGS, so that
    two machines may differ in the last digits; on one machine a fit is repeated bit for bit.

    Args:
        n_networks: How many.
        n_hidden: Units of the hidden layer, hyperbolic tangent.

    Source: Rumelhart, Hinton, Williams, Nature 323, 533 (1986); committees: Hansen, Salamon, IEEE Trans. Pattern Anal.
    Mach. Intell. 12, 993 (1990).
    """

    def __init__(self, n_networks: int = 5, n_hidden: int = 6) -> None:
        self.n_networks = n_networks
        self.n_hidden = n_hidden

    def _learner(self, X: FloatArray, y: FloatArray, folds: NDArray[np.int_]) -> Learner:
        errors = [np.abs(y - left_out(partial(_networks, 1, self.n_hidden, p), X, y, folds)).mean() for p in _PENALTIES]
        penalty = _PENALTIES[int(np.argmin(errors))]
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
    # On matrices this small, threads cost more than they save, and their number would show in the last digits.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is no fault of a small network
        members = [MLPRegressor(hidden_layer_sizes=(n_hidden,), random_state=i, **settings) for i in range(n)]
        return _Networks(tuple(_Centred(member.fit(centred, y)) for member in members))


@dataclass(frozen=True)
class _Centred:
    """A network on columns from -1 to 1, where its first weights expect them."""

    network: Any

    def predict(self, X: FloatArray) -> FloatArray:
        return np.asarray(self.network.predict(2.0 * X - 1.0), dtype=float)
