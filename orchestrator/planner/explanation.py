"""Say why a point is suggested, in a sentence a scientist can judge."""

from collections.abc import Mapping
from typing import Any

from orchestrator.objective import Objective
from orchestrator.planner.acquisition import NAMES
from orchestrator.planner.belief import Belief
from orchestrator.planner.extrapolation import Novelty
from orchestrator.planner.suggestion import Suggestion


def why(suggestion: Suggestion, objective: Objective, belief: Belief, new: Novelty) -> str:
    """Return the reasons for a point that the model chose, the strongest first.

    Args:
        suggestion: The point with its numbers.
        objective: What is measured.
        belief: The model that chose it.
        new: How new the point is.
    """
    unit = "" if objective.unit == "1" else f" {objective.unit}"
    name, best = NAMES[suggestion.acquisition_name], objective.value(belief.reference.best)
    reasons = [
        f"{name} {suggestion.acquisition:.2g} against {best:.3g}{unit}, the best prediction at a measured row",
        f"predicted {suggestion.mean:.3g} +- {suggestion.sd:.2g}{unit}",
        f"P(feasible) {suggestion.p_feasible:.2f}",
        _source(suggestion.source_weight or 0.0, suggestion.source_evidence, unit),
        _novelty(new),
    ]
    return "; ".join(reasons)


def _source(weight: float, evidence: Mapping[str, Any], unit: str) -> str:
    errors, rule = evidence["error"], evidence["rule"]
    if not errors:
        return f"source weight 0 ({rule})"
    lowest = min(errors, key=errors.__getitem__)
    with_it = f"{errors[f'{weight:g}']:.2g} with it" if weight else f"at best {errors[lowest]:.2g} with weight {lowest}"
    scaled = f"at ratio {evidence['ratio']:.2g} " if weight and "ratio" in evidence else ""
    return f"source weight {weight:g} {scaled}(left-out error {errors['0']:.2g}{unit} without it, {with_it}; {rule})"


def _novelty(new: Novelty) -> str:
    near = f"nearest row {new.nearest:.2f} away"
    return f"extrapolates: {new.words}, {near}" if new.extrapolating else near
