"""One command carried out at a controller: prepared, begun, and followed to its end.

Rule of this file: the tool decides what is safe; the driver reads its interlocks and never works around one. A command
is begun only where the tool is seen not to have begun it.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from instruments.driver import FailureClass, InstrumentError, Moved, Reading, Report
from instruments.modbus.link import Refused, same
from instruments.modbus.registers import RegisterMap
from instruments.modbus.view import ID, INPUTS, Liveliness, Look, Number, View

REPORT_EVERY_S = 2 * 3600.0
LONGEST_WIND_DOWN_S = 12 * 3600.0
SHORTEST_POLL_S, LONGEST_POLL_S = 0.005, 2.0


@dataclass(frozen=True)
class Procedure:
    """How a command is carried out, and what it comes to.

    Args:
        begin: The coil that begins it.
        next_coil: The coil to set when a state is ready for the next one.
        check_before: Coils before which the set-points are read back once more.
        interlocks: Discrete inputs that must be on before anything is commanded, and what they mean.
        asked: The set-points that a command writes.
        shows: Read-backs that are reported.
        record: Read-backs that keep what the latest command came to.
        reading: From a command's id and what the tool shows at its end to the reading.
    """

    begin: str
    next_coil: Mapping[str, str]
    check_before: frozenset[str]
    interlocks: Mapping[str, str]
    asked: tuple[str, ...]
    shows: tuple[str, ...]
    record: tuple[str, ...]
    reading: Callable[[str, Look], Reading]

    def check(self, registers: RegisterMap) -> None:
        """Look for all that it needs in a register map.

        Raises:
            ValueError: Names that are missing, by table.
        """
        registers.need(
            coils=[self.begin, *self.next_coil.values(), "halt"],
            discrete_inputs=[*self.interlocks, "ready"],
            holding=[*self.asked, "heartbeat", *ID],
            input=[*INPUTS, *self.shows, *self.record],
            states=["idle", "fault", *self.next_coil],
            outcomes=["none", "running", "done", "failed"],
        )


class Follower:
    """Carries commands out, one at a time.

    Args:
        name: The instrument's role, for messages.
        registers: The controller's register map.
        procedure: How a command is carried out.
        view: The exchanges with the controller.
        halted: Set when somebody halts.
        rate: Seconds of lab time in a second on the wall.
        patience_s: How long the controller may stand still, s on the wall.
        poll_s: How often the tool is looked at, s of lab time; at least every 2 s on the wall.
    """

    def __init__(
        self,
        *,
        name: str,
        registers: RegisterMap,
        procedure: Procedure,
        view: View,
        halted: threading.Event,
        rate: float,
        patience_s: float,
        poll_s: float,
    ) -> None:
        self._name, self._map, self._procedure = name, registers, procedure
        self._view, self._halted, self._rate, self._patience_s = view, halted, rate, patience_s
        self._poll_s = min(max(poll_s / rate, SHORTEST_POLL_S), LONGEST_POLL_S)

    def prepare(self, number: Number, set_points: Mapping[str, float]) -> float:
        """Write set-points and check them; return how many commands the tool has accepted so far.

        Raises:
            InstrumentError: The tool is not at rest, not ready, or does not take a set-point; nothing moved.
            LinkLost: The controller does not answer.
        """
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

    def follow(self, number: Number, set_points: Mapping[str, float], report: Report, before: float | None) -> Look:
        """Follow a command to its end.

        Args:
            number: The command.
            set_points: What it was asked with.
            report: Told of what is seen.
            before: The tool's count of commands before this one, which may bear the number of an older one; None if
                it is known to have begun.

        Returns:
            What the tool shows when it is done.

        Raises:
            InstrumentError: It failed, was halted, or was forgotten; says whether anything moved.
            LinkLost: The controller does not answer any more.
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
            raise self.was_halted(Moved.YES)
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
            raise self.was_halted(moved)

    def was_halted(self, moved: Moved) -> InstrumentError:
        """Return the failure of a command that was halted."""
        return InstrumentError(FailureClass.HALTED, f"{self._name}: halted by command", moved)

    def _fail(self, reason: str, moved: Moved) -> NoReturn:
        raise InstrumentError(FailureClass.INSTRUMENT, f"{self._name}: {reason}", moved)


def _shown(number: Number) -> str:
    return ".".join(map(str, number[1:]))
