"""The laboratory: drivers and recipe by the names in the YAML, and what is held against them before anything moves.

Knows roles, actions and limits, what a recipe would ask, policies, maintenance, and when people are there.
Must not know any instrument in particular, nor what is due when: the engine asks, the laboratory says what it allows.
"""

from orchestrator.laboratory.building import build, check_origins
from orchestrator.laboratory.laboratory import Laboratory
from orchestrator.laboratory.naming import bind, driver_of, figures_of, imported

__all__ = ["Laboratory", "bind", "build", "check_origins", "driver_of", "figures_of", "imported"]
