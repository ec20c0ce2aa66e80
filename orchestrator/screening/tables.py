"""The tables of a screening as headings and cells: for a terminal, a CSV file, a page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.display.wording import clean, column, named, number, setting, with_sd
from orchestrator.screening.result import Coverage, Kind, ModelResult, Optimum, Published, Screening
from orchestrator.sensitivity.variance import Decomposition

KINDS = {Kind.IN_SAMPLE: "in", Kind.OUT_OF_FOLD: "out", Kind.TRUTH: "truth"}
_NONE = "-"


@dataclass(frozen=True)
class Sheet:
    """A table for people.

    Args:
        name: Its file's name.
        title: What it shows, in words.
        headings: One for each column.
        rows: Cells as text.
        n_published: How many of the last rows are printed figures of others.
        note: What a reader must know to read it.
    """

    name: str
    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_published: int = 0
    note: str = ""


def sheets(screening: Screening) -> list[Sheet]:
    """Return every table of a screening, in the order in which they are read."""
    found = [errors(screening), beside_published(screening), optima(screening)]
    found += [drivers(screening), transfer(screening), doubt(screening)]
    return [sheet for sheet in found if sheet.rows]


def errors(screening: Screening) -> Sheet:
    """Return the errors of every model by kind."""
    kinds = _kinds(screening)
    headings = [
        "model",
        *(_under(name, i, KINDS[kind]) for name in ("MAE", "R2", "MAPE") for i, kind in enumerate(kinds)),
    ]
    rows = []
    for model in screening.models:
        cells = [[_figure(getattr(model.scores[kind], name)) for kind in kinds] for name in ("mae", "r2", "mape")]
        rows.append((model.label, *(cell for group in cells for cell in group)))
    note = (
        "in: rows the model was fitted to. out: each row by a model fitted, hyper-parameters included, without the "
        "row's fold."
    )
    if screening.truth is not None:
        note += f" truth: {len(screening.truth.values)} noiseless values of the simulated tool all over the space."
    unit = "" if screening.objective.unit == "1" else f" in {clean(screening.objective.unit)}"
    return Sheet("errors", f"Errors (MAE{unit}, MAPE as a share)", tuple(headings), tuple(rows), note=note)


def beside_published(screening: Screening) -> Sheet:
    """Return printed figures with ours beside them, never among them."""
    kinds, rows = _kinds(screening), []
    by_key = {model.key: model for model in screening.models}
    for printed in screening.published:
        model = by_key.get(printed.key)
        for name in ("mae", "r2", "mape"):
            ours = [_NONE if model is None else _figure(getattr(model.scores[kind], name)) for kind in kinds]
            shown = "MAE" if name == "mae" else name.upper()
            rows.append((clean(printed.label), shown, _figure(getattr(printed, name)), *ours))
    sources = sorted({clean(printed.source) for printed in screening.published})
    note = f"PUBLISHED: {'; '.join(sources)}. Its rows are not ours, so the figures need not agree." if sources else ""
    headings = ("model", "figure", "PUBLISHED", *(f"ours {KINDS[kind]}" for kind in kinds))
    return Sheet("published", "Published figures, and ours in the same mode", headings, tuple(rows), note=note)


def defects(screening: Screening) -> Sheet:
    """Return what is wrong with the publication, and how it is handled here."""
    rows = tuple((clean(defect), clean(handled)) for defect, handled in screening.defects)
    return Sheet("defects", "Defects of the publication", ("as published", "here"), rows)


def optima(screening: Screening) -> Sheet:
    """Return where each model predicts the best value, and how far that is from data."""
    space, goal = screening.space, screening.objective.goal
    units = {p.name: p.unit for p in space.parameters}
    is_pool, name = space.candidates is not None, named(screening.objective.name, screening.objective.unit)
    best = [model.candidate or model.optimum for model in screening.models]
    points = [found.point for found in best] + [p.point for p in screening.published]
    places = list(zip(*(column([point[name] for point in points]) for name in space.names), strict=True))
    n = len(screening.models)
    rows = [
        (model.label, *place, with_sd(found.value, found.sd), *_true(screening, found), _where(found))
        for model, found, place in zip(screening.models, best, places[:n], strict=True)
    ]
    rows += [
        (
            f"PUBLISHED {clean(printed.label)}",
            *place,
            number(printed.value),
            *([""] if screening.truth else []),
            "beyond" if printed.novelty else "within",
        )
        for printed, place in zip(screening.published, places[n:], strict=True)
    ]
    headings = ("model", *(named(name, unit) for name, unit in units.items()), "predicted")
    headings += (("truth",) if screening.truth else ()) + ("nearest row",)
    units_said = ", ".join(f"{named(name, unit)} in {clean(unit)}" for name, unit in units.items() if unit != "1")
    note = f"{units_said}. " if units_said else ""
    note += "! beyond the target rows; the number is the distance to the nearest one in the unit cube."
    return Sheet(
        "optima",
        f"Predicted {'minimum' if goal == 'minimise' else 'maximum'} of {name}"
        + (f" among the {len(space.candidates or ())} points of the table" if is_pool else ""),
        headings,
        tuple(rows),
        n_published=len(screening.published),
        note=note,
    )


def drivers(screening: Screening) -> Sheet:
    """Return which parameters each model's predictions depend on, over the whole grid."""
    rows = tuple((model.label, *_parts(model.variance)) for model in screening.models)
    note = (
        "Analysis of variance of the predictions over the grid, exact on it: the share of each parameter alone / with "
        "its interactions (first-order and total index)."
    )
    if any(model.is_natural for model in screening.models):
        note += " Mode paper takes features in their own units: there the largest numbers drive the kernel."
    headings = ("model", *(named(p.name, p.unit) for p in screening.space.parameters))
    return Sheet("drivers", "Which parameters drive the prediction, %", headings, rows, note=note)


