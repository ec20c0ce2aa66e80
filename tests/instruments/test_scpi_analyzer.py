"""The analyzers' driver against their emulators, through PyVISA and a real socket on loopback."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pyvisa_py", reason="the driver needs the extra hardware: pip install -e '.[hardware]'")

from instruments.driver import Command, FailureClass, InstrumentError, Moved, Origin, Reading
from instruments.emulation import World
from instruments.emulation.misbehaviour import Mischief
from instruments.impedance.dialect import DIALECTS, Model
from instruments.impedance.emulator import EmulatedAnalyzer
from instruments.impedance.link import LinkError, number
from instruments.impedance.scpi import ScpiAnalyzer
from instruments.impedance.simulated import AnalyzerFaults, SimulatedAnalyzer
from instruments.impedance.spectrum import acceptance
from instruments.sputter.film import Film
from orchestrator.chance import stream

pytestmark = pytest.mark.extra

FILM = Film("film-1.1.1", 1.87, 780.0, area_cm2=0.00785)
NO_FAULTS = AnalyzerFaults(contact_noise=0, timeout=0, disconnect=0)
WIDE = {"sample": FILM.id, "low_hz": 40.0, "high_hz": 1e6, "points_per_decade": 10, "amplitude_v": 0.05}
LOW_HZ = {"E4990A": 20.0, "4294A": 40.0}


@pytest.fixture(params=["E4990A", "4294A"])
def model(request: pytest.FixtureRequest) -> Model:
    return request.param


def world(rate: float = 3000.0) -> World:
    made = World(rate=rate, chance=lambda command_id: stream(5, "step", command_id))
    made.shelf[FILM.id] = FILM
    return made


class Bench:
    """An emulator and its driver."""

    def __init__(self, model: Model = "E4990A", rate: float = 3000.0, **options: Any) -> None:
        resource = "TCPIP::127.0.0.1::0::SOCKET"
        self.emulator = EmulatedAnalyzer(
            name="analyzer", world=world(rate), resource=resource, model=model, faults=NO_FAULTS
        )
        self.emulator.start()
        options = {"exchange_s": 0.2, **options}
        self.driver = ScpiAnalyzer(name="analyzer", resource=self.emulator.resource, model=model, **options)
        self.heard: list[tuple[str, Any]] = []

    def sweep(self, command_id: str = "1.3.1", **changes: Any) -> Reading:
        """Sweep and return the spectrum."""
        return self.driver.perform(
            Command("analyzer", "sweep", WIDE | changes, command_id), lambda *news: self.heard.append(news)
        )

    def failure(self, **changes: Any) -> InstrumentError:
        """Sweep and return why it failed; nothing has moved."""
        with pytest.raises(InstrumentError) as caught:
            self.sweep(**changes)
        assert caught.value.moved == Moved.NO
        return caught.value

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release line and socket."""
        self.driver.close()
        self.emulator.stop()


@pytest.fixture
def bench(model: Model) -> Iterator[Bench]:
    with Bench(model) as made:
        yield made


def test_scpi_analyzer_reads_what_the_simulated_one_would_have_read(bench: Bench) -> None:
    """The same command and seed give the same spectrum through the socket, to the digits that are sent."""
    bench.driver.connect()
    reading = bench.sweep()
    phases = SimulatedAnalyzer(name="a", shelf={FILM.id: FILM}, faults=NO_FAULTS).phases(
        Command("a", "sweep", WIDE, "1.3.1"), stream(5, "step", "1.3.1")
    )
    try:
        while True:
            next(phases)
    except StopIteration as done:
        for name, array in done.value.arrays.items():
            np.testing.assert_allclose(reading.arrays[name], array, rtol=1e-8)
    acceptance(thickness_nm=780.0, area_cm2=0.00785)(reading)


def test_scpi_analyzer_says_that_an_emulator_is_simulated(bench: Bench) -> None:
    """The origin follows who answers, and connecting twice tells the same."""
    first = bench.driver.connect()
    assert first.origin == Origin.SIMULATED
    assert "Emulated" in first.maker
    assert bench.driver.connect() == first


