"""The clock of a campaign: simulated, or that of the wall at its rate."""

from datetime import datetime

from orchestrator.clock import SimulatedClock, WallClock
from orchestrator.config import CampaignConfig
from orchestrator.ledger import State


def first_moment(settings: CampaignConfig, now: datetime) -> datetime:
    """Return the moment of lab time zero of a campaign that begins now."""
    return now if settings.laboratory.clock == "wall" else settings.laboratory.epoch


def clock_from(settings: CampaignConfig, epoch: datetime, lab_s: float = 0.0) -> SimulatedClock:
    """Return the clock of a campaign, at a lab time."""
    laboratory = settings.laboratory
    if laboratory.clock == "wall":
        return WallClock(epoch, lab_s, laboratory.rate, patience_s=settings.policies.late_answer_min * 60)
    return SimulatedClock(epoch, lab_s)


def clock_at(settings: CampaignConfig, state: State) -> SimulatedClock:
    """Return the clock of a campaign that has begun, where its ledger ends."""
    return clock_from(settings, datetime.fromisoformat((state.opened or {})["epoch"]), state.lab_s)
