"""The sputter tool's driver against its emulator, through a real socket on loopback."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("pymodbus", reason="the driver needs the extra hardware: pip install -e '.[hardware]'")
pytest.importorskip("tenacity", reason="the driver needs the extra hardware: pip install -e '.[hardware]'")

from instruments.driver import (
    Command,
    FailureClass,
    InstrumentError,
    Memory,
    Moved,
    Origin,
    Phase,
    Reading,
    Scalar,
)
from instruments.emulation import Misbehaviour, World
from instruments.emulation.misbehaviour import Mischief
from instruments.evaporator.emulator import EmulatedEvaporator
from instruments.evaporator.modbus import ModbusEvaporator
from instruments.modbus.link import LinkLost
from instruments.sputter.emulator import EmulatedSputter
from instruments.sputter.faults import SputterFaults
from instruments.sputter.film import Film
from instruments.sputter.modbus import REGISTERS, ModbusSputter
from instruments.sputter.simulated import SimulatedSputter
from orchestrator.chance import stream

pytestmark = pytest.mark.extra

RATE = 200_000.0
SETTINGS = {"distance_cm": 6.0, "power_w": 100.0, "pressure_pa": 0.9, "thickness_nm": 100.0, "max_hours": 24.0}
NO_FAULTS = SputterFaults.model_validate(dict.fromkeys(SputterFaults.model_fields, 0.0))


def chance(command_id: str) -> Any:
    return stream(3, "step", command_id)


def command(command_id: str = "1.1.1", **settings: float) -> Command:
    return Command("sputter", "deposit", SETTINGS | settings, command_id)


def unheard(_phase: str, _values: Mapping[str, Scalar]) -> None:
    """Report to nobody."""


Serve = Callable[..., EmulatedSputter]
Drive = Callable[..., ModbusSputter]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves emulators on free ports until the test ends."""
    served: list[EmulatedSputter] = []

    def one(rate: float = RATE, faults: SputterFaults = NO_FAULTS, **options: Any) -> EmulatedSputter:
        emulator = EmulatedSputter(
            name="sputter", world=World(rate, chance), port=0, load_lock=True, faults=faults, **options
        )
        emulator.start()
        served.append(emulator)
        return emulator

    yield one
    for emulator in served:
        emulator.stop()


@pytest.fixture
def drive() -> Iterator[Drive]:
    """Makes drivers, and closes them when the test ends."""
    made: list[ModbusSputter] = []

    def one(emulator: EmulatedSputter, rate: float = RATE, **options: Any) -> ModbusSputter:
        given = {"timeout_s": 0.5, "patience_s": 5.0, "campaign": "here", "max_power_w": 300.0} | options
        driver = ModbusSputter(name="sputter", host="127.0.0.1", port=emulator.port, rate=rate, **given)
        made.append(driver)
        return driver

    yield one
    for driver in made:
        driver.close()


def simulated(faults: SputterFaults = NO_FAULTS) -> tuple[Reading | InstrumentError, Film | None]:
    """Return what the simulated tool makes of the same command, and the film."""
    shelf: dict[str, Film] = {}
    phases = SimulatedSputter(name="sputter", shelf=shelf, load_lock=True, faults=faults).phases(
        command(), chance("1.1.1")
    )
    try:
        while isinstance(next(phases), Phase):
            pass
    except StopIteration as stop:
        return stop.value, shelf["film-1.1.1"]
    except InstrumentError as error:
        return error, None
    raise AssertionError


def error_of(driver: ModbusSputter, asked: Command) -> InstrumentError:
    with pytest.raises(InstrumentError) as caught:
        driver.perform(asked, unheard)
    return caught.value


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread brings about."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def shows(emulator: EmulatedSputter, state: str) -> bool:
    """Whether the emulated tool is in a state now."""
    memory = emulator.memory
    emulator.controller.read("input", 0, 1)
    return memory.map.state(memory.shown("state")) == state


