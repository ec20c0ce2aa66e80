"""What a grid and a model must be to go together, each refusal with the way out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from orchestrator.grid.fields import Predicted

FloatArray = NDArray[np.float64]


def checked(axes: Sequence[ArrayLike]) -> tuple[FloatArray, ...]:
    """Return the axes as arrays of floats.

    Raises:
        TypeError: An axis does not consist of numbers.
        ValueError: There are none, or one is empty, not a plain sequence, or not finite.
    """
    if not len(axes):
        message = "grid: no axes; give one for each column of the model"
        raise ValueError(message)
    return tuple(_checked(number, axis) for number, axis in enumerate(axes, start=1))


def _checked(number: int, axis: ArrayLike) -> FloatArray:
    array = np.asarray(axis)
    if array.ndim != 1 or not len(array):
        message = f"grid: axis {number} has shape {array.shape}; give a plain sequence of at least one number"
        raise ValueError(message)
    if array.dtype.kind not in "iuf":
        message = f"grid: axis {number} holds {array[0]!r}, which is not a real number; encode choices as numbers first"
        raise TypeError(message)
    values = array.astype(float)
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        message = f"grid: axis {number} is {values[wrong[0]]} at place {wrong[0]}; a grid needs finite numbers"
        raise ValueError(message)
    return values


def check_model(model: Any, axes: tuple[FloatArray, ...]) -> None:  # noqa: ANN401 - sklearn has no stubs
    """Hold a model against the axes, and ask it once.

    Raises:
        TypeError: It has no `predict`.
        ValueError: It was fitted on another number of columns, or has several outputs.
    """
    name = type(model).__name__
    if not callable(getattr(model, "predict", None)):
        message = f"grid: {name} has no predict(X); give a fitted regression"
        raise TypeError(message)
    n_columns = getattr(model, "n_features_in_", len(axes))
    if n_columns != len(axes):
        message = (
            f"grid: {name} was fitted on {n_columns} columns, but there are {len(axes)} axes; "
            "give one axis for each column, in their order"
        )
        raise ValueError(message)
    answer = Predicted(model, axes).at([np.array([0])] * len(axes))
    if answer.size != 1:
        message = f"grid: {name} predicts {answer.size} outputs at a point; give a model of one output"
        raise ValueError(message)
