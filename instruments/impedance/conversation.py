"""What is said to an impedance analyzer, in order: who are you, how are you, sweep this, give me the data.

Rule of this file: whatever the tool answers is checked before it is believed. A line that fails or answers nonsense is
a `LinkError`; what the tool or the fixture forbids is an `InstrumentError` of class instrument. Nothing ever moves.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from instruments.driver import FailureClass, Identity, InstrumentError, Moved, Origin, Reading, Report, Scalar
from instruments.impedance.circuit import Floats
from instruments.impedance.dialect import Dialect
from instruments.impedance.link import LinkError, VisaLink, number

LONGEST_SWEEP_S = 1800.0
LOOK_S, LONGEST_LOOK_S = 0.02, 0.5
_MOST_ERRORS = 100
_OPERATION_COMPLETE, _ERRORS = 0x01, 0x3C  # IEEE 488.2, 11.5.1: standard event status register
_SAME = 1e-3


@dataclass(frozen=True)
class Sweep:
    """One sweep.

    Args:
        title: What the display says of it: its command and its sample.
        low_hz: Where it begins, Hz.
        high_hz: Where it ends, Hz.
        points: How many points, equally spaced on a log scale.
        amplitude_v: Oscillator level, V rms.
        speed: Measurement time a point, 1 to 5.
        averages: Readings a point that are averaged.
    """

    title: str
    low_hz: float
    high_hz: float
    points: int
    amplitude_v: float
    speed: int
    averages: int

    @property
    def words(self) -> Mapping[str, Scalar]:
        """What fills the braces of a dialect."""
        return {
            "title": self.title,
            "low_hz": f"{self.low_hz:.9g}",
            "high_hz": f"{self.high_hz:.9g}",
            "points": self.points,
            "amplitude_v": f"{self.amplitude_v:.6g}",
            "speed": self.speed,
            "averages": self.averages,
            "is_averaged": "ON" if self.averages > 1 else "OFF",
        }


class Conversation:
    """One analyzer on one line.

    Args:
        name: Its role in the laboratory, for messages.
        model: Which model must answer.
        dialect: Its words.
        link: The line to it.
        option_mhz: The upper frequency it is said to have been bought with.
    """

    def __init__(self, name: str, model: str, dialect: Dialect, link: VisaLink, option_mhz: int) -> None:
        self._name, self._model, self._dialect, self._link = name, model, dialect, link
        self._option_mhz = option_mhz
        self.identity: Identity | None = None

    # ---- who, and in what state ----------------------------------------------------------------------------------

    def greet(self) -> None:
        """Ask who answers and in what state it is; stop what still runs there, and empty the error queue.

        Raises:
            LinkError: The line failed.
            InstrumentError: Another model answers, another tool than before, or one with less frequency range.
        """
        found = _identity(self._link.ask("*IDN?"))
        if self._model not in found.model:
            self._refuse(f"{found.maker} {found.model} answers where a {self._model} was expected; see to model:")
        if self.identity is not None and found != self.identity:
            self._refuse(f"number {found.serial} answers where {self.identity.serial} did before; restart the campaign")
        self._link.number("*ESR?")
        self._link.write(self._dialect.abort)
        self.drain()
        self._check_option()
        self.identity = found

    def _check_option(self) -> None:
        if not self._dialect.options:
            return
        codes = set(self._link.ask(self._dialect.options).split(","))
        installed = [mhz for mhz in (10, 20, 30, 50, 120) if f"{mhz:03d}" in codes]
        if installed and max(installed) < self._option_mhz:
            has = f"frequency_option_mhz: {self._option_mhz}, but the tool has {max(installed)} MHz"
            self._refuse(f"{has}; lower it")

    def drain(self) -> list[str]:
        """Empty the error queue and return what was in it.

        Raises:
            LinkError: The line failed, or the queue has no end.
        """
        found: list[str] = []
        for _ in range(_MOST_ERRORS):
            answer = self._link.ask(self._dialect.error)
            if number(self._dialect.error, answer.partition(",")[0]) == 0:
                return found
            found.append(answer)
        message = f"the error queue still had entries after {_MOST_ERRORS} of them, the last {found[-1]}"
        raise LinkError(message)

    def check_corrections(self) -> None:
        """Look whether the fixture's corrections are on.

        Raises:
            LinkError: The line failed.
            InstrumentError: One of them is off.
        """
        off = [name for name, query in self._dialect.corrections.items() if self._link.number(query) != 1]
        if off:
            way_out = "do it at the fixture and switch it on, or say correction: ignored"
            self._refuse(f"{' and '.join(off)} correction is off; {way_out}")

    # ---- a sweep -------------------------------------------------------------------------------------------------

    def set_up(self, sweep: Sweep) -> float:
        """Send the whole set-up, read it back, and return how long the sweep will take, s.

        Raises:
            LinkError: The line failed.
            InstrumentError: The tool refuses it, does something else, or would take too long.
        """
        for text in self._dialect.setup:
            self._link.write(text.format(**sweep.words))
        self._refuse_errors("the set-up")
        for key, query in self._dialect.set_points.items():
            wanted, found = float(sweep.words[key]), self._link.number(query)
            if not np.isclose(found, wanted, rtol=_SAME, atol=0):
                self._refuse(f"{key} was set to {wanted:g} and reads {found:g}; is somebody at its front panel?")
        sweep_s = self._link.number(self._dialect.sweep_time)
        if not 0 < sweep_s <= LONGEST_SWEEP_S:
            self._refuse(f"this sweep would take {sweep_s:.0f} s; at most {LONGEST_SWEEP_S:.0f} s: fewer points, speed")
        return sweep_s

    def run(self, sweep: Sweep, *, patience_s: float, halted: threading.Event, report: Report) -> Reading:
        """Set up, sweep once and return the spectrum, from high to low frequency.

        The waiting is done here and not by a query that answers at the end, so that the line stays free to abort.

        Args:
            sweep: What to sweep.
            patience_s: How much longer than three times the sweep time it may take, s.
            halted: Ends the sweep.
            report: Told when it begins.

        Raises:
            LinkError: The line failed, or the sweep never ended.
            InstrumentError: The tool refuses, or the sweep was halted.
        """
        sweep_s = self.set_up(sweep)
        report("sweep", {"points": sweep.points, "expected_s": sweep_s})
        for text in self._dialect.trigger:
            self._link.write(text)
        deadline_s, look_s = time.monotonic() + 3 * sweep_s + patience_s, LOOK_S
        while not self._has_ended():
            if halted.wait(look_s):
                self._link.write(self._dialect.abort)
                raise InstrumentError(FailureClass.HALTED, f"{self._name}: the sweep was halted", Moved.NO)
            if time.monotonic() > deadline_s:
                message = f"no end of a sweep of {sweep_s:.3g} s after three times as long"
                raise LinkError(message)
            look_s = min(1.5 * look_s, LONGEST_LOOK_S)
        return self._reading(sweep)

    def _has_ended(self) -> bool:
        status = int(self._link.number("*ESR?"))
        if status & _ERRORS:
            self._refuse_errors("to sweep")
        return bool(status & _OPERATION_COMPLETE)

    def _reading(self, sweep: Sweep) -> Reading:
        frequency_hz = self._link.numbers(self._dialect.frequencies, sweep.points)
        wanted_hz = np.geomspace(sweep.low_hz, sweep.high_hz, sweep.points)
        if not np.allclose(frequency_hz, wanted_hz, rtol=_SAME, atol=0):
            worst = int(np.argmax(np.abs(frequency_hz / wanted_hz - 1)))
            found = f"point {worst + 1} was swept at {frequency_hz[worst]:g} Hz instead of {wanted_hz[worst]:g} Hz"
            self._refuse(f"{found}; is somebody at its front panel?")
        real, imag = self._impedance(sweep.points)
        self._refuse_errors("the sweep")
        arrays = {"frequency_hz": frequency_hz, "z_real_ohm": real, "z_imag_ohm": imag}
        return Reading({}, {name: np.ascontiguousarray(array[::-1]) for name, array in arrays.items()})

    def _impedance(self, points: int) -> tuple[Floats, Floats]:
        found = [self._link.numbers(query, 2 * points) for query in self._dialect.data]
        return found[0][0::2], found[0][1::2] if len(found) == 1 else found[1][0::2]

    def _refuse_errors(self, doing: str) -> None:
        found = self.drain()
        if found:
            self._refuse(f"it refused {doing}: {'; '.join(found[:3])}")

    def _refuse(self, reason: str) -> NoReturn:
        raise InstrumentError(FailureClass.INSTRUMENT, f"{self._name}: {reason}", Moved.NO)


def _identity(answer: str) -> Identity:
    """Return who an answer to `*IDN?` names; an emulator says that it is one, and is then simulated."""
    fields = [field.strip() for field in answer.split(",")]
    if len(fields) != 4 or not all(fields[:3]):
        message = f"*IDN? was answered by {answer!r}, not by maker, model, serial number and version"
        raise LinkError(message)
    maker, model, serial, _ = fields
    return Identity(maker, model, serial, Origin.SIMULATED if "emulat" in maker.lower() else Origin.REAL)
