"""Evaporators: a top electrode through a shadow mask. Simulated, behind a controller, and that controller emulated.

Knows samples and the area of their electrodes.
Must not know what is measured through them.
"""

from instruments.evaporator.simulated import SimulatedEvaporator

__all__ = ["SimulatedEvaporator"]
