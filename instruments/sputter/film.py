"""What a film is asked to be, and what it really is: the truth that only simulated instruments may look at.

Spreads are assumptions of this project.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from instruments.faults import happens
from instruments.sputter.faults import SputterFaults
from instruments.sputter.physics import Tool, profile

REPEATABILITY_SD, THICKNESS_SD = 0.05, 0.02
ELECTRODE_OFFSET_CM = 1.0


@dataclass(frozen=True)
class SetPoint:
    """What a deposition was asked to do."""

    distance_cm: float
    power_w: float
    pressure_pa: float
    thickness_nm: float
    max_hours: float


@dataclass(frozen=True)
class Film:
    """A film on the shelf.

    Args:
        id: The name of the sample, from the command that made it.
        conductivity_us_cm: Its true ionic conductivity at 25 C, uS/cm.
        thickness_nm: Its true thickness under the electrode, nm.
        is_shorted: Whether a pinhole lets the electrode touch the substrate.
        is_delaminated: Whether it has come off the substrate.
        area_cm2: The true area of its top electrode, cm2, or None while it has none.
    """

    id: str
    conductivity_us_cm: float
    thickness_nm: float
    is_shorted: bool = False
    is_delaminated: bool = False
    area_cm2: float | None = None


def scattered(
    perfect: Film, faults: SputterFaults, rng: np.random.Generator, *, tool: Tool, distance_cm: float, noise: float
) -> Film:
    """Return a film as it comes out: repeatability, uneven thickness under the electrode, and hidden defects.

    Args:
        perfect: The film that physics promises at the substrate's centre.
        faults: Rates of the defects that show only when the film is measured.
        rng: The generator of all chance.
        tool: The hardware, for the thickness profile.
        distance_cm: Distance of target and substrate, cm.
        noise: Factor on all spread; 0 repeats perfectly.
    """
    repeatability = math.exp(noise * REPEATABILITY_SD * rng.standard_normal())
    offset_cm = noise * ELECTRODE_OFFSET_CM * rng.random()
    unevenness = float(profile(tool, distance_cm, offset_cm)) * math.exp(noise * THICKNESS_SD * rng.standard_normal())
    thickness_nm = perfect.thickness_nm * unevenness
    share = float(rng.uniform(0.3, 0.7)) if happens(rng, faults.outlier) else 1.0
    return replace(
        perfect,
        conductivity_us_cm=perfect.conductivity_us_cm * repeatability * share,
        thickness_nm=thickness_nm,
        is_shorted=happens(rng, faults.pinhole_rate(thickness_nm)),
        is_delaminated=happens(rng, faults.delamination_rate(thickness_nm)),
    )
