"""Features: formulas over the parameters that the models see beside them; the space that is searched stays as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from orchestrator.formula import Expression, FormulaError, read_expression
from orchestrator.planner.feasibility import Evidence
from orchestrator.space import ParameterSpace, SpaceError

FloatArray = NDArray[np.float64]

_N_SAMPLES = 2048  # points that tell a feature's range, beside the corners
_LARGEST = 1e300
_LEAST_CHANGE = 1e-9  # of a feature over the space, relative to its size
_UNKNOWN = 0.5  # stands for a value that is none, as at a past row outside the constraints


class FeatureError(SpaceError):
    """A feature that cannot be read, or that has no value to learn from.

    Args:
        place: Which of the features, from 0.
        message: What is wrong with it.
    """

    def __init__(self, place: int, message: str) -> None:
        super().__init__(message)
        self.path = ("planner", "features", place)


@dataclass(frozen=True)
class _Feature:
    """One formula, and its range over the space: of its logarithm where it is positive everywhere."""

    expression: Expression
    is_log: bool
    low: float
    high: float

    def scaled(self, raw: FloatArray) -> FloatArray:
        """Return values in 0..1, shape (n,), those beyond the range at its ends."""
        with np.errstate(all="ignore"):
            found = (_measured(raw, is_log=self.is_log) - self.low) / (self.high - self.low)
        return np.where(np.isnan(found), _UNKNOWN, np.clip(found, 0.0, 1.0))


@dataclass(frozen=True)
class Features:
    """Columns beside those of the parameters, one for each formula, in the unit cube as they are.

    Of a feature that is positive everywhere the logarithm is taken: products, ratios and powers are sums then, and a
    factor counts the same wherever it is. Its range is that over the whole space, whatever a context fixes: over the
    pool, else over the corners and a seeded sample.

    Args:
        space: The parameters.
        features: The formulas with their ranges.
    """

    space: ParameterSpace
    features: tuple[_Feature, ...] = ()

    @classmethod
    def of(cls, space: ParameterSpace, texts: Sequence[str]) -> "Features":
        """Read features over the parameters of a space.

        Raises:
            FeatureError: One that cannot be read, has no finite value somewhere, or is the same everywhere.
        """
        return _of(space, tuple(texts)) if texts else cls(space)

    def __len__(self) -> int:
        """Return the number of features."""
        return len(self.features)

    def beside(self, columns: FloatArray) -> FloatArray:
        """Return encoded points with their features, shape (n, n_columns + n_features).

        Args:
            columns: Points in the unit cube, shape (n, n_columns). Features are those of the nearest point of the box.
        """
        if not self.features:
            return columns
        added = [f.scaled(_raw(f.expression, self.space, columns)) for f in self.features]
        return np.column_stack([columns, *added])

    def informing(self, model: Evidence) -> Evidence:
        """Return a model that was taught encoded points with their features as one that is asked without them."""
        return _Informed(self, model) if self.features else model


@dataclass(frozen=True)
class _Informed:
    """A model of feasibility with features: it bounds nothing within a block of a grid, so that none is divided."""

    features: Features
    model: Evidence

    def at(self, X: FloatArray) -> FloatArray:
        """Return the probability of success at encoded points, shape (n,)."""
        return self.model.at(self.features.beside(X))


@lru_cache(maxsize=16)  # every belief of a campaign has the same
def _of(space: ParameterSpace, texts: tuple[str, ...]) -> Features:
    whole = space.whole
    if whole.candidates is not None:
        columns = whole.encode(whole.candidates)
    else:
        columns = np.vstack([whole.encode(whole.corners()), whole.draw(_N_SAMPLES, np.random.default_rng(0))])
    return Features(space, tuple(_read(i, text, whole, columns) for i, text in enumerate(texts)))


def _read(place: int, text: str, space: ParameterSpace, columns: FloatArray) -> _Feature:
    try:
        expression = read_expression(text, space.nameable)
    except FormulaError as error:
        raise FeatureError(place, f"feature {text!r}: {error}") from error
    raw = _raw(expression, space, columns)
    has_none = ~(np.abs(raw) <= _LARGEST)
    if has_none.any():
        point = space.points(columns[has_none][:1])[0]
        where = ", ".join(f"{name} {point[name]}" for name in space.names if name in expression.names)
        raise FeatureError(place, f"feature {text!r} has no finite value at {where}; change it, or the bounds")
    low, high = float(raw.min()), float(raw.max())
    if high - low <= _LEAST_CHANGE * max(abs(low), abs(high)):
        raise FeatureError(place, f"feature {text!r} is {low:g} everywhere, which tells a model nothing; take it out")
    is_log = low > 0
    ends = _measured(np.array([low, high]), is_log=is_log)
    return _Feature(expression, is_log, float(ends[0]), float(ends[1]))


def _raw(expression: Expression, space: ParameterSpace, columns: FloatArray) -> FloatArray:
    with np.errstate(all="ignore"):
        found = expression.evaluate(space.natural(columns))
    return np.broadcast_to(found, len(columns)).astype(float)


def _measured(raw: FloatArray, *, is_log: bool) -> FloatArray:
    return np.log(np.maximum(raw, np.finfo(float).tiny)) if is_log else raw
