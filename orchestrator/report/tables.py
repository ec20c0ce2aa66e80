"""The words and tables of the report: facts for the head, the runs, the failures, the configuration."""

from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from orchestrator.display.summary import PastRows
from orchestrator.display.wording import (
    clean,
    column,
    lasting,
    listed,
    named,
    number,
    plural,
    signed,
    with_sd,
    with_unit,
)
from orchestrator.ledger import Run
from orchestrator.objective import Objective
from orchestrator.report.drawing import BEST, Mark, mark_of
from orchestrator.report.material import Material
from orchestrator.sensitivity.shapley import MOST_PARAMETERS

BADGES = {
    "simulated": "SIMULATED data",
    "recorded": "RECORDED data",
    "real": "REAL data",
    "human": "data of a PERSON",
    "none": "NO data yet",
}

_WITHOUT_MODEL = {
    "reference": "at the reference point",
    "repeat": "a sample made again",
    "random": "a random point",
}


@dataclass(frozen=True)
class Fact:
    """One thing to know at a glance: what it is about, what is so, and a remark."""

    label: str
    text: str
    remark: str = ""


@dataclass(frozen=True)
class RunRow:
    """One run as the table shows it; of each further objective the value, and whether it breaks its limit."""

    number: int
    settings: list[str]
    value: str
    predicted: str
    status: str
    reason: str
    mark: Mark | None
    time: str
    why: str
    is_best: bool
    purpose: str = ""
    further: Sequence[tuple[str, bool]] = ()


def badge(material: Material) -> str:
    """Return where the data come from, as loud as it must be."""
    origins = material.summary.origins
    if len(origins) > 1:
        return f"MIXED data: {', '.join(clean(origin) for origin in origins)}"
    return BADGES.get(material.summary.origin, f"{clean(material.summary.origin)} data")


def standing(material: Material) -> str:
    """Return in words whether the campaign is over."""
    facts = material.summary
    if facts.status == "closed":
        return f"Over: {facts.reason}"
    if facts.status == "paused":
        return f"Paused: {facts.reason}"
    under_way = f", {plural(facts.n_open, 'run')} under way" if facts.n_open else ""
    return f"Not finished: the campaign is still running{under_way}"


def facts(material: Material) -> list[Fact]:
    """Return what to know at a glance, the answer's standing first."""
    what = material.summary
    found = [_comparison(material, past) for past in (what.initial, what.source) if past is not None]
    if what.unmeasured:
        names = ", ".join(what.unmeasured)
        remark = "a further objective is a number of its name among the details that the recipe returns"
        found.append(Fact("further objectives", f"no run has measured {names}", remark))
    classes = {failure: len(runs) for failure, runs in what.failures.items()}
    found.append(Fact("runs", f"{what.n_measured} measured, {what.n_failed} failed", listed(classes)))
    found.append(Fact("lab time", lasting(what.lab_days), _average(material)))
    if what.best is not None:
        found += [_estimate(material, what.best), *_drivers(material, what.best), _how(what.best)]
        weight = what.best.why.get("source_weight")
        if weight is not None and what.source is not None:
            remark = "0: the source was ignored; 1: the prediction that borrows from it, alone"
            found.append(Fact("source weight then", number(weight, 2), remark))
    return found


def _comparison(material: Material, past: PastRows) -> Fact:
    label = "source" if past.is_source else "initial rows"
    if past.best is None:
        return Fact(label, "nothing to compare with", past.unknown)
    value = with_unit(number(past.best), material.objective.unit)
    origin = f"{past.origin}, " if past.origin else ""
    if past.is_source:
        return Fact(label, material.summary.compared(past), f"{value}; {origin}values are of another tool")
    return Fact(label, material.summary.compared(past), f"{value}; {origin}same tool")


def _estimate(material: Material, best: Run) -> Fact:
    """Return what the model makes of the best point: the best of many noisy values is likely an overestimate."""
    mean, sd = material.predict([best.point])
    text = with_unit(with_sd(float(mean[0]), float(sd[0])), material.objective.unit)
    return Fact("model's estimate there now", text, "the best of many noisy values is likely flattered")


