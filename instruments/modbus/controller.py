"""An emulated controller: a simulated tool behind registers, with interlocks, latched faults and a watchdog.

Rule of this file: nothing happens by itself. Every exchange first lets pass what the wall clock says has passed since
the last one, in the order in which it happened, so that no thread of its own is needed and no race can be lost.
"""

import math
from collections.abc import Generator, Mapping

from instruments.driver import (
    Command,
    FailureClass,
    InstrumentError,
    Moved,
    Phase,
    PhasedInstrument,
    Reading,
    Scalar,
)
from instruments.emulation import World
from instruments.faults import refuse_forbidden
from instruments.modbus.anatomy import Anatomy
from instruments.modbus.memory import Memory
from instruments.modbus.player import Player, Script
from instruments.modbus.wire import Code, Refusal

ID = ("campaign", "run", "step", "attempt")
RESET_S = 3600.0


class Controller:
    """The tables of one emulated tool.

    Args:
        memory: Its registers.
        world: Time, chance and the films.
        tool: The simulated tool behind it.
        anatomy: What kind of tool it is.
        watchdog_s: Without a heartbeat for so long, s on the wall, the armed tool trips.
        attended: Whether a simulated person clears latched faults, after an hour of lab time.
        model: Its name in the identification.
    """

    def __init__(
        self,
        *,
        memory: Memory,
        world: World,
        tool: PhasedInstrument,
        anatomy: Anatomy,
        watchdog_s: float,
        attended: bool,
        model: str,
    ) -> None:
        self.identification = {0: "closed-loop-campaign emulator", 1: f"emulated {model}", 2: f"rate {world.rate:g}"}
        self.ignored: set[str] = set()
        self.restart_chance = 0.0
        self._memory, self._world, self._tool, self._anatomy = memory, world, tool, anatomy
        self._watchdog_s, self._attended = watchdog_s, attended
        self._player: Player | None = None
        self._rest, self._latched, self._away = "idle", False, frozenset[str]()
        self._beat_at, self._restart_at, self._grown_s = -math.inf, math.inf, 0.0
        self._born = world.wall_s()
        memory.show({"starts": 1})
        self._show()

    # ---- what the wire asks --------------------------------------------------------------------------------------

    def read(self, table: str, address: int, count: int) -> list[int]:
        """Return cells as they are now. Raises `Refusal`."""
        with self._world.lock:
            self.advance()
            return self._memory.cells(table, address, count)

    def write(self, table: str, address: int, values: list[int]) -> None:
        """Take set-points or commands. Raises `Refusal`."""
        with self._world.lock:
            self.advance()
            if table == "holding":
                self._take_words(address, values)
            else:
                names = {number: name for name, number in self._memory.map.coils.items()}
                for number, value in enumerate(values, start=address):
                    if number not in names:
                        raise Refusal(Code.ADDRESS)
                    self._take_coil(names[number], on=bool(value))
            self._show()

    def _take_words(self, address: int, values: list[int]) -> None:
        memory = self._memory
        before, names = memory.cells("holding", address, len(values)), memory.names(address, len(values))
        if set(names) != {"heartbeat"} and self._state != "idle":
            raise Refusal(Code.BUSY)
        if set(names) & self.ignored:
            return
        memory.put("holding", address, values)
        try:
            for name in names:
                self._check_limit(name, memory.set_point(name))
        except Refusal:
            memory.put("holding", address, before)
            raise
        if "heartbeat" in names and before != values:
            self._beat_at = self._world.wall_s()

    def _check_limit(self, name: str, value: float) -> None:
        quantity = self._tool.actions[self._anatomy.action].settings.get(name)
        low, high = self._anatomy.limits.get(name, (None, None))
        if quantity is not None:
            low, high = quantity.low, quantity.high
        if (low is not None and value < low) or (high is not None and value > high):
            raise Refusal(Code.VALUE)

    def _take_coil(self, coil: str, *, on: bool) -> None:
        if coil == "reset" and on:
            self.reset()
        elif coil == "halt" and on:
            self.abort("halted", "halted by command")
        elif coil in self._anatomy.interlocks and on:
            self._obey(coil)
        elif on:
            raise Refusal(Code.FUNCTION)

    def _obey(self, coil: str) -> None:
        interlock, bits = self._anatomy.interlocks[coil], self._bits()
        if self._latched or self._state not in interlock.states:
            raise Refusal(Code.BUSY)
        if not all(bits[name] for name in interlock.needs) or any(bits[name] for name in interlock.forbids):
            raise Refusal(Code.FAULT)
        if coil == next(iter(self._anatomy.interlocks)):
            self._begin()
        elif self._player is not None:
            self._player.open(coil, self._world.wall_s())

    # ---- what passes ---------------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Let pass what has passed since the last exchange, in its order."""
        now = self._world.wall_s()
        while True:
            trip_at = self._beat_at + self._watchdog_s if self._state in self._anatomy.armed else math.inf
            due = self._player.due if self._player else math.inf
            first = min(trip_at, self._restart_at, due)
            if first > now:
                break
            if first == self._restart_at:
                self.restart()
            elif first == trip_at:
                self.abort("watchdog", "no heartbeat", at=first)
            else:
                self._end_phase()
        self._show()

    def _begin(self) -> None:
        memory, action = self._memory, self._tool.actions[self._anatomy.action]
        words = {name: int(memory.set_point(name)) for name in ID}
        number = ".".join(str(words[name]) for name in ID[1:])
        command = Command(self._tool.name, self._anatomy.action, self._settings(action.settings), number)
        try:
            refuse_forbidden(command, self._tool.actions)
        except InstrumentError as error:
            raise Refusal(Code.VALUE) from error
        memory.show({f"accepted_{name}": words[name] for name in ID})
        memory.show({"commands": (memory.shown("commands") + 1) % 65_536})
        memory.show({"outcome": memory.map.outcomes["running"], "alarm": 0, "thickness_nm": 0.0, "deposition_h": 0.0})
        rng = self._world.chance(number)
        self._grown_s, now = 0.0, self._world.wall_s()
        self._player = Player(self._tool.phases(command, rng), self._anatomy.script, self._world.wall_of, at=now)
        self._settle()

    def _settings(self, wanted: Mapping[str, object]) -> dict[str, Scalar]:
        if self._anatomy.settings is not None:
            return self._anatomy.settings(self._memory)
        return {name: self._memory.set_point(name) for name in wanted}

    def _end_phase(self) -> None:
        player = self._player
        if player is None:
            return
        ended = player.end_phase()
        if ended.name == self._anatomy.growing:
            self._grown_s += ended.duration_s
        self._memory.show(_numbers(ended.telemetry))
        begins_to_grow = player.phase.name == self._anatomy.growing != ended.name and not player.is_over
        if begins_to_grow and self._restart_strikes():
            self._restart_at = player.began + self._world.wall_of(player.phase.duration_s) / 2
        self._settle()

    def _settle(self) -> None:
        """Take the ending of the action, or of winding down, if it has come."""
        player = self._player
        if player is None or not player.is_over:
            return
        self._player, ending = None, player.ending
        if isinstance(ending, Reading):
            kept = {f"{self._anatomy.record}{name}": value for name, value in _numbers(ending.values).items()}
            self._memory.show(kept | {"outcome": self._memory.map.outcomes["done"]})
        elif isinstance(ending, InstrumentError):
            self._fail(self._alarm(ending), ending)
        else:
            self._rest, self._latched = ("fault", True) if self._latched and not self._attended else ("idle", False)

    def _fail(self, alarm: str, error: InstrumentError) -> None:
        codes = self._memory.map
        self._memory.show({"outcome": codes.outcomes["failed"], "alarm": codes.alarms[alarm].code})
        latches = error.failure == FailureClass.SAFETY or (
            not self._attended and error.failure == FailureClass.INSTRUMENT and error.moved != Moved.NO
        )
        if latches:
            self._latch()

    def _latch(self) -> None:
        self._rest, self._latched = "fault", True
        if self._attended:
            self._wind_down((Phase("a person resets the tool", RESET_S),), self._world.wall_s())

    def _alarm(self, error: InstrumentError) -> str:
        if error.moved == Moved.NO:
            return "not_started"
        fault = getattr(self._tool, "latest_fault", "")
        return fault if fault in self._memory.map.alarms else "interlock"

    def abort(self, alarm: str, reason: str, *, at: float | None = None) -> None:
        """Break off what is under way: power off at once, then cool and unload. Nothing happens to a tool at rest."""
        if self._player is None or self._is_winding_down:
            return
        is_hot = self._state in self._anatomy.armed or self._state == "cool"
        self._player.halt(reason)
        self._player = None
        codes = self._memory.map
        self._memory.show({"outcome": codes.outcomes["failed"], "alarm": codes.alarms[alarm].code})
        self._latched = codes.alarms[alarm].failure == FailureClass.SAFETY or (not self._attended and alarm != "halted")
        phases = self._anatomy.wind_down if is_hot else self._anatomy.wind_down[1:]
        self._wind_down(phases, self._world.wall_s() if at is None else at)

    def _wind_down(self, phases: tuple[Phase, ...], at: float) -> None:
        def one_by_one() -> Generator[Phase, None, None]:
            yield from phases

        ungated = Script(self._anatomy.script.states, {}, {}, "fault")
        self._player = Player(one_by_one(), ungated, self._world.wall_of, at=at)
        self._restart_at = math.inf
        self._settle()

    # ---- what people and bad luck do -----------------------------------------------------------------------------

    def reset(self) -> None:
        """Clear a latched fault, as the person at the tool does."""
        if self._player is None:
            self._rest, self._latched = "idle", False

    def restart(self) -> None:
        """Start the controller anew: it forgets what it did, and the film is lost."""
        starts = self._memory.shown("starts")
        if self._player is not None and not self._is_winding_down:
            self.abort("restarted", "the controller started anew")
        self._restart_at = math.inf
        for table in ("holding", "input", "coils"):
            self._memory.clear(table)
        self._memory.show({"starts": starts + 1, "alarm": self._memory.map.alarms["restarted"].code})

    def take_away(self, *bits: str) -> None:
        """Switch interlock bits off, as an open door does; with power on, the tool trips. None puts them back."""
        with self._world.lock:
            self.advance()
            self._away = frozenset(bits)
            if bits and self._state in self._anatomy.armed:
                self.abort("interlock", f"lost {', '.join(bits)}")
            self._show()

    def _restart_strikes(self) -> bool:
        if self.restart_chance == 0:
            return False
        number = ".".join(str(int(self._memory.shown(f"accepted_{name}"))) for name in ID[1:])
        return bool(self._world.chance(f"restart {number}").random() < self.restart_chance)

    # ---- what shows ----------------------------------------------------------------------------------------------

    @property
    def _is_winding_down(self) -> bool:
        return self._player is not None and self._memory.shown("outcome") != self._memory.map.outcomes["running"]

    @property
    def _state(self) -> str:
        return self._player.shown if self._player is not None else self._rest

    def _bits(self) -> dict[str, bool]:
        bits = {name: self._state in states and name not in self._away for name, states in self._anatomy.bits.items()}
        bits["ready"] = self._player is not None and bool(self._player.gate)
        if bits["ready"]:
            bits["hot"] = False
        return bits | {"fault": self._latched}

    def _show(self) -> None:
        """Bring state word, bits and live read-backs up to this instant."""
        memory, now = self._memory, self._world.wall_s()
        for name, is_on in self._bits().items():
            memory.turn("discrete_inputs", name, on=is_on)
        memory.show({"state": memory.map.states[self._state], "ticks": int((now - self._born) * 1000) % 65_536})
        player = self._player
        if player is None or self._is_winding_down:
            memory.show(self._anatomy.at_rest)
            return
        fault = memory.map.alarms.get(getattr(self._tool, "latest_fault", ""))
        if fault is not None and not player.gate:  # a phase that still waits for its coil has not shown its fault
            memory.show({"alarm": fault.code})
        live = {} if player.gate else _numbers(player.phase.telemetry)
        has_power = player.state in self._anatomy.armed or self._anatomy.at_rest.keys() <= live.keys()
        if has_power or fault is None:  # with a fault, what was seen last stays for the person who looks for its cause
            memory.show(live if has_power else self._anatomy.at_rest)
        if player.phase.name == self._anatomy.growing and not player.gate:
            grown_s = self._grown_s + (now - player.began) / self._world.wall_of(1.0)
            rate = live.get("rate_nm_min", 0.0)
            memory.show({"deposition_h": grown_s / 3600, "thickness_nm": rate * grown_s / 60})


def _numbers(values: Mapping[str, Scalar]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if not isinstance(value, str)}
