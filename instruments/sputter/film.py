"""What a simulated film really is: the truth that only simulated instruments may look at."""

from dataclasses import dataclass


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
