"""A controller as its driver sees it: one command at a time, followed to its end, whatever the link does meanwhile.

Rule of this file: after a lost link the controller is asked for its state before anything else; no command is repeated
blindly. The tool decides what is safe; the driver reads its interlocks and never works around one.
"""

import threading
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from instruments.driver import (
    FailureClass,
    Identity,
    InstrumentError,
    Memory,
    Moved,
    Origin,
    Report,
)
from instruments.modbus.link import LinkLost, Refused, need_libraries, same
from instruments.modbus.registers import RegisterMap
from instruments.modbus.view import ID, Liveliness, Look, Number, View

REPORT_EVERY_S = 2 * 3600.0
LONGEST_WIND_DOWN_S = 12 * 3600.0
SHORTEST_POLL_S, LONGEST_POLL_S = 0.005, 2.0
JUST_NOW_S = 1.0


@dataclass(frozen=True)
class Procedure:
    """How a command is carried out.

    Args:
        begin: The coil that begins it.
        next_coil: The coil to set when a state is ready for the next one.
        check_before: Coils before which the set-points are read back once more.
        interlocks: Discrete inputs that must be on before anything is commanded, and what they mean.
        shows: Read-backs that are reported.
    """

    begin: str
    next_coil: Mapping[str, str]
    check_before: frozenset[str]
    interlocks: Mapping[str, str]
    shows: tuple[str, ...]


