"""Time: one schedule of what happens next, two ways for it to pass, and what is heard of the drivers meanwhile.

Knows lab time in seconds since the campaign's epoch, phases, threads, and how long a driver may keep them waiting.
Must not know configuration, recipes or the ledger: it is told what to begin, and tells what came of it.
"""

from orchestrator.clock.simulated import Post, SimulatedClock, is_phased
from orchestrator.clock.wall import WallClock

__all__ = ["Post", "SimulatedClock", "WallClock", "is_phased"]
