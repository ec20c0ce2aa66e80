"""The simulated evaporator behind a Modbus TCP server on loopback."""

from functools import partial
from pathlib import Path
from typing import Annotated

from pydantic import Field

from instruments.driver import Scalar
from instruments.emulation import LoopbackEmulator, Misbehaviour, World
from instruments.emulation.misbehaviour import GOOD_LINK
from instruments.evaporator.modbus import REGISTERS, SAMPLE
from instruments.evaporator.simulated import SimulatedEvaporator
from instruments.modbus.anatomy import Anatomy, Interlock
from instruments.modbus.controller import Controller
from instruments.modbus.memory import Memory
from instruments.modbus.player import Script
from instruments.modbus.registers import read_map
from instruments.modbus.wire import answer_to


def _settings(memory: Memory) -> dict[str, Scalar]:
    number = ".".join(str(int(memory.set_point(name))) for name in SAMPLE)
    return {"sample": f"film-{number}", "diameter_mm": memory.set_point("diameter_mm")}


EVAPORATOR = Anatomy(
    action="electrode",
    script=Script(states={}, gates={}, done={}, otherwise="evaporate"),
    interlocks={"start": Interlock(frozenset({"idle"}), ("door_closed",), ("fault",))},
    bits={"door_closed": frozenset({"idle", "evaporate", "cool", "fault"})},
    armed=frozenset({"evaporate"}),
    record="electrode_",
    settings=_settings,
)


class EmulatedEvaporator(LoopbackEmulator):
    """An evaporator's controller on loopback.

    Args:
        name: Its role in the laboratory.
        world: Time, chance and the films, shared with the other emulators.
        host: A loopback address.
        port: The port; 0 takes a free one.
        registers: The register map; the shipped one by default.
        noise: As of the simulated evaporator.
        watchdog_s: The current is cut after so long without a heartbeat, s on the wall.
        attended: Whether a simulated person clears latched faults.
        misbehaviour: The chances of a bad link.
    """

    def __init__(
        self,
        *,
        name: str,
        world: World,
        host: str = "127.0.0.1",
        port: Annotated[int, Field(ge=0, le=65_535)] = 502,
        registers: Path | None = None,
        noise: Annotated[float, Field(ge=0)] = 1.0,
        watchdog_s: Annotated[float, Field(gt=0)] = 10.0,
        attended: bool = True,
        misbehaviour: Misbehaviour = GOOD_LINK,
    ) -> None:
        self.memory = Memory(read_map(registers or REGISTERS))
        self.controller = Controller(
            memory=self.memory,
            world=world,
            tool=SimulatedEvaporator(name=name, shelf=world.shelf, noise=noise),
            anatomy=EVAPORATOR,
            watchdog_s=watchdog_s,
            attended=attended,
            model="evaporator",
        )
        converse = partial(answer_to, self.controller)
        super().__init__(name, world, (host, port), converse, misbehaviour, address="modbus://{host}:{port}")
