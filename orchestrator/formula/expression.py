"""Expressions: a tree of arithmetic that is evaluated on whole arrays of points at once.

Rule of this file: what is not in its tables is refused. Nothing of the text is ever compiled or called.
"""

import ast
import math
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = Mapping[str, NDArray[Any]]
Evaluate = Callable[[Values], Any]

_CONSTANTS = {"pi": math.pi, "e": math.e}
_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.float_power,
}
_SIGNS: dict[type[ast.AST], float] = {ast.UAdd: 1.0, ast.USub: -1.0}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "log10": np.log10,
    "sin": np.sin,
    "cos": np.cos,
    "abs": np.abs,
}
_OF_SEVERAL: dict[str, Callable[..., Any]] = {"min": np.minimum, "max": np.maximum}
_HINTS: dict[type[ast.AST], str] = {
    ast.BitXor: "write ** for a power",
    ast.BoolOp: "write each condition as a constraint of its own",
    ast.Mod: "take a step or levels for a lattice of values",
    ast.FloorDiv: "divide with /",
    ast.NotEq: "take the value out of the levels or choices",
}


class FormulaError(ValueError):
    """A formula that cannot be read; says which part, and what to write instead."""


@dataclass(frozen=True)
class Names:
    """What a formula may name.

    Args:
        numbers: Names of numbers.
        choices: The texts that each named choice can take.
    """

    numbers: tuple[str, ...]
    choices: Mapping[str, tuple[str, ...]]

    @property
    def known(self) -> list[str]:
        """Every name."""
        return [*self.numbers, *self.choices]


@dataclass(frozen=True)
class Linear:
    """A constant and a factor for each name: `constant + sum(factors[name] * name)`."""

    constant: float
    factors: Mapping[str, float]

    @property
    def is_constant(self) -> bool:
        """Whether it depends on nothing."""
        return not self.factors

    def plus(self, other: "Linear", factor: float = 1.0) -> "Linear":
        """Return the sum with `factor` times another."""
        names = dict.fromkeys([*self.factors, *other.factors])
        sums = {n: self.factors.get(n, 0.0) + factor * other.factors.get(n, 0.0) for n in names}
        return Linear(self.constant + factor * other.constant, {n: f for n, f in sums.items() if f != 0})

    def times(self, factor: float) -> "Linear":
        """Return `factor` times this."""
        return Linear(0.0, {}).plus(self, factor)


@dataclass(frozen=True)
class Expression:
    """Arithmetic over named numbers.

    Args:
        evaluate: Its values from arrays of shape (n,) by name; NaN or infinite where it has none.
        linear: The same as a linear form, None where it is none.
        names: The names in it.
    """

    evaluate: Evaluate
    linear: Linear | None
    names: frozenset[str] = frozenset()


