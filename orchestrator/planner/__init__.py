"""The planner: from what is known to the next point, and why that one.

Knows the parameter space, surrogates, acquisition, what failures teach and when a point extrapolates.
Must not know laboratories, ledgers or time: what came of a run is told to it.
`Planner.ask` is a pure function: same observations, same pending points, same number, same suggestion.
"""

from orchestrator.planner.features import FeatureError
from orchestrator.planner.planner import Planner
from orchestrator.planner.suggestion import Observation, Suggestion

__all__ = ["FeatureError", "Observation", "Planner", "Suggestion"]
