"""The samples of a campaign, read off its runs: who made each, where it went, where it is, what became of it.

Rule of this file: a sample is known by the name `sample` alone. A step that was told none and has read one has made it;
a step whose settings name one is performed on it. The data of actions are not in the ledger, so nothing else tells.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestrator.ledger.attempted import Attempted
from orchestrator.ledger.run import Run, Step, name_of_sample
from orchestrator.ledger.state import State

IN_WORK, KEPT, SCRAPPED = "in work", "kept", "scrapped"


@dataclass(frozen=True)
class Position:
    """Where a sample is.

    Args:
        instrument: The one it is in, or was in last.
        is_in: Whether it is still there: the step is under way, in doubt, or waits to be repeated.
        place: Its place in the load under way, from 1; None where it is alone.
        of: How many samples are in that load.
    """

    instrument: str
    is_in: bool
    place: int | None = None
    of: int | None = None


@dataclass(frozen=True)
class Sample:
    """One sample.

    Args:
        name: As the step that made it has read it; "" for one that was lost in the step that would have made it.
        run: The run that made it.
        lineage: Every attempt at a step that it went through, in the order of time, the one that made it first.
    """

    name: str
    run: Run
    lineage: tuple[Attempted, ...]

    @property
    def origin(self) -> Attempted:
        """The attempt that made it, or in which it was lost."""
        return self.lineage[0]

    @property
    def fate(self) -> str:
        """Kept with what its run measured, scrapped with its run, or in work."""
        if self.run.stage != "finished":
            return SCRAPPED if self.is_lost else IN_WORK
        return KEPT if self.run.status == "measured" and not self.is_lost else SCRAPPED

    @property
    def is_lost(self) -> bool:
        """Whether the step that would have made it failed."""
        return self.origin.attempt.failure is not None

    @property
    def why(self) -> str:
        """Why it was scrapped, as `failure: reason`; "" for the others."""
        if self.fate != SCRAPPED:
            return ""
        last = self.origin.attempt if self.is_lost else self.run
        return f"{last.failure}: {last.reason}"

    @property
    def replaces(self) -> int | None:
        """The run whose lost sample it was made for."""
        return int(self.run.concerns["run"]) if self.run.purpose == "repeat" else None

    @property
    def position(self) -> Position:
        """Where it is now, or was last."""
        last = self.lineage[-1]
        is_in = not last.step.is_over and last.run.is_open
        load = last.attempt.load if is_in and last.step.is_under_way else ()
        if not load:
            return Position(last.step.instrument, is_in)
        return Position(last.step.instrument, is_in, load.index(last.attempt.id) + 1, len(load))


def samples(state: State) -> list[Sample]:
    """Return every sample of a campaign, in the order of the runs that made them.

    Where two runs have read the same name, each step is on that of its own run.
    """
    runs = list(state.runs.values())
    lineages = {(run.number, name): [one] for run in runs for name, one in _births(run)}
    latest = {name: key for key in lineages for name in [key[1]]}
    for run in runs:
        for step in run.steps:
            own = (run.number, step.told or "")
            key = own if own in lineages else latest.get(step.told or "")
            if step.told is not None and key is not None:
                lineages[key] += [Attempted(run, step, attempt) for attempt in step.attempts]
    return [Sample(name, state.runs[number], _in_time(lineage)) for (number, name), lineage in lineages.items()]


def _births(run: Run) -> Iterator[tuple[str, Attempted]]:
    """Yield what a run has made, and what it has lost in the making, each once."""
    seen: set[str] = set()
    for step in run.steps:
        name = step.made or _lost(step)
        if name is not None and name not in seen:
            seen.add(name)
            yield name, Attempted(run, step, step.last)


def _lost(step: Step) -> str | None:
    """Return the name of a sample that was lost in the step that would have made it: "" unless a reading names it."""
    if step.told is not None or step.status != "failed" or step.last.failure != "sample":
        return None
    return name_of_sample((step.last.reading or {}).get("values", {})) or ""


def _in_time(lineage: Iterable[Attempted]) -> tuple[Attempted, ...]:
    return tuple(sorted(lineage, key=lambda one: one.attempt.start_s))
