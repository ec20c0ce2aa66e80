"""What `run-campaign --check` shows: what would run, read from the configuration and the drivers, nothing moved."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.markup import escape as escaped
from rich.table import Table

from instruments.driver import Identity
from orchestrator.config import nearest
from orchestrator.config.schema import CampaignConfig, ParameterConfig
from orchestrator.display.wording import clean, with_unit
from orchestrator.files.table import split_unit
from orchestrator.laboratory.twins import twins
from orchestrator.ledger import exists
from orchestrator.objective import Objective

if TYPE_CHECKING:
    from orchestrator.campaign import Campaign
    from orchestrator.data import Rows
    from orchestrator.planner import Planner

_MOST_COLUMNS = 10


def preview(campaign: "Campaign", *, is_connected: bool = True) -> RenderableType:
    """Return the campaign as tables: parameters, laboratory, plan.

    Args:
        campaign: The campaign.
        is_connected: Whether instruments are asked who they are; else none is touched.
    """
    settings = campaign.settings
    identities = campaign.laboratory.connect() if is_connected else {}
    return Group(
        f"[bold]{escape(settings.campaign)}[/]: the configuration is sound (seed {settings.seed})",
        _parameters(settings),
        *(f"  {escape(line)}" for line in _constraints(campaign)),
        _laboratory(campaign, identities),
        *(f"  [bold yellow]{escape(line)}[/]" for line in twins(identities)),
        *(f"  {line}" for line in _plan(campaign)),
    )


def _parameters(settings: CampaignConfig) -> Table:
    table = Table("parameter", "range", "unit", box=None, padding=(0, 2))
    for name, p in settings.parameters.items():
        table.add_row(escape(name), escape(_range(p)), escape(p.unit))
    return table


def _range(p: ParameterConfig) -> str:
    if p.fixed is not None:
        return f"fixed at {p.fixed}" if isinstance(p.fixed, str) else f"fixed at {p.fixed:g}"
    if p.choices is not None:
        return ", ".join(p.choices)
    if p.levels is not None:
        return f"{min(p.levels):g} to {max(p.levels):g}, {len(p.levels)} levels"
    parts = [f"{p.low:g} to {p.high:g}"]
    parts += ["whole numbers"] if p.integer else []
    parts += [f"in steps of {p.step:g}"] if p.step is not None else []
    return ", ".join([*parts, *(["log"] if p.scale == "log" else [])])


def _constraints(campaign: "Campaign") -> list[str]:
    """Say what must hold between parameters, how much of the box that leaves, and which past rows are outside."""
    space, texts = campaign.planner.space, campaign.settings.constraints
    if not texts:
        return []
    lines = [f"constraint: {text}" for text in texts]
    if space.candidates is None:
        box = "the box of the parameters that do not follow from an equality" if space.has_equality else "the box"
        percent = 100 * space.share
        shown = f"{percent:.0f}" if percent >= 10 else f"{percent:.2g}"
        lines.append(f"the constraints leave about {shown} % of {box} (estimated)")
    for name, rows in (("source", campaign.planner.source), ("initial", campaign.planner.initial)):
        n_outside = sum(bool(space.broken(point)) for point in rows.points) if rows else 0
        if n_outside:
            lines.append(
                f"{n_outside} of {len(rows or ())} {name} rows are outside them: they are learnt from all the same"
            )
    return lines


def _laboratory(campaign: "Campaign", identities: Mapping[str, Identity]) -> Table:
    table = Table("instrument", "driver", "origin", "can do", box=None, padding=(0, 2))
    for role in campaign.laboratory.instruments:
        origin = str(identities[role].origin) if role in identities else "not asked"
        driver = campaign.settings.laboratory.instruments[role].driver
        actions = ", ".join(campaign.laboratory.instruments[role].actions)
        table.add_row(escape(role), escape(driver), origin, escape(actions))
    return table


def _plan(campaign: "Campaign") -> list[str]:
    settings, command = campaign.settings, campaign.first_command
    budget, stop = settings.budget, settings.stop
    limits = [f"{budget.runs} runs"]
    limits += [f"{budget.failures} failures"] if budget.failures else []
    limits += [f"{budget.lab_hours:g} lab hours"] if budget.lab_hours else []
    rules = [f"at {stop.target:g} {settings.objective.unit}"] if stop.target is not None else []
    rules += [f"when another run is expected to gain less than {stop.expected_gain:g}"] if stop.expected_gain else []
    rules += [f"after {stop.no_improvement_in} runs without improvement"] if stop.no_improvement_in else []
    planner, turns = campaign.planner, " then ".join(settings.planner.acquisitions)
    features = ", ".join(settings.planner.features)
    shown = ", ".join(
        f"{name}={value:.6g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in command.settings.items()
    )
    return [
        escape(line)
        for line in (
            f"objective: {settings.objective.goal} {settings.objective.name} in {settings.objective.unit}",
            *(_wanted(o, planner.objective) for o in planner.further),
            f"data: {len(planner.source or ())} source rows, {len(planner.initial or ())} initial rows",
            *_unused(planner),
            f"planner: {settings.planner.surrogate} ({settings.planner.mode}), {turns}",
            *([f"features, which models see beside the parameters: {features}"] if features else []),
            f"recipe: {settings.recipe.name}, beginning with {command.instrument}.{command.action}({shown})",
            f"budget: {', '.join(limits)}; stops {' or '.join(rules) or 'when it is spent'}",
            f"{settings.laboratory.in_flight} in flight on the {settings.laboratory.clock} clock",
            f"ledger: {campaign.ledger_path} ({'exists' if exists(campaign.ledger_path) else 'new'})",
        )
    ]


def _wanted(further: Objective, objective: Objective) -> str:
    """Say what is wanted of a further objective."""
    if further.limit is not None:
        return f"further: {further.name} {with_unit(further.bound, further.unit)}"
    goal = f"further: {further.goal} {further.name}"
    if further.worth is None:
        return f"{goal} in {further.unit}; explored along the front"
    each = "unit" if further.unit == "1" else further.unit
    return f"{goal}; each {each} is worth {with_unit(f'{further.worth:g}', objective.unit)}"


def _unused(planner: "Planner") -> Iterator[str]:
    """Say which columns of past rows nothing uses, and what a misspelt one may mean."""
    for rows in (planner.source, planner.initial):
        if rows is not None and rows.ignored:
            shown = [_with_nearest(header, rows, planner) for header in rows.ignored[:_MOST_COLUMNS]]
            more = len(rows.ignored) - len(shown)
            yield f"not used of {rows.path.name}: {', '.join(shown)}{f' and {more} more' if more else ''}"


def _with_nearest(header: str, rows: "Rows", planner: "Planner") -> str:
    """Return a header with the optional column it may mean, of those that the file does not have."""
    lacking = [o.name for o in planner.further if o.name not in rows.further]
    lacking += [f"{planner.objective.name}_sd"] if rows.sds is None else []
    lacking += [name for name, cells in (("origin", rows.origins), ("note", rows.notes)) if not any(cells)]
    near = nearest(split_unit(header)[0], lacking)
    return clean(header, 40) + (f" (did you mean {near}?)" if near else "")


def escape(text: str) -> str:
    """Return text that can steer neither the console nor its terminal."""
    return escaped(clean(text))
