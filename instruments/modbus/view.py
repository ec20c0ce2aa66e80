"""What a controller shows, looked at patiently: again over a new connection while the link is bad.

Rule of this file: one exchange at a time, whoever asks; nobody waits for patience while holding the link.
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from instruments.driver import FailureClass, Identity, InstrumentError, Moved
from instruments.modbus.link import Link, LinkLost, Refused
from instruments.modbus.registers import ImplausibleValue, RegisterMap

ID = ("campaign", "run", "step", "attempt")
INPUTS = ("state", "alarm", "outcome", *(f"accepted_{name}" for name in ID), "starts", "ticks", "commands")
FIRST_PATIENCE_S = 2.0
HALT_TIMEOUT_S = 0.4
Number = tuple[int, int, int, int]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Look:
    """What a controller shows at one instant."""

    state: str
    outcome: str
    accepted: Number
    inputs: Mapping[str, float]
    bits: Mapping[str, bool]


class View:
    """The exchanges of a driver with its controller.

    Args:
        host: Where the controller is.
        port: Its port.
        registers: Its register map.
        timeout_s: How long an exchange may take, s on the wall.
        patience_s: How long a lost link is tried again, s on the wall.
        halted: Set when somebody halts; ends all patience.
    """

    def __init__(
        self,
        host: str,
        port: int,
        registers: RegisterMap,
        *,
        timeout_s: float,
        patience_s: float,
        halted: threading.Event,
    ) -> None:
        self._map, self._patience_s, self._halted = registers, patience_s, halted
        self._link = Link(host, port, registers, timeout_s)
        self._halting_link = partial(Link, host, port, registers, min(timeout_s, HALT_TIMEOUT_S))
        self._lock = threading.RLock()
        self._beat = 0

    def identity(self) -> Identity:
        """Connect and tell who answers. Raises `LinkLost`, within seconds."""
        return self._patiently(self._link.identity, min(self._patience_s, FIRST_PATIENCE_S))

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._link.close()

    def look(self) -> Look:
        """Return what the controller shows. Raises `LinkLost` and `Refused`."""
        return self._patiently(self._look)

    def look_and_beat(self) -> Look:
        """Change the heartbeat, and return what the controller shows. Raises as `look`."""
        return self._patiently(self._look_and_beat)

    def write(self, set_points: Mapping[str, float]) -> None:
        """Write set-points. Raises as `look`, and `ValueError` where one does not fit."""
        self._patiently(lambda: self._link.write(set_points))

    def set_points(self, names: Mapping[str, float]) -> dict[str, float]:
        """Read set-points back. Raises as `look`."""
        return self._patiently(lambda: self._link.set_points(names))

    def command(self, coil: str) -> None:
        """Set a coil, once. A lost answer leaves open whether it was heard; the next look tells. Raises `Refused`."""
        with self._lock, suppress(LinkLost):
            self._link.command(coil)

    def halt(self) -> None:
        """Set the halt coil over a connection of its own, which waits for nobody; no answer is no error."""
        link = self._halting_link()
        try:
            link.command("halt")
        except (LinkLost, Refused):
            pass  # looking has stopped, and with it the heartbeat
        finally:
            link.close()

    def _look_and_beat(self) -> Look:
        self._beat = (self._beat + 1) % 65_536
        self._link.write({"heartbeat": float(self._beat)})
        return self._look()

    def _look(self) -> Look:
        inputs, bits = self._link.inputs(), self._link.bits()
        try:
            state, outcome = self._map.state(inputs["state"]), self._map.outcome(inputs["outcome"])
        except ImplausibleValue as error:
            self._link.close()
            raise LinkLost(str(error)) from error
        campaign, run, step, attempt = (int(inputs[f"accepted_{name}"]) for name in ID)
        return Look(state, outcome, (campaign, run, step, attempt), inputs, bits)

    def _patiently(self, ask: Callable[[], Answer], patience_s: float | None = None) -> Answer:
        """Ask again over a new connection, with a growing pause, until patience ends or somebody halts."""
        from tenacity import (  # noqa: PLC0415 - of the extra `hardware`
            Retrying,
            retry_if_exception_type,
            sleep_using_event,
            stop_after_delay,
            stop_any,
            stop_when_event_set,
            wait_exponential,
        )

        def alone() -> Answer:
            with self._lock:
                return ask()

        patience_s = self._patience_s if patience_s is None else patience_s
        retrying = Retrying(
            retry=retry_if_exception_type(LinkLost),
            stop=stop_any(stop_after_delay(patience_s), stop_when_event_set(self._halted)),
            wait=wait_exponential(multiplier=0.02, max=2.0),
            sleep=sleep_using_event(self._halted),
            reraise=True,
        )
        return retrying(alone)


class Liveliness:
    """Notices a controller whose tick counter stands still.

    Args:
        name: The instrument's role, for messages.
        patience_s: For how long it may, s on the wall.
    """

    def __init__(self, name: str, patience_s: float) -> None:
        self._name, self._patience_s = name, patience_s
        self._ticks, self._since = -1.0, time.monotonic()

    def check(self, look: Look) -> None:
        """Compare with the look before.

        Raises:
            InstrumentError: The controller is frozen.
        """
        if look.inputs["ticks"] != self._ticks:
            self._ticks, self._since = look.inputs["ticks"], time.monotonic()
        elif time.monotonic() - self._since > self._patience_s:
            reason = f"{self._name}: its tick counter has stood still for {self._patience_s:g} s, it is frozen"
            raise InstrumentError(FailureClass.INSTRUMENT, reason, Moved.UNKNOWN)
