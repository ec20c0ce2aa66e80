"""Fields: functions on a grid that can write any rows of it, however they come by the values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from orchestrator.surrogates.separable import Layout

FloatArray = NDArray[np.float64]

_ASKED_AT_ONCE = 65_536  # rows of one call of `predict`


class Field(Protocol):
    """A function on a grid; `Separable` is one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        ...

    @property
    def magnitude(self) -> float:
        """What rounding errors are relative to; 0 where the values themselves say it."""
        ...

    def fill(self, first: int, out: FloatArray) -> None:
        """Write consecutive rows of the grid's `Layout` into an array of shape (n_rows, n_columns)."""
        ...


@dataclass(frozen=True)
class Predicted:
    """A model that is asked at every point: right for every model, and as slow as it is.

    Args:
        model: Anything with `predict`.
        axes: Coordinates of the grid.
    """

    model: Any
    axes: tuple[FloatArray, ...]
    magnitude: float = 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        return tuple(map(len, self.axes))

    def fill(self, first: int, out: FloatArray) -> None:
        """Ask the model, some ten thousand points at once."""
        n_columns = Layout(self.shape).n_columns
        flat = out.reshape(-1)
        for start in range(0, len(flat), _ASKED_AT_ONCE):
            part = flat[start : start + _ASKED_AT_ONCE]
            begin = first * n_columns + start
            part[:] = self.at(np.unravel_index(np.arange(begin, begin + len(part)), self.shape))

    def at(self, index: Sequence[NDArray[np.intp]]) -> FloatArray:
        """Return the values at grid points, one array of places for each axis."""
        X = np.column_stack([axis[i] for axis, i in zip(self.axes, index, strict=True)])
        return np.asarray(self.model.predict(named(self.model, X)), dtype=float)


@dataclass(frozen=True)
class Mapped:
    """A field seen through a function of its values, as a target that was transformed before the fit.

    Args:
        inner: The field.
        function: From values, shape (n,), to values, one by one.
    """

    inner: Field
    function: Callable[[FloatArray], FloatArray]
    magnitude: float = 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        return self.inner.shape

    def fill(self, first: int, out: FloatArray) -> None:
        """Fill and map."""
        self.inner.fill(first, out)
        out[:] = self.function(out.reshape(-1)).reshape(out.shape)


@dataclass(frozen=True)
class Blend:
    """A weighted sum of fields of different kinds, as an ensemble of a machine and a forest.

    Args:
        fields: On the same grid.
        weights: One for each.
    """

    fields: tuple[Field, ...]
    weights: tuple[float, ...]
    magnitude: float = 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        return self.fields[0].shape

    def fill(self, first: int, out: FloatArray) -> None:
        """Fill with each field in turn and add up."""
        part = np.empty_like(out)
        self.fields[0].fill(first, out)
        out *= self.weights[0]
        for field, weight in zip(self.fields[1:], self.weights[1:], strict=True):
            field.fill(first, part)
            out += weight * part


def named(model: Any, X: FloatArray) -> Any:  # noqa: ANN401 - sklearn has no stubs
    """Return rows as the model was fitted on them: a data frame where its columns had names."""
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        return X
    import pandas as pd  # noqa: PLC0415 - there, since the model was fitted on a frame

    return pd.DataFrame(X, columns=names)
