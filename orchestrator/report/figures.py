"""The figures of the report, each with its caption and the key to its marks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from orchestrator.display.wording import clean, number, plural, point_text, with_unit
from orchestrator.engine import drift_of
from orchestrator.recipe import Point
from orchestrator.report import laboratory, maps, plane, prediction, references
from orchestrator.report.convergence import convergence
from orchestrator.report.drawing import BEST, MEASURED, Mark, inline_svg, mark_of, style
from orchestrator.report.gain import expected_gains, gaining
from orchestrator.report.material import Material
from orchestrator.report.occupancy import Stretch, stretches
from orchestrator.report.timeline import MAINTENANCE, PURPOSES, timeline
from orchestrator.report.tradeoff import tradeoff
from orchestrator.space import Parameter

OwnFigure = Callable[..., Figure]
_LINE = Mark("", "┅", "muted")
_STEP = Mark("", "━", "best")
_ROW = Mark("o", "○", "ink")


@dataclass(frozen=True)
class Plot:
    """One figure on the page.

    Args:
        svg: The drawing.
        caption: What it shows.
    """

    svg: Markup
    caption: str


@dataclass(frozen=True)
class Section:
    """Some figures that belong together.

    Args:
        title: The heading.
        plots: The figures.
        text: What to say above them, or instead of them.
        key: Marks and what they mean.
        scale: Lowest and highest value of the colour scale, if there is one.
        width: How wide each is: wide, half or third of the page; own for drawings that are not in the page's hues.
        below: What to say below the figures; the table then stands there too.
        columns: Headings of a small table beside the figure.
        rows: Its rows.
    """

    title: str
    plots: Sequence[Plot] = ()
    text: str = ""
    key: Sequence[tuple[Mark, str]] = ()
    scale: tuple[str, str] | None = None
    width: str = "wide"
    below: str = ""
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def gradient() -> Markup:
    """Return the colour scale of the maps as CSS."""
    colours = mpl.colormaps[maps.COLOURS]
    return Markup(", ".join(to_hex(colours(i / 8)) for i in range(9)))  # noqa: S704 - colours alone


def sections(material: Material, figures: Sequence[OwnFigure]) -> list[Section]:
    """Draw everything, in the order of the page."""
    with style():
        anchor = material.anchor
        axes = plane.shown_axes(material, anchor)
        found = [
            _convergence(material),
            _prediction(material),
            _maps(material, anchor, axes),
            _failures(material, axes),
        ]
        found += _tradeoff(material)
        after = [*_gain(material), _source(material), *_references(material), _timeline(material)]
    return [*found, *_own(material, figures), *after]


def _plot(figure: Figure, name: str, caption: str) -> Plot:
    return Plot(inline_svg(figure, name, caption), caption)


def _failure_key(material: Material) -> list[tuple[Mark, str]]:
    return [(mark_of(failure), failure) for failure in material.summary.failures]


def _convergence(material: Material) -> Section:
    title = "Convergence"
    if not material.measured and not material.failed:
        return Section(title, text="No run is over yet.")
    caption = "The value of each run with its sd, in the order of the runs"
    caption += "; failed runs along the bottom." if material.failed else "."
    key = [(MEASURED, "measured"), (BEST, "best run"), (_STEP, "best so far")]
    key = key if material.measured else []
    initial = material.summary.initial
    if initial is not None and initial.best is not None:
        which = "" if initial.n_counted == initial.n_rows else f" that keeps {initial.limits}"
        key.append((_LINE, f"best initial row{which}, {with_unit(number(initial.best), material.objective.unit)}"))
    plot = _plot(convergence(material), "convergence", caption)
    return Section(title, [plot], key=[*key, *_failure_key(material)])


def _prediction(material: Material) -> Section:
    title = "Measured against predicted"
    if not prediction.predicted_runs(material):
        return Section(title, text="No measured run was predicted: each point came from the initial design.")
    caption = "Each prediction was made before its run; bars are one sd. On the dashed line both agree."
    drift = drift_of(material.state)
    if drift is not None and not drift.is_none:
        caption += " Measured values are those the planner learnt from: drift is taken out."
    plot = _plot(prediction.prediction(material), "prediction", caption)
    key = [(MEASURED, "run"), (BEST, "best run")]
    return Section(title, [plot], text=prediction.coverage(material), key=key, width="half")


def _tradeoff(material: Material) -> list[Section]:
    title, found = "Several objectives", tradeoff(material)
    if found is None:
        text = "No run has given a value of every objective yet." if material.planner.further else ""
        return [Section(title, text=text)] if text else []
    plots = [
        _plot(found.drawn(i), f"tradeoff{i}", f"Each run that gave both; {found.objectives[i].name} across.")
        for i in range(1, len(found.objectives))
    ]
    kept = [run for run, is_kept in zip(found.runs, found.on_front, strict=True) if is_kept]
    names = " and ".join(f"{clean(o.name)} {'up' if o.sign > 0 else 'down'}" for o in found.objectives)
    text = (
        f"{plural(len(kept), 'run')} of {len(found.runs)} that no other run beats with {names}: "
        f"{', '.join(str(run.number) for run in kept)}. Together they beat {found.hypervolume:.0%} of the box between "
        "the worst and the best value of each objective (hypervolume)."
    )
    key = [(Mark("D", "◆", "best"), "not beaten"), (Mark("o", "●", "soft"), "beaten")]
    key += [(Mark("", "┅", "red"), "limit")] if any(o.limit is not None for o in found.objectives) else []
    return [Section(title, plots, text, key=key, width="half")]


def _references(material: Material) -> list[Section]:
    drift = drift_of(material.state)
    if drift is None:
        return []
    title, text = "The reference point", clean(references.words(drift), 1000)
    if not drift.trends:
        return [Section(title, text=text)]
    caption = (
        "The same point performed again and again. A line is the level that was found, sloped where the slope is real."
    )
    return [Section(title, [_plot(references.references(material, drift), "references", caption)], text=text)]


def _gain(material: Material) -> list[Section]:
    if len(gaining(material)) < 2:
        return []
    least = ((material.state.opened or {})["configuration"].get("stop") or {}).get("expected_gain")
    caption = (
        "By how much each run was expected to exceed the best prediction at a measured row, when it was suggested."
    )
    key = [(Mark("o", "●", "accent"), "expected gain")]
    key += [(Mark("", "┅", "red"), "enough: stop.expected_gain")] if least is not None else []
    return [Section("What another run was worth", [_plot(expected_gains(material, least), "gain", caption)], key=key)]


def _maps(material: Material, anchor: Point | None, axes: Sequence[Parameter]) -> Section:
    title = "What the planner predicts now"
    if anchor is None:
        return Section(title, text="Nothing is measured, so nothing can be predicted.")
    if not axes:
        return Section(title, text="There is no numeric parameter to draw along.")
    if len(axes) == 1:
        what = f"{material.objective_name} with one sd along {material.name(axes[0])}"
        caption = f"Predicted {what}{_held(material, anchor, axes)}."
        plot = _plot(maps.curve(material, anchor, axes[0]), "curve", caption)
        return Section(title, [plot], key=[(_ROW, "measured")], width="half")
    drawn = maps.maps(material, anchor, axes)
    is_pool = material.space.candidates is not None
    plots = [_plot(m.figure, f"map{i}", _map_caption(material, anchor, m)) for i, m in enumerate(drawn)]
    ends = [with_unit(number(end, 3), material.objective.unit) for end in (drawn[0].low, drawn[0].high)]
    key = [(_ROW, "measured" if is_pool else "measured; smaller is farther from the slice"), (BEST, "best")]
    key += [] if is_pool else [(Mark("", "▨", "ink"), "outside the hull of the measured rows: extrapolated")]
    is_cut = not is_pool and any(not c.is_equality for c in material.space.constraints)
    key += [(Mark("", "□", "ink"), "blank: not allowed by the constraints")] if is_cut else []
    text = _which(material, axes, is_pool=is_pool)
    return Section(title, plots, text, [*key, *_failure_key(material)], (ends[0], ends[1]), "third")


def _which(material: Material, axes: Sequence[Parameter], *, is_pool: bool) -> str:
    n_all, name = len(material.space.parameters), material.objective_name
    best = material.summary.best
    where = "the best initial row" if best is None else f"the point of run {best.number}, the best"
    text = f"Slices of the predicted {name} through {where}."
    if is_pool:
        n_pool = plural(len(material.space.candidates or []), "candidate")
        text = f"Each point is one of the {n_pool}, coloured by its predicted {name}; the best lies on top."
    if len(axes) < n_all:
        text += (
            f" Of {n_all} parameters, the {len(axes)} numeric ones are shown along which the prediction changes most."
        )
    features = " and ".join(clean(feature, 80) for feature in material.planner.settings.features)
    return text + (f" The models see {features} beside the parameters." if features else "")


def _held(material: Material, anchor: Point, axes: Sequence[Parameter]) -> str:
    names = {p.name for p in axes}
    held = {name: unit for name, unit in material.units.items() if name not in names}
    return f", at {point_text(anchor, held)}" if held else ""


def _map_caption(material: Material, anchor: Point, drawn: maps.Map) -> str:
    pair = f"{material.name(drawn.y)} over {material.name(drawn.x)}"
    return pair if material.space.candidates is not None else pair + _held(material, anchor, (drawn.x, drawn.y))


def _failures(material: Material, axes: Sequence[Parameter]) -> Section:
    title = "Where runs failed"
    if not material.failed:
        return Section(title, text="No run failed.")
    if len(axes) < 2:
        return Section(title, text="There is no pair of numeric parameters to draw in; see the table of runs.")
    drawn = plane.failures(material, axes)
    plots = [
        _plot(figure, f"failures{i}", f"{material.name(y)} over {material.name(x)}")
        for i, (x, y, figure) in enumerate(drawn)
    ]
    key = [*_failure_key(material), (Mark("o", "●", "accent"), "measured")]
    return Section(title, plots, key=key, width="third")


def _source(material: Material) -> Section:
    title = "How much the source was trusted"
    if material.summary.source is None:
        return Section(title, text="The campaign had no source.")
    if not prediction.weighted_runs(material):
        return Section(
            title, text="The planner has not yet weighed the source: each point came from the initial design."
        )
    caption = "The weight of the source behind each suggestion: 0 is none, 1 is the prediction that borrows, alone."
    found = prediction.evidence(material)
    plot = _plot(prediction.source_weight(material), "source", caption)
    told = f" The {found.told} are those of the last suggestion." if found.rows else ""
    text = f"The rule: {found.rule}.{told}" if found.rule else ""
    return Section(title, [plot], text, width="half", columns=found.columns, rows=found.rows)


def _timeline(material: Material) -> Section:
    title = "The laboratory's time"
    if not material.runs or not material.state.lab_s:
        return Section(title, text="Nothing was performed yet.")
    found = stretches(material.state)
    caption = "Each bar is an attempt at a step, with its run's number where there is room; a cross marks a failure."
    if any(len(stretch.parts) > 1 for stretch in found):
        caption += " A load is one bar, with the numbers of its runs above."
    plot = _plot(timeline(material), "timeline", caption)
    columns, rows = laboratory.use(material)
    return Section(
        title,
        [plot],
        key=_timeline_key(material, found),
        below=laboratory.spent(material),
        columns=columns,
        rows=rows,
    )


def _timeline_key(material: Material, found: Sequence[Stretch]) -> list[tuple[Mark, str]]:
    key = [(Mark("", "■", "accent"), "odd run"), (Mark("", "■", "soft"), "even run")]
    key += [(Mark("", "■", "best"), "best run")]
    key += [(Mark("", "■", MAINTENANCE), "maintenance")] if any(s.is_maintenance for s in found) else []
    key += [(Mark("", "■", "red"), "failed attempt")] if any(s.failed_at_s for s in found) else []
    purposes = {run.purpose for run in material.runs}
    return key + [(mark, f"{purpose} run") for purpose, mark in PURPOSES.items() if purpose in purposes]


def _own(material: Material, figures: Sequence[OwnFigure]) -> list[Section]:
    best = material.summary.best
    if best is None or not figures:
        return []
    plots, problems = [], []
    with style(mathematics=True):
        for i, draw in enumerate(figures):
            try:
                plots.append(
                    _plot(draw(material.readings, best.details, best.origin), f"own{i}", f"From run {best.number}.")
                )
            except Exception as error:  # noqa: BLE001 - a campaign's own figure must not cost the report
                name = getattr(draw, "__name__", "figure")
                problems.append(f"{clean(name)} could not be drawn: {type(error).__name__}: {clean(error, 200)}.")
    return [Section("The best sample", plots, " ".join(problems), width="wide own")]
