"""The parameter space: named inputs with units, the constraints between them, and points that meet every one of them.

Knows numbers, the unit cube and chance. Must not know what is measured or which model is asked.
"""

from orchestrator.space.constraint import Constraint
from orchestrator.space.parameter import Parameter, SpaceError, Value
from orchestrator.space.space import ParameterSpace

__all__ = ["Constraint", "Parameter", "ParameterSpace", "SpaceError", "Value"]
