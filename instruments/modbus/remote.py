"""A controller as its driver sees it: one command at a time, done once, whatever the link does meanwhile.

Rule of this file: after a lost link the controller is asked for its state before anything else; no command is repeated
blindly.
"""

import threading
import time
import zlib
from collections.abc import Mapping

from instruments.driver import (
    Command,
    FailureClass,
    Identity,
    InstrumentError,
    Memory,
    Moved,
    Origin,
    Reading,
    Recollection,
    Report,
)
from instruments.modbus.follower import Follower, Procedure
from instruments.modbus.link import LinkLost, Refused, need_libraries
from instruments.modbus.registers import RegisterMap
from instruments.modbus.view import Look, Number, View
from instruments.once import Once

JUST_NOW_S = 1.0


class RemoteController:
    """The driver's side of a controller.

    Args:
        name: The instrument's role, for messages.
        host: Where the controller is.
        port: Its port.
        registers: Its register map.
        procedure: How a command is carried out.
        campaign: The campaign; its checksum tells its commands from those of others.
        rate: Seconds of lab time in a second on the wall; other than 1 only against an emulator.
        timeout_s: How long an exchange may take, s on the wall.
        patience_s: How long a lost link is tried again, s on the wall.
        poll_s: How often the tool is looked at, s of lab time; at least every 2 s on the wall.

    Raises:
        ValueError: The register map lacks what the procedure needs.
    """

    def __init__(
        self,
        *,
        name: str,
        host: str,
        port: int,
        registers: RegisterMap,
        procedure: Procedure,
        campaign: str,
        rate: float,
        timeout_s: float,
        patience_s: float,
        poll_s: float,
    ) -> None:
        procedure.check(registers)
        need_libraries()
        self._name, self._procedure, self._rate = name, procedure, rate
        self.campaign = campaign
        self._halted = threading.Event()
        self._halted_at = float("-inf")
        self._view = View(host, port, registers, timeout_s=timeout_s, patience_s=patience_s, halted=self._halted)
        self._follower = Follower(
            name=name,
            registers=registers,
            procedure=procedure,
            view=self._view,
            halted=self._halted,
            rate=rate,
            patience_s=patience_s,
            poll_s=poll_s,
        )
        self._mine: Number | None = None
        self._once = Once()

    def identity(self) -> Identity:
        """Connect and tell who answers.

        Raises:
            LinkLost: Nobody answers.
            ValueError: It is an emulator in which time passes at another rate.
        """
        identity = self._view.identity()
        if identity.origin == Origin.SIMULATED and identity.serial not in ("", f"rate {self._rate:g}"):
            message = (
                f"time passes at another rate in the emulator ({identity.serial}) than in the campaign "
                f"(rate {self._rate:g}); give both the same laboratory.rate"
            )
            raise ValueError(message)
        return identity

    def close(self) -> None:
        """Close the connection, and forget the latest answer."""
        self._once.forget()
        self._view.close()

    def halt(self) -> None:
        """Set the halt coil over a connection of its own; without an answer, the missing heartbeat trips the tool."""
        self._halted_at = time.monotonic()
        self._halted.set()
        self._view.halt()

    def perform(self, command: Command, asked: Mapping[str, float], report: Report) -> Reading:
        """Carry a command out, or wait for the end of one that is under way; done once, it is only told again.

        Args:
            command: Its id is `run.step.attempt`.
            asked: Its set-points, by name in the register map.
            report: Told of what is seen.

        Raises:
            InstrumentError: It failed; says whether anything moved.
        """

        def carry_out() -> Reading:
            return self._procedure.reading(command.id, self._carried_out(self._number(command.id), asked, report))

        return self._once.perform(command, carry_out)

    def recall(self, command_id: str) -> Recollection:
        """Tell what became of a command; the controller remembers the latest one until it is started anew.

        A failed one counts as running: performing it again tells the failure.
        """
        try:
            memory, look = self._remembered(self._number(command_id))
        except (LinkLost, Refused, InstrumentError):
            return Recollection(Memory.UNKNOWN)
        return Recollection(memory, self._procedure.reading(command_id, look) if memory == Memory.DONE else None)

    def _remembered(self, number: Number) -> tuple[Memory, Look]:
        look = self._view.look()
        if look.accepted == number and look.outcome != "none":
            self._mine = number
            return (Memory.DONE if look.outcome == "done" else Memory.RUNNING), look
        is_earlier = look.accepted[0] == number[0] and look.accepted < number
        return (Memory.NEVER if is_earlier and look.outcome in ("done", "failed") else Memory.UNKNOWN), look

    def _number(self, command_id: str) -> Number:
        """Return a command's id as the controller keeps it: three registers, behind the campaign's checksum."""
        parts = command_id.split(".")
        if len(parts) != 3 or not all(part.isdecimal() and 0 < int(part) < 65_536 for part in parts):
            reason = (
                f"{self._name}: command id {command_id!r} does not fit; it must be run.step.attempt, each below 65536"
            )
            raise InstrumentError(FailureClass.INSTRUMENT, reason, Moved.NO)
        run, step, attempt = map(int, parts)
        return zlib.crc32(self.campaign.encode()) % 65_535 + 1, run, step, attempt

    def _carried_out(self, number: Number, asked: Mapping[str, float], report: Report) -> Look:
        if time.monotonic() - self._halted_at < JUST_NOW_S:
            raise InstrumentError(FailureClass.HALTED, f"{self._name}: halted before it began", Moved.NO)
        self._halted.clear()
        before: float | None = None
        try:
            if self._mine != number:
                before = self._follower.prepare(number, asked)
                self._mine = number
            return self._follower.follow(number, asked, report, before)
        except (LinkLost, Refused) as error:
            moved = Moved.NO if self._mine != number else Moved.UNKNOWN
            if self._halted.is_set():
                raise self._follower.was_halted(moved) from error
            what = "the link was lost and did not come back: " if isinstance(error, LinkLost) else ""
            advice = (
                "nothing moved" if moved == Moved.NO else "without a heartbeat the tool drops its power; look at it"
            )
            reason = f"{self._name}: {what}{error}; {advice}"
            raise InstrumentError(FailureClass.INSTRUMENT, reason, moved) from error