def _drivers(material: Material, best: Run) -> list[Fact]:
    """Return which parameters make that estimate; nothing where they are too many to be told apart."""
    if len(material.space.parameters) > MOST_PARAMETERS:
        return []
    found, unit = material.planner.drivers(best.point, material.observed), material.objective.unit
    parts = [f"{named(name, material.units[name])} {signed(part, 2)}" for name, part in found.strongest]
    rows = plural(found.n_rows, "measured row")
    remark = f"from {with_unit(number(found.base), unit)}, the mean prediction at {rows} (Shapley values)"
    return [Fact("what drives that estimate", with_unit(", ".join(parts), unit), remark)]


def _average(material: Material) -> str:
    n_over = material.summary.n_measured + material.summary.n_failed
    return f"{number(material.state.lab_s / 3600 / n_over, 3)} h a run" if n_over else ""


def _how(best: Run) -> Fact:
    why = clean(best.why.get("why", ""))
    if best.why.get("kind") != "model":
        how = _WITHOUT_MODEL.get(best.why.get("kind", "design"), "a point of the initial design")
        return Fact("how it was found", how, why)
    where = "extrapolating" if best.why.get("extrapolating") else "within the measured rows"
    return Fact("how it was found", f"suggested by the model, {where}", why)


def run_rows(material: Material) -> list[RunRow]:
    """Return every run, by number."""
    columns = [column([run.point[name] for run in material.runs]) for name in material.units]
    others = [_further(material, o) for o in material.planner.further]
    return [
        _row(material, run, [texts[i] for texts in columns], [cells[i] for cells in others])
        for i, run in enumerate(material.runs)
    ]


def _further(material: Material, objective: Objective) -> list[tuple[str, bool]]:
    """Return the cells of a further objective, one a run."""
    found = [objective.among(run.details) for run in material.runs]
    texts = iter(column([value for value in found if value is not None]))
    return [("", False) if value is None else (next(texts), not objective.is_kept(value)) for value in found]


def further_headings(material: Material) -> list[tuple[str, str]]:
    """Return name and unit of each further objective, with its limit."""
    return [
        (named(o.name, o.unit), ", ".join(part for part in (heading(o.unit), o.bound) if part))
        for o in material.planner.further
    ]


def heading(unit: str) -> str:
    """Return a unit as it stands under the name of a column."""
    return "" if unit == "1" else clean(unit)


def _row(material: Material, run: Run, settings: list[str], further: list[tuple[str, bool]]) -> RunRow:
    is_best = material.summary.best is not None and run.number == material.summary.best.number
    failed = run.stage == "finished" and run.value is None
    return RunRow(
        number=run.number,
        settings=settings,
        value=with_sd(run.value, run.sd),
        predicted=with_sd(run.why.get("mean"), run.why.get("sd")),
        status=clean(run.failure or run.status or "failed") if failed else run.status or _stage(material, run),
        reason=clean(run.reason),
        mark=mark_of(run.failure) if failed else BEST if is_best else None,
        time=_hours(run),
        why=clean(run.why.get("why", "")),
        is_best=is_best,
        purpose=_purpose(run),
        further=further,
    )


def _purpose(run: Run) -> str:
    """Return why a run was done that the planner did not choose."""
    if run.purpose == "search":
        return ""
    return f"repeat of run {run.concerns['run']}" if run.purpose == "repeat" else clean(run.purpose)


def _stage(material: Material, run: Run) -> str:
    if run.stage == "suggested":
        return "suggested"
    return "under way" if material.summary.status == "running" else f"under way when {material.summary.status}"


def _hours(run: Run) -> str:
    if run.start_s is None:
        return ""
    return f"{run.start_s / 3600:.1f} to {'' if run.end_s is None else f'{run.end_s / 3600:.1f}'}".strip()


def reasons(material: Material) -> list[tuple[str, Mark, dict[str, list[int]]]]:
    """Return failures by class, and within a class by reason the numbers of its runs."""
    found = []
    for failure, runs in material.summary.failures.items():
        numbers: dict[str, list[int]] = {}
        for run in runs:
            numbers.setdefault(clean(run.reason, 400) or "no reason was given", []).append(run.number)
        found.append((failure, mark_of(failure), numbers))
    return found


def configuration(material: Material) -> str:
    """Return the configuration as recorded, as YAML."""
    recorded = (material.state.opened or {}).get("configuration", {})
    return yaml.safe_dump(recorded, sort_keys=False, allow_unicode=True, width=100)


def versions(material: Material) -> dict[str, str]:
    """Return the library versions as recorded."""
    recorded = (material.state.opened or {}).get("versions", {})
    return {clean(name): clean(version) for name, version in recorded.items()}