class RemoteController:
    """The driver's side of a controller.

    Args:
        name: The instrument's role, for messages.
        host: Where the controller is.
        port: Its port.
        registers: Its register map.
        procedure: How a command is carried out.
        campaign: The campaign's name; its checksum tells its commands from those of others.
        rate: Seconds of lab time in a second on the wall; other than 1 only against an emulator.
        timeout_s: How long an exchange may take, s on the wall.
        patience_s: How long a lost link is tried again, s on the wall.
        poll_s: How often the tool is looked at, s of lab time; at least every 2 s on the wall.
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
        need_libraries()
        self._name, self._map, self._procedure = name, registers, procedure
        self._tag = zlib.crc32(campaign.encode()) % 65_535 + 1
        self._rate, self._patience_s = rate, patience_s
        self._poll_s = min(max(poll_s / rate, SHORTEST_POLL_S), LONGEST_POLL_S)
        self._halted = threading.Event()
        self._halted_at = float("-inf")
        self._view = View(host, port, registers, timeout_s=timeout_s, patience_s=patience_s, halted=self._halted)
        self._mine: Number | None = None

    # ---- what a driver asks --------------------------------------------------------------------------------------

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
        """Close the connection."""
        self._view.close()

    def number(self, command_id: str) -> Number:
        """Return a command's id as the controller keeps it.

        Raises:
            InstrumentError: It is no `run.step.attempt` that fits three registers; nothing moved.
        """
        parts = command_id.split(".")
        if len(parts) != 3 or not all(part.isdecimal() and 0 < int(part) < 65_536 for part in parts):
            reason = (
                f"{self._name}: command id {command_id!r} does not fit; it must be run.step.attempt, each below 65536"
            )
            raise InstrumentError(FailureClass.INSTRUMENT, reason, Moved.NO)
        run, step, attempt = map(int, parts)
        return self._tag, run, step, attempt

    def recall(self, number: Number) -> tuple[Memory, Look]:
        """Tell what became of a command. A failed one counts as running: performing it again tells the failure.

        Raises:
            LinkLost: The controller does not answer.
            Refused: It does not have what the register map says.
        """
        look = self._view.look()
        if look.accepted == number and look.outcome != "none":
            self._mine = number
            return (Memory.DONE if look.outcome == "done" else Memory.RUNNING), look
        is_earlier = look.accepted[0] == number[0] and look.accepted < number
        return (Memory.NEVER if is_earlier and look.outcome in ("done", "failed") else Memory.UNKNOWN), look

    def halt(self) -> None:
        """Set the halt coil over a connection of its own; without an answer, the missing heartbeat trips the tool."""
        self._halted_at = time.monotonic()
        self._halted.set()
        self._view.halt()

    def perform(self, number: Number, set_points: Mapping[str, float], report: Report) -> Look:
        """Carry a command out, or wait for the end of one that is under way, and return what the tool shows then.

        Raises:
            InstrumentError: It failed; says whether anything moved.
        """
        if time.monotonic() - self._halted_at < JUST_NOW_S:
            raise InstrumentError(FailureClass.HALTED, f"{self._name}: halted before it began", Moved.NO)
        self._halted.clear()
        before: float | None = None
        try:
            if self._mine != number:
                before = self._prepare(number, set_points)
                self._mine = number
            return self._follow(number, set_points, report, before)
        except (LinkLost, Refused) as error:
            moved = Moved.NO if self._mine != number else Moved.UNKNOWN
            if self._halted.is_set():
                raise self._was_halted(moved) from error
            what = "the link was lost and did not come back: " if isinstance(error, LinkLost) else ""
            advice = (
                "nothing moved" if moved == Moved.NO else "without a heartbeat the tool drops its power; look at it"
            )
            self._fail(f"{what}{error}; {advice}", moved)

    # ---- before anything moves -----------------------------------------------------------------------------------

    def _prepare(self, number: Number, set_points: Mapping[str, float]) -> float:
        """Write set-points and check them; return how many commands the tool has accepted so far."""
        before = self._await_rest().inputs["commands"]
        written = {**set_points, **dict(zip(ID, map(float, number), strict=True))}
        try:
            self._view.write(written)
        except (Refused, ValueError) as error:
            self._fail(f"{error}; nothing moved", Moved.NO)
        self._check_set_points(written, Moved.NO)
        return before

    def _await_rest(self) -> Look:
        """Wait until the tool is idle and its interlocks are closed."""
        give_up = time.monotonic() + LONGEST_WIND_DOWN_S / self._rate + self._patience_s
        while True:
            look = self._view.look()
            if look.state == "fault":
                alarm = self._map.alarm(look.inputs["alarm"])[1]
                self._fail(f"latched fault: {alarm.text}; {alarm.advice}, then reset it there", Moved.NO)
            if look.outcome == "running":
                self._fail(f"busy with command {_shown(look.accepted)} of somebody else", Moved.NO)
            if look.state == "idle":
                break
            if time.monotonic() > give_up:
                self._fail(f"not at rest, still in state {look.state}", Moved.NO)
            self._pause(Moved.NO)
        open_ones = [said for bit, said in self._procedure.interlocks.items() if not look.bits[bit]]
        if open_ones:
            self._fail(f"not ready: {', '.join(open_ones)}", Moved.NO)
        return look

    def _check_set_points(self, written: Mapping[str, float], moved: Moved) -> None:
        """Read set-points back: what the tool holds must be what was written."""
        held = self._view.set_points(written)
        for name, value in written.items():
            if not same(value, held[name]):
                unit = self._map.holding[name].unit
                reason = f"set-point {name}: {value:g} {unit} was written, the tool holds {held[name]:g} {unit}"
                self._fail(reason, moved)

    # ---- while it moves ------------------------------------------------------------------------------------------

    def _follow(self, number: Number, set_points: Mapping[str, float], report: Report, before: float | None) -> Look:
        """Follow a command to its end.

        Args:
            number: The command.
            set_points: What it was asked with.
            report: Told of what is seen.
            before: The tool's count of commands before this one, which may bear the number of an older one; None if
                it is known to have begun.
        """
        starts: float | None = None
        shown, report_at, refusals = "", 0.0, 0
        liveliness, worst = Liveliness(self._name, self._patience_s), None
        while True:
            look = self._view.look_and_beat()
            liveliness.check(look)
            if look.accepted != number or look.inputs["commands"] == before:
                refusals += self._begin(number, look, has_begun=starts is not None)
            else:
                starts = look.inputs["starts"] if starts is None else starts
                worst = worst or (look if look.inputs["alarm"] else None)
                self._check_alarm(look, worst or look)
                if look.outcome == "done":
                    return look
                refusals += self._go_on(look, set_points)
            if refusals > 3:
                self._fail(f"it keeps refusing to go on from state {look.state}", Moved.YES)
            if look.state != shown or time.monotonic() > report_at:
                shown, report_at = look.state, time.monotonic() + REPORT_EVERY_S / self._rate
                report(look.state, {name: look.inputs[name] for name in self._procedure.shows})
            self._pause(Moved.YES)

    def _begin(self, number: Number, look: Look, *, has_begun: bool) -> int:
        """Command the beginning, once the tool is seen not to have begun; return how many refusals that met."""
        if has_begun or look.state != "idle":
            reason = f"the controller forgot command {_shown(number)} while it ran and shows state {look.state}"
            self._fail(f"{reason}: it was started anew or used by hand; the film is lost", Moved.YES)
        try:
            self._command(self._procedure.begin)
        except Refused as error:
            self._fail(f"{error}; nothing moved", Moved.NO)
        return 0

    def _go_on(self, look: Look, set_points: Mapping[str, float]) -> int:
        """Set the coil for which the tool waits, if it waits for one; return how many refusals that met."""
        coil = self._procedure.next_coil.get(look.state)
        if coil is None or not look.bits["ready"]:
            return 0
        if coil in self._procedure.check_before:
            try:
                self._check_set_points(set_points, Moved.YES)
            except InstrumentError:
                self._view.halt()
                raise
        try:
            self._command(coil)
        except Refused:
            return 1  # the state may have changed in between; the next look tells
        return 0

    def _command(self, coil: str) -> None:
        """Set a coil, unless somebody has halted. Raises `Refused`."""
        if self._halted.is_set():
            raise self._was_halted(Moved.YES)
        self._view.command(coil)

    def _check_alarm(self, look: Look, seen: Look) -> None:
        """Raise what an alarm means: at once where it is a matter of safety, else when the tool is at rest.

        Args:
            look: What the tool shows now.
            seen: What it showed when the alarm came.
        """
        name, alarm = self._map.alarm(look.inputs["alarm"])
        is_over = look.outcome == "failed"
        if not is_over and (look.inputs["alarm"] == 0 or alarm.failure != FailureClass.SAFETY):
            return
        values = {name: seen.inputs[name] for name in self._procedure.shows if seen.inputs[name] != 0}
        shown = ", ".join(f"{n.rpartition('_')[0]} {v:.3g} {self._map.input[n].unit}" for n, v in values.items())
        moved = Moved.NO if name == "not_started" else Moved.YES
        reason = f"{self._name}: alarm {alarm.code}: {alarm.text}; {alarm.advice} (in {seen.state}: {shown})"
        raise InstrumentError(alarm.failure, reason, moved)

    def _pause(self, moved: Moved) -> None:
        if self._halted.wait(self._poll_s):
            if moved != Moved.NO:
                self._view.halt()  # once more: a coil may have been on its way when the first one came
            raise self._was_halted(moved)

    def _was_halted(self, moved: Moved) -> InstrumentError:
        return InstrumentError(FailureClass.HALTED, f"{self._name}: halted by command", moved)

    def _fail(self, reason: str, moved: Moved) -> NoReturn:
        raise InstrumentError(FailureClass.INSTRUMENT, f"{self._name}: {reason}", moved)


def _shown(number: Number) -> str:
    return ".".join(map(str, number[1:]))
