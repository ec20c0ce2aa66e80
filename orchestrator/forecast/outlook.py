"""Many forecasts of one campaign, and what they say together."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.campaign import Campaign
from orchestrator.campaign.timing import first_moment
from orchestrator.display.summary import summary
from orchestrator.display.wording import clean
from orchestrator.forecast.course import Course
from orchestrator.forecast.night import Night
from orchestrator.forecast.perform import BASE, Plan, Target, perform
from orchestrator.forecast.stand_in import Cast, cast
from orchestrator.ledger import Ledger, State, exists
from orchestrator.ledger.copying import copy_to
from orchestrator.objective.merit import Merit

FEWEST_A_PROCESS = 3
"""A process of its own takes some seconds to begin; so many forecasts must be worth it."""


@dataclass(frozen=True)
class Span:
    """What is likely of a number: its median and the interval that holds eight of ten."""

    likely: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Span":
        """Return the span of some values, at least one; that of counts is in whole numbers."""
        found = np.quantile(np.asarray(values, dtype=float), (0.1, 0.5, 0.9))
        if all(isinstance(value, int) for value in values):
            found = np.round(found)
        low, likely, high = map(float, found)
        return cls(likely, low, high)


@dataclass(frozen=True)
class Forecast:
    """What is to be expected of a campaign.

    Args:
        plan: From where it was forecast.
        players: Who stood in for whom.
        courses: What each forecast came to.
        n_done: How many runs were done before.
        free_bytes: Room on the disk of the ledger; None where the ledger is in a database.
    """

    plan: Plan
    players: Cast
    courses: tuple[Course, ...]
    n_done: int
    free_bytes: int | None

    def span(self, read: Callable[[Course], float]) -> Span:
        """Return the span of a number that is read off each course."""
        return Span.of([read(course) for course in self.courses])

    def date(self, lab_s: float) -> datetime:
        """Return the moment of a lab time, in the laboratory's time zone."""
        return (self.plan.epoch + timedelta(seconds=lab_s)).astimezone(self.plan.night.zone)

    @property
    def n_reached(self) -> int:
        """In how many forecasts the target was reached."""
        return sum(course.reached_s is not None for course in self.courses)

    @property
    def has_room(self) -> bool:
        """Whether the disk has room for nine of ten ledgers."""
        return self.free_bytes is None or self.span(lambda course: course.n_bytes).high < self.free_bytes

    @property
    def stuck(self) -> list[Course]:
        """The courses that could not go on, whoever came."""
        return [course for course in self.courses if course.is_stuck]


@dataclass(frozen=True)
class Job:
    """What a process of its own needs to know.

    Args:
        config: The configuration's file.
        overrides: With which it is read, as JSON.
        plan: From where the campaign is forecast.
    """

    config: str
    overrides: str
    plan: Plan


def forecast(
    campaign: Campaign,
    n_forecasts: int,
    *,
    now: datetime,
    overrides: Mapping[str, Any] | None = None,
    n_processes: int | None = None,
    on_done: Callable[[int], object] = lambda _: None,
) -> Forecast:
    """Perform a campaign many times on the simulated clock, from where its ledger stands.

    Args:
        campaign: The campaign; neither its instruments nor its ledger are touched.
        n_forecasts: How many times.
        now: The moment on the wall: a campaign on the wall clock begins, or goes on, then.
        overrides: With which its configuration was read.
        n_processes: How many processes share the work; as many as there are processors by default.
        on_done: Told how many are done.

    Raises:
        ConfigError: The ledger was begun with another configuration, or a counterpart does not fit.
        LedgerError: The ledger cannot be read.
    """
    players = cast(campaign.configuration, campaign.laboratory)
    players.laboratory()  # what is refused is refused before any process is begun
    with tempfile.TemporaryDirectory(prefix="forecast-") as folder:
        state = _copied(campaign, Path(folder))
        plan = _plan(campaign, state, Path(folder), now)
        if players.lacking:
            plan = replace(plan, target=None)
        courses = []
        for course in _performed(campaign, plan, overrides or {}, n_forecasts, n_processes):
            courses.append(course)
            on_done(len(courses))
    return Forecast(plan, players, tuple(courses), len(state.finished), _free_bytes(campaign))


def _copied(campaign: Campaign, folder: Path) -> State:
    """Copy the ledger, if there is one, and return its state."""
    if not exists(campaign.ledger_path):
        return State()
    with Ledger.open(campaign.ledger_path) as ledger:
        campaign.opening.changes(ledger.state, campaign.ledger_path)
        copy_to(ledger, folder / BASE)
        return ledger.state


def _plan(campaign: Campaign, state: State, folder: Path, now: datetime) -> Plan:
    laboratory = campaign.settings.laboratory
    is_wall, is_real = laboratory.clock == "wall", laboratory.clock == "wall" and laboratory.rate == 1
    epoch = datetime.fromisoformat(state.opened["epoch"]) if state.opened else first_moment(campaign.settings, now)
    start_s = max(state.lab_s, (now - epoch).total_seconds()) if is_real else state.lab_s
    zone = now.astimezone().tzinfo if is_wall else epoch.tzinfo
    night = Night(epoch, zone, campaign.settings.policies.quiet_hours)
    return Plan(folder, epoch, start_s, night, _target(campaign, state))


def _target(campaign: Campaign, state: State) -> Target | None:
    """Return what counts as success: the target of the configuration, else the best of what is known already."""
    wanted = campaign.settings.stop.target
    if wanted is not None:
        return Target(wanted, is_strict=False, words="stop.target")
    if state.opened and (run := summary(state).best) is not None and run.value is not None:
        return Target(run.value, is_strict=True, words=f"better than run {run.number}")
    rows = campaign.planner.initial
    if rows is None or not len(rows):
        return None
    merit = Merit.from_config(campaign.settings)
    kept = merit.kept(rows.further, len(rows))
    best = merit.objective.best(map(float, rows.values[kept]))
    which = "" if kept.all() else f" that keep {clean(merit.limits)}"
    return None if best is None else Target(best, is_strict=True, words=f"better than the initial rows{which}")


def _performed(
    campaign: Campaign, plan: Plan, overrides: Mapping[str, Any], n_forecasts: int, n_processes: int | None
) -> Iterator[Course]:
    """Yield courses as they come to their ends; which one comes when changes no figure."""
    n_workers = min(n_processes or cpu_count() or 1, n_forecasts // FEWEST_A_PROCESS)
    if n_workers < 2:
        yield from (perform(campaign, plan, number) for number in range(1, n_forecasts + 1))
        return
    job = Job(campaign.configuration.path, json.dumps(dict(overrides)), plan)
    with _pool(n_workers) as pool:
        for done in as_completed([pool.submit(_work, job, number) for number in range(1, n_forecasts + 1)]):
            yield done.result()


@contextmanager
def _pool(n_workers: int) -> Iterator[ProcessPoolExecutor]:
    """Give processes that inherit neither threads nor locks, and drop what is waiting when nobody wants it any more."""
    pool = ProcessPoolExecutor(n_workers, mp_context=get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@lru_cache(maxsize=1)
def _campaign(config: str, overrides: str) -> Campaign:
    return Campaign.from_yaml(config, overrides=json.loads(overrides))


def _work(job: Job, number: int) -> Course:
    return perform(_campaign(job.config, job.overrides), job.plan, number)


def _free_bytes(campaign: Campaign) -> int | None:
    if not isinstance(campaign.ledger_path, Path):
        return None
    there = next(folder for folder in campaign.ledger_path.absolute().parents if folder.exists())
    return shutil.disk_usage(there).free
