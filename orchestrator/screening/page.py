"""The page of a screening: one HTML file with everything in it, the same bytes for the same rows."""

from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from orchestrator.display.wording import clean, named, number, plural, setting, with_sd, with_unit
from orchestrator.report.figures import gradient
from orchestrator.report.tables import BADGES, Fact
from orchestrator.screening.chapters import chapters
from orchestrator.screening.influence import Influence, recommended_point
from orchestrator.screening.recommendation import sentences
from orchestrator.screening.result import Kind, Optimum, Screening
from orchestrator.screening.terminal import known


def write_page(screening: Screening, found: Influence, folder: Path) -> Path:
    """Write `screening.html` into a folder and return its path.

    Args:
        screening: All models on the same rows.
        found: What each parameter does for the recommended one.
        folder: An existing one.

    Raises:
        OSError: The folder cannot be written.
    """
    path = folder / "screening.html"
    path.write_text(html(screening, found), encoding="utf-8", newline="\n")
    return path


def html(screening: Screening, found: Influence) -> str:
    """Return the page."""
    rooms = [PackageLoader(f"orchestrator.{room}", ".") for room in ("screening", "report")]
    environment = Environment(
        loader=ChoiceLoader(rooms), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = environment.loader.get_source(environment, "style.css")[0]  # type: ignore[union-attr]  # given above
    return environment.get_template("screening.html").render(
        style=Markup(style),  # noqa: S704 - our own file
        gradient=gradient(),
        chapters=chapters(screening, found),
        **_words(screening),
    )


def _words(screening: Screening) -> dict[str, Any]:
    model, objective = screening.recommended, screening.objective
    best = recommended_point(model)
    return {
        "campaign": clean(screening.campaign),
        "badge": badge(screening),
        "origin": "simulated" if "simulated" in screening.origin else screening.origin,
        "goal": "Highest" if objective.goal == "maximise" else "Lowest",
        "objective": named(objective.name, objective.unit),
        "value": with_unit(with_sd(best.value, best.sd), objective.unit),
        "settings": [
            (named(p.name, p.unit), with_unit(setting(best.point[p.name]), p.unit)) for p in screening.space.parameters
        ],
        "model": model.label,
        "is_extrapolating": best.extrapolating,
        "standing": _standing(screening, best),
        "facts": _facts(screening),
        "sentences": [clean(text) for text in sentences(screening)],
        "known": [clean(text) for text in known(screening)],
        "rows": [
            (what, rows.path.name, len(rows), [clean(line) for line in rows.comments])
            for what, rows in (("target", screening.target), ("source", screening.source))
            if rows is not None
        ],
    }


def _standing(screening: Screening, best: Optimum) -> str:
    """Return in words whether the value was ever measured."""
    target, unit = screening.target, screening.objective.unit
    there = [value for point, value in zip(target.points, target.values.tolist(), strict=True) if point == best.point]
    if there:
        text = with_unit(number(sum(there) / len(there)), unit)
        return f"Predicted; this very point was measured: {text}, mean of {plural(len(there), 'row')}"
    if best.extrapolating:
        return "Predicted, not measured, and it extrapolates beyond everything measured"
    return "Predicted, not measured"


def badge(screening: Screening) -> str:
    """Return where the target rows come from, as loud as it must be."""
    origins = screening.origin.split(", ")
    if len(origins) > 1:
        return f"MIXED data: {', '.join(map(clean, origins))}"
    if origins == ["unsaid"]:
        return "data of UNSAID origin"
    return BADGES.get(origins[0], f"{clean(origins[0])} data")


def _facts(screening: Screening) -> list[Fact]:
    model, unit = screening.recommended, screening.objective.unit
    seen, unseen = model.scores[Kind.IN_SAMPLE], model.scores[Kind.OUT_OF_FOLD]
    found = [
        Fact("model", model.label, f"the least off on unseen rows of {plural(len(screening.models), 'model')}"),
        Fact(
            "off by, on unseen rows",
            with_unit(number(unseen.mae, 3), unit),
            f"mean; {number(seen.mae, 3)} on seen ones",
        ),
        Fact("R2 on unseen rows", number(unseen.r2, 3), f"{number(seen.r2, 3)} on seen ones"),
    ]
    best = recommended_point(model)
    where = "EXTRAPOLATES" if best.extrapolating else "among the measured rows"
    found.append(Fact("the point", where, f"nearest row {number(best.nearest, 2)} away in the unit cube"))
    if best.true is not None and screening.truth is not None:
        remark = f"at best it gives {with_unit(number(screening.truth.best), unit)}"
        found.append(Fact("simulated tool, there", with_unit(number(best.true), unit), remark))
    return found