def test_driver_makes_the_film_that_the_simulated_tool_makes(serve: Serve, drive: Drive) -> None:
    """The same command and the same chance give the same reading, to the digit, through a real socket."""
    emulator = serve()
    reading = drive(emulator).perform(command(), unheard)
    expected, film = simulated()
    assert isinstance(expected, Reading)
    assert dict(reading.values) == dict(expected.values)
    made = emulator.controller._world.film("film-1.1.1")
    assert made.conductivity_us_cm == pytest.approx(film.conductivity_us_cm, rel=1e-5)


def test_driver_says_that_an_emulator_is_simulated(serve: Serve, drive: Drive) -> None:
    """An emulated tool is never called real; connecting twice is harmless."""
    driver = drive(serve())
    assert driver.connect() == driver.connect()
    assert driver.connect().origin == Origin.SIMULATED


def test_driver_refuses_an_emulator_with_another_clock(serve: Serve, drive: Drive) -> None:
    """A rate that was set on one command line only would put wrong times into the ledger."""
    with pytest.raises(ValueError, match=r"\(rate 5000\) than in the campaign \(rate 60000\)"):
        drive(serve(rate=5_000.0), rate=60_000.0).connect()


def test_driver_speaks_to_a_controller_with_another_map(serve: Serve, drive: Drive, tmp_path: Path) -> None:
    """Other addresses, the low word first, power in tenths of a watt: a file, and the same film."""
    plain = yaml.safe_load(REGISTERS.read_text())
    plain |= {"word_order": "little", "unit_id": 7}
    plain["holding"]["power_w"] |= {"address": 200, "type": "uint16", "scale": 0.1}
    plain["input"]["forward_w"] |= {"address": 300, "type": "int32", "scale": 0.01}
    plain["coils"] = {name: 40 + address for name, address in plain["coils"].items()}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(plain))
    emulator = serve(registers=tmp_path / "mine.yaml")
    driver = drive(emulator, registers=tmp_path / "mine.yaml")
    assert driver.perform(command(), unheard) == simulated()[0]


@pytest.mark.parametrize("names", [{0: "Maker", 1: "PVD-300", 2: "7"}, None])
def test_driver_calls_any_other_controller_real(serve: Serve, drive: Drive, names: dict[int, str] | None) -> None:
    """Whoever does not say that it is an emulator may move matter, be it silent about its name."""
    emulator = serve()
    emulator.controller.identification = names or {}
    assert drive(emulator).connect().origin == Origin.REAL


def test_driver_tells_what_it_sees(serve: Serve, drive: Drive) -> None:
    """The states come in their order, with read-backs of the moment."""
    heard: list[tuple[str, dict[str, Scalar]]] = []
    drive(serve()).perform(command(), lambda phase, values: heard.append((phase, dict(values))))
    states = list(dict.fromkeys(state for state, _ in heard))
    in_order = ["idle", "pump", "base", "gas", "strike", "presputter", "deposit", "cool", "vent"]
    assert states == [state for state in in_order if state in states]
    assert {"pump", "presputter", "deposit"} <= set(states)
    assert dict(heard)["deposit"]["forward_w"] == 100.0


def test_driver_refuses_too_much_power_before_any_exchange(drive: Drive, serve: Serve) -> None:
    """Without a word in the YAML the limit is that of a 3-inch target."""
    emulator = serve()
    emulator.stop()
    error = error_of(drive(emulator, max_power_w=141.0), command(power_w=150.0))
    assert error.moved == Moved.NO
    assert "above the tool's limit of 141 W" in error.reason


def test_driver_answers_the_same_command_without_moving(serve: Serve, drive: Drive) -> None:
    """The same id twice is one film and one answer."""
    emulator = serve()
    driver = drive(emulator)
    first = driver.perform(command(), unheard)
    assert driver.perform(command(power_w=120.0), unheard) == first
    assert list(emulator.controller._world.shelf) == ["film-1.1.1"]


