"""Comparisons of two expressions, as a constraint is written: `a + b <= 1`, `a + b + c == 100`, `1 <= p * d <= 5`."""

import ast
from dataclasses import dataclass
from itertools import pairwise

from orchestrator.formula.expression import Expression, FormulaError, Names, Reader, refusal
from orchestrator.formula.text import Advice, parsed

_CONSTRAINT = Advice("a + b <= 1", "write several constraints", "write == for an equality")
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
    node, written = parsed(text.strip(), _CONSTRAINT)
    if not isinstance(node, ast.Compare):
        raise refusal(node, "there is no comparison", f"write for example {_CONSTRAINT.example}")
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
