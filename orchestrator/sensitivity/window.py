"""The window: how far every parameter may move from the predicted optimum before the prediction is clearly worse."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SHARE = 0.95
_MOST_SLANTING = 4  # parameters


@dataclass(frozen=True)
class Window:
    """The connected part of the level set that holds the optimum.

    Args:
        threshold: The level, in the objective's unit.
        rule: How it was set, in words.
        optimum: Index of the optimum on each axis.
        ranges: Index of the first and the last level of each axis that the window reaches.
        share: Share of the grid's points in the window.
        n_elsewhere: How many separate regions reach the level too.
        share_elsewhere: Share of the grid's points in those.
        inside: Which points are in the window, shape of the grid.
    """

    threshold: float
    rule: str
    optimum: tuple[int, ...]
    ranges: tuple[tuple[int, int], ...]
    share: float
    n_elsewhere: int
    share_elsewhere: float
    inside: NDArray[np.bool_]


def threshold(values: FloatArray, sign: float, share: float = SHARE) -> tuple[float, str]:
    """Return the level that is good enough, and the rule in words.

    A percentage of the optimum means something where the optimum is above zero: at least 95 % of a highest value, at
    most 1 / 0.95 of a lowest one. Elsewhere the level lies 95 % of the way from the grid's median to the optimum.

    Args:
        values: The prediction over a grid.
        sign: 1 where larger is better, -1 where smaller is.
        share: How much of the optimum is enough, between 0 and 1.
    """
    best = float(values.max() if sign > 0 else values.min())
    if best > 0 and sign > 0:
        return share * best, f"at least {100 * share:g} % of the predicted optimum"
    if best > 0:
        return best / share, f"at most 1 / {share:g} of the predicted optimum"
    middle = float(np.median(values))
    return middle + share * (best - middle), (
        f"{100 * share:g} % of the way from the median of the space to the predicted optimum, "
        "which is not above zero, so that a percentage of it says nothing"
    )


def window(
    values: FloatArray, sign: float = 1.0, share: float = SHARE, optimum: tuple[int, ...] | None = None
) -> Window:
    """Return the part of the level set that is connected with the optimum.

    A point is connected with the next level of one parameter, or of two at once, so that a slanting ridge is one
    region; with more than four parameters of one only, for the sake of time. Choices have no neighbours: cut a grid at
    the optimum's choices first.

    Args:
        values: The prediction over a grid, shape (n_1, ..., n_d), finite.
        sign: 1 where larger is better, -1 where smaller is.
        share: How much of the optimum is enough, between 0 and 1.
        optimum: Which of several equally good points the window is about; by default the first in C order.
    """
    from scipy.ndimage import find_objects, generate_binary_structure, label  # noqa: PLC0415 - beside its only use

    level, rule = threshold(values, sign, share)
    good = values >= level if sign > 0 else values <= level
    if optimum is None:
        best = int(values.argmax() if sign > 0 else values.argmin())
        optimum = tuple(int(i) for i in np.unravel_index(best, values.shape))
    reach = min(values.ndim, 2) if values.ndim <= _MOST_SLANTING else 1
    labels, n = label(good, generate_binary_structure(values.ndim, reach))
    here = int(labels[optimum])
    ranges = tuple((int(part.start), int(part.stop) - 1) for part in find_objects(labels, here)[-1])
    inside = labels == here
    held = int(inside.sum())
    return Window(level, rule, optimum, ranges, held / good.size, n - 1, (int(good.sum()) - held) / good.size, inside)