@pytest.mark.parametrize("command_id", ["1.1", "1.1.1.1", "0.1.1", "70000.1.1", "a.b.c", "1.1.-1", "²3.1.1", ""])
def test_driver_refuses_an_id_that_the_tool_cannot_keep(serve: Serve, drive: Drive, command_id: str) -> None:
    """A command that could not be recalled is not begun."""
    error = error_of(drive(serve()), command(command_id))
    assert error.moved == Moved.NO
    assert "must be run.step.attempt" in error.reason


# ---- a bad link -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mischief", [Mischief.DROP, Mischief.GARBLE, Mischief.SILENT, Mischief.LATE])
@pytest.mark.parametrize("state", ["pump", "deposit"])
def test_driver_outlives_a_bad_exchange(serve: Serve, drive: Drive, mischief: Mischief, state: str) -> None:
    """Cut, garbled, silent or late: it connects again, asks where the tool is, and makes the very same film."""
    emulator = serve(rate=40_000.0, misbehaviour=Misbehaviour(late_s=0.7))
    told: list[str] = []

    def report(phase: str, _values: Mapping[str, Scalar]) -> None:
        if phase == state and phase not in told:
            emulator.misbehave(mischief)
        told.append(phase)

    reading = drive(emulator, rate=40_000.0, timeout_s=0.3).perform(command(), report)
    assert reading == simulated()[0]


def test_driver_outlives_a_link_that_is_bad_all_along(serve: Serve, drive: Drive) -> None:
    """One exchange in fifty is cut and one in fifty is nonsense, and the film is the same."""
    emulator = serve(misbehaviour=Misbehaviour(drop=0.02, garble=0.02))
    driver = drive(emulator, timeout_s=0.1, patience_s=20.0)
    assert driver.perform(command(), unheard) == simulated()[0]
    assert len(emulator.controller._world.shelf) == 1


def test_driver_gives_a_dead_link_up(serve: Serve, drive: Drive) -> None:
    """A link that does not come back is a failure of the instrument, and nobody knows what moved."""
    emulator = serve(rate=20_000.0)

    def report(phase: str, _values: Mapping[str, Scalar]) -> None:
        if phase == "deposit":
            emulator.stop()

    driver = drive(emulator, rate=20_000.0, timeout_s=0.1, patience_s=0.3)
    with pytest.raises(InstrumentError, match="did not come back") as caught:
        driver.perform(command(), report)
    assert (caught.value.failure, caught.value.moved) == (FailureClass.INSTRUMENT, Moved.UNKNOWN)


def test_driver_without_a_tool_says_so(serve: Serve, drive: Drive) -> None:
    """Nobody at the other end: connecting fails within seconds, performing says that nothing moved."""
    emulator = serve()
    emulator.stop()
    driver = drive(emulator, timeout_s=0.1, patience_s=0.2)
    with pytest.raises(LinkLost, match="cannot be reached"):
        driver.connect()
    assert error_of(driver, command()).moved == Moved.NO


# ---- a bad tool -------------------------------------------------------------------------------------------------


def test_driver_reads_set_points_back(serve: Serve, drive: Drive) -> None:
    """A set-point that is acknowledged and not taken is found before anything moves."""
    error = error_of(drive(serve(ignore=("power_w",))), command())
    assert (error.failure, error.moved) == (FailureClass.INSTRUMENT, Moved.NO)
    assert "set-point power_w: 100 W was written, the tool holds 0 W" in error.reason


def test_driver_passes_a_refusal_of_the_tool_on(serve: Serve, drive: Drive) -> None:
    """The tool's own limit may be lower than the driver's."""
    error = error_of(drive(serve(max_power_w=90.0)), command())
    assert (error.failure, error.moved) == (FailureClass.INSTRUMENT, Moved.NO)
    assert "refuses power_w=100 W: value not allowed" in error.reason


def test_driver_notices_a_frozen_controller(serve: Serve, drive: Drive) -> None:
    """A controller whose tick counter stands still is not believed for long."""
    error = error_of(drive(serve(rate=5_000.0, stick=("ticks",)), patience_s=0.1), command())
    assert (error.failure, error.moved) == (FailureClass.INSTRUMENT, Moved.UNKNOWN)
    assert "it is frozen" in error.reason


