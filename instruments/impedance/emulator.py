"""Both impedance analyzers behind a TCP socket on loopback: the simulated one, seen through the words of the real ones.

It answers to what a driver needs and puts an error into its queue for everything else, as the tools do.
"""

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from instruments.driver import Command, InstrumentError, Phase, Reading
from instruments.emulation import LoopbackEmulator, Misbehaviour, World
from instruments.emulation.misbehaviour import GOOD_LINK, Mischief
from instruments.impedance.circuit import Floats
from instruments.impedance.dialect import Model
from instruments.impedance.simulated import ANALYZER_FAULTS, AnalyzerFaults, SimulatedAnalyzer
from instruments.impedance.vocabulary import VOCABULARIES
from instruments.sputter.film import Film

NOMINAL_AREA_CM2 = np.pi * 0.05**2
"""Of the probe's own 1 mm dot, for a film that nobody has put an electrode on."""

_ERROR_QUEUE = 10
_SHORTEST_SWEEP_S = 1e-3


class EmulatedAnalyzer(LoopbackEmulator):
    """One of the two analyzers on a socket, measuring the films of the emulated world.

    A sweep draws from the stream of chance of the command that its title names, so that it reads what the simulated
    analyzer would have read. Its time passes at the rate of the world.

    Args:
        name: Its role in the laboratory.
        world: The films, the clock and the chance.
        resource: Its VISA name, `TCPIP::127.0.0.1::PORT::SOCKET`; port 0 takes a free one.
        model: Which of the two it is.
        faults: Rates of the simulated analyzer.
        misbehaviour: The chances of a bad link.

    Raises:
        ValueError: The resource is no socket on loopback.
    """

    def __init__(
        self,
        *,
        name: str,
        world: World,
        resource: str,
        model: Model = "E4990A",
        faults: AnalyzerFaults = ANALYZER_FAULTS,
        misbehaviour: Misbehaviour = GOOD_LINK,
    ) -> None:
        found = re.fullmatch(r"TCPIP\d*::([\w.]+)::(\d+)::SOCKET", resource)
        if found is None:
            message = f"{name}: {resource!r} is no socket; an emulator needs TCPIP::127.0.0.1::PORT::SOCKET"
            raise ValueError(message)
        at, address = (found[1], int(found[2])), f"{model} at TCPIP::{{host}}::{{port}}::SOCKET"
        super().__init__(name, world, at, self._converse, misbehaviour, address=address)
        self._world, self._model, self._faults = world, model, faults
        self._words = VOCABULARIES[model]
        self._lock = threading.RLock()
        self._n_unnamed = 0
        self.preset()

    @property
    def resource(self) -> str:
        """Its VISA name, with the port it really has."""
        return f"TCPIP::{self.host}::{self.port}::SOCKET"

    def preset(self) -> None:
        """Forget everything, as when it is switched off and on."""
        with self._lock:
            self._set: dict[str, str] = {header: f"{preset:g}" for header, (preset, *_) in self._words.numbers.items()}
            self._set |= {header: choices[0] for header, choices in self._words.words.items()}
            self._title = ""
            self._errors: deque[str] = deque(maxlen=_ERROR_QUEUE)
            self._reading: Reading | None = None
            self._ends_s: float | None = None
            self._wants_complete, self._events = False, 0x80

    def set_front_panel(self, role: str, text: str) -> None:
        """Turn a knob, as a hand at the front panel does: `low_hz`, `points`, `open`, `short`, ..."""
        with self._lock:
            self._set[self._words.roles[role]] = text

    def put_error(self, entry: str) -> None:
        """Put an entry into the error queue."""
        with self._lock:
            self._errors.append(entry)

    # ---- lines -----------------------------------------------------------------------------------------------------

    def _converse(self, waiting: bytes) -> tuple[bytes | None, int]:
        line, newline, _ = waiting.partition(b"\n")
        if not newline:
            return b"", 0
        text = line.decode("ascii", "replace").strip()
        with self._lock:
            answers = [answer for unit in _units(text) if (answer := self._obey(unit)) is not None]
        return ";".join(answers).encode("ascii") + b"\n" if answers else b"", len(line) + 1

    def _obey(self, unit: str) -> str | None:
        """Do one command, or answer one query."""
        header, _, argument = (part.strip() for part in unit.partition(" "))
        header = header.upper()
        if header.endswith("?"):
            return self._answer(header[:-1])
        known = {"*CLS": "clear", "*OPC": "complete", **self._words.actions}
        if header in known:
            self._act(known[header], argument)
        elif header in self._words.numbers:
            self._store_number(header, argument)
        elif header in self._words.words:
            self._store(header, argument.upper(), is_fine=argument.upper() in self._words.words[header])
        else:
            self._fail(0, 0x20)
        return None

    def _store_number(self, header: str, argument: str) -> None:
        _, low, high = self._words.numbers[header]
        try:
            value = float(argument)
        except ValueError:
            self._fail(1, 0x20)
            return
        self._store(header, argument, is_fine=low <= value <= high)

    def _store(self, header: str, argument: str, *, is_fine: bool) -> None:
        if is_fine:
            self._set[header] = argument
        else:
            self._fail(2, 0x10)

    def _fail(self, which: int, event: int) -> None:
        self._errors.append(self._words.errors[which])
        self._events |= event

    def _act(self, what: str, argument: str) -> None:
        match what:
            case "sweep":
                self._begin_sweep()
            case "abort":
                self._ends_s, self._wants_complete = None, False
            case "title":
                self._title = argument.strip('"')
            case "clear":
                self._errors.clear()
                self._events = 0
            case "complete":
                self._wants_complete = True

    def _answer(self, header: str) -> str:
        if header in self._set:
            return self._set[header]
        answers: dict[str, Callable[[], str]] = {
            "frequencies": lambda: _listed(self._frequencies()),
            "both": lambda: _listed(np.column_stack(self._ohms()).ravel()),
            "trace": lambda: _listed(np.column_stack([self._traced(), np.zeros(self._points)]).ravel()),
            "sweep time": lambda: f"{self._world.wall_of(_sweep_s(self._frequencies())):.6E}",
            "error": lambda: self._errors.popleft() if self._errors else '+0,"No error"',
            "options": lambda: "120,001",
            "*IDN": lambda: f"{self._words.maker},{self._model},EMU-{self.name},A.00.00",
            "*ESR": lambda: f"{self._status():+d}",
            "*OPC": lambda: "1",
        }
        question = self._words.queries.get(header, header)
        if question not in answers:
            self._fail(0, 0x20)
            return ""
        return answers[question]()

    # ---- sweeps ----------------------------------------------------------------------------------------------------

    def _number(self, role: str) -> float:
        return float(self._set[self._words.roles[role]])

    @property
    def _points(self) -> int:
        return int(self._number("points"))

    def _frequencies(self) -> Floats:
        ends = self._number("low_hz"), self._number("high_hz")
        spaced = np.geomspace if self._set[self._words.roles["spacing"]] == "LOG" else np.linspace
        return spaced(*ends, self._points)

    def _has(self, wanted: Mapping[str, str]) -> bool:
        return all(self._set[header] == word for header, word in wanted.items())

    def _begin_sweep(self) -> None:
        if not self._has(self._words.armed):
            self._fail(3, 0x10)
            return
        sample, command_id = self._titled()
        low_hz, high_hz = self._number("low_hz"), self._number("high_hz")
        settings = {
            "sample": sample.id if sample else "",
            "low_hz": low_hz,
            "high_hz": high_hz,
            "points_per_decade": (self._points - 1) / np.log10(high_hz / low_hz),
            "amplitude_v": self._number("amplitude_v"),
        }
        inside = SimulatedAnalyzer(name=self.name, shelf={sample.id: sample} if sample else {}, faults=self._faults)
        phases = inside.phases(Command(self.name, "sweep", settings, command_id), self._world.chance(command_id))
        duration_s, self._reading = _played(phases)
        if self._reading is None and duration_s == 0:
            self.misbehave(Mischief.DROP)
        self._ends_s = self._world.wall_s() + max(self._world.wall_of(duration_s), _SHORTEST_SWEEP_S)

    def _titled(self) -> tuple[Film | None, str]:
        """Return the film that the title names, else the one made last, and whose chance the sweep has."""
        *ids, sample = self._title.split() or [""]
        film = self._world.film(sample) or self._world.latest
        if not ids:
            self._n_unnamed += 1
        command_id = ids[0] if ids else f"{self.name} unnamed sweep {self._n_unnamed}"
        if film is not None and film.area_cm2 is None:
            film = replace(film, area_cm2=NOMINAL_AREA_CM2)
        return film, command_id

    def _status(self) -> int:
        """Return the standard event register and clear it, with the operation-complete bit once a sweep has ended."""
        has_ended = self._ends_s is not None and self._reading is not None and self._world.wall_s() >= self._ends_s
        if self._wants_complete and has_ended:
            self._events |= 0x01
            self._wants_complete = False
        events, self._events = self._events, 0
        return events

    def _ohms(self) -> tuple[Floats, Floats]:
        if self._reading is None or len(self._reading.frequency_hz) != self._points:
            nothing = np.zeros(self._points)
            return nothing, nothing
        z_ohm = self._reading.z_real_ohm[::-1] + 1j * self._reading.z_imag_ohm[::-1]
        if self._has(self._words.rectangular):
            return z_ohm.real, z_ohm.imag
        return np.abs(z_ohm), np.degrees(np.angle(z_ohm))

    def _traced(self) -> Floats:
        return self._ohms()[0 if self._set[self._words.roles["trace"]] == "A" else 1]


def _units(line: str) -> Iterator[str]:
    """Yield the commands of a line; a semicolon in quotes separates nothing."""
    yield from (unit.strip() for unit in re.findall(r'(?:[^;"]|"[^"]*")+', line) if unit.strip())


def _sweep_s(frequency_hz: Floats) -> float:
    return float(np.sum(np.maximum(3 / frequency_hz, 0.3)))


def _played(phases: Iterator[Phase]) -> tuple[float, Reading | None]:
    """Return how long the sweep itself lasts and what it reads; None where it never ends, or never begins."""
    duration_s = 0.0
    try:
        while True:
            phase = next(phases)
            duration_s += phase.duration_s if phase.name == "sweep" else 0.0
    except StopIteration as stop:
        return duration_s, stop.value
    except InstrumentError:
        return duration_s, None


def _listed(values: Floats) -> str:
    return ",".join(f"{value:+.11E}" for value in values)
