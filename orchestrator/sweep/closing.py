"""What a person sees of a sweep: how far it is while it goes on, and what each variation achieves at the end."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from orchestrator.display.wording import clean, lasting, named, number, plural, with_unit
from orchestrator.sweep.outcome import Group, Sweep
from orchestrator.sweep.performance import Result

_LINES_OF_PROGRESS = 10
_REASONS_SHOWN = 3
_LONGEST_REASON = 300


class _Pace(ProgressColumn):
    """Campaigns a second, and the time left at that pace."""

    def render(self, task: Task) -> Text:
        return Text(pace(task.completed, task.elapsed or 0.0, (task.total or 0) - task.completed), style="cyan")


def pace(n_done: float, elapsed_s: float, n_left: float) -> str:
    """Return `1.4 campaigns/s, 12 minutes left`."""
    if not n_done or not elapsed_s:
        return ""
    rate = n_done / elapsed_s
    left = f", {lasting(n_left / rate / 86400)} left" if n_left else ""
    return f"{number(rate, 2)} campaigns/s{left}"


def watched(results: Iterable[Result], n: int) -> Iterator[Result]:
    """Pass results on and show how far it is: a bar in a terminal, ten lines elsewhere.

    Args:
        results: Campaigns as they end.
        n: How many there will be.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield from _told(results, n)
        return
    words = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), _Pace())
    with Progress(*words, console=console, transient=True) as progress:
        bar, n_broken = progress.add_task("campaigns", total=n), 0
        for result in results:
            n_broken += result["status"] == "error"
            yield result
            broken = f" [red]({n_broken} broken)[/red]" if n_broken else ""
            progress.update(bar, advance=1, description=f"campaigns{broken}")


def _told(results: Iterable[Result], n: int) -> Iterator[Result]:
    began = time.monotonic()
    for i, result in enumerate(results, start=1):
        yield result
        if i * _LINES_OF_PROGRESS // n > (i - 1) * _LINES_OF_PROGRESS // n:
            sys.stderr.write(f"{i} of {n} campaigns, {pace(i, time.monotonic() - began, n - i)}\n")
            sys.stderr.flush()


def table(sweep: Sweep) -> Table:
    """Return what each variation achieves, as a table for the terminal."""
    groups = [group for group in sweep.groups if group.ended]
    n_runs = min(group.n_runs for group in groups)
    day_h = min(float(np.median(group.lab_hours)) for group in groups)
    shown = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    shown.add_column("variation", overflow="fold")
    after = (plural(n_runs, "run"), lasting(day_h / 24))
    for heading in ("n", *(f"regret, {words}" for words in after), "lab days", "failed runs", "ahead"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for group in groups:
        shown.add_row(
            group.variation.name,
            str(len(group.ended)),
            _spread(group.by_runs(np.array([n_runs]))[:, 0]),
            _spread(group.by_hours(np.array([day_h]))[:, 0]),
            number(float(np.median(group.lab_hours)) / 24, 3),
            number(_failed(group), 2),
            "" if group is groups[0] else _ahead(group, groups[0], day_h),
        )
    return shown


def notes(sweep: Sweep) -> list[str]:
    """Return what a reader must know beside the table, in sentences."""
    objective = sweep.yardstick.objective
    best = with_unit(number(sweep.yardstick.best), objective.unit)
    origin = " and ".join(sorted({str(o) for v in sweep.plan.variations for o in v.origins}))
    quantity = with_unit(f"{named(objective.name, objective.unit)} in", objective.unit).removesuffix(" in")
    zero = f"0 is {best}: {sweep.yardstick.words}"
    found = [f"all values are {origin}; regret of {quantity}, {zero}"]
    ahead = "share of seeds with less regret than the first after as many lab days, ± what chance makes of 50 %"
    found.append(f"medians (and quartiles) of n seeds; ahead: {ahead}")
    n_planned = len(sweep.plan.campaigns)
    if len(sweep.ended) < n_planned:
        found.append(f"{n_planned - len(sweep.ended)} of {plural(n_planned, 'campaign')} are still to be performed")
    for words, chosen in (("broke", ("error",)), ("ended before the budget did", ("halted", "paused"))):
        reasons = [
            clean(one.result["reason"], _LONGEST_REASON) for one in sweep.ended if one.result["status"] in chosen
        ]
        counts = sorted(((reasons.count(reason), reason) for reason in set(reasons)), reverse=True)
        if reasons:
            found.append(f"{plural(len(reasons), 'campaign')} {words}:")
            found += [f"  {n} x {reason}" for n, reason in counts[:_REASONS_SHOWN]]
    return found


def _spread(quartiles: Any) -> str:  # noqa: ANN401 - three numbers
    low, median, high = (number(float(value), 3) if np.isfinite(value) else "-" for value in quartiles)
    return f"{median} ({low}..{high})"


def _failed(group: Group) -> float:
    return float(np.mean([sum(r["status"] != "measured" for r in one.result["runs"]) for one in group.ended]))


def _ahead(group: Group, first: Group, day_h: float) -> str:
    at, mine, other = np.array([day_h]), group.curves, first.curves
    pairs = [(mine[seed].after_hours(at)[0], other[seed].after_hours(at)[0]) for seed in sorted({*mine} & {*other})]
    if not pairs:
        return ""
    share = sum((a < b) + 0.5 * (a == b) for a, b in pairs) / len(pairs)
    return f"{100 * share:.0f} ± {50 / np.sqrt(len(pairs)):.0f} %"
