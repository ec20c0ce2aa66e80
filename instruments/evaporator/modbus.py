"""An evaporator whose controller speaks Modbus TCP."""

import re
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from instruments.driver import (
    Command,
    FailureClass,
    Identity,
    InstrumentError,
    Memory,
    Moved,
    Reading,
    Recollection,
    Report,
)
from instruments.evaporator.simulated import ELECTRODE
from instruments.faults import refuse_forbidden
from instruments.modbus.link import LinkLost, Refused
from instruments.modbus.registers import read_map
from instruments.modbus.remote import Procedure, RemoteController
from instruments.modbus.view import ID, INPUTS, Look

REGISTERS = Path(__file__).with_name("registers.yaml")
SAMPLE = ("sample_run", "sample_step", "sample_attempt")
RECORD = ("area_cm2", "thickness_nm")
EVAPORATION = Procedure(
    begin="start",
    next_coil={},
    check_before=frozenset(),
    interlocks={"door_closed": "the door is open"},
    shows=("diameter_mm",),
)


class ModbusEvaporator:
    """An evaporator behind a controller.

    Args:
        name: Its role in the laboratory.
        campaign: The campaign's name.
        rate: Seconds of lab time in a second on the wall.
        host: The controller's name or address.
        port: Its port.
        registers: Its register map; the shipped one by default.
        timeout_s: How long an exchange may take, s on the wall.
        patience_s: How long a lost link is tried again, s on the wall.
        poll_s: How often the tool is looked at, s of lab time.
    """

    emulator: ClassVar[str] = "instruments.evaporator.emulator:EmulatedEvaporator"
    simulated: ClassVar[str] = "instruments.evaporator.simulated:SimulatedEvaporator"

    def __init__(
        self,
        *,
        name: str,
        campaign: str = "",
        rate: float = 1.0,
        host: str,
        port: Annotated[int, Field(ge=1, le=65_535)] = 502,
        registers: Path | None = None,
        timeout_s: Annotated[float, Field(gt=0, le=60)] = 3.0,
        patience_s: Annotated[float, Field(ge=0, le=3600)] = 30.0,
        poll_s: Annotated[float, Field(gt=0, le=60)] = 2.0,
    ) -> None:
        found = read_map(registers or REGISTERS)
        found.need(
            coils=[EVAPORATION.begin, "halt"],
            discrete_inputs=[*EVAPORATION.interlocks, "ready"],
            holding=["diameter_mm", *SAMPLE, "heartbeat", *ID],
            input=[*INPUTS, *EVAPORATION.shows, *(f"electrode_{name}" for name in RECORD)],
            states=["idle", "fault"],
            outcomes=["none", "running", "done", "failed"],
        )
        self.name = name
        self.actions = {"electrode": ELECTRODE}
        self._answers: dict[str, Reading] = {}
        self._remote = RemoteController(
            name=name,
            host=host,
            port=port,
            registers=found,
            procedure=EVAPORATION,
            campaign=campaign,
            rate=rate,
            timeout_s=timeout_s,
            patience_s=patience_s,
            poll_s=poll_s,
        )

    def connect(self) -> Identity:
        """Open the link and ask the controller who it is.

        Raises:
            LinkLost: It does not answer.
        """
        return self._remote.identity()

    def perform(self, command: Command, report: Report) -> Reading:
        """Evaporate an electrode.

        Raises:
            InstrumentError: Outside the limits, an alarm of the tool, a lost link, or halted.
        """
        refuse_forbidden(command, self.actions)
        if command.id in self._answers:
            return self._answers[command.id]
        asked = self._sample(str(command.settings["sample"]))
        asked["diameter_mm"] = float(command.settings["diameter_mm"])
        look = self._remote.perform(self._remote.number(command.id), asked, report)
        self._answers = {command.id: _reading(look)}
        return self._answers[command.id]

    def recall(self, command_id: str) -> Recollection:
        """Tell what became of a command; the tool remembers the latest one until it is started anew."""
        try:
            memory, look = self._remote.recall(self._remote.number(command_id))
        except (LinkLost, Refused, InstrumentError):
            return Recollection(Memory.UNKNOWN)
        return Recollection(memory, _reading(look) if memory == Memory.DONE else None)

    def halt(self) -> None:
        """Have the tool cut the boat's current; from any thread, back within a second."""
        self._remote.halt()

    def close(self) -> None:
        """Close the link."""
        self._answers = {}
        self._remote.close()

    def _sample(self, name: str) -> dict[str, float]:
        found = re.fullmatch(r"film-(\d{1,5})\.(\d{1,5})\.(\d{1,5})", name)
        if found is None:
            reason = f"{self.name}: sample {name!r} is not of the sputter tool; it must be film-RUN.STEP.ATTEMPT"
            raise InstrumentError(FailureClass.INSTRUMENT, reason, Moved.NO)
        return dict(zip(SAMPLE, map(float, found.groups()), strict=True))


def _reading(look: Look) -> Reading:
    return Reading({name: look.inputs[f"electrode_{name}"] for name in RECORD})
