"""Every driver here passes the suite, against its emulator where it has a wire; drivers with a fault do not."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from people import Filler, Typist

from instruments.conformance import Finding, Subject, Verdict, examine
from instruments.driver import (
    Action,
    Command,
    FailureClass,
    Identity,
    Instrument,
    InstrumentError,
    Moved,
    Origin,
    Phase,
    PhasedInstrument,
    Quantity,
    Reading,
    Report,
)
from instruments.emulation import World
from instruments.emulation.misbehaviour import Mischief
from instruments.evaporator import SimulatedEvaporator
from instruments.faults import refuse_forbidden
from instruments.impedance.emulator import EmulatedAnalyzer
from instruments.impedance.scpi import ScpiAnalyzer
from instruments.impedance.simulated import AnalyzerFaults, SimulatedAnalyzer
from instruments.people.dropfolder import DropFolder
from instruments.people.operator import Operator
from instruments.people.work import Asked, Work
from instruments.recorded import RecordedLaboratory
from instruments.sputter.faults import SputterFaults
from instruments.sputter.film import Film
from instruments.sputter.simulated import SimulatedSputter
from orchestrator.chance import stream

FILM = Film("film-1.1.1", 1.87, 780.0, area_cm2=0.00785)
DEPOSIT = Command(
    "sputter",
    "deposit",
    {"distance_cm": 6.0, "power_w": 100.0, "pressure_pa": 1.0, "thickness_nm": 200.0, "max_hours": 12.0},
)
SWEEP = Command("analyzer", "sweep", {"sample": FILM.id, "low_hz": 40.0, "high_hz": 1e6, "points_per_decade": 10})


def findings(subject: Subject) -> dict[str, Finding]:
    return {finding.question: finding for finding in examine(subject)}


def finding_of(subject: Subject, question: str) -> Finding:
    """Ask no further than that question."""
    answers = examine(subject)
    found = next(finding for finding in answers if finding.question == question)
    answers.close()
    return found


def assert_passes(subject: Subject, *skipped: str) -> None:
    found = findings(subject)
    assert {q: f.note for q, f in found.items() if f.verdict == Verdict.FAILED} == {}
    assert {q for q, f in found.items() if f.verdict == Verdict.SKIPPED} == set(skipped)


def phased_drivers(folder: Path) -> Iterator[Subject]:
    """Yield the simulated drivers and the recorded one."""
    table = folder / "table.csv"
    table.write_text("heat,mass\n1,2\n1,3\n2,4\n")
    bench = RecordedLaboratory(name="bench", table=table, inputs=["heat"], output="mass")
    electrode = Command("evaporator", "electrode", {"sample": FILM.id, "diameter_mm": 1.0})
    yield Subject(SimulatedSputter(name="sputter", shelf={}), DEPOSIT)
    yield Subject(SimulatedEvaporator(name="evaporator", shelf={FILM.id: FILM}), electrode)
    yield Subject(SimulatedAnalyzer(name="analyzer", shelf={FILM.id: FILM}), SWEEP)
    yield Subject(bench, Command("bench", "measure", {"heat": 1.0}))


@pytest.mark.parametrize("which", range(4), ids=["sputter", "evaporator", "analyzer", "recorded"])
def test_conformance_of_the_simulated_drivers(tmp_path: Path, which: int) -> None:
    """All questions, none skipped."""
    assert_passes(list(phased_drivers(tmp_path))[which])


@pytest.mark.extra
@pytest.mark.parametrize("model", ["E4990A", "4294A"])
def test_conformance_of_the_scpi_analyzer(model: Any) -> None:
    """Through a real socket, with a silent and a babbling tool."""
    pytest.importorskip("pyvisa_py", reason="the driver needs the extra hardware")
    world = World(rate=15.0, chance=lambda command_id: stream(5, "step", command_id), shelf={FILM.id: FILM})
    no_faults = AnalyzerFaults(contact_noise=0, timeout=0, disconnect=0)
    emulator = EmulatedAnalyzer(
        name="analyzer", world=world, resource="TCPIP::127.0.0.1::0::SOCKET", model=model, faults=no_faults
    )
    emulator.start()
    try:
        driver = ScpiAnalyzer(name="analyzer", resource=emulator.resource, model=model, exchange_s=0.2)
        silence, garbage = (lambda m=m: emulator.misbehave(m, m) for m in (Mischief.SILENT, Mischief.GARBLE))
        assert_passes(Subject(driver, SWEEP, silence, garbage, step_s=10))
    finally:
        emulator.stop()


@pytest.mark.extra
def test_conformance_of_the_modbus_sputter() -> None:
    """The same suite through Modbus TCP: a deposition of some hours in under a second."""
    for library in ("pymodbus", "tenacity"):
        pytest.importorskip(library, reason="the driver needs the extra hardware")
    from instruments.sputter.emulator import EmulatedSputter  # noqa: PLC0415 - needs the extra
    from instruments.sputter.modbus import ModbusSputter  # noqa: PLC0415 - as above

    world = World(rate=60_000.0, chance=lambda command_id: stream(5, "step", command_id))
    no_faults = SputterFaults(**dict.fromkeys(SputterFaults.model_fields, 0.0))
    emulator = EmulatedSputter(name="sputter", world=world, port=0, faults=no_faults)
    emulator.start()
    try:
        driver = ModbusSputter(name="sputter", host="127.0.0.1", port=emulator.port, rate=world.rate, timeout_s=0.3)
        silence, garbage = (lambda m=m: emulator.misbehave(m, m) for m in (Mischief.SILENT, Mischief.GARBLE))
        assert_passes(Subject(driver, DEPOSIT, silence, garbage, step_s=30))
    finally:
        emulator.stop()


@pytest.mark.extra
def test_conformance_of_the_modbus_evaporator() -> None:
    """Another tool behind a controller; it needs a film to put its electrode on."""
    for library in ("pymodbus", "tenacity"):
        pytest.importorskip(library, reason="the driver needs the extra hardware")
    from instruments.evaporator.emulator import EmulatedEvaporator  # noqa: PLC0415 - needs the extra
    from instruments.evaporator.modbus import ModbusEvaporator  # noqa: PLC0415 - as above

    world = World(rate=20_000.0, chance=lambda command_id: stream(5, "step", command_id), shelf={"film-1.1.1": FILM})
    emulator = EmulatedEvaporator(name="evaporator", world=world, port=0)
    emulator.start()
    try:
        driver = ModbusEvaporator(
            name="evaporator", host="127.0.0.1", port=emulator.port, rate=world.rate, timeout_s=0.3
        )
        command = Command("evaporator", "electrode", {"sample": "film-1.1.1", "diameter_mm": 1.0})
        silence, garbage = (lambda m=m: emulator.misbehave(m, m) for m in (Mischief.SILENT, Mischief.GARBLE))
        assert_passes(Subject(driver, command, silence, garbage, step_s=30))
    finally:
        emulator.stop()


WORK = {
    "weigh": Work(
        instructions="Weigh {sample}.",
        settings={"sample": Asked(text=True), "grams": Asked(unit="g", low=0, high=10)},
        enter={"mass": Asked(unit="g", low=0, high=10)},
    )
}
WEIGH = Command("person", "weigh", {"sample": FILM.id, "grams": 1.0})


def slowly(answer: Any) -> Any:
    """Return an answer after a moment, so that there is time to halt."""
    time.sleep(0.3)
    return answer


def test_conformance_of_the_operator() -> None:
    """A person who types; no line, so nothing that could be silent."""
    with Typist(lambda prompt: slowly("yes" if "right?" in prompt else "1.5")) as typist:
        assert_passes(Subject(Operator(typist.terminal, name="person", actions=WORK), WEIGH), *NO_LINE)


def test_conformance_of_the_drop_folder(tmp_path: Path) -> None:
    """A person who fills in forms."""
    driver = DropFolder(name="person", actions=WORK, folder=tmp_path, look_s=0.05)
    with Filler(tmp_path, lambda _id: slowly((".csv", "name,value,unit\nmass,1.5,g\n"))):
        assert_passes(Subject(driver, WEIGH), *NO_LINE)


NO_LINE = (
    "fails in words when the tool is silent, then recovers",
    "fails in words when the tool talks nonsense, then recovers",
)


class Kettle:
    """A blocking driver that keeps to the protocol; each fault of its children is one line."""

    halt_sleeps_s = 0.0

    def __init__(self) -> None:
        self.name = "kettle"
        settings = {"celsius": Quantity("C", 20, 100)}
        self.actions: Mapping[str, Action] = {"boil": Action(settings, {"celsius": Quantity("C")}, 0.4, 60)}
        self._halted, self._latest, self._n = threading.Event(), ("", Reading()), 0

    def connect(self) -> Identity:
        """Tell who answers."""
        return Identity("tests", "kettle", "1", Origin.SIMULATED)

    def perform(self, command: Command, report: Report) -> Reading:
        """Boil for a moment."""
        if command.id == self._latest[0]:
            return self._latest[1]
        self.check(command)
        self._halted.clear()
        report("heat", {})
        if self._halted.wait(0.4):
            raise InstrumentError(FailureClass.HALTED, "the kettle was halted", Moved.YES)
        self._latest = (command.id, self.reading())
        return self._latest[1]

    def check(self, command: Command) -> None:
        """Refuse, or not."""
        refuse_forbidden(command, self.actions)

    def reading(self) -> Reading:
        """Read the thermometer."""
        self._n += 1
        return Reading({"celsius": 100.0 - 0.1 * self._n})

    def halt(self) -> None:
        """Stop heating."""
        self._halted.set()
        time.sleep(self.halt_sleeps_s)

    def close(self) -> None:
        """Release nothing."""


BOIL = Command("kettle", "boil", {"celsius": 95.0})


def test_conformance_of_a_blocking_driver_without_a_wire() -> None:
    """What needs a bad line is not asked, and says so."""
    assert_passes(Subject(Kettle(), BOIL), *NO_LINE)


def test_conformance_asks_nothing_that_moves_without_a_command() -> None:
    """A real tool is connected, halted at rest and closed, and that is all."""
    kettle = Kettle()
    found = findings(Subject(kettle))
    assert [f.verdict for f in found.values()] == [Verdict.PASSED] * 4 + [Verdict.SKIPPED] * 6
    assert kettle._n == 0


class OtherEachTime(Kettle):
    """Tells another serial number each time."""

    def connect(self) -> Identity:
        """Tell who answers."""
        self._n += 1
        return replace(super().connect(), serial=str(self._n))


class SlowToHalt(Kettle):
    """Waits before it halts."""

    halt_sleeps_s = 1.5


class Obliging(Kettle):
    """Checks no limits."""

    def check(self, command: Command) -> None:
        """Refuse, or not."""


class Shrill(Kettle):
    """Refuses with an exception of its own."""

    def check(self, command: Command) -> None:
        """Refuse, or not."""
        try:
            super().check(command)
        except InstrumentError as error:
            raise ValueError(error.reason) from error


class Vague(Kettle):
    """Says that something may have moved when it refuses."""

    def check(self, command: Command) -> None:
        """Refuse, or not."""
        try:
            super().check(command)
        except InstrumentError as error:
            raise InstrumentError(error.failure, error.reason) from error


class Forgetful(Kettle):
    """Boils again for the same command."""

    def perform(self, command: Command, report: Report) -> Reading:
        """Boil, whatever was boiled before."""
        self._latest = ("", Reading())
        return super().perform(command, report)


class Taciturn(Kettle):
    """Reads less than it promises."""

    def reading(self) -> Reading:
        """Read the thermometer."""
        return Reading()


class Panicky(Kettle):
    """Calls a halt a fault of the instrument."""

    def perform(self, command: Command, report: Report) -> Reading:
        """Boil, or boil over."""
        try:
            return super().perform(command, report)
        except InstrumentError as error:
            if error.failure == FailureClass.HALTED:
                raise InstrumentError(FailureClass.INSTRUMENT, "boiled over", Moved.YES) from error
            raise


class Timeless(Kettle):
    """Says that it takes longer than it may."""

    def __init__(self) -> None:
        super().__init__()
        self.actions = {"boil": replace(self.actions["boil"], expected_s=100.0)}


@pytest.mark.parametrize(
    ("driver", "question", "expected"),
    [
        (OtherEachTime, "connects, tells who answers, and the same again", "and then"),
        (Timeless, "states actions, units, limits and times as data", "expected_s=100 and timeout_s=60"),
        (SlowToHalt, "halts at rest, twice, within a second", "a second is the most"),
        (Obliging, "refuses what is out of limits before it moves", "it performed boil(celsius=nan)"),
        (Shrill, "refuses what is out of limits before it moves", "it must raise an InstrumentError"),
        (Vague, "refuses what is out of limits before it moves", "with moved=unknown; nothing may move"),
        (Taciturn, "performs, and reads what it promises", "lacks celsius"),
        (Forgetful, "does the same command once", "answered by two different readings"),
        (Panicky, "halts in mid-step from another thread", "failed as instrument"),
    ],
)
def test_conformance_finds_a_fault(driver: Callable[[], Instrument], question: str, expected: str) -> None:
    """Each fault is found by its question, and the note says what is wrong."""
    finding = finding_of(Subject(driver(), BOIL), question)
    assert finding.verdict == Verdict.FAILED
    assert expected in finding.note


class Mute(Kettle):
    """Never comes back once its tool has fallen silent."""

    is_silent = False

    def perform(self, command: Command, report: Report) -> Reading:
        """Wait for ever."""
        while self.is_silent:
            time.sleep(0.05)
        return super().perform(command, report)


def test_conformance_finds_a_driver_that_hangs_when_its_tool_is_silent() -> None:
    """It is not waited for longer than a step may last."""
    driver = Mute()
    subject = Subject(driver, BOIL, silence=lambda: setattr(driver, "is_silent", True), step_s=1.2)
    finding = finding_of(subject, "fails in words when the tool is silent, then recovers")
    assert (finding.verdict, finding.note) == (Verdict.FAILED, "perform() was not back after 1 s")
    driver.is_silent = False


class Dice:
    """A phased instrument with a chance of its own, which no crash could repeat."""

    def __init__(self) -> None:
        self.name, self.state = "dice", {"thrown": np.arange(2)}
        self.actions = {"throw": Action({}, {"eyes": Quantity()}, 1, 1)}
        self._own = np.random.default_rng(0)

    def connect(self) -> Identity:
        """Tell who answers."""
        return Identity("tests", "dice", "1", Origin.SIMULATED)

    def phases(self, command: Command, rng: np.random.Generator) -> Iterator[Phase]:  # noqa: ARG002 - the fault
        """Roll, whatever is commanded."""
        yield Phase("roll", float(self._own.uniform(1, 2)))
        return Reading({"eyes": 6})

    def halt(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Release nothing."""


def test_conformance_finds_faults_of_a_phased_driver() -> None:
    """Chance of its own, a state that JSON cannot hold, and no look at the command."""
    driver: PhasedInstrument = Dice()  # type: ignore[assignment]  # a fault
    failed = [q for q, f in findings(Subject(driver, Command("dice", "throw", {}))).items() if f.verdict == "failed"]
    assert failed == [
        "refuses what is out of limits before its first phase",
        "repeats itself from the same state and chance",
        "has a state that JSON can hold",
    ]
