"""One forecast: a campaign performed to its end on the simulated clock, in a ledger that is thrown away."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from shutil import copyfile
from typing import Any

from orchestrator.campaign import Campaign
from orchestrator.chance import stream
from orchestrator.clock import SimulatedClock
from orchestrator.display.summary import summary
from orchestrator.display.watcher import Mute
from orchestrator.engine import Engine
from orchestrator.forecast.course import Course, Reader
from orchestrator.forecast.night import Night
from orchestrator.forecast.stand_in import Cast, cast
from orchestrator.laboratory import Laboratory
from orchestrator.laboratory.quiet import needs_person
from orchestrator.ledger import Kind, Ledger, State
from orchestrator.objective.merit import Merit
from orchestrator.planner import Planner

_MOST_PAUSES = 200


BASE = "base.sqlite"
"""The name of the copy of the ledger that a campaign has, in the folder of a plan."""


@dataclass(frozen=True)
class Target:
    """A value that may be reached.

    Args:
        value: In the objective's unit.
        is_strict: Whether it must be surpassed.
        words: What it is.
    """

    value: float
    is_strict: bool
    words: str

    def is_reached(self, merit: Merit, value: float, details: Mapping[str, Any]) -> bool:
        """Return whether a value reaches it and what was measured beside it keeps the limits."""
        is_enough = merit.objective.better(value, self.value) or (value == self.value and not self.is_strict)
        return is_enough and merit.keeps(details)


@dataclass(frozen=True)
class Plan:
    """What is forecast.

    Args:
        folder: Where ledgers may be made; it holds a copy of the campaign's ledger, if there is one.
        epoch: The moment of lab time zero.
        start_s: Lab time at which the forecast begins.
        night: When nobody is there.
        target: The value that counts as success, or None.
    """

    folder: Path
    epoch: datetime
    start_s: float
    night: Night
    target: Target | None


def perform(campaign: Campaign, plan: Plan, number: int) -> Course:
    """Perform a campaign to its end and return what it came to.

    The planner has the campaign's own seed: it does what it will do. All other chance is that of the forecast's number.

    Args:
        campaign: Its instruments are not touched.
        plan: Where it stands.
        number: Of the forecast.
    """
    players = cast(campaign.configuration, campaign.laboratory)
    seed = int(stream(campaign.settings.seed, "forecast", number).integers(2**32))
    place = plan.folder / f"{number}.sqlite"
    if (plan.folder / BASE).exists():
        copyfile(plan.folder / BASE, place)
    with Ledger.write(place) as ledger:
        n_before = ledger.state.n_events
        laboratory = players.laboratory()
        _begin(campaign, plan, ledger, laboratory)
        is_stuck = _drive(campaign, players, ledger, laboratory, seed)
        course = _read(campaign, players, plan, ledger, n_before)
    course.n_bytes, course.is_stuck = place.stat().st_size, is_stuck
    place.unlink()
    return course


def _begin(campaign: Campaign, plan: Plan, ledger: Ledger, laboratory: Laboratory) -> None:
    """Open the campaign, or let it go on, with other instruments."""
    clock = SimulatedClock(plan.epoch, plan.start_s)
    if ledger.state.opened is None:
        _append(ledger, clock, Kind.CAMPAIGN_OPENED, campaign.opening.body(plan.epoch))
    elif ledger.state.status != "running":
        _append(ledger, clock, Kind.RESUMED, {"who": "forecast", "after": ledger.state.reason})
    for name, identity in laboratory.connect().items():
        body: dict[str, Any] = {"instrument": name, **asdict(identity), "origin": str(identity.origin)}
        _append(ledger, clock, Kind.INSTRUMENT_CONNECTED, body)


def _append(ledger: Ledger, clock: SimulatedClock, kind: Kind, body: Mapping[str, Any]) -> None:
    ledger.append(kind, body, lab_s=clock.now_s, utc=clock.utc(), origin="simulated", is_held=True)


def _drive(campaign: Campaign, players: Cast, ledger: Ledger, laboratory: Laboratory, seed: int) -> bool:
    """Go on to the end, as if somebody came at once to each pause; return whether it could not go on."""
    settings = players.settings.model_copy(update={"seed": seed})
    planner = Planner.from_config(settings) if players.lacking else campaign.planner
    epoch = datetime.fromisoformat((ledger.state.opened or {})["epoch"])
    for _ in range(_MOST_PAUSES):
        before, clock = _progress(ledger.state), SimulatedClock(epoch, ledger.state.lab_s)
        engine = Engine(settings, ledger, laboratory=laboratory, planner=planner, clock=clock, watcher=Mute())
        if engine.run().status != "paused":
            return False
        if _progress(ledger.state) == before:
            return True
        _append(ledger, clock, Kind.RESUMED, {"who": "forecast", "after": ledger.state.reason})
    return True


def _progress(state: State) -> tuple[int, int]:
    attempts = sum(len(step.attempts) for run in state.open_runs for step in run.steps)
    return len(state.finished), attempts


def _read(campaign: Campaign, players: Cast, plan: Plan, ledger: Ledger, n_before: int) -> Course:
    target, merit = plan.target, Merit.from_config(campaign.settings)
    reader = Reader(
        start_s=plan.start_s,
        n_before=n_before,
        actions=players.actions,
        needs_person=lambda name, action: needs_person(
            campaign.laboratory.instruments[name], action, campaign.settings.policies.quiet_hours
        ),
        is_night=plan.night.holds,
        is_reached=lambda value, details: target is not None and target.is_reached(merit, value, details),
    )
    for event in ledger.events():
        reader.take(event)
    course, best = reader.course, summary(ledger.state).best
    course.ending = ledger.state.reason
    course.best = best.value if best is not None and not players.lacking else None
    return course
