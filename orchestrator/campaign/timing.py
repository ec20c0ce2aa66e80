"""The clock of a campaign: simulated, or that of the wall at its rate."""

from datetime import datetime, timedelta

from orchestrator.clock import SimulatedClock, WallClock
from orchestrator.config import CampaignConfig
from orchestrator.display.wording import lasting
from orchestrator.ledger import State

_SLACK, _LONG = timedelta(minutes=1), timedelta(days=1)


def first_moment(settings: CampaignConfig, now: datetime) -> datetime:
    """Return the moment of lab time zero of a campaign that begins now."""
    return now if settings.laboratory.clock == "wall" else settings.laboratory.epoch


def clock_from(settings: CampaignConfig, epoch: datetime, lab_s: float = 0.0) -> SimulatedClock:
    """Return the clock of a campaign, at a lab time."""
    laboratory = settings.laboratory
    if laboratory.clock == "wall":
        return WallClock(epoch, lab_s, laboratory.rate, patience_s=settings.policies.late_answer_min * 60)
    return SimulatedClock(epoch, lab_s)


def gap(settings: CampaignConfig, state: State, now: datetime) -> str:
    """Return in words what is odd about the time since the last event on the wall's clock; "" where nothing is."""
    if settings.laboratory.clock != "wall" or settings.laboratory.rate != 1.0 or state.opened is None:
        return ""
    last = datetime.fromisoformat(state.opened["epoch"]) + timedelta(seconds=state.lab_s)
    shown = f"the last event is of {last:%Y-%m-%d %H:%M} UTC, and this computer's clock says {now:%Y-%m-%d %H:%M}"
    if now < last - _SLACK:
        ahead = lasting((last - now) / timedelta(days=1))
        return f"{shown}: lab time goes on from there, {ahead} ahead of the clock, and quiet hours with it"
    if now > last + _LONG:
        return f"{shown}: the {lasting((now - last) / timedelta(days=1))} between count as lab time"
    return ""


def clock_at(settings: CampaignConfig, state: State) -> SimulatedClock:
    """Return the clock of a campaign that has begun, where its ledger ends."""
    return clock_from(settings, datetime.fromisoformat((state.opened or {})["epoch"]), state.lab_s)
