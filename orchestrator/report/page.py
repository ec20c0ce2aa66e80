"""The page: one HTML file with everything in it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from orchestrator.display.wording import beside, named, setting, with_sd, with_unit
from orchestrator.ledger import Ledger
from orchestrator.planner import Planner
from orchestrator.report import laboratory, tables
from orchestrator.report.figures import OwnFigure, gradient, sections
from orchestrator.report.material import Material, gather


def write_report(ledger: Ledger, planner: Planner, folder: Path, figures: Sequence[OwnFigure] = ()) -> Path:
    """Write `report.html` into a folder and return its path.

    Args:
        ledger: The campaign, finished or not.
        planner: Its planner, with the initial rows and the source.
        folder: Made where there is none.
        figures: The campaign's own, each `f(readings, details, origin) -> Figure`; readings of the best run by
            `role.action`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "report.html"
    path.write_text(_html(gather(ledger, planner), figures), encoding="utf-8", newline="\n")
    return path


def _html(material: Material, figures: Sequence[OwnFigure]) -> str:
    loader = PackageLoader("orchestrator.report", ".")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = environment.loader.get_source(environment, "style.css")[0]  # type: ignore[union-attr]  # given above
    words = _words(material)
    drawn = sections(material, figures)
    return environment.get_template("template.html").render(
        style=Markup(style),  # noqa: S704 - our own file
        gradient=gradient(),
        sections=drawn,
        **words,
    )


def _words(material: Material) -> dict[str, Any]:
    what = material.summary
    return {
        "campaign": what.campaign,
        "badge": tables.badge(material),
        "origin": what.origin,
        "standing": tables.standing(material),
        "status": what.status,
        "objective": material.objective_name,
        "goal": material.objective.goal,
        "limits": what.limits,
        "best": what.best,
        "value": with_unit(with_sd(what.best.value, what.best.sd), material.objective.unit) if what.best else "",
        "beside": beside(what.best.details, what.further) if what.best else "",
        "settings": _settings(material),
        "facts": tables.facts(material),
        "parameters": [(named(name, unit), tables.heading(unit)) for name, unit in material.units.items()],
        "unit": tables.heading(material.objective.unit),
        "further": tables.further_headings(material),
        "runs": tables.run_rows(material),
        "samples": laboratory.sample_rows(material),
        "maintenance": laboratory.maintenance_rows(material),
        "maintenance_headings": laboratory.MAINTENANCE,
        "doubts": laboratory.doubt_rows(material),
        "doubt_headings": laboratory.DOUBTS,
        "reasons": tables.reasons(material),
        "configuration": tables.configuration(material),
        "versions": tables.versions(material),
        "n_events": what.n_events,
        "head": what.head,
    }


def _settings(material: Material) -> list[tuple[str, str]]:
    best = material.summary.best
    if best is None:
        return []
    return [(named(name, unit), with_unit(setting(best.point[name]), unit)) for name, unit in material.units.items()]
