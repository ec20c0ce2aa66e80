"""The emulated controller on a wall clock that the test turns: interlocks, watchdog, latched faults. No socket."""

from dataclasses import dataclass, field

import pytest

from instruments.emulation import World
from instruments.modbus.wire import Code, Refusal
from instruments.sputter.emulator import EmulatedSputter
from instruments.sputter.faults import SputterFaults
from orchestrator.chance import stream

RATE = 3600.0
SET_POINTS = {
    "distance_cm": 6.0,
    "power_w": 100.0,
    "pressure_pa": 0.9,
    "thickness_nm": 400.0,
    "max_hours": 24.0,
    "ramp_w_min": 7.0,
    "flow_sccm": 40.0,
    "campaign": 9.0,
    "run": 4.0,
    "step": 1.0,
    "attempt": 1.0,
}
NO_FAULTS = SputterFaults.model_validate(dict.fromkeys(SputterFaults.model_fields, 0.0))


@dataclass
class Bench:
    """An emulated tool, and the hands and eyes of a host without a socket. An hour passes in a second."""

    faults: SputterFaults = NO_FAULTS
    attended: bool = True
    now_s: float = 1000.0
    beats: int = 0
    emulator: EmulatedSputter = field(init=False)

    def __post_init__(self) -> None:
        """Build the tool."""
        world = World(RATE, lambda command: stream(3, "step", command), wall_s=lambda: self.now_s)
        self.emulator = EmulatedSputter(name="sputter", world=world, port=0, faults=self.faults, attended=self.attended)
        self.emulator.stop()  # no socket is wanted here
        self.map = self.emulator.memory.map
        self.controller = self.emulator.controller

    def write(self, **values: float) -> None:
        """Write set-points."""
        for name, value in values.items():
            register = self.map.holding[name]
            self.controller.write("holding", register.address, register.encode(value, "big"))

    def set(self, coil: str) -> None:
        """Set a coil."""
        self.controller.write("coils", self.map.coils[coil], [1])

    def read(self, name: str) -> float:
        """Return a read-back."""
        register = self.map.input[name]
        return register.decode(self.controller.read("input", register.address, register.size), "big")

    def bit(self, name: str) -> bool:
        """Return a discrete input."""
        return bool(self.controller.read("discrete_inputs", self.map.discrete_inputs[name], 1)[0])

    @property
    def state(self) -> str:
        """The state word."""
        return self.map.state(self.read("state"))

    @property
    def alarm(self) -> str:
        """The alarm's name."""
        return self.map.alarm(self.read("alarm"))[0]

    @property
    def outcome(self) -> str:
        """The outcome of the latest command."""
        return self.map.outcome(self.read("outcome"))

    def beat(self) -> None:
        """Change the heartbeat."""
        self.beats += 1
        self.write(heartbeat=self.beats)

    def wait_for(self, state: str) -> None:
        """Let time pass, with a heartbeat every tenth of a second on the wall, until the tool waits in a state."""
        for _ in range(2000):
            self.beat()
            if self.state == state:
                return
            self.now_s += 0.1
        pytest.fail(f"the tool is in {self.state}, not in {state}")

    def wait_ready(self, state: str) -> None:
        """Let time pass until the tool waits for the next command in a state."""
        self.wait_for(state)
        while not self.bit("ready"):
            self.now_s += 0.1
            self.beat()

    def go_to(self, state: str) -> None:
        """Command a deposition up to a state."""
        self.write(**SET_POINTS)
        self.set("pump")
        for waiting, coil, following in (
            ("base", "gas", "gas"),
            ("gas", "rf", "strike"),
            ("presputter", "shutter", "deposit"),
            ("cool", "vent", "vent"),
        ):
            if self.state == state:
                return
            self.wait_ready(waiting)
            self.set(coil)
            assert self.state == following
        assert self.state == state


def test_controller_carries_a_deposition_to_its_end() -> None:
    """Every command in its turn makes a film, and the tool keeps its record and whose it is."""
    bench = Bench()
    bench.go_to("vent")
    bench.wait_for("idle")
    assert bench.outcome == "done"
    assert [bench.read(f"accepted_{name}") for name in ("campaign", "run", "step", "attempt")] == [9, 4, 1, 1]
    assert bench.read("film_thickness_nm") == pytest.approx(400.0, rel=0.2)
    assert bench.read("forward_w") == 0


@pytest.mark.parametrize("coil", ["gas", "rf", "shutter", "vent"])
def test_controller_refuses_commands_out_of_turn(coil: str) -> None:
    """At rest nothing but pumping may begin."""
    with pytest.raises(Refusal) as refusal:
        Bench().set(coil)
    assert refusal.value.code == Code.BUSY


@pytest.mark.parametrize(
    ("name", "value"),
    [("power_w", 301.0), ("pressure_pa", 0.1), ("pressure_pa", 5.5), ("distance_cm", 2.0), ("ramp_w_min", 11.0)],
)
def test_controller_refuses_set_points_beyond_the_tool(name: str, value: float) -> None:
    """The tool has limits of its own, and keeps what it held."""
    bench = Bench()
    bench.write(**SET_POINTS)
    with pytest.raises(Refusal) as refusal:
        bench.write(**{name: value})
    assert refusal.value.code == Code.VALUE
    assert bench.emulator.memory.set_point(name) == SET_POINTS[name]


