"""The objective: what is measured, in which unit, which of two values is better, and which run is the best of all.

Knows values, goals and limits, of a ledger's runs what they measured, and what several objectives gain together.
Must not know how a value comes about, where to look for a better one, or how it is shown.
"""

from orchestrator.objective.objective import Objective

__all__ = ["Objective"]
