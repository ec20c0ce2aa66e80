"""Constraints between parameters: how far a point is from meeting one, and parameters that follow from an equality."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.formula import Comparison, FormulaError, Linear, Names, read_comparisons
from orchestrator.space.parameter import FloatArray, Parameter, SpaceError, Value

_TOLERANCE = 1e-9  # relative; of what people type and of an equality
_ROUNDING = 1e-13  # of a range; how far a follower may be outside of it by rounding alone

Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Constraint:
    """One rule that every suggested point meets.

    Args:
        comparison: What is compared.
    """

    comparison: Comparison

    @property
    def text(self) -> str:
        """As it was written."""
        return self.comparison.text

    @property
    def is_equality(self) -> bool:
        """Whether both sides must be equal."""
        return self.comparison.relation == "=="

    def sides(self, values: Columns) -> tuple[FloatArray, FloatArray]:
        """Return both sides, arrays of shape (n,); NaN or infinite where the formula has no value."""
        n = len(next(iter(values.values())))
        with np.errstate(all="ignore"):
            left, right = (side.evaluate(values) for side in (self.comparison.left, self.comparison.right))
        return np.broadcast_to(left, n).astype(float), np.broadcast_to(right, n).astype(float)

    def excess(self, values: Columns) -> FloatArray:
        """Return by how much it is broken, array, shape (n,): at most 0 where it is met, infinite without a value.

        An inequality is met without any tolerance, an equality to a relative 1e-9.
        """
        left, right = self.sides(values)
        relation = self.comparison.relation
        with np.errstate(invalid="ignore"):
            over = left - right if relation in ("<=", "<") else right - left
            if self.is_equality:
                over = np.abs(over) - _TOLERANCE * self._size(values)
        if relation in ("<", ">"):
            over = np.where(over == 0, np.finfo(float).tiny, over)
        return np.where(np.isfinite(over), over, np.inf)

    def _size(self, values: Columns) -> FloatArray | float:
        """Return how large what is compared is, shape (n,): its terms, or where it is not linear its sides."""
        if self.comparison.left.linear is None or self.comparison.right.linear is None:
            left, right = self.sides(values)
            return np.maximum(np.abs(left), np.abs(right))
        rule = _difference(self)
        return abs(rule.constant) + sum(abs(factor) * np.abs(values[name]) for name, factor in rule.factors.items())

    def is_met(self, point: Mapping[str, float | str]) -> bool:
        """Return whether a point as a person types it meets it, to a relative 1e-9."""
        values = {name: np.array([value]) for name, value in point.items()}
        left, right = (float(side[0]) for side in self.sides(values))
        slack = 0.0 if self.is_equality else float(np.max(_TOLERANCE * self._size(values)))
        return math.isfinite(left - right) and bool(self.excess(values)[0] <= slack)

    def broken_by(self, point: Mapping[str, float | str]) -> str:
        """Return how a point breaks it, in words: the constraint with the values of its sides."""
        left, right = (float(s[0]) for s in self.sides({name: np.array([v]) for name, v in point.items()}))
        if not math.isfinite(left - right):
            return f"{self.text!r} has no finite value there"
        return f"{self.text!r} is not met: {left:.6g} {self.comparison.relation} {right:.6g} is false"


@dataclass(frozen=True)
class Follower:
    """A parameter that follows from others by a linear equality: `constant + sum(factors[name] * name)`."""

    parameter: Parameter
    rule: Linear

    def value(self, values: Columns, n: int) -> FloatArray:
        """Return its values, array, shape (n,), as they follow: maybe outside its bounds or between its levels."""
        found = np.full(n, self.rule.constant)
        for name, factor in self.rule.factors.items():
            found = found + factor * values[name]
        return found

    def plain(self, settled: FloatArray) -> list[Value]:
        """Return settled values as plain numbers."""
        numbers: list[Value] = settled.tolist()
        return self.parameter.decode(self.parameter.encode(numbers)) if self.parameter.levels else numbers

    def settled(self, found: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return values that it can take and how far they are from those found, relative to its range."""
        p = self.parameter
        near = np.clip(found, p.low, p.high) if not p.levels else p.natural(p.encode(list(found)))
        apart = np.abs(near - found) / (p.high - p.low)
        return near, np.where(apart <= _ROUNDING, 0.0, apart)


def nameable(parameters: Sequence[Parameter]) -> Names:
    """Return what a formula over parameters may name."""
    return Names(
        tuple(p.name for p in parameters if not p.choices), {p.name: p.choices for p in parameters if p.choices}
    )


def read_constraints(texts: Sequence[str], parameters: Sequence[Parameter]) -> tuple[Constraint, ...]:
    """Read constraints over parameters.

    Raises:
        SpaceError: One that cannot be read; says which, and why.
    """
    names = nameable(parameters)
    found: list[Constraint] = []
    for text in texts:
        try:
            found += [Constraint(one) for one in read_comparisons(text, names)]
        except FormulaError as error:
            message = f"constraint {text!r}: {error}"
            raise SpaceError(message) from error
    return tuple(found)


def followers(constraints: Sequence[Constraint], parameters: Sequence[Parameter]) -> tuple[Follower, ...]:
    """Solve the equalities among the constraints, each for one searched parameter, by elimination.

    A parameter without levels follows rather than one with levels, and the last rather than an earlier one.

    Raises:
        SpaceError: Equalities that contradict each other.
    """
    fixed = {p.name: float(p.fixed) for p in parameters if p.fixed is not None and not isinstance(p.fixed, str)}
    able = [p for p in parameters[::-1] if p.fixed is None and not p.choices]
    able = sorted(able, key=lambda p: (bool(p.levels), p.scale == "log"))
    solved: list[Follower] = []
    for constraint in constraints:
        if not constraint.is_equality:
            continue
        whole = _difference(constraint)
        size = max(map(abs, whole.factors.values()), default=1.0)
        rest = _inserted(whole.times(1 / size), fixed, solved)
        p = next((p for p in able if abs(rest.factors.get(p.name, 0.0)) > _TOLERANCE), None)
        if p is None:
            if abs(rest.constant) > _TOLERANCE * max(1.0, abs(whole.constant) / size):
                message = f"constraint {constraint.text!r} contradicts the other equalities; take one of them out"
                raise SpaceError(message)
            continue
        able.remove(p)
        factors = {name: factor for name, factor in rest.factors.items() if name != p.name}
        new = Follower(p, Linear(rest.constant, factors).times(-1 / rest.factors[p.name]))
        solved = [*(replace(f, rule=_inserted(f.rule, {}, [new])) for f in solved), new]
    return tuple(solved)


def _difference(constraint: Constraint) -> Linear:
    left, right = constraint.comparison.left.linear, constraint.comparison.right.linear
    if left is None or right is None:
        message = f"constraint {constraint.text!r} is not linear"
        raise SpaceError(message)
    return left.plus(right, -1.0)


def _inserted(rule: Linear, fixed: Mapping[str, float], solved: Sequence[Follower]) -> Linear:
    """Return a rule with fixed values and followers put in."""
    found = Linear(rule.constant, {})
    rules = {f.parameter.name: f.rule for f in solved} | {name: Linear(value, {}) for name, value in fixed.items()}
    for name, factor in rule.factors.items():
        found = found.plus(rules.get(name, Linear(0.0, {name: 1.0})), factor)
    return found