class Reader:
    """Reads the nodes of a parsed text into expressions.

    Args:
        names: What may be named.
        written: How the user wrote a name that stands in the text under another.
    """

    def __init__(self, names: Names, written: Mapping[str, str]) -> None:
        self._names, self._written = names, written
        self._meant = {unicodedata.normalize("NFKC", name): name for name in names.known}

    def read(self, node: ast.AST) -> Expression:
        """Return the expression at a node.

        Raises:
            FormulaError: Something that is no arithmetic, an unknown name, a constant without a finite value.
        """
        kinds: dict[type[ast.AST], Callable[[Any], Expression]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.UnaryOp: self._signed,
            ast.BinOp: self._combined,
            ast.Call: self._call,
            ast.Compare: self._choice,
        }
        if type(node) not in kinds:
            raise refusal(node, f"{_what(node)} is no arithmetic", _HINTS.get(type(node), "use + - * / ** and ( )"))
        found = kinds[type(node)](node)
        if found.linear is not None and not math.isfinite(found.linear.constant):
            raise refusal(node, f"{_what(node)} has no finite value", "correct the number")
        return found

    def _constant(self, node: ast.Constant) -> Expression:
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            raise refusal(node, f"{node.value!r} is not a number", 'texts stand only beside choices: (gas == "N2")')
        try:
            return _number(float(node.value))
        except OverflowError as error:
            raise refusal(node, "a number too large", "at most 1.8e308") from error

    def _name(self, node: ast.Name) -> Expression:
        name = self._meaning(node)
        if name in self._names.numbers:
            return Expression(lambda values: values[name], Linear(0.0, {name: 1.0}), frozenset({name}))
        if name in self._names.choices:
            way_out = f'compare it with one of its choices: ({name} == "{self._names.choices[name][0]}") is 1 or 0'
            raise refusal(node, f"{name!r} is a choice, not a number", way_out)
        return _number(_CONSTANTS[name])

    def _meaning(self, node: ast.Name) -> str:
        name = self._written.get(node.id) or self._meant.get(node.id, node.id)
        if name in self._meant.values() or name in _CONSTANTS:
            return name
        near = get_close_matches(name, self._names.known, n=1)
        way_out = f"did you mean {near[0]!r}?" if near else f"the parameters are {', '.join(self._names.known)}"
        raise refusal(node, f"unknown name {name!r}", way_out)

    def _signed(self, node: ast.UnaryOp) -> Expression:
        if type(node.op) not in _SIGNS:
            raise refusal(node, f"{_what(node.op)} is no arithmetic", "use + - * / ** and ( )")
        sign, inner = _SIGNS[type(node.op)], self.read(node.operand)
        linear = None if inner.linear is None else inner.linear.times(sign)
        return Expression(lambda values: sign * inner.evaluate(values), linear, inner.names)

    def _combined(self, node: ast.BinOp) -> Expression:
        if type(node.op) not in _OPERATORS:
            raise refusal(node, f"{_what(node.op)} is not supported", _HINTS.get(type(node.op), "use + - * / ** ( )"))
        a, b, combine = self.read(node.left), self.read(node.right), _OPERATORS[type(node.op)]
        found = Expression(lambda values: combine(a.evaluate(values), b.evaluate(values)), None, a.names | b.names)
        return _folded(found, _linear(node.op, a.linear, b.linear))

    def _call(self, node: ast.Call) -> Expression:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if (name not in _FUNCTIONS and name not in _OF_SEVERAL) or node.keywords:
            there = ", ".join([*_FUNCTIONS, *_OF_SEVERAL])
            raise refusal(node, f"{name or _what(node.func)!r} is no function here", f"the functions are {there}")
        arguments = [self.read(argument) for argument in node.args]
        wanted = len(arguments) == 1 if name in _FUNCTIONS else len(arguments) > 1
        if not wanted:
            number = "one value" if name in _FUNCTIONS else "two values or more"
            raise refusal(node, f"{name} of {len(arguments)} values", f"give it {number}")
        names = frozenset[str]().union(*(argument.names for argument in arguments))
        return _folded(Expression(_applied(name, [a.evaluate for a in arguments]), None, names))

    def _choice(self, node: ast.Compare) -> Expression:
        """Read `(gas == "N2")`, which is 1 or 0."""
        name = self._meaning(node.left) if isinstance(node.left, ast.Name) else ""
        sign, other = node.ops[0], node.comparators[0]
        text = other.value if isinstance(other, ast.Constant) else None
        if name not in self._names.choices or len(node.ops) > 1 or not isinstance(sign, (ast.Eq, ast.NotEq)):
            raise refusal(node, "a comparison inside a formula", 'only a choice with a text, as in (gas == "N2")')
        if text not in self._names.choices[name]:
            there = ", ".join(repr(choice) for choice in self._names.choices[name])
            raise refusal(node, f"{name!r} is never {text!r}", f"its choices are {there}")
        is_equal = isinstance(sign, ast.Eq)
        return Expression(lambda values: ((values[name] == text) == is_equal).astype(float), None, frozenset({name}))


def refusal(node: ast.AST, problem: str, way_out: str) -> FormulaError:
    """Return the error about a part of a formula."""
    place = f" at character {node.col_offset + 1}" if hasattr(node, "col_offset") else ""
    return FormulaError(f"{problem}{place}; {way_out}")


def _what(node: ast.AST) -> str:
    return ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__


def _number(value: float) -> Expression:
    # A numpy number, so that 9**9**9 becomes infinite in no time instead of a whole number that fills the memory.
    number = np.float64(value)
    return Expression(lambda _: number, Linear(value, {}))


def _applied(name: str, arguments: list[Evaluate]) -> Evaluate:
    if name in _FUNCTIONS:
        return lambda values: _FUNCTIONS[name](arguments[0](values))
    combine = _OF_SEVERAL[name]

    def evaluate(values: Values) -> Any:  # noqa: ANN401 - an array or a number
        found = arguments[0](values)
        for argument in arguments[1:]:
            found = combine(found, argument(values))
        return found

    return evaluate


def _folded(found: Expression, linear: Linear | None = None) -> Expression:
    """Return an expression without names as the number it is."""
    if found.names:
        return Expression(found.evaluate, linear, found.names)
    with np.errstate(all="ignore"):
        return _number(float(found.evaluate({})))


def _linear(operator: ast.operator, a: Linear | None, b: Linear | None) -> Linear | None:
    if a is None or b is None:
        return None
    if isinstance(operator, (ast.Add, ast.Sub)):
        return a.plus(b, 1.0 if isinstance(operator, ast.Add) else -1.0)
    if isinstance(operator, ast.Mult) and a.is_constant:
        return b.times(a.constant)
    if isinstance(operator, ast.Mult) and b.is_constant:
        return a.times(b.constant)
    if isinstance(operator, ast.Div) and b.is_constant and b.constant != 0:
        return a.times(1 / b.constant)
    return None
