"""A sputter tool whose controller speaks Modbus TCP.

The tool carries the deposition out and guards it; this driver writes set-points and reads them back, gives the commands
for which the tool waits, beats the heart, tells what it sees, and translates alarms. Against `EmulatedSputter`, which
says that it is an emulator, its origin is simulated; else it is real.
"""

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from instruments.driver import Command, Identity, Reading, Recollection, Report
from instruments.faults import refuse_forbidden
from instruments.modbus.follower import Procedure
from instruments.modbus.registers import read_map
from instruments.modbus.remote import RemoteController
from instruments.modbus.view import Look
from instruments.sputter.nominal import deposition_s
from instruments.sputter.physics import TARGET_TOOL
from instruments.sputter.simulated import deposit_action, set_point

REGISTERS = Path(__file__).with_name("registers.yaml")
ASKED = ("distance_cm", "power_w", "pressure_pa", "thickness_nm", "max_hours")
RECORD = (
    "thickness_nm",
    "deposition_h",
    "rate_nm_min",
    "bias_v",
    "forward_w",
    "reflected_w",
    "pressure_pa",
    "substrate_k",
)
METER = "target_kwh"
"""What a controller may show too, for maintenance that waits for it."""


def _reading(command_id: str, look: Look) -> Reading:
    there = [name for name in (*RECORD, METER) if name in RECORD or f"film_{name}" in look.inputs]
    return Reading({"sample": f"film-{command_id}", **{name: look.inputs[f"film_{name}"] for name in there}})


DEPOSITION = Procedure(
    begin="pump",
    next_coil={"base": "gas", "gas": "rf", "presputter": "shutter", "cool": "vent"},
    check_before=frozenset({"rf"}),
    interlocks={"door_closed": "the door is open", "water_ok": "no cooling water"},
    asked=(*ASKED, "ramp_w_min", "flow_sccm"),
    shows=("forward_w", "reflected_w", "bias_v", "pressure_pa", "substrate_k", "thickness_nm"),
    record=tuple(f"film_{name}" for name in RECORD),
    reading=_reading,
)


class ModbusSputter:
    """A sputter tool behind a controller.

    Args:
        name: Its role in the laboratory.
        campaign: The campaign, told anew before it connects.
        rate: Seconds of lab time in a second on the wall.
        host: The controller's name or address.
        port: Its port.
        registers: Its register map; the shipped one by default.
        max_power_w: The power above which it refuses, W; the default is 20 W per square inch of a 3-inch target.
        ramp_w_min: How fast the tool is told to raise the power, W/min.
        flow_sccm: Nitrogen flow, sccm.
        timeout_s: How long an exchange may take, s on the wall.
        patience_s: How long a lost link is tried again, s on the wall.
        poll_s: How often the tool is looked at, s of lab time.
    """

    emulator: ClassVar[str] = "instruments.sputter.emulator:EmulatedSputter"
    simulated: ClassVar[str] = "instruments.sputter.simulated:SimulatedSputter"

    def __init__(
        self,
        *,
        name: str,
        campaign: str = "",
        rate: float = 1.0,
        host: str,
        port: Annotated[int, Field(ge=1, le=65_535)] = 502,
        registers: Path | None = None,
        max_power_w: Annotated[float, Field(gt=10)] = 141.0,
        ramp_w_min: Annotated[float, Field(ge=1, le=10)] = 7.0,
        flow_sccm: Annotated[float, Field(gt=0, le=200)] = 40.0,
        timeout_s: Annotated[float, Field(gt=0, le=60)] = 3.0,
        patience_s: Annotated[float, Field(ge=0, le=3600)] = 30.0,
        poll_s: Annotated[float, Field(gt=0, le=60)] = 2.0,
    ) -> None:
        self.name = name
        self.actions = {"deposit": deposit_action(max_power_w)}
        self._fixed = {"ramp_w_min": ramp_w_min, "flow_sccm": flow_sccm}
        self._remote = RemoteController(
            name=name,
            host=host,
            port=port,
            registers=read_map(registers or REGISTERS),
            procedure=DEPOSITION,
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

    def expected_s(self, command: Command) -> float:
        """Return how long a deposition takes by the book of the simulated tool with a 3-inch target, in seconds."""
        return deposition_s(TARGET_TOOL, set_point(command), ramp_w_min=self._fixed["ramp_w_min"])

    def perform(self, command: Command, report: Report) -> Reading:
        """Deposit a film, and tell state and read-backs meanwhile.

        Raises:
            InstrumentError: Outside the limits, an alarm of the tool, a lost link, or halted.
        """
        refuse_forbidden(command, self.actions)
        set_points = {name: float(command.settings[name]) for name in ASKED} | self._fixed
        return self._remote.perform(command, set_points, report)

    def recall(self, command_id: str) -> Recollection:
        """Tell what became of a command; the tool remembers the latest one until it is started anew."""
        return self._remote.recall(command_id)

    def halt(self) -> None:
        """Have the tool drop RF and close the shutter; from any thread, back within a second."""
        self._remote.halt()

    def close(self) -> None:
        """Close the link."""
        self._remote.close()
