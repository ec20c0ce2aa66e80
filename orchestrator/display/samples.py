"""Samples in words: what became of each, where it is and has been; for the terminal, a file and the page."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from orchestrator.display.wording import clean, listed, number, plural
from orchestrator.ledger.attempted import Attempted
from orchestrator.ledger.frame import hours
from orchestrator.ledger.samples import Sample

HEADINGS = ("sample", "run", "fate", "position", "lineage")

COLUMNS = (
    "sample",
    "run",
    "purpose",
    "replaces_run",
    "made_by",
    "instrument",
    "made_h",
    "fate",
    "why",
    "last_in",
    "is_in",
    "place",
    "of",
    "lineage",
)


def row(sample: Sample) -> list[str]:
    """Return a sample for `HEADINGS`."""
    return [named(sample), str(sample.run.number), fate(sample), position(sample), lineage(sample)]


def cells(sample: Sample) -> list[str | float | None]:
    """Return a sample for `COLUMNS`; its lineage as the attempts with their lab hours and their loads."""
    run, made, where = sample.run, sample.origin, sample.position
    return [
        clean(sample.name),
        run.number,
        clean(run.purpose),
        sample.replaces,
        clean(made.attempt.id),
        clean(made.step.instrument),
        None if sample.is_lost else hours(made.attempt.end_s),
        sample.fate,
        clean(sample.why),
        clean(where.instrument),
        str(where.is_in).lower(),
        where.place,
        where.of,
        "; ".join(map(_in_full, sample.lineage)),
    ]


def named(sample: Sample) -> str:
    """Return its name, or that it never had one."""
    return clean(sample.name, 60) or "(no name)"


def fate(sample: Sample) -> str:
    """Return what became of it, and for whom it was made again."""
    replaced = "" if sample.replaces is None else f", made again for run {sample.replaces}"
    why = f": {clean(sample.why, 160)}" if sample.why else ""
    return f"{sample.fate}{why}{replaced}"


def position(sample: Sample) -> str:
    """Return where it is."""
    where = sample.position
    name = clean(where.instrument)
    if not where.is_in:
        return "lost" if sample.is_lost else f"shelf, after {name}"
    return f"in {name}" if where.place is None else f"in {name}, place {where.place} of {where.of}"


def lineage(sample: Sample) -> str:
    """Return the steps that it went through: `sputter, evaporator (with runs 4, 5), analyzer failed, analyzer`."""
    parts = []
    for words, equal in groupby(map(_passage, sample.lineage)):
        n = len(list(equal))
        parts.append(words if n == 1 else f"{words} {n} times")
    return ", ".join(parts)


def counted(found: Sequence[Sample]) -> str:
    """Return in a line how many samples there are, by fate."""
    if not found:
        return "no samples: no step has read the name of one (an output called sample)"
    fates = Counter(sample.fate for sample in found)
    return f"{plural(len(found), 'sample')}: {listed(dict(sorted(fates.items())))}"


def _passage(one: Attempted) -> str:
    others = [member.split(".")[0] for member in one.attempt.load if member != one.attempt.id]
    load = f" (with run{'s' * (len(others) > 1)} {', '.join(map(clean, others))})" if others else ""
    outcome = "" if one.outcome == "done" else f" {one.outcome}"
    return f"{clean(one.step.instrument)}{load}{outcome}"


def _in_full(one: Attempted) -> str:
    start, end = (None if s is None else number(s / 3600, 6) for s in (one.attempt.start_s, one.attempt.end_s))
    load = f", load {' '.join(one.attempt.load)}" if one.attempt.load else ""
    what = f"{one.attempt.id} {one.step.instrument}.{one.step.action}"
    return clean(f"{what} {start} to {end or ''} h".rstrip() + f" {one.outcome}{load}")
