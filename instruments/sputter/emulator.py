"""The simulated sputter tool behind a Modbus TCP server on loopback, for rehearsals and for testing the driver.

What it does to a film is what `SimulatedSputter` does: the same phases from the same stream of chance. Around them
stand the tool's interlocks, its watchdog and its latched faults.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from instruments.driver import Phase
from instruments.emulation import LoopbackEmulator, Misbehaviour, World
from instruments.emulation.misbehaviour import GOOD_LINK, Chance
from instruments.modbus.anatomy import Anatomy, Interlock
from instruments.modbus.controller import Controller
from instruments.modbus.memory import Memory
from instruments.modbus.player import Script
from instruments.modbus.registers import RegisterMap, read_map
from instruments.modbus.wire import answer_to
from instruments.sputter.faults import SPUTTER_FAULTS, SputterFaults
from instruments.sputter.simulated import SimulatedSputter

REGISTERS = Path(__file__).with_name("registers.yaml")
WITH_POWER = frozenset({"strike", "presputter", "deposit"})
AFTER_PUMPING = frozenset({"base", "gas", *WITH_POWER, "cool"})
ALWAYS = frozenset({"idle", "pump", "vent", "fault", *AFTER_PUMPING})

SPUTTER = Anatomy(
    action="deposit",
    script=Script(
        states={
            "load and close": "pump",
            "pump": "pump",
            "gas and pressure settle": "gas",
            "strike": "strike",
            "strike at 2 Pa and step down": "strike",
            "ramp": "strike",
            "pre-sputter": "presputter",
            "deposit": "deposit",
            "cool": "cool",
            "vent": "vent",
            "unload": "vent",
            "maintenance: new target": "vent",
        },
        gates={
            ("pump", "gas"): "gas",
            ("gas", "strike"): "rf",
            ("presputter", "deposit"): "shutter",
            ("cool", "vent"): "vent",
        },
        done={"pump": "base"},
        otherwise="cool",
    ),
    interlocks={
        "pump": Interlock(frozenset({"idle"}), ("door_closed", "water_ok"), ("fault",)),
        "gas": Interlock(frozenset({"base"}), ("base_ok", "door_closed")),
        "rf": Interlock(frozenset({"gas"}), ("pressure_ok", "door_closed", "water_ok", "ready")),
        "shutter": Interlock(frozenset({"presputter"}), ("rf_on", "ready")),
        "vent": Interlock(frozenset({"cool"}), ("ready",), ("rf_on", "hot")),
    },
    bits={
        "door_closed": ALWAYS,
        "water_ok": ALWAYS,
        "base_ok": AFTER_PUMPING,
        "pressure_ok": frozenset({"gas", *WITH_POWER}),
        "rf_on": WITH_POWER,
        "shutter_open": frozenset({"deposit"}),
        "hot": WITH_POWER | {"cool"},
    },
    armed=WITH_POWER,
    growing="deposit",
    record="film_",
    at_rest={"forward_w": 0.0, "reflected_w": 0.0, "bias_v": 0.0, "rate_nm_min": 0.0},
    wind_down=(Phase("cool", 40 * 60.0), Phase("vent", 12 * 60.0), Phase("unload", 10 * 60.0)),
    limits={"ramp_w_min": (1.0, 10.0), "flow_sccm": (1.0, 200.0)},
)


class EmulatedSputter(LoopbackEmulator):
    """A sputter tool's controller on loopback.

    Args:
        name: Its role in the laboratory.
        world: Time, chance and the films, shared with the other emulators.
        host: A loopback address.
        port: The port; 0 takes a free one.
        registers: The register map; the shipped one by default.
        tool: As of the simulated tool.
        max_power_w: As of the simulated tool.
        ramp_w_min: As of the simulated tool.
        load_lock: As of the simulated tool.
        noise: As of the simulated tool.
        faults: As of the simulated tool.
        watchdog_s: RF drops after so long without a heartbeat, s on the wall.
        attended: Whether a simulated person clears latched faults.
        misbehaviour: The chances of a bad link.
        ignore: Set-points that are acknowledged and not taken.
        stick: Read-backs that never change.
        restart_in_deposit: The chance a run that the controller starts anew in mid-deposition.
    """

    def __init__(
        self,
        *,
        name: str,
        world: World,
        host: str = "127.0.0.1",
        port: Annotated[int, Field(ge=0, le=65_535)] = 502,
        registers: Path | None = None,
        tool: Literal["target", "source"] = "target",
        max_power_w: Annotated[float, Field(gt=10)] = 300.0,
        ramp_w_min: Annotated[float, Field(ge=1, le=10)] = 7.0,
        load_lock: bool = False,
        noise: Annotated[float, Field(ge=0)] = 1.0,
        faults: SputterFaults = SPUTTER_FAULTS,
        watchdog_s: Annotated[float, Field(gt=0)] = 10.0,
        attended: bool = True,
        misbehaviour: Misbehaviour = GOOD_LINK,
        ignore: tuple[str, ...] = (),
        stick: tuple[str, ...] = (),
        restart_in_deposit: Chance = 0.0,
    ) -> None:
        simulated = SimulatedSputter(
            name=name,
            shelf=world.shelf,
            tool=tool,
            max_power_w=max_power_w,
            ramp_w_min=ramp_w_min,
            load_lock=load_lock,
            noise=noise,
            faults=faults,
        )
        memory = Memory(emulable(registers))
        memory.show({"pressure_pa": 1.0e5, "substrate_k": 298.0})
        self.controller = Controller(
            memory=memory,
            world=world,
            tool=simulated,
            anatomy=SPUTTER,
            watchdog_s=watchdog_s,
            attended=attended,
            model="sputter tool",
        )
        _known("ignore", ignore, memory.map.holding)
        _known("stick", stick, memory.map.input)
        self.controller.ignored |= set(ignore)
        self.controller.restart_chance = restart_in_deposit
        for read_back in stick:
            memory.stick(read_back)
        self.memory = memory
        converse = partial(answer_to, self.controller)
        super().__init__(name, world, (host, port), converse, misbehaviour, address="modbus://{host}:{port}")


def _known(option: str, names: Iterable[str], registers: Iterable[str]) -> None:
    unknown = sorted(set(names) - set(registers))
    if unknown:
        message = f"{option}: the register map has no {', '.join(unknown)}; it has {', '.join(registers)}"
        raise ValueError(message)


def emulable(path: Path | None) -> RegisterMap:
    """Return a register map that the emulator can play.

    Raises:
        ValueError: It lacks what the emulator shows.
    """
    registers = read_map(path or REGISTERS)
    registers.need(
        coils=[*SPUTTER.interlocks, "halt"],
        discrete_inputs=[*SPUTTER.bits, "ready", "fault"],
        states=[*ALWAYS],
        outcomes=["none", "running", "done", "failed"],
        alarms=["no_plasma", "interlock", "watchdog", "halted", "not_started", "restarted"],
    )
    return registers