def test_driver_notices_that_the_tool_was_started_anew(serve: Serve, drive: Drive) -> None:
    """A controller that starts anew in mid-deposition has lost the film; it is not deposited again by itself."""
    emulator = serve(restart_in_deposit=1.0)
    error = error_of(drive(emulator), command())
    assert (error.failure, error.moved) == (FailureClass.INSTRUMENT, Moved.YES)
    assert "forgot command 1.1.1 while it ran" in error.reason
    assert not emulator.controller._world.shelf


def test_driver_does_not_begin_with_an_open_door(serve: Serve, drive: Drive) -> None:
    """Interlocks are read before the first command, and told in words."""
    emulator = serve()
    emulator.controller.take_away("door_closed", "water_ok")
    error = error_of(drive(emulator), command())
    assert (error.failure, error.moved) == (FailureClass.INSTRUMENT, Moved.NO)
    assert "the door is open, no cooling water" in error.reason


def test_driver_does_not_begin_at_a_latched_fault(serve: Serve, drive: Drive) -> None:
    """Only a person resets a fault."""
    faults = NO_FAULTS.model_copy(update={"cooling_water": 1.0})
    driver = drive(serve(faults=faults, attended=False))
    assert error_of(driver, command()).moved == Moved.YES
    again = error_of(driver, command("2.1.1"))
    assert again.moved == Moved.NO
    assert "latched fault: cooling water tripped; check the water flow, then reset it there" in again.reason


@pytest.mark.parametrize(
    "fault",
    ["link_lost", "interlock", "target_crack", "arcing", "mismatch", "pressure_off", "cooling_water", "vacuum"],
)
def test_driver_gives_a_fault_the_class_that_the_simulation_gives_it(serve: Serve, drive: Drive, fault: str) -> None:
    """An alarm code means to the campaign what the simulated fault means, moved or not."""
    faults = NO_FAULTS.model_copy(update={fault: 1e6})
    error, expected = error_of(drive(serve(faults=faults)), command()), simulated(faults)[0]
    assert isinstance(expected, InstrumentError)
    assert (error.failure, error.moved) == (expected.failure, expected.moved)


def test_driver_tells_what_an_alarm_looked_like(serve: Serve, drive: Drive) -> None:
    """The read-backs in the reason are those of the moment of the alarm, not of the cold tool."""
    faults = NO_FAULTS.model_copy(update={"mismatch": 1.0})
    reason = error_of(drive(serve(faults=faults)), command()).reason
    assert "alarm 4: reflected power above its limit; check the matching network" in reason
    assert "forward 100 W, reflected 17.6 W" in reason
    assert "(in cool: " in reason


def test_driver_that_stops_beating_loses_its_plasma(serve: Serve, drive: Drive) -> None:
    """The tool's watchdog drops RF; the driver hears of it afterwards."""
    emulator = serve(rate=20_000.0, watchdog_s=0.2)
    heard: list[str] = []

    def hang(phase: str, _values: Mapping[str, Scalar]) -> None:
        if phase == "deposit" and "deposit" not in heard:
            time.sleep(0.6)
        heard.append(phase)

    with pytest.raises(InstrumentError, match="the watchdog dropped RF"):
        drive(emulator, rate=20_000.0).perform(command(), hang)
    assert not emulator.controller._world.shelf


# ---- halting and doubt ------------------------------------------------------------------------------------------


def performing(driver: ModbusSputter, asked: Command) -> tuple[threading.Thread, list[Any]]:
    """Perform in another thread; its outcome is put into the list."""
    outcome: list[Any] = []

    def work() -> None:
        try:
            outcome.append(driver.perform(asked, unheard))
        except InstrumentError as error:
            outcome.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, outcome


