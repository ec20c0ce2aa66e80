"""The closed loop: suggest a point, perform it in a laboratory, record everything, suggest again.

Knows configuration, parameter space, planner, recipes as generators, clock, engine, ledger and report.
Must not know any laboratory: of `instruments` it imports the protocol alone (`instruments.driver`);
drivers and recipes reach it by the names in the YAML.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.campaign import Campaign
    from orchestrator.ledger import Ledger
    from orchestrator.planner import Planner

__all__ = ["Campaign", "Ledger", "Planner"]

_HOME = {"Campaign": "orchestrator.campaign", "Ledger": "orchestrator.ledger", "Planner": "orchestrator.planner"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562 hands out classes of any kind
    """Import the public classes when first asked for, so that `run-campaign --help` answers at once."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    message = f"module 'orchestrator' has no attribute {name!r}"
    raise AttributeError(message)
