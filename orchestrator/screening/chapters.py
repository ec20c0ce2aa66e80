"""The chapters of the page: every picture with its caption, key and table, in the order in which they are read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from orchestrator.display.wording import named, number, point_text, with_unit
from orchestrator.report.drawing import Mark, inline_svg, style
from orchestrator.report.figures import Plot, Section
from orchestrator.screening import tables
from orchestrator.screening.influence import Influence, recommended_point
from orchestrator.screening.pictures import effects, errors, fits, maps
from orchestrator.screening.result import ModelResult, Screening
from orchestrator.screening.tables import Sheet
from orchestrator.space import Parameter

_MEASURED = Mark("o", "○", "ink")


@dataclass(frozen=True)
class Chapter:
    """One part of the page.

    Args:
        section: Heading, text, key and pictures.
        sheets: Tables below them.
    """

    section: Section
    sheets: Sequence[Sheet] = ()


def chapters(screening: Screening, found: Influence) -> list[Chapter]:
    """Draw everything, in the order of the page.

    Args:
        screening: All models on the same rows.
        found: What each parameter does for the recommended one.
    """
    model = screening.recommended
    with style():
        drawn = [_maps(screening, model), _path(screening, model, found), _errors(screening), _published(screening)]
        drawn += [
            _defects(screening),
            _optima(screening),
            _drivers(screening, model, found),
            _main_effects(screening, model),
        ]
        drawn += [_parity(screening), _sequence(screening)]
    return [*(chapter for chapter in drawn if chapter is not None), *_belief(screening)]


def _plot(figure: Figure, name: str, caption: str) -> Plot:
    return Plot(inline_svg(figure, name, caption), caption)


def _maps(screening: Screening, model: ModelResult) -> Chapter:
    drawn, limits = maps.draw(screening, model)
    title = f"What {model.label} predicts around its best point"
    if not drawn:
        return Chapter(Section(title, text="There is no numeric parameter to draw along."))
    plots = [_plot(one.figure, f"map{i}", _caption(screening, model, one.axes)) for i, one in enumerate(drawn)]
    name = named(screening.objective.name, screening.objective.unit)
    text = f"Slices of the predicted {name} through the recommended point."
    if maps.shown_pool(screening) is not None:
        which = "a point of the table" if screening.space.candidates is not None else "drawn within the constraints"
        text = f"Each point is {which}, coloured by the predicted {name}; the best lie on top."
    if len(screening.space.parameters) > len({p for one in drawn for p in one.axes}):
        text += " The parameters with the largest share of the variance are shown."
    is_curve = len(drawn[0].axes) == 1
    unit = screening.objective.unit
    scale = None if is_curve else (with_unit(number(limits[0], 3), unit), with_unit(number(limits[1], 3), unit))
    return Chapter(Section(title, plots, text, _map_key(screening, model), scale, "half" if is_curve else "third"))


def _map_key(screening: Screening, model: ModelResult) -> list[tuple[Mark, str]]:
    is_pool = maps.shown_pool(screening) is not None
    key = [(maps.RECOMMENDED, "recommended")]
    if screening.truth is not None:
        key.append((maps.TRUE_BEST, "true best of the simulated tool"))
    if maps.printed_optima(screening):
        key.append((maps.PUBLISHED, "PUBLISHED optimum, not ours"))
    if is_pool:
        return [*key, (_MEASURED, "measured")]
    if model.region is not None:
        key.append((maps.WINDOW, f"predicted {_bound(screening)} {number(model.region.threshold, 3)}"))
    if len(maps.shown_axes(screening, model)) == 1:
        return [*key, (_MEASURED, "measured")]
    key.append((_MEASURED, "measured; smaller is farther from the slice"))
    key += [(Mark("", "□", "ink"), "blank: breaks a constraint")] if screening.space.constraints else []
    return [*key, (Mark("", "▨", "ink"), "outside the hull of the measured rows: extrapolated")]


def _bound(screening: Screening) -> str:
    return "at most" if screening.objective.goal == "minimise" else "at least"


def _caption(screening: Screening, model: ModelResult, axes: tuple[Parameter, ...]) -> str:
    pair = " over ".join(named(p.name, p.unit) for p in reversed(axes))
    if maps.shown_pool(screening) is not None:
        return pair
    held = {p.name: p.unit for p in screening.space.parameters if p not in axes}
    return f"{pair}, at {point_text(recommended_point(model).point, held)}" if held else pair


def _path(screening: Screening, model: ModelResult, found: Influence) -> Chapter | None:
    if found.at_best is None:
        return None
    caption = "From the mean prediction at the target rows to the prediction at the recommended point (Shapley values)."
    plots = [_plot(effects.path(screening, model, found.at_best), "path", caption)]
    key = [(effects.RAISES, "raises the prediction"), (effects.LOWERS, "lowers it")]
    text = "What each value adds, averaged over all orders of adding them. It explains the model, not the laboratory."
    return Chapter(Section("Why this point", plots, text, key, width="half"))


def _errors(screening: Screening) -> Chapter:
    kinds = [kind for kind in errors.KINDS if any(kind in model.scores for model in screening.models)]
    words = {"in-sample": "rows it was fitted to", "out-of-fold": "unseen rows", "truth": "noiseless simulated truth"}
    key = [(errors.KINDS[kind], words[kind]) for kind in kinds]
    if screening.published:
        key.append((errors.PRINTED, "PUBLISHED, on rows that are not ours"))
    plots = [_plot(errors.grouped(screening, name), name, caption) for name, caption in errors.MEASURES.items()]
    text = "Judge a model by the rows it has not seen; the error on rows it was fitted to says how far it can bend."
    return Chapter(Section("How far every model is off", plots, text, key, width="third"), [tables.errors(screening)])


def _published(screening: Screening) -> Chapter | None:
    if not screening.published:
        return None
    sheet = tables.beside_published(screening)
    return Chapter(Section(sheet.title, text=sheet.note), [sheet])


def _defects(screening: Screening) -> Chapter | None:
    sheet = tables.defects(screening)
    return Chapter(Section(sheet.title), [sheet]) if sheet.rows else None


def _optima(screening: Screening) -> Chapter:
    sheet = tables.optima(screening)
    return Chapter(Section(sheet.title, text=sheet.note), [sheet])


def _parity(screening: Screening) -> Chapter:
    ends = fits.limits(screening)
    plots = [
        _plot(fits.parity(screening, model, ends), f"parity{i}", model.label)
        for i, model in enumerate(screening.models)
    ]
    key = [(fits.UNSEEN, "row unseen by the model, with its sd"), (fits.SEEN, "row it was fitted to")]
    text = "On the dashed line prediction and measurement agree."
    return Chapter(Section("Predicted against measured", plots, text, key, width="third"))


def _sequence(screening: Screening) -> Chapter:
    ends = fits.limits(screening)
    plots = [
        _plot(fits.sequence(screening, model, ends), f"sequence{i}", model.label)
        for i, model in enumerate(screening.models)
    ]
    key = [(fits.MEASURED, "measured"), (fits.UNSEEN, "predicted unseen, with its sd"), (fits.SEEN, "predicted seen")]
    return Chapter(Section("Row by row", plots, "Rows in the order of their file.", key, width="third"))


def _drivers(screening: Screening, model: ModelResult, found: Influence) -> Chapter:
    plots = [_plot(figure, name, caption) for name, figure, caption in effects.parts(screening, model, found)]
    key = [(effects.ALONE, "alone"), (effects.TOGETHER, "with interactions")]
    text = f"Of {model.label}, over the whole space, on unseen rows and at the target rows. "
    if model.variance.is_constant:
        text += "Its prediction is constant over the grid: no parameter drives it. "
    if found.at_best is None:
        text += "With more than eight parameters no Shapley values are enumerated. "
    sheet = tables.drivers(screening)
    return Chapter(Section("Which parameters drive the prediction", plots, text.strip(), key, width="third"), [sheet])


def _main_effects(screening: Screening, model: ModelResult) -> Chapter:
    plots = [
        _plot(effects.main_effect(screening, model, i), f"effect{i}", _effect_caption(screening, model, i))
        for i in effects.varied(screening)
    ]
    text = "The mean prediction at each level of a parameter, over the whole grid of the others; dashed: of all."
    key = [(Mark("", "❘", "ink"), "levels that were measured")]
    return Chapter(Section("Main effects", plots, text, key, width="third"))


def _effect_caption(screening: Screening, model: ModelResult, i: int) -> str:
    share = f"{100 * model.variance.first_order[i]:.0f} % of the variance by itself"
    parameter = screening.space.parameters[i]
    return f"{named(parameter.name, parameter.unit)}: {share}"


def _belief(screening: Screening) -> Iterator[Chapter]:
    for sheet in (tables.transfer(screening), tables.doubt(screening)):
        if sheet.rows:
            yield Chapter(Section(sheet.title, text=sheet.note), [sheet])