def transfer(screening: Screening) -> Sheet:
    """Return what the source was worth to each model that may borrow."""
    rows = [
        (
            model.label,
            number(model.source_weight, 2),
            _evidence(model, "0"),
            _evidence(model, f"{model.source_weight:g}") if model.source_weight else _NONE,
            " ".join(number(weight, 2) for weight in model.fold_weights),
        )
        for model in screening.models
        if model.borrows
    ]
    rules = sorted({str(m.source_evidence["rule"]) for m in screening.models if m.borrows and m.source_evidence})
    return Sheet(
        "transfer",
        "What the source is worth",
        ("model", "weight", "MAE without", "MAE with", "weight without each fold"),
        tuple(rows),
        note=f"Errors on left-out rows inside the fit. Rules: {'; '.join(rules)}.",
    )


def doubt(screening: Screening) -> Sheet:
    """Return how many values the predictive intervals hold."""
    nominal = sorted({found.nominal for model in screening.models for found in model.coverage})
    kinds = [kind for kind in _kinds(screening) if kind is not Kind.IN_SAMPLE]
    headings = ("model", *(_under(KINDS[kind], i, f"{share:.0%}") for kind in kinds for i, share in enumerate(nominal)))
    rows = tuple(
        (model.label, *(_share(model.coverage, kind, share) for kind in kinds for share in nominal))
        for model in screening.models
    )
    note = f"Share of values inside the central intervals; for unseen rows {screening.noise.words}."
    return Sheet("coverage", "Predictive intervals: nominal and observed", headings, rows, note=note)


def _under(group: str, place: int, name: str) -> str:
    """Return the heading of a column in a group of columns, whose name stands over the first one alone."""
    return f"{group} {name}" if place == 0 else name


def _kinds(screening: Screening) -> list[Kind]:
    return [kind for kind in KINDS if kind is not Kind.TRUTH or screening.truth is not None]


def _figure(value: float) -> str:
    return _NONE if math.isnan(value) else f"{value:.3f}" if abs(value) < 100 else number(value, 3)


def _evidence(model: ModelResult, weight: str) -> str:
    found = model.source_evidence.get("error", {}).get(weight)
    return _NONE if found is None else _figure(float(found))


def _parts(variance: Decomposition) -> list[str]:
    if variance.is_constant:
        return ["constant"] * len(variance.effects)
    pairs = zip(variance.first_order, variance.total, strict=True)
    return [f"{100 * first:.0f} / {100 * total:.0f}" for first, total in pairs]


def _share(coverage: Sequence[Coverage], kind: Kind, nominal: float) -> str:
    return next((f"{c.observed:.0%}" for c in coverage if (c.kind, c.nominal) == (kind, nominal)), _NONE)


def _true(screening: Screening, optimum: Optimum) -> list[str]:
    return [] if screening.truth is None else [_NONE if optimum.true is None else number(optimum.true)]


def _where(optimum: Optimum) -> str:
    return f"{'! ' if optimum.extrapolating else ''}{optimum.nearest:.2f}"


def settings_of(point: Optimum | Published) -> list[str]:
    """Return the settings of an optimum as text, in parameter order."""
    return [setting(value) for value in point.point.values()]
