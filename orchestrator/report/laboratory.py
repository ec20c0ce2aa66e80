"""The laboratory in words and tables: how it spent its time, its maintenance, its samples."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.display import samples as words
from orchestrator.display.wording import clean, lasting, number, plural
from orchestrator.ledger import Run
from orchestrator.ledger.attempted import attempts
from orchestrator.ledger.samples import KEPT, samples
from orchestrator.report.material import Material
from orchestrator.report.occupancy import hours_alone, n_in_flight, stretches, uses

MAINTENANCE = ("number", "what", "lab hours", "hours", "why", "outcome")
"""Headings of `maintenance_rows`."""

DOUBTS = ("step", "why it was in doubt", "what came of it", "attempts")
"""Headings of `doubt_rows`."""

_FASTER = 1.05  # the least factor that is worth telling


@dataclass(frozen=True)
class Samples:
    """The samples as the page shows them.

    Args:
        counted: How many there are, in words.
        others: Rows of those that were not kept, for `headings`.
        kept: Rows of those that were.
    """

    counted: str
    others: Sequence[Sequence[str]]
    kept: Sequence[Sequence[str]]
    headings: Sequence[str] = words.HEADINGS


def spent(material: Material) -> str:
    """Return how long the campaign took, and how long it would have taken without doing anything side by side."""
    lab_h, alone_h = material.state.lab_s / 3600, hours_alone(material.state)
    faster = alone_h / lab_h if lab_h else 1.0
    factor = f", {number(faster, 2)} times as long" if faster >= _FASTER else ""
    n_runs, n_kept_up = n_in_flight(material.state), len(material.state.maintenance)
    upkeep = f"; maintenance was done {plural(n_kept_up, 'time')}" if n_kept_up else ""
    took = f"The laboratory took {lasting(lab_h / 24)} for {plural(len(material.runs), 'run')}"
    return (
        f"{took}. The same steps one at a time take {lasting(alone_h / 24)}{factor}. "
        f"On average {_were(n_runs)} in flight{upkeep}."
    )


def _were(n_runs: float) -> str:
    """Return `1 run was` or `2.4 runs were`."""
    text = number(n_runs, 2)
    return "1 run was" if text == "1" else f"{text} runs were"


def use(material: Material) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    """Return headings and rows of a table: the shares of each instrument's time."""
    found, is_maintained = uses(material.state, stretches(material.state)), bool(material.state.maintenance)
    headings = ("instrument", "at work", *(("in maintenance",) if is_maintained else ()), "waiting")
    rows = [(one.working, *((one.maintained,) if is_maintained else ()), one.waiting) for one in found]
    named = zip(found, rows, strict=True)
    return headings, [(clean(one.instrument, 40), *(f"{share:.0%}" for share in row)) for one, row in named]


def maintenance_rows(material: Material) -> list[tuple[str, ...]]:
    """Return each maintenance, for `MAINTENANCE`."""
    return [_maintenance(run) for run in material.state.maintenance.values()]


def _maintenance(run: Run) -> tuple[str, ...]:
    what = f"{run.concerns['action']} of {run.concerns['instrument']}"
    by = run.steps[0].instrument if run.steps else run.concerns["role"]
    why = str(run.why.get("why", "")).removeprefix(f"{what}: ")
    outcome = run.status if run.stage == "finished" else run.stage
    failure = f": {run.failure}: {run.reason}" if run.failure else ""
    hours = None if run.start_s is None else run.start_s / 3600, None if run.end_s is None else run.end_s / 3600
    start, end = ("" if h is None else f"{h:.1f}" for h in hours)
    length = "" if run.step_hours is None else number(run.step_hours, 3)
    helped = "" if by == run.concerns["instrument"] else f", by {by}"
    return str(run.number), clean(what + helped), f"{start} to {end}", length, clean(why), clean(f"{outcome}{failure}")


def doubt_rows(material: Material) -> list[tuple[str, ...]]:
    """Return what was in doubt, for `DOUBTS`: steps that outlasted their timeout or the process that began them."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for one in attempts(material.state):
        if one.attempt.doubt:
            what = (
                f"{one.step.instrument}.{one.step.action}",
                one.attempt.doubt,
                one.attempt.settled or "still in doubt",
            )
            found.setdefault(what, []).append(one.attempt.id)
    return [(*map(clean, what), ", ".join(map(clean, ids))) for what, ids in found.items()]


def sample_rows(material: Material) -> Samples | None:
    """Return the samples, or None where no step has named one."""
    found = samples(material.state)
    if not found:
        return None
    kept = [words.row(sample) for sample in found if sample.fate == KEPT]
    return Samples(words.counted(found), [words.row(sample) for sample in found if sample.fate != KEPT], kept)
