"""Comparisons of two expressions, as a constraint is written: `a + b <= 1`, `a + b + c == 100`, `1 <= p * d <= 5`."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from orchestrator.formula.expression import Expression, FormulaError, Names, Reader, refusal

_LONGEST = 500  # characters
_MOST_NODES = 300
_SIGNS: dict[type[ast.cmpop], str] = {ast.LtE: "<=", ast.Lt: "<", ast.GtE: ">=", ast.Gt: ">", ast.Eq: "=="}


@dataclass(frozen=True)
class Comparison:
    """Two expressions and the relation between them.

    Args:
        text: As it was written.
        left: The expression on the left.
        relation: One of <=, <, >=, >, ==.
        right: The expression on the right.
    """

    text: str
    left: Expression
    relation: str
    right: Expression

    @property
    def names(self) -> frozenset[str]:
        """The names in it."""
        return self.left.names | self.right.names


def read_comparisons(text: str, names: Names) -> tuple[Comparison, ...]:
    """Read a constraint; a chain such as `1 <= a <= 2` is two of them.

    Args:
        text: The constraint. A name that is no word stands in backquotes.
        names: What it may name.

    Raises:
        FormulaError: What cannot be read, at which character, and what to write instead.
    """
    node, written = _parsed(text.strip())
    if not isinstance(node, ast.Compare):
        raise refusal(node, "there is no comparison", "write for example a + b <= 1")
    reader = Reader(names, written)
    if any(isinstance(side, ast.Constant) and isinstance(side.value, str) for side in (node.left, *node.comparators)):
        raise refusal(node, "a choice alone is no constraint", "leave out of the choices what is not allowed")
    for sign in node.ops:
        if type(sign) not in _SIGNS:
            raise refusal(node, "a relation that is no constraint", f"the relations are {' '.join(_SIGNS.values())}")
    sides = [reader.read(side) for side in (node.left, *node.comparators)]
    found = tuple(
        Comparison(text, left, _SIGNS[type(sign)], right)
        for (left, right), sign in zip(pairwise(sides), node.ops, strict=True)
    )
    for one in found:
        _check(one)
    return found


def _check(one: Comparison) -> None:
    if not one.names:
        message = "it names no parameter; take it out"
        raise FormulaError(message)
    if one.relation == "==" and (one.left.linear is None or one.right.linear is None):
        message = (
            "an equality must be linear in the parameters; solve it for one of them in the recipe, "
            "or allow a band: abs(left - right) <= tolerance"
        )
        raise FormulaError(message)


def _parsed(text: str) -> tuple[ast.expr, Mapping[str, str]]:
    if len(text) > _LONGEST:
        message = f"it has {len(text)} characters, more than {_LONGEST}; write several constraints"
        raise FormulaError(message)
    readable, written = _without_backquotes(text)
    try:
        node = ast.parse(readable, mode="eval").body
        n_nodes = sum(1 for _ in ast.walk(node))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(_complaint(text, error)) from error
    if n_nodes > _MOST_NODES:
        message = "it has too many parts; write several constraints"
        raise FormulaError(message)
    return node, written


def _without_backquotes(text: str) -> tuple[str, dict[str, str]]:
    """Put a word of the same length in place of each name in backquotes, which Python's grammar does not have."""
    written: dict[str, str] = {}

    def word(found: re.Match[str]) -> str:
        placeholder = f"_{len(written):0{len(found[0]) - 1}d}"
        written[placeholder] = found[1]
        return placeholder

    return re.sub(r"`([^`]+)`", word, text), written


def _complaint(text: str, error: Exception) -> str:
    if re.search(r"(?<![<>=!])=(?!=)", text):
        return "one = is no relation; write == for an equality"
    place = f" at character {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
    return f"it cannot be read{place}; write for example a + b <= 1, names that are no words in `backquotes`"
