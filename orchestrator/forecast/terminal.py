"""A forecast as people read it: a table of what is likely, and what stands in the way.

Rule of this file: every figure is called forecast, and an interval holds eight of ten forecasts.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.display.wording import clean, named, number, plural, with_unit
from orchestrator.forecast.course import WEAR_UNIT, Course
from orchestrator.forecast.outlook import Forecast, Span
from orchestrator.forecast.stand_in import GEOMETRIC_SD
from orchestrator.objective import Objective

_MOST_REASONS = 5
_HOUR_S, _MB, _GB = 3600.0, 1e6, 1e9
_UNITS = (("days", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0))
_DATE = "%a %d %b %Y %H:%M"
Row = tuple[str, str, str, str]


def shown(found: Forecast, objective: Objective, rate: float = 1.0) -> RenderableType:
    """Return a forecast for a console.

    Args:
        found: The forecast.
        objective: What is measured.
        rate: Seconds of lab time in a second on the wall.
    """
    table = Table(box=None, padding=(0, 2), header_style="dim", title_justify="left")
    table.add_column("forecast", no_wrap=True)
    table.add_column("likely", justify="right")
    table.add_column("10 to 90 %", justify="right")
    table.add_column("", style="dim")
    for row in _rows(found, objective, rate):
        table.add_row(*(Text(cell) for cell in row))
    remarks = [Text(line, style="dim") for line in _remarks(found)]
    return Group(Text(_heading(found), style="bold"), table, *remarks, *_trouble(found))


def _heading(found: Forecast) -> str:
    settings, start = found.players.settings, found.date(found.plan.start_s)
    done = f", {found.n_done} of them done" if found.n_done else ""
    forecasts, runs = plural(len(found.courses), "forecast"), plural(settings.budget.runs, "run")
    return f"{clean(settings.campaign)}: SIMULATED, {forecasts} of {runs}{done}, from {start:{_DATE} %Z}"


def _rows(found: Forecast, objective: Objective, rate: float) -> Iterator[Row]:
    yield _end(found)
    yield _lasting(found, "lab time from now", 1.0)
    if rate != 1.0:
        yield _lasting(found, "on the wall", rate)
    yield from (_tool(found, name) for name in found.players.actions)
    yield from (_wear(found, *key) for key in sorted({key for course in found.courses for key in course.worn}))
    maintained = sorted({key for course in found.courses for key in course.maintenance})
    yield from (_maintenance(found, *key) for key in maintained)
    n_night = found.span(lambda c: c.night_steps)
    at_night = f"{_interval(n_night.low, n_night.high)} of them begin at night, {found.plan.night}"
    yield _spanned(found, "steps with a person", lambda c: c.person_steps, "", at_night)
    yield _spanned(found, "pauses for a person", lambda c: len(c.pauses), "", "without the time until somebody comes")
    overdue = sorted({step for course in found.courses for step in course.overdue})
    yield from (_overdue(found, step) for step in overdue)
    room = "" if found.free_bytes is None else f"{number(found.free_bytes / _GB, 3)} GB are free"
    yield _spanned(found, "ledger", lambda c: c.n_bytes / _MB, "MB", room)
    if not found.players.lacking:
        yield from _outcomes(found, objective)


def _end(found: Forecast) -> Row:
    span = found.span(lambda c: c.end_s)
    interval = " to ".join(f"{found.date(end_s):%d %b %H:%M}" for end_s in (span.low, span.high))
    return "end", f"{found.date(span.likely):{_DATE}}", interval, _endings(found)


def _lasting(found: Forecast, label: str, rate: float) -> Row:
    likely_s = found.span(lambda c: c.end_s - found.plan.start_s).likely / rate
    unit, length_s = next((u for u in _UNITS if likely_s >= u[1]), _UNITS[-1])
    return _spanned(found, label, lambda c: (c.end_s - found.plan.start_s) / rate / length_s, unit)


def _endings(found: Forecast) -> str:
    counted = Counter(_without_numbers(course.ending) for course in found.courses)
    (ending, n), *others = counted.most_common()
    first = next(course.ending for course in found.courses if _without_numbers(course.ending) == ending)
    return clean(first, 60) if not others else f"{clean(first, 60)} ({n} of {len(found.courses)})"


def _spanned(found: Forecast, label: str, read: Callable[[Course], float], unit: str, remark: str = "") -> Row:
    span = found.span(read)
    return label, with_unit(number(span.likely, 3), unit), _interval(span.low, span.high), remark


def _interval(low: float, high: float) -> str:
    texts = [number(value, 3) for value in (low, high)]
    return texts[0] if texts[0] == texts[1] else " to ".join(texts)


def _tool(found: Forecast, name: str) -> Row:
    def share(course: Course) -> float:
        return course.busy_s.get(name, 0.0) / max(course.end_s - found.plan.start_s, 1.0)

    remark = f"busy {found.span(share).likely:.0%} of the time"
    return _spanned(found, f"{clean(name)} at work", lambda c: c.busy_s.get(name, 0.0) / _HOUR_S, "h", remark)


def _wear(found: Forecast, instrument: str, part: str) -> Row:
    key = (instrument, part)
    changes = found.span(lambda c: c.changes[key])
    label = f"wear of {clean(instrument)}, {clean(part.removesuffix(f'_{WEAR_UNIT.lower()}'))}"
    remark = f"new {_interval(changes.low, changes.high)} times"
    return _spanned(found, label, lambda c: c.worn.get(key, 0.0), WEAR_UNIT, remark)


def _maintenance(found: Forecast, instrument: str, action: str) -> Row:
    label = f"{clean(instrument)}: {clean(action)}"
    return _spanned(found, label, lambda c: c.maintenance[instrument, action], "times", "maintenance")


def _overdue(found: Forecast, step: str) -> Row:
    label = f"{clean(step)} overdue"
    return _spanned(
        found, label, lambda c: c.overdue[step], "times", "longer than its timeout: in doubt until it answers"
    )


def _outcomes(found: Forecast, objective: Objective) -> Iterator[Row]:
    yield _spanned(found, "failed runs", lambda c: c.outcomes.total() - c.outcomes["measured"], "", _often(found))
    values = [course.best for course in found.courses if course.best is not None]
    if values:
        span, lacking = Span.of(values), len(found.courses) - len(values)
        label = f"best {named(objective.name, objective.unit)}"
        remark = "simulated" + (f"; nothing measured in {lacking}" if lacking else "")
        yield label, with_unit(number(span.likely, 3), objective.unit), _interval(span.low, span.high), remark
    target = found.plan.target
    if target is not None:
        share, n = f"{found.n_reached / len(found.courses):.0%}", f"{found.n_reached} of {len(found.courses)}"
        yield f"chance of {with_unit(number(target.value), objective.unit)}", share, n, target.words


def _often(found: Forecast) -> str:
    """Return how many runs usually fail in which class, a mean over the forecasts."""
    total = sum((course.outcomes for course in found.courses), Counter[str]())
    means = {kind: n / len(found.courses) for kind, n in total.most_common() if kind != "measured"}
    return ", ".join(f"{number(mean, 2)} {clean(kind)}" for kind, mean in means.items() if mean >= 0.05)


def _remarks(found: Forecast) -> Iterator[str]:
    players = found.players
    if found.n_done and not any(course.performed for course in found.courses):
        yield "nothing is left to do: add --new to forecast another campaign, or --runs N for more runs of this one"
    if players.lacking:
        lacking = ", ".join(map(clean, players.lacking))
        yield f"no counterpart for {lacking} (emulation.<instrument>.simulated): values and failures are unknown"
        yield f"steps are as long as their drivers expect, spread by a factor of {GEOMETRIC_SD:g}"
        steps = dict.fromkeys(step for course in found.courses for step in course.performed)
        yield f"what was foreseen of the recipe: {', '.join(map(clean, steps)) or 'nothing'}"
    elif players.replaced:
        shown_ones = ", ".join(f"{clean(n)} by {clean(d.rpartition(':')[2])}" for n, d in players.replaced.items())
        yield f"no tool was touched: {shown_ones}, held to the limits of the real drivers"


def _trouble(found: Forecast) -> Iterator[RenderableType]:
    """Tell why forecasts paused, what happens most often first, and what no forecast could get past."""
    pauses: dict[str, list[str]] = {}
    for course in found.courses:
        for reason in dict.fromkeys(map(_without_numbers, course.pauses)):
            example = next(p for p in course.pauses if _without_numbers(p) == reason)
            pauses.setdefault(reason, []).append(example)
    if not found.has_room:
        yield Text("the disk has no room for the ledger; make room, or choose another with --out", style="bold red")
    stuck = {_without_numbers(course.ending) for course in found.stuck}
    for reason, examples in _by_frequency(pauses)[:_MOST_REASONS]:
        verb, style = ("cannot go on", "bold red") if reason in stuck else ("pauses", "yellow")
        yield Text(f"{verb} in {len(examples)} of {len(found.courses)}: {clean(examples[0], 300)}", style=style)


def _by_frequency(pauses: Mapping[str, list[str]]) -> list[tuple[str, list[str]]]:
    return sorted(pauses.items(), key=lambda pause: (-len(pause[1]), pause[0]))


def _without_numbers(text: str) -> str:
    return re.sub(r"\d[\d.]*", "#", text)
