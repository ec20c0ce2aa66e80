"""What makes an emulated controller that of one kind of tool: a table, read by the controller.

Rule of this file: data only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from instruments.driver import Phase, Scalar
from instruments.modbus.memory import Memory
from instruments.modbus.player import Script


@dataclass(frozen=True)
class Interlock:
    """When a coil may be set: in these states, with these bits on, and with those off."""

    states: frozenset[str]
    needs: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Anatomy:
    """What makes a controller that of one kind of tool.

    Args:
        action: The action it performs.
        script: How its phases look from outside.
        interlocks: When each coil may be set; the first one begins the action.
        bits: The discrete inputs that are on in each state word; `ready` and `fault` are the controller's own.
        armed: The states with power on, in which a missing heartbeat trips the watchdog.
        growing: The phase in which a film grows.
        record: The prefix of the read-backs that keep the latest reading.
        at_rest: Read-backs with the power off.
        settings: From set-points to the settings of the action, where the names are not the same.
        wind_down: The phases after a broken-off action.
        limits: Limits of set-points that are no settings of the action.
    """

    action: str
    script: Script
    interlocks: Mapping[str, Interlock]
    bits: Mapping[str, frozenset[str]]
    armed: frozenset[str] = frozenset()
    growing: str = ""
    record: str = ""
    at_rest: Mapping[str, float] = field(default_factory=dict)
    settings: Callable[[Memory], dict[str, Scalar]] | None = None
    wind_down: tuple[Phase, ...] = ()
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)
