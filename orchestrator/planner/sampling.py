"""The largest acquisition among samples: where there is no grid to search, or a pool is all there is."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from orchestrator.planner.acquisition import Outlook
from orchestrator.space import ParameterSpace
from orchestrator.surrogates.kernels import squared_distance

FloatArray = NDArray[np.float64]

SAME = 1e-6  # points closer than this in the unit cube are equal
_N_CENTRES = 8  # of the best samples, searched once more nearby
_REACHES = (1.6, 0.7, 0.3, 0.14)  # of the surroundings that are searched after one another, in those of `nearby`
_FIRST_REACH = 2.4  # around the best measured rows
_N_NEARBY = 32  # points around each centre at a time


def samples(space: ParameterSpace, n: int, used: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return encoded points that were not tried yet, or all where every one was: replicates are due then.

    Args:
        space: The parameters; of a pool every candidate is a sample.
        n: How many to draw where there is no pool.
        used: Encoded points that were tried, shape (n_used, n_columns).
        rng: Where they are drawn from.
    """
    columns = space.draw(len(space.candidates or ()) or n, rng)
    unused = _unused(columns, used)
    return unused if len(unused) else columns


class Believing(Protocol):
    """What can be asked what a point promises."""

    def at(self, columns: FloatArray) -> Outlook:
        """Return what is believed at encoded points."""

    def promise(self, outlook: Outlook) -> FloatArray:
        """Return the acquisition of each point of an outlook."""


def best_sample(
    belief: Believing, space: ParameterSpace, n: int, used: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return the encoded point of the largest acquisition among samples, shape (1, n_columns).

    In a space that is not discrete, the surroundings of the best samples are searched once more.
    """
    columns = samples(space, n, used, rng)
    if not space.is_discrete:
        promise = belief.promise(belief.at(columns))
        centres = columns[np.argsort(-promise, kind="stable")[:_N_CENTRES]]
        columns = np.vstack([centres, _unused(space.nearby(centres, n // _N_CENTRES, rng), used)])
    i = int(belief.promise(belief.at(columns)).argmax())
    return columns[i : i + 1]


def climbed(
    belief: Believing,
    space: ParameterSpace,
    n: int,
    used: FloatArray,
    rng: np.random.Generator,
    *,
    known: FloatArray,
    tidy: Callable[[FloatArray], FloatArray] | None = None,
) -> FloatArray:
    """Return the encoded point of the largest acquisition that is found, shape (1, n_columns).

    Half of the samples are drawn from the whole space, half around the best measured rows; then the surroundings of
    the best points are searched, closer and closer.

    Args:
        belief: What points promise.
        space: The parameters.
        n: How many samples to begin with.
        used: Encoded points that were tried.
        rng: Where samples are drawn from.
        known: Encoded points of the measured rows.
        tidy: Rounds points to those that may be suggested, and leaves out what may not.
    """
    if space.is_discrete:
        return best_sample(belief, space, n, used, rng)
    best = known[np.argsort(-belief.at(known).score, kind="stable")[:_N_CENTRES]]
    columns = np.vstack([space.draw(n // 2, rng), space.nearby(best, n // 2 // len(best), rng, _FIRST_REACH)])
    columns = _unused(columns if tidy is None else tidy(columns), used)
    if not len(columns):
        return best_sample(belief, space, n, used, rng)
    promise = belief.promise(belief.at(columns))
    for reach in _REACHES:
        first = np.argsort(-promise, kind="stable")[:_N_CENTRES]
        new = space.nearby(columns[first], _N_NEARBY, rng, reach)
        new = _unused(new if tidy is None else tidy(new), used)
        columns = np.vstack([columns[first], new])
        promise = np.append(promise[first], belief.promise(belief.at(new)))
    i = int(promise.argmax())
    return columns[i : i + 1]


def is_used(columns: FloatArray, used: FloatArray) -> NDArray[np.bool_]:
    """Return which encoded points were tried."""
    if not len(used):
        return np.zeros(len(columns), dtype=bool)
    return np.asarray(squared_distance(columns, used).min(axis=1) <= SAME**2)


def _unused(columns: FloatArray, used: FloatArray) -> FloatArray:
    return columns[~is_used(columns, used)]
