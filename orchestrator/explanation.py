"""Say why a point is suggested, in a sentence a scientist can judge."""

from collections.abc import Mapping
from typing import Any

from orchestrator.acquisition import NAMES
from orchestrator.belief import Belief, Outlook
from orchestrator.config.schema import PlannerConfig
from orchestrator.extrapolation import Novelty
from orchestrator.objective import Objective
from orchestrator.recipe import Point
from orchestrator.suggestion import Suggestion


def explained(
    number: int,
    point: Point,
    *,
    objective: Objective,
    settings: PlannerConfig,
    belief: Belief,
    outlook: Outlook,
    i: int,
    new: Novelty,
) -> Suggestion:
    """Return the suggestion of a point the model chose.

    Args:
        number: Which suggestion of the campaign it is.
        point: The point.
        objective: What is measured.
        settings: Which acquisition chose.
        belief: What the model is.
        outlook: What it says of the points looked at.
        i: Which of them was chosen.
        new: How new the point is.
    """
    mean, sd = objective.value(float(outlook.score[i])), float(outlook.sd[i])
    promise, p_feasible = float(outlook.promise[i]), float(outlook.p_feasible[i])
    weight, evidence = belief.surrogate.source_weight_, belief.surrogate.source_evidence_
    best = objective.value(float(belief.scores.max()))
    words = [
        _promise(settings.acquisition, promise, best, objective.unit),
        f"predicted {mean:.3g} +- {sd:.2g} {objective.unit}",
        f"P(feasible) {p_feasible:.2f}",
        _source(weight, evidence, objective.unit),
        _novelty(new),
    ]
    return Suggestion(
        number,
        dict(point),
        "model",
        "; ".join(word for word in words if word),
        mean,
        sd,
        promise,
        settings.acquisition,
        p_feasible,
        weight,
        evidence,
        new.extrapolating,
        new.nearest,
    )


def _promise(name: str, promise: float, best: float, unit: str) -> str:
    if name == "pi":
        return f"{NAMES[name]} {promise:.2f} over the best {best:.3g} {unit}"
    if name == "ucb":
        return f"{NAMES[name]} {promise:.3g} against the best {best:.3g} {unit}"
    return f"{NAMES[name]} {promise:.2g} over the best {best:.3g} {unit}"


def _source(weight: float, evidence: Mapping[str, Any], unit: str) -> str:
    errors = evidence["error"]
    if not errors:
        return f"source weight 0 ({evidence['rule']})"
    alone = f"left-out error {errors['0']:.2g} {unit} without it"
    if weight == 0:
        lowest = min(errors, key=errors.__getitem__)
        return f"source weight 0 ({alone}, at best {errors[lowest]:.2g} with weight {lowest}; {evidence['rule']})"
    return (
        f"source weight {weight:g} ({alone}, {errors.get(f'{weight:g}', float('nan')):.2g} with it; {evidence['rule']})"
    )


def _novelty(new: Novelty) -> str:
    if new.nearest is None:
        return ""
    near = f"nearest row {new.nearest:.2f} away"
    return f"extrapolates: {new.words}, {near}" if new.extrapolating else near
