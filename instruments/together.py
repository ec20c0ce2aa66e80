"""A load before a blocking driver: the calls that come in a thread for each sample, made one.

Rule of this file: whoever comes last performs for all. No lock is held meanwhile, so that a halt waits for nobody.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from instruments.driver import Command, FailureClass, InstrumentError, Reading, Report, Scalar

Outcome = Reading | InstrumentError
PerformAll = Callable[[Sequence[Command], Report], Sequence[Outcome]]
"""From the commands of a load, in the order of their places, to what came of each, in the same order."""


class Together:
    """Has a load performed once, when all its members are there, and gives each of them its own answer.

    Args:
        name: The instrument's role, for messages.
        patience_s: How long the first member waits for the last, s on the wall.
    """

    def __init__(self, name: str, patience_s: float = 60.0) -> None:
        self._name, self._patience_s = name, patience_s
        self._lock = threading.Lock()
        self._loads: dict[tuple[str, ...], _Gathering] = {}

    def perform(self, command: Command, report: Report, perform_all: PerformAll) -> Reading:
        """Wait for the other members, have the load performed, and return what came of this command.

        A command without a load is one of its own. Until the next load, the same id again moves nothing and is answered
        the same, failures included.

        Args:
            command: One of the members.
            report: Told of this member; what is reported of the load is told of every member.
            perform_all: Performs it, called once. What it raises is what came of every member.

        Raises:
            InstrumentError: What came of this command; class instrument where a member did not come, halted where the
                waiting was ended. In both cases nobody has called `perform_all`, but a load from before a crash may be
                in the tool, so whether anything moved is unknown.
        """
        load, is_last = self._joined(command, report)
        if is_last:
            load.carry_out(perform_all)
        try:
            outcomes = load.outcomes.result(self._patience_s)
        except TimeoutError:
            reason = (
                f"{' '.join(load.missing)} of its load did not come within {self._patience_s:g} s; look at the tool"
            )
            self._give_up(load, FailureClass.INSTRUMENT, reason)
            outcomes = load.outcomes.result()
        outcome = outcomes[command.id]
        if isinstance(outcome, InstrumentError):
            raise outcome
        return outcome

    def halt(self) -> None:
        """End the waiting for members. A load that is being performed is the driver's to halt."""
        for load in list(self._loads.values()):
            self._give_up(load, FailureClass.HALTED, "halted before its load was complete")

    def _joined(self, command: Command, report: Report) -> tuple["_Gathering", bool]:
        """Return the command's load, and whether this member makes it complete."""
        members = command.load.members if command.load else (command.id,)
        with self._lock:
            load = self._loads.get(members) if command.id else None
            if load is None:
                under_way = {key: known for key, known in self._loads.items() if not known.outcomes.done()}
                load = _Gathering(members)
                self._loads = {**under_way, members: load}
            is_new = command.id not in load.there
            load.there[command.id] = (command, report)
            return load, is_new and not load.missing and not load.outcomes.done()

    def _give_up(self, load: "_Gathering", failure: FailureClass, reason: str) -> None:
        with self._lock:
            if load.missing and not load.outcomes.done():
                load.outcomes.set_exception(InstrumentError(failure, f"{self._name}: {reason}"))


@dataclass
class _Gathering:
    members: tuple[str, ...]
    there: dict[str, tuple[Command, Report]] = field(default_factory=dict)
    outcomes: Future[dict[str, Outcome]] = field(default_factory=Future)

    @property
    def missing(self) -> list[str]:
        return [member for member in self.members if member not in self.there]

    def carry_out(self, perform_all: PerformAll) -> None:
        commands = [self.there[member][0] for member in self.members]
        try:
            outcomes = perform_all(commands, self._report)
            self.outcomes.set_result(dict(zip(self.members, outcomes, strict=True)))
        except BaseException as error:  # noqa: BLE001 - told to every member, in its own thread
            self.outcomes.set_exception(error)

    def _report(self, phase: str, values: Mapping[str, Scalar]) -> None:
        for member in self.members:
            self.there[member][1](phase, values)
