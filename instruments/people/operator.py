"""A person at the bench, asked in the terminal in which the campaign runs.

Rule of this file: a question moves nothing. One that was not answered is asked again, by this process or the next: the
person knows what became of the work, so `recall` says that it is still going on.
"""

import threading
from collections.abc import Mapping
from pathlib import Path

from instruments.driver import (
    Action,
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
    Scalar,
)
from instruments.faults import refuse_forbidden
from instruments.impedance.spectrum_file import SpectrumFileError, read_spectrum
from instruments.once import Once
from instruments.people.terminal import PutOff, Terminal
from instruments.people.work import FAILURES, Nonsense, Work, failed, is_yes

FAILED_WORD, LATER_WORD = "failed", "later"
_RULE = "-" * 72


class Operator:
    """A person who follows instructions and types what came of them.

    Args:
        terminal: Where to ask; the process's own by default.
        name: The role in the laboratory.
        actions: What the person can do, by name.
        person: Who it is, for the ledger.
    """

    is_at_terminal = True

    def __init__(
        self, terminal: Terminal | None = None, *, name: str, actions: dict[str, Work], person: str = ""
    ) -> None:
        self.name, self._person, self._work = name, person, actions
        self.actions: Mapping[str, Action] = {action: work.action for action, work in actions.items()}
        self._terminal = terminal or Terminal()
        self._given_up = threading.Event()
        self._asked_before: set[str] = set()
        self._once = Once()

    def connect(self) -> Identity:
        """Tell who answers: a person.

        Raises:
            InstrumentError: There is no terminal to ask in.
        """
        if not self._terminal.is_readable:
            reason = f"{self.name}: there is no input to ask a person in; run it in a terminal, or use a drop folder"
            raise InstrumentError(FailureClass.INSTRUMENT, reason, Moved.NO)
        self._given_up.clear()
        return Identity("human", "a person at the bench", self._person or self.name, Origin.HUMAN)

    def perform(self, command: Command, report: Report) -> Reading:
        """Ask until there is an answer, and return it.

        Raises:
            InstrumentError: As the person tells; class halted where the question is put off: it is asked again.
        """
        return self._once.perform(command, lambda: self._in_turn(command, report))

    def recall(self, command_id: str) -> Recollection:
        """Tell that the person is still at it: the same question is asked again, and they know what became of it."""
        self._asked_before.add(command_id)
        return Recollection(Memory.RUNNING)

    def halt(self) -> None:
        """Stop asking."""
        self._given_up.set()

    def close(self) -> None:
        """Stop asking; safe to call twice."""
        self._given_up.set()

    # ---- the conversation ----------------------------------------------------------------------------------------

    def _in_turn(self, command: Command, report: Report) -> Reading:
        refuse_forbidden(command, self.actions)
        self._given_up.clear()
        report("ask", {})
        try:
            with self._terminal.taken(self._given_up):
                return self._asked(self._work[command.action], command)
        except PutOff as reason:
            self._terminal.say()
            self._asked_before.add(command.id)
            message = f"{self.name}: {reason}; it will be asked again"
            raise InstrumentError(FailureClass.HALTED, message, Moved.NO) from reason

    def _asked(self, work: Work, command: Command) -> Reading:
        self._show(work, command)
        while True:
            answer = self._answer(work)
            if isinstance(answer, InstrumentError):
                raise answer
            if self._confirmed(work, answer):
                self._terminal.say(f"{_RULE}\n")
                return answer

    def _show(self, work: Work, command: Command) -> None:
        say = self._terminal.say
        say(f"\n{_RULE}\n{self.name}: {command.action}, order {command.id}")
        if command.id in self._asked_before:
            say("(asked before: if it is done already, enter what came of it)")
        say(f"\n  {work.told(command)}\n")
        width = max((len(name) for name in work.settings), default=0)
        for name in work.settings:
            say(f"    {name:{width}}  {work.shown(command, name)}")
        say(f'\n  "{FAILED_WORD}" instead of an answer if it went wrong, "{LATER_WORD}" to go on another day.')

    def _line(self, prompt: str) -> str:
        line = self._terminal.ask(prompt, self._given_up)
        if line.strip().lower() == LATER_WORD:
            message = "put off until later"
            raise PutOff(message)
        return line

    def _answer(self, work: Work) -> Reading | InstrumentError:
        if work.spectrum:
            return self._spectrum()
        values: dict[str, Scalar] = {}
        for name, asked in work.enter.items():
            value = self._value(f"  {name} [{asked.wanted}{'' if asked.required else ', or nothing'}]: ", work, name)
            if isinstance(value, InstrumentError):
                return value
            if value is not None:
                values[name] = value
        return Reading(values)

    def _value(self, prompt: str, work: Work, name: str) -> Scalar | InstrumentError | None:
        asked = work.enter[name]
        while True:
            line = self._line(prompt)
            if line.strip().lower() == FAILED_WORD:
                return self._failure()
            if not line.strip() and not asked.required:
                return None
            try:
                return asked.read(line)
            except Nonsense as nonsense:
                self._terminal.say(f"    {nonsense}")

    def _spectrum(self) -> Reading | InstrumentError:
        while True:
            line = self._line("  file of the spectrum [CSV, .mpt or .DTA]: ").strip()
            if line.lower() == FAILED_WORD:
                return self._failure()
            try:
                return read_spectrum(Path(line.strip("'\"")).expanduser())
            except SpectrumFileError as error:
                self._terminal.say(f"    {error}")

    def _failure(self) -> InstrumentError:
        self._terminal.say("\n  What kind of failure was it?")
        for number, (failure, meaning) in enumerate(FAILURES.items(), start=1):
            self._terminal.say(f"    {number} {failure:12} {meaning}")
        classes = dict(zip("12345", map(str, FAILURES), strict=True))
        while True:
            word = self._line(f"  class [1 to {len(classes)}]: ").strip()
            reason = self._line("  what happened, in a sentence: ")
            changed = self._line("  was anything changed, on sample or tool? [yes or no]: ")
            try:
                return failed(classes.get(word, word), reason, changed)
            except Nonsense as nonsense:
                self._terminal.say(f"    {nonsense}; once more")

    def _confirmed(self, work: Work, reading: Reading) -> bool:
        told = [f"{name} = {value} {work.enter[name].quantity.unit}" for name, value in reading.values.items()]
        shown = ", ".join(text.removesuffix(" 1").rstrip() for text in told)
        if reading.arrays:
            frequency_hz = reading.frequency_hz
            shown = f"{len(frequency_hz)} points from {frequency_hz[0]:g} to {frequency_hz[-1]:g} Hz"
        while True:
            try:
                return is_yes(self._line(f"  {shown}: right? [yes or no]: "))
            except Nonsense as nonsense:
                self._terminal.say(f"    {nonsense}")
