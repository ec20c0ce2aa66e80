"""Texts of formulas: parsed within limits, and read as one expression."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.formula.expression import Expression, FormulaError, Names, Reader, refusal

_LONGEST = 500  # characters
_MOST_NODES = 300


@dataclass(frozen=True)
class Advice:
    """What to write instead of a text that cannot be read.

    Args:
        example: A text of the kind that is asked for.
        instead_of_long: Of one that is too long.
        instead_of_equals: Of one with a single =.
    """

    example: str
    instead_of_long: str
    instead_of_equals: str


_EXPRESSION = Advice("a * b", "write a shorter one", "write what is right of it alone")


def read_expression(text: str, names: Names) -> Expression:
    """Read an expression over names, as `pressure * distance`.

    Args:
        text: The expression. A name that is no word stands in backquotes.
        names: What it may name.

    Raises:
        FormulaError: What cannot be read, at which character, and what to write instead.
    """
    node, written = parsed(text.strip(), _EXPRESSION)
    if isinstance(node, ast.Compare):
        raise refusal(node, "a comparison is no value", f"write for example {_EXPRESSION.example}")
    found = Reader(names, written).read(node)
    if not found.names:
        message = "it names no parameter; take it out"
        raise FormulaError(message)
    return found


def parsed(text: str, advice: Advice) -> tuple[ast.expr, Mapping[str, str]]:
    """Return the tree of a text, and how the user wrote each name that stands in it under another.

    Raises:
        FormulaError: It is too long, or no expression of the grammar.
    """
    if len(text) > _LONGEST:
        message = f"it has {len(text)} characters, more than {_LONGEST}; {advice.instead_of_long}"
        raise FormulaError(message)
    readable, written = _without_backquotes(text)
    try:
        node = ast.parse(readable, mode="eval").body
        n_nodes = sum(1 for _ in ast.walk(node))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(_complaint(text, error, advice)) from error
    if n_nodes > _MOST_NODES:
        message = f"it has too many parts; {advice.instead_of_long}"
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


def _complaint(text: str, error: Exception, advice: Advice) -> str:
    if re.search(r"(?<![<>=!])=(?!=)", text):
        return f"one = is no relation; {advice.instead_of_equals}"
    place = f" at character {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
    return f"it cannot be read{place}; write for example {advice.example}, names that are no words in `backquotes`"
