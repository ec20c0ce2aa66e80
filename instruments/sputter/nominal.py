"""How long a deposition takes by the book: the median of each stretch, and the rate of a new target.

Source: assumptions, as stated in the study's README; the rate is that of `physics`. Wear and drift are left out, for
whoever plans a day does not know them.
"""

from instruments.sputter import physics
from instruments.sputter.film import SetPoint

LOAD_S = 15 * 60.0
PUMP_S, PUMP_BY_LOAD_LOCK_S = 2.5 * 3600.0, 30 * 60.0
SETTLE_S = 8 * 60.0
STRIKE_S = 2 * 60.0
PRESPUTTER_S = 0.75 * 3600.0
COOL_S = 40 * 60.0
VENT_S = 12 * 60.0
UNLOAD_S = 10 * 60.0


def deposition_s(tool: physics.Tool, asked: SetPoint, *, ramp_w_min: float, load_lock: bool = False) -> float:
    """Return how long a deposition is expected to take from loading to unloading, in seconds.

    Args:
        tool: The hardware.
        asked: What is set.
        ramp_w_min: How fast the power is raised, W/min.
        load_lock: Whether a load-lock spares the long pump-down.
    """
    rate_nm_min = float(physics.rate_nm_min(tool, asked.distance_cm, asked.power_w, asked.pressure_pa))
    before_s = LOAD_S + (PUMP_BY_LOAD_LOCK_S if load_lock else PUMP_S) + SETTLE_S + STRIKE_S
    ramp_s = asked.power_w / ramp_w_min * 60
    growth_s = min(asked.thickness_nm / rate_nm_min * 60, asked.max_hours * 3600)
    return before_s + ramp_s + PRESPUTTER_S + growth_s + COOL_S + VENT_S + UNLOAD_S