def test_driver_halts_from_another_thread_within_a_second(serve: Serve, drive: Drive) -> None:
    """RF is off when `halt` comes back, and what was under way says that it was halted."""
    emulator = serve(rate=2_000.0)
    driver = drive(emulator, rate=2_000.0)
    thread, outcome = performing(driver, command(thickness_nm=20.0))
    until(lambda: shows(emulator, "pump"))
    begin = time.monotonic()
    driver.halt()
    driver.halt()
    assert time.monotonic() - begin < 2.0
    thread.join(5)
    assert emulator.memory.map.alarm(emulator.memory.shown("alarm"))[0] == "halted"
    assert (outcome[0].failure, outcome[0].moved) == (FailureClass.HALTED, Moved.YES)


def test_driver_that_is_halted_as_it_begins_does_not_go_on(serve: Serve, drive: Drive) -> None:
    """A halt in the instant of the first command is not overtaken by it."""
    emulator = serve()
    driver = drive(emulator)

    def report(phase: str, _values: Mapping[str, Scalar]) -> None:
        if phase == "idle":
            driver.halt()

    with pytest.raises(InstrumentError, match="halted by command"):
        driver.perform(command(), report)
    assert emulator.memory.map.outcome(emulator.memory.shown("outcome")) != "running"
    assert not emulator.controller._world.shelf


def test_driver_halts_without_waiting_for_a_silent_tool(serve: Serve, drive: Drive) -> None:
    """Halting has a connection of its own, and is back within a second when nobody answers."""
    emulator = serve(rate=2_000.0)
    driver = drive(emulator, rate=2_000.0, timeout_s=30.0, patience_s=60.0)
    thread, outcome = performing(driver, command())
    until(lambda: shows(emulator, "pump"))
    emulator.misbehave(*[Mischief.SILENT] * 50)
    time.sleep(0.05)
    begin = time.monotonic()
    driver.halt()
    assert time.monotonic() - begin < 1.0
    emulator.cut()
    thread.join(5)
    assert outcome[0].failure == FailureClass.HALTED


def test_driver_works_again_after_a_halt(serve: Serve, drive: Drive) -> None:
    """The tool winds down by itself, and the next command waits for it."""
    emulator = serve()
    driver = drive(emulator)
    thread, _ = performing(driver, command(thickness_nm=4000.0))
    until(lambda: shows(emulator, "deposit"))
    driver.halt()
    thread.join(5)
    time.sleep(1.0)  # a command right after a halt is taken for one that the halt was meant for
    assert driver.perform(command("2.1.1"), unheard).sample == "film-2.1.1"


def test_driver_does_not_begin_right_after_a_halt(serve: Serve, drive: Drive) -> None:
    """A halt that overtakes its command holds it back."""
    driver = drive(serve())
    driver.halt()
    error = error_of(driver, command())
    assert (error.failure, error.moved) == (FailureClass.HALTED, Moved.NO)


def test_tool_remembers_what_a_dead_driver_has_begun(serve: Serve, drive: Drive) -> None:
    """After a crash: still running, then waited for by another driver, with the same film; then done."""
    emulator = serve(rate=20_000.0)
    first = drive(emulator, rate=20_000.0)
    thread, _ = performing(first, command())
    until(lambda: shows(emulator, "presputter"))

    def die() -> Any:
        raise InstrumentError(FailureClass.INSTRUMENT, "the process is gone")

    first._remote._view.look_and_beat = die  # type: ignore[method-assign]  # it neither looks nor beats any more
    thread.join(5)
    second = drive(emulator, rate=20_000.0)
    assert second.recall("1.1.1").memory == Memory.RUNNING
    reading = second.perform(command(), unheard)
    assert reading == simulated()[0]
    third = drive(emulator, rate=20_000.0).recall("1.1.1")
    assert (third.memory, third.reading) == (Memory.DONE, reading)


@pytest.mark.parametrize(
    ("campaign", "command_id", "memory"),
    [
        ("here", "2.1.1", Memory.DONE),
        ("here", "2.1.2", Memory.NEVER),
        ("here", "3.1.1", Memory.NEVER),
        ("here", "1.1.1", Memory.UNKNOWN),
        ("elsewhere", "2.1.1", Memory.UNKNOWN),
    ],
)
def test_tool_remembers_one_command_of_one_campaign(
    serve: Serve, drive: Drive, campaign: str, command_id: str, memory: Memory
) -> None:
    """Later commands of the same campaign never began; of anything else it knows nothing."""
    emulator = serve()
    drive(emulator).perform(command("2.1.1"), unheard)
    assert drive(emulator, campaign=campaign).recall(command_id).memory == memory


