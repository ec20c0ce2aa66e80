"""Say why a point is suggested, in a sentence a scientist can judge."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from orchestrator.objective import Objective
from orchestrator.planner.acquisition import NAMES
from orchestrator.planner.belief import Belief
from orchestrator.planner.compromise import HOURS, Compromise
from orchestrator.planner.extrapolation import Novelty
from orchestrator.planner.suggestion import Suggestion


def why(
    suggestion: Suggestion, objective: Objective, belief: Belief, new: Novelty, joint: Compromise | None = None
) -> str:
    """Return the reasons for a point that the model chose, the strongest first.

    Args:
        suggestion: The point with its numbers.
        objective: What is measured.
        belief: What is believed of it.
        new: How new the point is.
        joint: What is believed of several objectives together, if that chose the point.
    """
    unit = _unit(objective)
    reasons = [
        _promise(suggestion, objective, belief) if joint is None else _joint_promise(suggestion, joint),
        f"predicted {suggestion.mean:.3g} +- {suggestion.sd:.2g}{unit}",
        *(() if joint is None else _further(suggestion, joint)),
        f"P(feasible) {suggestion.p_feasible:.2f}" + (" with all limits kept" if _has_limits(joint) else ""),
        _source(suggestion.source_weight or 0.0, suggestion.source_evidence, unit),
        _novelty(new),
    ]
    return "; ".join(reasons)


def _unit(objective: Objective) -> str:
    return "" if objective.unit == "1" else f" {objective.unit}"


def _promise(suggestion: Suggestion, objective: Objective, belief: Belief) -> str:
    name, best = NAMES[suggestion.acquisition_name], objective.predicted(np.array(belief.reference.best))
    unit = _unit(objective)
    return f"{name} {suggestion.acquisition:.2g} against {best:.3g}{unit}, the best prediction at a measured row"


def _joint_promise(suggestion: Suggestion, joint: Compromise) -> str:
    if joint.reference is None:
        return f"no measured row keeps the limits yet: the most probable to do so, {suggestion.acquisition:.2g}"
    name = NAMES[suggestion.acquisition_name] + (" per hour" if "hours" in suggestion.further else "")
    listed = " and ".join(o.name for o in joint.left_out)
    without = f", without {listed}, of which too few different values are measured" if listed else ""
    return f"{name} {suggestion.acquisition:.2g}, {_weighing(joint)}{without}"


def _weighing(joint: Compromise) -> str:
    unit = joint.objective.unit
    ways = [
        f"{o.worth:g} {'' if unit == '1' else unit} for each {o.unit} of {o.name}".replace("  ", " ")
        for o in joint.beliefs
        if o.worth is not None
    ]
    ways += [f"{o.name} {o.bound}{_unit(o)}" for o in joint.beliefs if o.limit is not None]
    if joint.free:
        names = (joint.objective.name, *(o.name for o in joint.free))
        shares = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(names, joint.weights, strict=True))
        ways.append(f"along the direction {shares}")
    return "weighing " + " and ".join(ways) if ways else "of the one objective that is measured yet"


def _has_limits(joint: Compromise | None) -> bool:
    return joint is not None and any(o.limit is not None for o in joint.beliefs)


def _further(suggestion: Suggestion, joint: Compromise) -> list[str]:
    units = {o.name: _unit(o) for o in (*joint.beliefs, HOURS)}
    return [f"{name} {mean:.3g} +- {sd:.2g}{units[name]}" for name, (mean, sd) in suggestion.further.items()]


def _source(weight: float, evidence: Mapping[str, Any], unit: str) -> str:
    errors, rule = evidence["error"], evidence["rule"]
    if not errors:
        return f"source weight {weight:.2g} ({rule})"
    lowest = min(errors, key=errors.__getitem__)
    with_it = f"{errors[f'{weight:g}']:.2g} with it" if weight else f"at best {errors[lowest]:.2g} with weight {lowest}"
    scaled = f"at ratio {evidence['ratio']:.2g} " if weight and "ratio" in evidence else ""
    return f"source weight {weight:g} {scaled}(left-out error {errors['0']:.2g}{unit} without it, {with_it}; {rule})"


def _novelty(new: Novelty) -> str:
    near = f"nearest row {new.nearest:.2f} away"
    return f"extrapolates: {new.words}, {near}" if new.extrapolating else near
