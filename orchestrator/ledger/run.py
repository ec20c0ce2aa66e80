"""What the ledger's events add up to: runs, their steps, and the attempts at each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Attempt:
    """One attempt at a step; its id is `run.step.attempt`.

    Of the last doubt about its outcome, `doubt` is the reason and `settled` how it was resolved, as `how: note`.

    While it is under way, `phase` is the last telemetry there was, with its lab time as `end_s`. Afterwards telemetry
    is in the events alone: it would be most of what a campaign keeps in memory.
    """

    id: str
    number: int
    start_s: float
    end_s: float | None = None
    reading: Mapping[str, Any] | None = None
    failure: str | None = None
    reason: str = ""
    moved: str | None = None
    decision: str | None = None
    not_before_s: float = 0.0
    load: tuple[str, ...] = ()
    doubt: str = ""
    settled: str = ""
    n_phases: int = 0
    phase: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Step:
    """One command on one instrument inside a run."""

    number: int
    instrument: str
    action: str
    settings: Mapping[str, Any]
    origin: str
    role: str = ""
    expected_s: float | None = None
    status: str = "idle"
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def last(self) -> Attempt:
        """The latest attempt."""
        return self.attempts[-1]

    @property
    def told(self) -> str | None:
        """The name of the sample that it is to be performed on, as its settings have it."""
        return name_of_sample(self.settings)

    @property
    def made(self) -> str | None:
        """The name of the sample that it made: it is done, was told none, and has read one."""
        if self.status != "done" or self.told is not None:
            return None
        return name_of_sample((self.last.reading or {}).get("values", {}))

    def attempt(self, command_id: str) -> Attempt:
        """Return the attempt of that id; the latest one for an id that is none of them."""
        return next((attempt for attempt in self.attempts if attempt.id == command_id), self.last)

    @property
    def is_over(self) -> bool:
        """Whether it has its final outcome: done, or failed with no further attempt."""
        return self.status == "done" or (self.status == "failed" and self.last.decision == "fail")

    @property
    def is_under_way(self) -> bool:
        """Whether its outcome is still to come, or in doubt."""
        return self.status in ("performing", "in doubt")


@dataclass(slots=True)
class Run:
    """One execution of a recipe: suggested, running, then measured, failed or aborted.

    Its purpose is `search`, where the planner chose its point, `reference` or `repeat`, where the configuration did, or
    `maintenance`: a single step that makes no sample, of a run that has no point and ends as `maintained`.

    `waits` tells which step it has not begun yet though an instrument is free, why, and until when.
    """

    number: int
    point: Mapping[str, float | str]
    why: Mapping[str, Any] = field(repr=False)
    purpose: str = "search"
    units: Mapping[str, str] = field(default_factory=dict, repr=False)
    concerns: Mapping[str, Any] = field(default_factory=dict, repr=False)
    stage: str = "suggested"
    status: str | None = None
    value: float | None = None
    sd: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)
    failure: str | None = None
    reason: str = ""
    suggested_s: float = 0.0
    start_s: float | None = None
    end_s: float | None = None
    waits: Mapping[str, Any] | None = field(default=None, repr=False)
    steps: list[Step] = field(default_factory=list, repr=False)
    finished: Mapping[str, Any] = field(default_factory=dict, repr=False)
    verdict: str | None = field(default=None, repr=False)

    @property
    def is_open(self) -> bool:
        """Whether it was started and has not finished."""
        return self.stage == "running"

    @property
    def is_maintenance(self) -> bool:
        """Whether it makes no sample."""
        return self.purpose == "maintenance"

    @property
    def step_hours(self) -> float | None:
        """How many hours its attempts took together, waiting for instruments not counted; None before the first."""
        ends = [a.end_s - a.start_s for step in self.steps for a in step.attempts if a.end_s is not None]
        return sum(ends) / 3600 if ends else None

    @property
    def origin(self) -> str:
        """Where its readings come from; `mixed` when from several kinds of instrument."""
        return join_origins(step.origin for step in self.steps)


def name_of_sample(values: Mapping[str, Any]) -> str | None:
    """Return the sample that settings or a reading name: the text called `sample`, or None."""
    name = values.get("sample")
    return name if isinstance(name, str) and name else None


def join_origins(origins: Iterable[str]) -> str:
    """Return the one origin, or `mixed`; `none` when there is none yet."""
    distinct = sorted(set(origins))
    return "none" if not distinct else distinct[0] if len(distinct) == 1 else "mixed"
