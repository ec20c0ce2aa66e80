"""Formulas in a configuration, such as `power <= 20 * pi * 7.6**2 / 4`: arithmetic that is read, never run.

Knows numbers, names, operators and a few functions. Must not know parameters, their bounds or their units.
"""

from orchestrator.formula.comparison import Comparison, read_comparisons
from orchestrator.formula.expression import Expression, FormulaError, Linear, Names
from orchestrator.formula.text import read_expression

__all__ = ["Comparison", "Expression", "FormulaError", "Linear", "Names", "read_comparisons", "read_expression"]
