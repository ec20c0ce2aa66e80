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
    Moved,
    Reading,
    Recollection,
    Report,
)
from instruments.evaporator.simulated import ELECTRODE
from instruments.faults import refuse_forbidden
from instruments.modbus.follower import Procedure
from instruments.modbus.registers import read_map
from instruments.modbus.remote import RemoteController
from instruments.modbus.view import Look

REGISTERS = Path(__file__).with_name("registers.yaml")
SAMPLE = ("sample_run", "sample_step", "sample_attempt")
RECORD = ("area_cm2", "thickness_nm")


def _reading(_command_id: str, look: Look) -> Reading:
    return Reading({name: look.inputs[f"electrode_{name}"] for name in RECORD})


EVAPORATION = Procedure(
    begin="start",
    next_coil={},
    check_before=frozenset(),
    interlocks={"door_closed": "the door is open"},
    asked=("diameter_mm", *SAMPLE),
    shows=("diameter_mm",),
    record=tuple(f"electrode_{name}" for name in RECORD),
    reading=_reading,
)


class ModbusEvaporator:
    """An evaporator behind a controller.

    Args:
        name: Its role in the laboratory.
        campaign: The campaign, told anew before it connects.
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
        self.name = name
        self.actions = {"electrode": ELECTRODE}
        self._remote = RemoteController(
            name=name,
            host=host,
            port=port,
            registers=read_map(registers or REGISTERS),
            procedure=EVAPORATION,
            campaign=campaign,
            rate=rate,
            timeout_s=timeout_s,
            patience_s=patience_s,
            poll_s=poll_s,
        )

    @property
    def campaign(self) -> str:
        """The campaign whose commands the controller is given."""
        return self._remote.campaign

    @campaign.setter
    def campaign(self, campaign: str) -> None:
        self._remote.campaign = campaign

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
        asked = self._sample(str(command.settings["sample"]))
        asked["diameter_mm"] = float(command.settings["diameter_mm"])
        return self._remote.perform(command, asked, report)

    def recall(self, command_id: str) -> Recollection:
        """Tell what became of a command; the tool remembers the latest one until it is started anew."""
        return self._remote.recall(command_id)

    def halt(self) -> None:
        """Have the tool cut the boat's current; from any thread, back within a second."""
        self._remote.halt()

    def close(self) -> None:
        """Close the link."""
        self._remote.close()

    def _sample(self, name: str) -> dict[str, float]:
        found = re.fullmatch(r"film-(\d{1,5})\.(\d{1,5})\.(\d{1,5})", name)
        if found is None:
            reason = f"{self.name}: sample {name!r} is not of the sputter tool; it must be film-RUN.STEP.ATTEMPT"
            raise InstrumentError(FailureClass.INSTRUMENT, reason, Moved.NO)
        return dict(zip(SAMPLE, map(float, found.groups()), strict=True))
