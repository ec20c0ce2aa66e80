"""What a replay found, in words and tables for people."""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from orchestrator.display.summary import summary
from orchestrator.display.wording import clean, listed, number, plural, point_text, setting, with_sd
from orchestrator.ledger import Run, State
from orchestrator.replay.difference import Comparison, counts, outcome
from orchestrator.replay.verify import Difference, Verification
from orchestrator.replay.what_if import Alternative, Prediction

Table = tuple[Sequence[str], Sequence[Sequence[str]]]


def verification_lines(found: Verification) -> list[tuple[str, str]]:
    """Return pairs of a label and a line, damage first."""
    lines = [("damage", text) for text in found.damage]
    lines.append(("chain", f"{plural(found.n_events, 'event')}, unbroken, each allowed where it stands"))
    lines.append(("attachments", f"{found.n_attachments} hashed again"))
    if found.difference is None:
        lines.append(("suggestions", f"{found.n_suggestions} asked for again, each the same"))
    else:
        lines += _difference_lines(found.difference)
    if found.reported is not None:
        lines.append(("report", f"names {plural(found.reported, 'event')}"))
    lines.append(("head", found.head))
    lines.append(("verified", "everything holds") if found.holds else ("not verified", "see above"))
    return lines


def _difference_lines(found: Difference) -> Iterator[tuple[str, str]]:
    yield "suggestions", f"that of run {found.run} (event {found.seq}) is another when asked for again:"
    for name, then, now in found.values:
        yield "", f"{clean(name)}: {_value(then)} recorded, {_value(now)} now"
    for name, then, now in found.versions:
        yield "versions", f"{clean(name)} {clean(then)} then, {now} now"
    if not found.versions:
        yield "versions", "all as when the campaign began"


def _value(value: Any) -> str:  # noqa: ANN401 - a number, a choice or nothing
    return "none" if value is None else f"{value:.9g}" if isinstance(value, float) else clean(value)


def alternatives(found: Sequence[Alternative], state: State) -> Table:
    """Return a table with one row a decision."""
    facts = summary(state)
    headings = ["run", "chosen", "by", "predicted", "other", "by", "predicted", "distance"]
    rows = [
        [str(a.run), *_predicted(a.chosen, facts.units), *_predicted(a.other, facts.units, same=a.is_same), _far(a)]
        for a in found
    ]
    return headings, rows


def _predicted(prediction: Prediction, units: Any, *, same: bool = False) -> list[str]:  # noqa: ANN401 - a mapping
    point = "the same" if same else point_text(prediction.point, units)
    return [point, prediction.by, with_sd(prediction.mean, prediction.sd)]


def _far(alternative: Alternative) -> str:
    return "" if alternative.is_same else number(alternative.distance, 2)


def alternative_cells(
    found: Sequence[Alternative], names: Sequence[str]
) -> tuple[list[str], list[list[str | float | None]]]:
    """Return the same for a file: numbers as they are, one column a parameter."""
    headings = ["run", *names, "by", "mean", "sd"]
    headings += [*(f"other_{heading}" for heading in headings[1:]), "distance"]
    rows: list[list[str | float | None]] = [
        [a.run, *_cells(a.chosen, names), *_cells(a.other, names), a.distance] for a in found
    ]
    return headings, rows


def _cells(prediction: Prediction, names: Sequence[str]) -> list[str | float | None]:
    return [*(prediction.point[name] for name in names), prediction.by, prediction.mean, prediction.sd]


def agreement(found: Sequence[Alternative]) -> str:
    """Return in a line how often both planners chose the same."""
    if not found:
        return "nothing was decided yet"
    apart = [a.distance for a in found if not a.is_same]
    line = f"the same point in {len(found) - len(apart)} of {plural(len(found), 'decision')}"
    if apart:
        line += f"; where they differ, {number(median(apart), 2)} apart in the unit cube (median)"
    return line


def comparison_tables(found: Comparison, one: State, other: State, names: tuple[str, str]) -> Iterator[Table]:
    """Yield the tables that set two campaigns side by side: settings, runs, and what they came to."""
    first, second = (clean(name) for name in names)
    if found.settings:
        settings = [[".".join(d.path), _plain(d.was), _plain(d.now)] for d in found.settings]
        yield ["setting", first, second], settings
    if found.runs:
        yield ["run", first, "", second, ""], [_pair(pair, one) for pair in found.runs]
    yield ["", first, second], [[label, *pair] for label, *pair in _facts(one, other)]


def _plain(value: object) -> str:
    return "none" if value is None else clean(value, 60)


def _pair(pair: tuple[Run | None, Run | None], state: State) -> list[str]:
    units = summary(state).units
    run = pair[0] or pair[1]
    cells = [str(run.number if run is not None else "")]
    for side in pair:
        cells += ["", ""] if side is None else [point_text(side.point, units) or _bare(side), _came(side)]
    return cells


def _bare(run: Run) -> str:
    return ", ".join(f"{clean(name)} {setting(value)}" for name, value in run.point.items())


def _came(run: Run) -> str:
    return clean(outcome(run)) if run.value is None else with_sd(run.value, run.sd)


def _facts(one: State, other: State) -> Iterator[tuple[str, str, str]]:
    facts = [summary(state) for state in (one, other)]
    yield "best", *(_best(f.best) for f in facts)  # type: ignore[misc]  # two campaigns give two texts
    yield "runs", *(listed(counts(state)) for state in (one, other))  # type: ignore[misc]  # as above
    yield "lab days", *(number(f.lab_days, 3) for f in facts)  # type: ignore[misc]  # as above
    yield "head", *(f.head[:12] for f in facts)  # type: ignore[misc]  # as above


def _best(run: Run | None) -> str:
    return "nothing was measured" if run is None else f"{with_sd(run.value, run.sd)}, run {run.number}"


def comparison_line(found: Comparison) -> str:
    """Return in a line whether the campaigns are the same."""
    if found.is_same:
        return f"the same: configuration, data and {plural(found.n_same, 'run')}"
    n_settings = len(found.settings)
    settings = f"{plural(n_settings, 'setting')} differ{'s' * (n_settings == 1)}" if n_settings else "the same settings"
    runs = (
        f"the runs differ from run {found.n_same + 1} on" if found.runs else f"the same {plural(found.n_same, 'run')}"
    )
    return f"different: {settings}; {runs}"
