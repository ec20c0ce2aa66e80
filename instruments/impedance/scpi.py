"""An impedance analyzer over VISA: Keysight E4990A and Agilent 4294A, and nothing that only one of them can do.

Rule of this file: a sweep moves nothing, so whatever fails may be swept again on the same film. The whole set-up is
sent before every sweep and read back, so that neither a restart of the tool nor a hand on its front panel is trusted.
"""

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal, NoReturn

import numpy as np
from pydantic import Field

from instruments.driver import (
    Action,
    Command,
    FailureClass,
    Identity,
    InstrumentError,
    Moved,
    Quantity,
    Reading,
    Report,
)
from instruments.faults import refuse_forbidden
from instruments.impedance.conversation import LONGEST_SWEEP_S, Conversation, Sweep
from instruments.impedance.dialect import DIALECTS, HIGHEST_V, LOWEST_V, Model
from instruments.impedance.link import LinkError, VisaLink
from instruments.impedance.simulated import SWEEP
from instruments.once import Once

HALT_S, JUST_NOW_S = 0.9, 1.0
REHEARSED_EXCHANGE_S = 0.5
AMPLITUDE_V = 0.05


class ScpiAnalyzer:
    """An impedance analyzer with a probe station or a fixture, swept over VISA.

    Args:
        name: Its role in the laboratory.
        rate: Seconds of lab time in a second on the wall; other than 1 only in a rehearsal, whose waits are short.
        resource: Its VISA name, as `TCPIP::192.168.0.9::5025::SOCKET` or `GPIB0::17::INSTR`.
        model: Which of the two it is; another one that answers is refused.
        frequency_option_mhz: The upper frequency of the E4990A as bought.
        speed: Measurement time a point: 1 is fast, 5 is precise.
        averages: Readings a point that are averaged.
        correction: `required` refuses to sweep while open or short correction is off; `ignored` does not look.
        exchange_s: The longest time to wait for an answer to a query, s. Sweeps have their own, from the sweep time.
        library: The VISA library: `@py` is pure Python; empty is the vendor's.
    """

    emulator: ClassVar[str] = "instruments.impedance.emulator:EmulatedAnalyzer"
    simulated: ClassVar[str] = "instruments.impedance.simulated:SimulatedAnalyzer"

    def __init__(
        self,
        *,
        name: str,
        rate: float = 1.0,
        resource: str,
        model: Model = "E4990A",
        frequency_option_mhz: Literal[10, 20, 30, 50, 120] = 10,
        speed: Annotated[int, Field(ge=1, le=5)] = 3,
        averages: Annotated[int, Field(ge=1, le=256)] = 1,
        correction: Literal["required", "ignored"] = "required",
        exchange_s: Annotated[float, Field(ge=0.05, le=60)] = 5.0,
        library: str = "@py",
    ) -> None:
        dialect = DIALECTS[model]
        high_hz = frequency_option_mhz * 1e6 if model == "E4990A" else dialect.high_hz
        self.name = name
        self.actions: Mapping[str, Action] = {"sweep": _sweep(dialect.low_hz, high_hz)}
        self._model, self._most_points = model, dialect.most_points
        self._speed, self._averages, self._correction = speed, averages, correction
        self._exchange_s = exchange_s if rate == 1.0 else min(exchange_s, REHEARSED_EXCHANGE_S)
        self._resource = resource
        self._link = VisaLink(resource, library, self._exchange_s)
        self._conversation = Conversation(name, model, dialect, self._link, frequency_option_mhz)
        self._once = Once()
        self._halted, self._idle, self._turn = threading.Event(), threading.Event(), threading.Lock()
        self._idle.set()
        self._halted_at_s = float("-inf")

    def connect(self) -> Identity:
        """Open the line, ask who answers and in what state; safe to call twice.

        Raises:
            InstrumentError: It does not answer, or another instrument does.
        """
        try:
            self._link.open(self._conversation.greet, threading.Event())
        except LinkError as lost:
            reason = f"{self.name} at {self._resource}: {lost}"
            raise InstrumentError(FailureClass.INSTRUMENT, reason, Moved.NO) from lost
        if self._conversation.identity is None:
            self._refuse("nobody has answered")
        return self._conversation.identity

    def perform(self, command: Command, report: Report) -> Reading:
        """Sweep and return the spectrum, from high to low frequency.

        Raises:
            InstrumentError: Class instrument for what the tool refuses, measurement for a sweep to be repeated,
                halted for one cut short. Nothing has moved in any case.
        """
        return self._once.perform(command, lambda: self._measured(command, report))

    def halt(self) -> None:
        """Stop the sweep under way. It waits for no lock: the oscillator of an analyzer harms nobody meanwhile."""
        self._halted_at_s = time.monotonic()
        self._halted.set()
        self._idle.wait(HALT_S)

    def close(self) -> None:
        """Release the line; safe to call twice."""
        self._link.close()
        self._once.forget()

    def _measured(self, command: Command, report: Report) -> Reading:
        refuse_forbidden(command, self.actions)
        sweep = self._planned(command)
        if time.monotonic() - self._halted_at_s < JUST_NOW_S:  # a halt is not lost to a step that is just beginning
            raise InstrumentError(FailureClass.HALTED, f"{self.name}: halted before it began", Moved.NO)
        with self._turn:
            self._halted.clear()
            self._idle.clear()
            try:
                return self._swept(sweep, report)
            except LinkError as lost:
                self._link.close()  # the next exchange begins on a new line, and by asking who and how the tool is
                reason = f"{self.name}: {lost}; sweep the same film again"
                raise InstrumentError(FailureClass.MEASUREMENT, reason, Moved.NO) from lost
            finally:
                self._idle.set()

    def _swept(self, sweep: Sweep, report: Report) -> Reading:
        if not self._link.is_open:
            self._link.open(self._conversation.greet, self._halted)
        stale = self._conversation.drain()
        if stale:
            report("errors from before", {"first": stale[0], "count": len(stale)})
        if self._correction == "required":
            self._conversation.check_corrections()
        patience_s = 2 * self._exchange_s
        return self._conversation.run(sweep, patience_s=patience_s, halted=self._halted, report=report)

    def _planned(self, command: Command) -> Sweep:
        settings = command.settings
        sample, low_hz, high_hz = str(settings["sample"]), float(settings["low_hz"]), float(settings["high_hz"])
        if not re.fullmatch(r"[\w.+-]{1,40}", sample, re.ASCII):
            self._refuse(f"sample {sample!r} cannot stand on its display: letters, digits, '.', '+', '-', at most 40")
        if not low_hz < high_hz:
            self._refuse(f"low_hz={low_hz:g} must be below high_hz={high_hz:g}")
        points = round(np.log10(high_hz / low_hz) * float(settings["points_per_decade"])) + 1
        if not 2 <= points <= self._most_points:
            self._refuse(f"{points} points; a {self._model} takes 2 to {self._most_points}: see points_per_decade")
        amplitude_v, title = float(settings.get("amplitude_v", AMPLITUDE_V)), f"{command.id} {sample}".strip()
        return Sweep(title, low_hz, high_hz, points, amplitude_v, self._speed, self._averages)

    def _refuse(self, reason: str) -> NoReturn:
        raise InstrumentError(FailureClass.INSTRUMENT, f"{self.name}: {reason}", Moved.NO)


def _sweep(low_hz: float, high_hz: float) -> Action:
    """Return the action of the simulated analyzer within the limits of a real one."""
    band = Quantity("Hz", low_hz, high_hz)
    level = replace(SWEEP.settings["amplitude_v"], low=LOWEST_V, high=HIGHEST_V)
    settings = {**SWEEP.settings, "low_hz": band, "high_hz": band, "amplitude_v": level}
    return replace(SWEEP, settings=settings, expected_s=120.0, timeout_s=4 * LONGEST_SWEEP_S)