@pytest.mark.parametrize("state", ["strike", "deposit"])
def test_controller_moves_nothing_with_power_on(state: str) -> None:
    """Set-points, the distance among them, change while the tool is idle only."""
    bench = Bench()
    bench.go_to(state)
    with pytest.raises(Refusal) as refusal:
        bench.write(distance_cm=8.0)
    assert refusal.value.code == Code.BUSY


def test_controller_does_not_vent_hot() -> None:
    """Venting waits until the tool has cooled down."""
    bench = Bench()
    bench.go_to("deposit")
    bench.wait_for("cool")
    assert bench.bit("hot")
    with pytest.raises(Refusal):
        bench.set("vent")


def test_controller_does_not_pump_with_an_open_door() -> None:
    """An interlock stands in the tool, not in the planner."""
    bench = Bench()
    bench.write(**SET_POINTS)
    bench.controller.take_away("door_closed")
    with pytest.raises(Refusal) as refusal:
        bench.set("pump")
    assert refusal.value.code == Code.FAULT


def test_controller_trips_when_a_door_opens_with_power_on() -> None:
    """It drops RF at once and latches until a person resets it."""
    bench = Bench(attended=False)
    bench.go_to("deposit")
    bench.controller.take_away("door_closed")
    assert not bench.bit("rf_on")
    assert (bench.alarm, bench.outcome) == ("interlock", "failed")
    bench.controller.take_away()
    bench.wait_for("fault")
    bench.set("reset")
    assert bench.state == "idle"


@pytest.mark.parametrize(("silent_s", "alarm"), [(9.9, "none"), (10.1, "watchdog")])
def test_controller_drops_rf_without_a_heartbeat(silent_s: float, alarm: str) -> None:
    """Ten seconds on the wall, and nobody needs to look for it to happen."""
    bench = Bench()
    bench.go_to("strike")
    bench.wait_for("presputter")
    bench.now_s += silent_s
    assert bench.bit("rf_on") == (alarm == "none")
    assert bench.outcome == ("running" if alarm == "none" else "failed")
    if alarm != "none":
        assert bench.alarm == alarm


def test_controller_heartbeat_must_change() -> None:
    """A host that hangs and repeats its last word does not count as alive."""
    bench = Bench()
    bench.go_to("strike")
    bench.wait_for("presputter")
    for _ in range(110):
        bench.now_s += 0.1
        bench.write(heartbeat=bench.beats)
    assert bench.alarm == "watchdog"


def test_controller_halts_and_winds_down() -> None:
    """Halted, it has RF off at once, cools, vents and is then ready for the next command."""
    bench = Bench()
    bench.go_to("deposit")
    bench.set("halt")
    assert not bench.bit("rf_on")
    assert bench.read("forward_w") == 0
    assert (bench.state, bench.alarm) == ("cool", "halted")
    bench.wait_for("idle")


def test_controller_at_rest_does_not_mind_a_halt() -> None:
    """Halting twice, or with nothing under way, changes nothing."""
    bench = Bench()
    bench.set("halt")
    bench.set("halt")
    assert (bench.state, bench.outcome) == ("idle", "none")


@pytest.mark.parametrize("attended", [True, False])
def test_controller_latches_faults_for_a_person(*, attended: bool) -> None:
    """Cooling water trips the tool; unattended it stays so, however long one waits, until somebody resets it."""
    bench = Bench(NO_FAULTS.model_copy(update={"cooling_water": 1.0}), attended=attended)
    bench.go_to("deposit")
    bench.wait_ready("cool")
    bench.set("vent")
    bench.wait_for("idle" if attended else "fault")
    bench.now_s += 1000.0
    assert (bench.alarm, bench.outcome) == ("cooling_water", "failed")
    if not attended:
        assert bench.state == "fault"
        with pytest.raises(Refusal):
            bench.set("pump")
        bench.set("reset")
        assert bench.state == "idle"


def test_controller_shows_no_alarm_before_its_cause() -> None:
    """That plasma will not burn is not known while the tool still waits for RF, and is seen when it strikes."""
    bench = Bench(NO_FAULTS.model_copy(update={"ignition": 1e6}))
    bench.write(**SET_POINTS)
    bench.set("pump")
    bench.wait_ready("base")
    bench.set("gas")
    bench.wait_ready("gas")
    assert bench.read("alarm") == 0
    bench.set("rf")
    assert (bench.state, bench.alarm) == ("strike", "no_plasma")
    assert bench.read("reflected_w") == pytest.approx(0.97 * bench.read("forward_w"))


def test_controller_forgets_when_it_is_started_anew() -> None:
    """The film is lost, the command unknown, and the count of starts tells."""
    bench = Bench()
    starts = bench.read("starts")
    bench.go_to("deposit")
    bench.controller.restart()
    assert bench.read("accepted_run") == 0
    assert bench.outcome == "none"
    assert bench.read("starts") == starts + 1
    assert not bench.bit("rf_on")