def test_tool_that_was_started_anew_knows_nothing(serve: Serve, drive: Drive) -> None:
    """A forgetful tool is no witness that nothing began."""
    emulator = serve()
    drive(emulator).perform(command(), unheard)
    emulator.controller.restart()
    assert drive(emulator).recall("2.1.1").memory == Memory.UNKNOWN


def test_failed_command_is_told_again_after_a_crash(serve: Serve, drive: Drive) -> None:
    """Recalled as running, and performing the same id again tells the failure instead of depositing."""
    emulator = serve(faults=NO_FAULTS.model_copy(update={"arcing": 1.0}))
    first = error_of(drive(emulator), command())
    driver = drive(emulator)
    assert driver.recall("1.1.1").memory == Memory.RUNNING
    assert error_of(driver, command()).failure == first.failure == FailureClass.INFEASIBLE


def test_same_id_of_another_campaign_is_deposited(serve: Serve, drive: Drive) -> None:
    """A new campaign of the same name begins with 1.1.1 again, and does not get the old film."""
    emulator = serve()
    old = drive(emulator).perform(command(), unheard)
    new = drive(emulator).perform(command(thickness_nm=50.0), unheard)
    assert new.thickness_nm < 0.7 * old.thickness_nm


def test_driver_does_not_take_a_tool_from_somebody_else(serve: Serve, drive: Drive) -> None:
    """A running command of another campaign is left alone."""
    emulator = serve(rate=20_000.0)
    thread, _ = performing(drive(emulator, rate=20_000.0), command())
    until(lambda: shows(emulator, "pump"))
    error = error_of(drive(emulator, rate=20_000.0, campaign="elsewhere"), command("5.1.1"))
    assert error.moved == Moved.NO
    assert "busy with command 1.1.1 of somebody else" in error.reason
    thread.join(20)


# ---- the evaporator ---------------------------------------------------------------------------------------------


@pytest.fixture
def evaporator() -> Iterator[tuple[World, ModbusEvaporator]]:
    """An emulated evaporator with one film on the shelf, and its driver."""
    world = World(RATE, chance)
    world.shelf["film-1.1.1"] = Film("film-1.1.1", 1.9, 800.0)
    emulator = EmulatedEvaporator(name="evaporator", world=world, port=0)
    emulator.start()
    driver = ModbusEvaporator(name="evaporator", host="127.0.0.1", port=emulator.port, rate=RATE)
    yield world, driver
    driver.close()
    emulator.stop()


def test_evaporator_puts_an_electrode_on_the_film_of_the_same_world(
    evaporator: tuple[World, ModbusEvaporator],
) -> None:
    """Its nominal area comes back; the true one, which differs, is in the world."""
    world, driver = evaporator
    asked = Command("evaporator", "electrode", {"sample": "film-1.1.1", "diameter_mm": 1.0}, "1.2.1")
    assert driver.perform(asked, unheard).area_cm2 == pytest.approx(0.00785, rel=1e-3)
    assert world.film("film-1.1.1").area_cm2 == pytest.approx(0.00785, rel=0.2)
    assert driver.recall("1.2.1").memory == Memory.DONE
    assert driver.connect().origin == Origin.SIMULATED


@pytest.mark.parametrize("sample", ["film-9.1.1", "my film"])
def test_evaporator_needs_a_film(evaporator: tuple[World, ModbusEvaporator], sample: str) -> None:
    """A sample that the tool does not have, or whose name it cannot keep, moves nothing."""
    _, driver = evaporator
    with pytest.raises(InstrumentError) as caught:
        driver.perform(Command("evaporator", "electrode", {"sample": sample, "diameter_mm": 1.0}, "1.2.1"), unheard)
    assert (caught.value.failure, caught.value.moved) == (FailureClass.INSTRUMENT, Moved.NO)
