"""One named input, and the way from its values to the unit interval and back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.config.schema import ParameterConfig

FloatArray = NDArray[np.float64]
Value = float | str


class SpaceError(ValueError):
    """A point, a pool or a set of constraints that the parameter space does not allow."""


@dataclass(frozen=True)
class Parameter:
    """One named input: bounds, or numeric levels, or text choices; or a context that is not searched.

    Args:
        name: Its name.
        unit: Its unit; "1" for a pure number.
        low: Lower bound in its unit; with levels, the lowest.
        high: Upper bound in its unit; with levels, the highest.
        levels: The only numbers it can take, ascending, or empty; whole numbers are `int`.
        choices: The only texts it can take, or empty.
        scale: "linear" or "log": how it is spread over the unit interval.
        fixed: The value that every suggested point has, or None for a parameter that is searched. Where low equals high
            (and there are no choices) there is no other value, and it has no column.
        instrument: The role whose instruments the choices are, or "". A run is bound to the one its point names.
    """

    name: str
    unit: str = "1"
    low: float = 0.0
    high: float = 1.0
    levels: tuple[float, ...] = ()
    choices: tuple[str, ...] = ()
    scale: str = "linear"
    fixed: Value | None = None
    instrument: str = ""

    @classmethod
    def from_config(cls, name: str, config: ParameterConfig) -> "Parameter":
        """Build the parameter that a configuration describes.

        Raises:
            SpaceError: It has neither bounds nor levels, choices or a fixed value.
        """
        fixed = config.fixed
        if config.choices is not None:
            role = config.instrument or ""
            return cls(name, config.unit, choices=tuple(config.choices), fixed=fixed, instrument=role)
        levels = config.lattice
        fixed = next((level for level in levels if level == fixed), fixed)  # whole numbers stay whole
        if levels:
            return cls(name, config.unit, levels[0], levels[-1], levels, scale=config.scale, fixed=fixed)
        if config.low is not None and config.high is not None:
            return cls(name, config.unit, config.low, config.high, scale=config.scale, fixed=fixed)
        if isinstance(fixed, str):
            return cls(name, config.unit, choices=(fixed,), fixed=fixed)
        if fixed is not None:
            return cls(name, config.unit, fixed, fixed, fixed=fixed)
        message = f"parameter {name!r} has no bounds; give low and high, or levels, or choices"
        raise SpaceError(message)

    @property
    def is_constant(self) -> bool:
        """Whether it has one value only, so that no model needs to see it."""
        return self.fixed is not None and (len(self.choices) == 1 or (not self.choices and self.low == self.high))

    @property
    def n_columns(self) -> int:
        """How many columns it takes when encoded: one, or one for each choice; none for a single value."""
        return 0 if self.is_constant else len(self.choices) or 1

    @property
    def options(self) -> tuple[Value, ...]:
        """The values it can take where they are countable, else empty."""
        return self.choices or self.levels

    def check(self, value: object) -> Value:
        """Return the value as the plain number or text it stands for.

        Raises:
            SpaceError: It is no value of this parameter.
        """
        if self.choices:
            return self._check_choice(value)
        if isinstance(value, (str, bool)) or not isinstance(value, (int, float, np.integer, np.floating)):
            message = f"parameter {self.name!r}: {value!r} is not a number; give one in {self.unit}"
            raise SpaceError(message)
        number = float(value)
        if self.is_constant:
            return self._check_fixed(number)
        if not self.low <= number <= self.high:  # NaN fails too
            message = (
                f"parameter {self.name!r}: {number:g} {self.unit} is outside "
                f"{self.low:g} to {self.high:g} {self.unit}; change the point or the bounds"
            )
            raise SpaceError(message)
        return self._check_level(number)

    def _check_choice(self, value: object) -> str:
        if value not in self.choices:
            message = f"parameter {self.name!r}: {value!r} is not one of {', '.join(self.choices)}"
            raise SpaceError(message)
        return str(value)

    def _check_fixed(self, number: float) -> Value:
        if self.fixed is not None and math.isclose(number, self.low, rel_tol=1e-9, abs_tol=1e-12):
            return self.fixed
        message = (
            f"parameter {self.name!r}: {number:g} {self.unit} is not the {self.low:g} {self.unit} it is fixed at; "
            "give it bounds beside the fixed value to learn from other values"
        )
        raise SpaceError(message)

    def _check_level(self, number: float) -> float:
        if not self.levels:
            return number
        i = int(np.abs(self._numbers - number).argmin())
        level = self.levels[i]
        if math.isclose(number, level, rel_tol=1e-9, abs_tol=1e-12):
            return level
        message = (
            f"parameter {self.name!r}: {number:g} {self.unit} is not one of its levels {self._listed()} {self.unit}"
        )
        raise SpaceError(message)

    def _listed(self) -> str:
        shown = [f"{level:g}" for level in self.levels]
        return ", ".join(shown if len(shown) <= 12 else [*shown[:3], "...", shown[-1]])

    def encode(self, values: Sequence[Value]) -> FloatArray:
        """Return the values in the unit cube: array, shape (n, n_columns)."""
        if self.is_constant:
            return np.empty((len(values), 0))
        if self.choices:
            return np.array([[float(v == choice) for choice in self.choices] for v in values]).reshape(len(values), -1)
        numbers = self._stretched(np.asarray(values, dtype=float))
        low, high = self._stretched(np.array([self.low, self.high]))
        return np.asarray((numbers - low) / (high - low), dtype=float)[:, None]

    def decode(self, columns: FloatArray) -> list[Value]:
        """Return the values nearest to the encoded columns, levels and choices snapped, as plain numbers and texts."""
        if self.is_constant:
            return [self.fixed if self.fixed is not None else self.low] * len(columns)
        if self.options:
            return [self.options[i] for i in self._nearest(columns)]
        return [float(v) for v in self._interpolated(columns)]

    def natural(self, columns: FloatArray) -> NDArray[Any]:
        """Return the same as `decode` as one array, shape (n,)."""
        if self.is_constant:
            return np.full(len(columns), self.fixed)
        if self.options:
            return np.asarray(self._numbers[self._nearest(columns)])
        return self._interpolated(columns)

    def spread(self, quantiles: FloatArray) -> FloatArray:
        """Return the encoded columns at uniform quantiles: every level and every choice gets an equal share."""
        if not self.options:
            return quantiles[:, None]
        return np.asarray(self.encode(self.options)[self._rank(quantiles)])

    def at(self, quantiles: FloatArray) -> NDArray[Any]:
        """Return the values at uniform quantiles, array, shape (n,)."""
        if self.options:
            return np.asarray(self._numbers[self._rank(quantiles)])
        return self._interpolated(quantiles[:, None])

    def quantile(self, columns: FloatArray) -> FloatArray:
        """Return the quantiles of the values nearest to the encoded columns: the inverse of `spread`."""
        if self.options:
            return np.asarray((self._nearest(columns) + 0.5) / len(self.options))
        return np.asarray(np.clip(columns[:, 0], 0.0, 1.0))

    def snap(self, columns: FloatArray) -> FloatArray:
        """Return the encoded columns of the nearest value, shape (n, n_columns); of the fixed one where it is fixed."""
        if self.fixed is not None:
            return np.asarray(np.repeat(self.encode([self.fixed]), len(columns), axis=0))
        if self.options:
            return np.asarray(self.encode(self.options)[self._nearest(columns)])
        return np.asarray(np.clip(columns, 0.0, 1.0))

    def _rank(self, quantiles: FloatArray) -> NDArray[np.intp]:
        n = len(self.options)
        return np.asarray(np.minimum((quantiles * n).astype(int), n - 1))

    def _nearest(self, columns: FloatArray) -> NDArray[np.intp]:
        """Return which choice or level is nearest; of two as near, the first."""
        if self.choices:
            return np.asarray(np.argmax(columns, axis=1))
        x, encoded = columns[:, 0], self._encoded_levels
        right = np.clip(np.searchsorted(encoded, x), 1, len(encoded) - 1)
        is_left = np.abs(x - encoded[right - 1]) <= np.abs(encoded[right] - x)
        return np.asarray(right - is_left)

    def _interpolated(self, columns: FloatArray) -> FloatArray:
        low, high = self._stretched(np.array([self.low, self.high]))
        stretched = low + np.clip(columns[:, 0], 0.0, 1.0) * (high - low)
        numbers = np.exp(stretched) if self.scale == "log" else stretched
        return np.asarray(np.clip(numbers, self.low, self.high))

    @cached_property
    def _numbers(self) -> NDArray[Any]:
        return np.array(self.choices) if self.choices else np.array(self.levels, dtype=float)

    @cached_property
    def _encoded_levels(self) -> FloatArray:
        return self.encode(self.levels)[:, 0]

    def _stretched(self, numbers: FloatArray) -> FloatArray:
        return np.log(numbers) if self.scale == "log" else numbers
