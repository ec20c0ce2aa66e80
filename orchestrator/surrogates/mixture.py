"""What several members of a surrogate say together."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def mixed(means: FloatArray, sds: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and sd of an even mixture, shapes (n_points,).

    Args:
        means: By member, shape (n_members, n_points).
        sds: The same.
    """
    return means.mean(axis=0), np.sqrt((sds**2).mean(axis=0) + means.var(axis=0))
