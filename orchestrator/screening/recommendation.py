"""The recommendation in words: which model, which point, how far from data, and what the source was worth."""

from collections.abc import Iterator, Mapping

from orchestrator.display.wording import named, number, plural, point_text, setting, with_sd, with_unit
from orchestrator.screening.result import Kind, ModelResult, Optimum, Region, Screening
from orchestrator.space import ParameterSpace, Value


def sentences(screening: Screening) -> list[str]:
    """Return what a screening recommends and what speaks against believing it."""
    model = screening.recommended
    return [*_choice(screening, model), *_point(screening, model), *_source(screening)]


def away(space: ParameterSpace, point: Mapping[str, Value], row: Mapping[str, Value]) -> str:
    """Return how far a row is from a point, by parameter: `1.2 cm and 38.7 W away`."""
    apart = []
    for p in space.parameters:
        here, there = point[p.name], row[p.name]
        if isinstance(here, str) or isinstance(there, str):
            apart += [f"another {named(p.name)}"] if here != there else []
        elif here != there:
            apart.append(f"{with_unit(setting(abs(here - there), 3), p.unit)} in {named(p.name, p.unit)}")
    return ", ".join(apart) or "nothing"


def _choice(screening: Screening, model: ModelResult) -> Iterator[str]:
    unit = screening.objective.unit
    seen, unseen = model.scores[Kind.IN_SAMPLE].mae, model.scores[Kind.OUT_OF_FOLD].mae
    others = [m for m in screening.models if m is not model and m.scores[Kind.OUT_OF_FOLD].mae <= 1.1 * unseen]
    rivals = f"; within 10 % of it: {', '.join(m.label for m in others)}" if others else ""
    yield (
        f"{model.label} predicts unseen rows best (MAE {with_unit(number(unseen, 3), unit)} out-of-fold, "
        f"{number(seen, 3)} in-sample){rivals}"
    )
    if model.scores[Kind.OUT_OF_FOLD].r2 <= 0:
        yield "no model explains unseen rows better than their mean does: a recommendation is a guess"


def _point(screening: Screening, model: ModelResult) -> Iterator[str]:
    space, unit = screening.space, screening.objective.unit
    units = {p.name: p.unit for p in space.parameters}
    best = model.candidate or model.optimum
    where = "among the points of the table" if model.candidate else "on the grid"
    value = with_unit(with_sd(best.value, best.sd), unit)
    yield f"its best prediction {where} is {value} at {point_text(best.point, units)}"
    yield distance_words(screening, best)
    if model.region is not None:
        yield window_words(screening, model, model.region)
    if best.at_bounds:
        ends = " and ".join(named(name, units[name]) for name in best.at_bounds)
        yield f"it lies at an end of {ends}: the true best may lie outside the space"
    if best.n_tied > 1:
        yield f"{best.n_tied} points of the grid share that prediction exactly; the one nearest their centre is named"
    if screening.truth is not None:
        there = "nothing" if best.true is None else with_unit(number(best.true), unit)
        yield (
            f"the simulated tool truly gives {there} there; its best on the grid is "
            f"{with_unit(number(screening.truth.best), unit)} at {point_text(screening.truth.best_point, units)}"
        )


def distance_words(screening: Screening, optimum: Optimum) -> str:
    """Return whether an optimum extrapolates, and how far the nearest row is, in words."""
    if optimum.nearest == 0:
        return "it is a target row itself"
    near = (
        f"the nearest target row is {number(optimum.nearest, 2)} away in the unit cube "
        f"({away(screening.space, optimum.point, optimum.nearest_row)})"
    )
    if optimum.extrapolating:
        return f"EXTRAPOLATES: {optimum.words}; {near}"
    return f"it lies among the target rows; {near}"


def _range(low: float, high: float, unit: str) -> str:
    text = setting(low, 3) if low == high else f"{setting(low, 3)} to {setting(high, 3)}"
    return with_unit(text, unit)


def window_words(screening: Screening, model: ModelResult, region: Region) -> str:
    """Return the recommended window in words: how far each parameter may move, and the rule."""
    units, unit = {p.name: p.unit for p in screening.space.parameters}, screening.objective.unit
    ranges = [f"{named(name, units[name])} {_range(*ends, units[name])}" for name, ends in region.ranges.items()]
    if screening.space.candidates is None:
        point = model.optimum.point
        ranges += [f"{named(p.name)} {point[p.name]}" for p in screening.space.searched if p.choices]
    bound = "at most" if screening.objective.goal == "minimise" else "at least"
    level = with_unit(number(region.threshold, 3), unit)
    where = "grid" if screening.space.candidates is None else "table's points"
    text = f"recommended window: {', '.join(ranges)} hold what is predicted as {bound} {level}, {region.rule}"
    text += f" ({number(100 * region.share, 2)} % of the {where})"
    if region.n_elsewhere:
        n, share = plural(region.n_elsewhere, "separate region"), number(100 * region.share_elsewhere, 2)
        text += f"; {n} with {share} % of the grid reach{'es' * (region.n_elsewhere == 1)} it too"
    return text


def _source(screening: Screening) -> Iterator[str]:
    guarded = [m for m in screening.models if m.borrows and not m.is_natural]
    if guarded:
        earned = ", ".join(f"{m.label} {number(m.source_weight, 2)}" for m in guarded)
        yield f"weight that the source earned: {earned}"
