"""A campaign: a configuration, a ledger, a budget, and a folder in which to find what came of it.

Knows how all rooms come together: what is checked before anything moves, what a ledger begins with, how it goes on,
and what is written at the end.
Must not know how a step is performed or a point is chosen, nor how an event is stored.
"""

from orchestrator.campaign.campaign import Campaign
from orchestrator.campaign.opening import OtherConfigurationError
from orchestrator.campaign.outcome import Outcome

__all__ = ["Campaign", "OtherConfigurationError", "Outcome"]