def test_scpi_analyzer_refuses_below_the_lowest_frequency(bench: Bench, model: Model) -> None:
    """The limits of the model are hard, and nothing is sent: the line is not even open."""
    failed = bench.failure(low_hz=LOW_HZ[model] * 0.99)
    assert failed.failure == FailureClass.INSTRUMENT
    assert f"below the tool's limit of {LOW_HZ[model]:g} Hz" in failed.reason
    assert bench.sweep(low_hz=LOW_HZ[model]).frequency_hz[-1] == pytest.approx(LOW_HZ[model])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"high_hz": 2e7}, "above the tool's limit of 1e+07 Hz"),
        ({"low_hz": 1e6, "high_hz": 1e6}, "must be below high_hz"),
        ({"amplitude_v": 1.5}, "above the tool's limit of 1 V"),
        ({"sample": 'x";*RST;"'}, "cannot stand on its display"),
        ({"points_per_decade": 51}, "above the tool's limit of 50"),
    ],
)
def test_scpi_analyzer_refuses_what_it_cannot_do(changes: dict[str, Any], expected: str) -> None:
    """The E4990A of 10 MHz; a sample's name cannot smuggle commands."""
    with Bench() as bench:
        assert expected in bench.failure(**changes).reason


def test_scpi_analyzer_that_is_not_there_is_told() -> None:
    """The address is in the message, after a few attempts."""
    with Bench() as bench:
        bench.emulator.stop()
        with pytest.raises(InstrumentError, match=r"\*IDN\? failed: .*refused") as caught:
            bench.driver.connect()
    assert "TCPIP::127.0.0.1" in caught.value.reason


def test_scpi_analyzer_refuses_another_model() -> None:
    """A 4294A where an E4990A was expected is told with both names."""
    with Bench("4294A") as bench:
        driver = ScpiAnalyzer(name="analyzer", resource=bench.emulator.resource, exchange_s=0.2)
        with pytest.raises(InstrumentError, match="4294A answers where a E4990A was expected"):
            driver.connect()
        driver.close()


@pytest.mark.parametrize("name", ["open", "short"])
def test_scpi_analyzer_wants_its_corrections_on(bench: Bench, name: str) -> None:
    """A fixture without open or short correction is no measurement, unless the configuration says so."""
    bench.emulator.set_front_panel(name, "0")
    failed = bench.failure()
    assert (failed.failure, f"{name} correction is off" in failed.reason) == (FailureClass.INSTRUMENT, True)
    with Bench(correction="ignored") as careless:
        careless.emulator.set_front_panel(name, "0")
        assert len(careless.sweep().frequency_hz) == 45


def test_scpi_analyzer_drains_stale_errors_and_tells_them(bench: Bench) -> None:
    """An error from before the sweep is telemetry, not this sweep's failure."""
    bench.driver.connect()
    bench.emulator.put_error('-350,"Queue overflow"')
    bench.sweep()
    assert bench.heard[0] == ("errors from before", {"first": '-350,"Queue overflow"', "count": 1})


def test_scpi_analyzer_sends_its_set_up_again_after_a_restart_of_the_tool(bench: Bench) -> None:
    """Nothing set before is relied on: a tool that was switched off and on sweeps the same."""
    before = bench.sweep("1.3.1")
    bench.emulator.preset()
    assert np.array_equal(bench.sweep("1.3.2").frequency_hz, before.frequency_hz)


@pytest.mark.parametrize(
    ("mischief", "expected"),
    [
        (Mischief.SILENT, "was not answered within 0.2 s"),
        (Mischief.DROP, "was not answered within 0.2 s"),
        (Mischief.GARBLE, "was "),
        (Mischief.LATE, "was not answered within 0.2 s"),
    ],
)
@pytest.mark.parametrize("n_good", [0, 9])
def test_scpi_analyzer_survives_a_bad_line(mischief: Mischief, expected: str, n_good: int) -> None:
    """Whenever it happens, the sweep is a failed measurement, and the next one begins on a new line."""
    with Bench() as bench:
        bench.driver.connect()
        bench.emulator.misbehave(*[Mischief.NONE] * n_good, mischief)
        began_s = time.monotonic()
        failed = bench.failure()
        assert (failed.failure, expected in failed.reason) == (FailureClass.MEASUREMENT, True), failed.reason
        assert time.monotonic() - began_s < 5
        assert len(bench.sweep().frequency_hz) == 45


def test_scpi_analyzer_gives_up_on_a_sweep_that_never_ends() -> None:
    """Three times the sweep time and two exchanges are enough."""
    with Bench(exchange_s=0.1) as bench:
        bench.emulator._faults = AnalyzerFaults(contact_noise=0, timeout=1, disconnect=0)
        failed = bench.failure()
        assert failed.failure == FailureClass.MEASUREMENT
        assert "no end of a sweep" in failed.reason


