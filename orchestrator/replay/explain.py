"""Explain a suggestion: which parameters drove the prediction that it was chosen on."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.display.wording import clean, column, named, number, plural, point_text, setting, with_sd, with_unit
from orchestrator.ledger import Ledger
from orchestrator.objective import Objective
from orchestrator.planner.drivers import Drivers
from orchestrator.replay.decisions import Decision, Respondent, decisions

_SAME = 1e-6  # relative: what two builds of a linear algebra library may differ by
_BAR = 20  # characters of the longest bar


class ExplanationError(ValueError):
    """A suggestion that no prediction stands behind, or that cannot be taken apart."""


@dataclass(frozen=True)
class Explanation:
    """One suggestion and what drove its prediction.

    Args:
        decision: The suggestion as recorded.
        objective: What is measured.
        units: The unit of each parameter, in order.
        drivers: What each parameter adds to the prediction, asked again.
    """

    decision: Decision
    objective: Objective
    units: dict[str, str]
    drivers: Drivers


def explain(ledger: Ledger, run: int) -> Explanation:
    """Return what drove the prediction behind the suggestion that began a run.

    The planner is asked again on what was known then, runs under way included.

    Raises:
        ExplanationError: There is no such run, it came from the initial design, or the space is too large.
    """
    seen = []
    for decision in decisions(ledger):
        if decision.run == run:
            return _explained(decision)
        seen.append(decision.run)
    other = ledger.state.runs.get(run) or ledger.state.maintenance.get(run)
    if other is not None:
        message = f"no prediction stands behind it: {clean(other.why.get('why', ''))}"
        raise ExplanationError(message)
    there = f"there are suggestions 1 to {max(seen)}" if seen else "there are none yet"
    message = f"the campaign has no suggestion {run}; {there}"
    raise ExplanationError(message)


def _explained(decision: Decision) -> Explanation:
    if decision.why.get("kind") != "model":
        why = clean(decision.why.get("why", ""))
        message = f"no prediction stands behind it: {why}; ask for one that the model chose"
        raise ExplanationError(message)
    planner = Respondent().planner_at(decision)
    try:
        found = planner.drivers(decision.point, decision.known, decision.pending)
    except ValueError as error:
        raise ExplanationError(str(error)) from error
    units = {p.name: p.unit for p in planner.space.parameters}
    return Explanation(decision, planner.objective, units, found)


def heading(found: Explanation) -> Iterator[str]:
    """Yield what was predicted, and what it is compared with, one line each."""
    why, unit, name = found.decision.why, found.objective.unit, _name(found)
    value = with_unit(with_sd(why["mean"], why["sd"]), unit)
    yield f"run {found.decision.run}: predicted {name} {value} at {point_text(found.decision.point, found.units)}"
    base = with_unit(number(found.drivers.base), unit)
    yield f"mean prediction at {plural(found.drivers.n_rows, 'row')} measured by then: {base}; from there to here:"


def table(found: Explanation) -> tuple[list[str], list[list[str]]]:
    """Return what each parameter adds, the strongest first, and the sum."""
    unit = "" if found.objective.unit == "1" else f" [{clean(found.objective.unit)}]"
    longest = max(map(abs, found.drivers.parts.values())) or 1.0
    strongest = found.drivers.strongest
    *texts, together = _signed([*(part for _, part in strongest), found.drivers.together])
    rows = [
        [named(name, found.units[name]), _value(found, name), text, "█" * round(_BAR * abs(part) / longest)]
        for (name, part), text in zip(strongest, texts, strict=True)
    ]
    rows.append(["together", "", together, ""])
    return ["parameter", "value", f"adds{unit}", ""], rows


def remarks(found: Explanation) -> Iterator[str]:
    """Yield what must be known to read the table rightly."""
    yield f"why the point was chosen: {clean(found.decision.why.get('why', ''))}"
    yield "what each adds is its Shapley value over all orders; it explains the model, not the laboratory"
    if found.decision.why.get("further"):
        others = ", ".join(map(clean, found.decision.why["further"]))
        yield f"{others} counted in the choice too; the table is of {_name(found)} alone"
    recorded = found.decision.why["mean"]
    if not math.isclose(recorded, found.drivers.prediction, rel_tol=_SAME):
        now = number(found.drivers.prediction, 9)
        yield f"asked again the model predicts {now}, not {number(recorded, 9)} as recorded; see --verify"


def _name(found: Explanation) -> str:
    return named(found.objective.name, found.objective.unit)


def _signed(parts: Sequence[float]) -> list[str]:
    return [f"+{text}" if part > 0 else text for part, text in zip(parts, column(parts), strict=True)]


def _value(found: Explanation, name: str) -> str:
    return with_unit(setting(found.decision.point[name]), found.units[name])
