"""The rows of another tool that a surrogate may borrow from, and how much it is told to."""

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array

FloatArray = NDArray[np.float64]
Source = tuple[FloatArray, FloatArray]
"""Features, shape (n_source, n_columns), and values, shape (n_source,)."""


def source_of(estimator: BaseEstimator, n_columns: int) -> Source | None:
    """Return the source that an estimator was made with, or None where it has none.

    Raises:
        ValueError: NaN or infinity, or shapes that do not fit one another or the target's columns.
    """
    source_X, source_y = getattr(estimator, "source_X", None), getattr(estimator, "source_y", None)
    if source_X is None or source_y is None:
        return None
    X, y = check_array(source_X, dtype=float), check_array(source_y, dtype=float, ensure_2d=False)
    if X.shape != (len(y), n_columns):
        name, wanted = type(estimator).__name__, (len(y), n_columns)
        message = f"{name}: source_X has shape {X.shape} where source_y and X ask for {wanted}"
        raise ValueError(message)
    return X, y


def fixed_weight(estimator: BaseEstimator) -> float | None:
    """Return the weight that the source is given whatever the rows say, or None where they decide.

    Raises:
        ValueError: It is neither "guarded" nor a number from 0 to 1.
    """
    weight = getattr(estimator, "source_weight", "guarded")
    if weight != "guarded" and (isinstance(weight, str) or not 0 <= weight <= 1):
        name = type(estimator).__name__
        message = f"{name}: source_weight {weight!r} is neither 'guarded' nor a number between 0 and 1"
        raise ValueError(message)
    return None if weight == "guarded" else float(weight)