def test_scpi_analyzer_meets_the_dropped_link_of_the_simulated_one() -> None:
    """What the simulation calls a dropped link is one, and the same film is swept again."""
    with Bench() as bench:
        bench.emulator._faults = AnalyzerFaults(contact_noise=0, timeout=0, disconnect=1)
        assert "was not answered" in bench.failure().reason
        bench.emulator._faults = NO_FAULTS
        assert len(bench.sweep("1.3.2").frequency_hz) == 45


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("1E3," * 89 + "NAN", "no finite number"),
        ("1E3," * 89 + "9.91E37", "no finite number"),
        ("1E3," * 88 + "1E3", "89 values instead of 90"),
        ("1" * 5000, "more than 2912 bytes"),
        ("", "1 values instead of 90"),
    ],
)
def test_scpi_analyzer_reads_numbers_strictly(monkeypatch: pytest.MonkeyPatch, answer: str, expected: str) -> None:
    """Not-a-number, infinity, a missing value and a flood are failures of the measurement, never data."""
    with Bench() as bench:
        honest = bench.emulator._answer
        monkeypatch.setattr(
            bench.emulator, "_answer", lambda header: answer if header.endswith("RDAT") else honest(header)
        )
        failed = bench.failure()
        assert (failed.failure, expected in failed.reason) == (FailureClass.MEASUREMENT, True), failed.reason


def test_scpi_analyzer_reports_what_the_tool_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that the set-up put into the queue is a failure of the instrument, in the tool's own words."""
    with Bench() as bench:
        vocabulary = bench.emulator._words
        monkeypatch.delitem(vocabulary.words, ":SENS1:SWE:TYPE")
        failed = bench.failure()
        assert failed.failure == FailureClass.INSTRUMENT
        assert 'refused the set-up: -113,"Undefined header"' in failed.reason


SETUP = [(model, line) for model, dialect in DIALECTS.items() for line in dialect.setup]
HARMLESS = {"FORM", "APER", "AVER", "MODE", "TITL", "HOLD", "BWFA", "PAVE", "POWM", "SWPP", "TRGS"}
"""What the emulators have by preset, or what changes nothing that a reading shows."""


@pytest.mark.parametrize(
    ("model", "line"), [(m, line) for m, line in SETUP if not any(word in line for word in HARMLESS)]
)
def test_scpi_analyzer_needs_every_line_of_its_set_up(monkeypatch: pytest.MonkeyPatch, model: Model, line: str) -> None:
    """With one line left out, the sweep fails or reads something else: none is there for show."""
    with Bench(model) as bench:
        whole = bench.sweep("1.3.1", low_hz=50.0)
        bench.emulator.preset()
        dialect = DIALECTS[model]
        less = replace(dialect, setup=tuple(other for other in dialect.setup if other != line))
        monkeypatch.setattr(bench.driver._conversation, "_dialect", less)
        bench.driver._once.forget()
        try:
            reading = bench.sweep("1.3.1", low_hz=50.0)
        except InstrumentError:
            return
        assert not np.allclose(reading.z_real_ohm, whole.z_real_ohm, rtol=1e-6)


@given(st.text(max_size=30) | st.floats().map(str))
def test_scpi_number_is_finite_or_refused(text: str) -> None:
    """Whatever a tool writes where a number should stand."""
    try:
        found = number("POIN?", text)
    except LinkError:
        return
    assert np.isfinite(found)
    assert found == float(text)


def test_scpi_analyzer_does_the_same_command_once(bench: Bench) -> None:
    """The same id answers the same and sweeps nothing; another id sweeps anew."""
    first = bench.sweep("1.3.1")
    bench.emulator.cut()
    assert bench.sweep("1.3.1") is first
    bench.driver.connect()
    assert not np.array_equal(bench.sweep("1.3.2").z_real_ohm, first.z_real_ohm)


def test_scpi_analyzer_halts_in_mid_sweep(model: Model) -> None:
    """From another thread, within a second; the next sweep goes well."""
    with Bench(model, rate=3.0) as bench:
        outcome: list[Any] = []

        def work() -> None:
            try:
                outcome.append(bench.sweep())
            except InstrumentError as error:
                outcome.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        while not bench.heard:
            time.sleep(0.01)
        began_s = time.monotonic()
        bench.driver.halt()
        assert time.monotonic() - began_s < 1
        thread.join(2)
        assert outcome[0].failure == FailureClass.HALTED
        bench.emulator._world.rate = 3000.0
        assert bench.failure().reason == "analyzer: halted before it began"
        time.sleep(1)
        assert len(bench.sweep().frequency_hz) == 45


def test_scpi_analyzer_refuses_another_tool_at_the_same_address() -> None:
    """After a lost link the serial number is asked for before anything is swept."""
    with Bench() as bench:
        bench.driver.connect()
        bench.emulator.name = "another"
        bench.emulator.cut()
        bench.failure()
        failed = bench.failure()
        assert "number EMU-another answers where EMU-analyzer did before" in failed.reason
