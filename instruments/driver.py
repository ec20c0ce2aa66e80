"""The driver protocol: what an instrument is to the rest of the world, as little as can serve.

Rule of this file: data and protocols only. Threads, timeouts, retries and recording belong to the orchestrator.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Scalar = float | int | str | bool
EMPTY: Mapping[str, Any] = MappingProxyType({})


class Origin(StrEnum):
    """Where a reading comes from; every event of the ledger carries it."""

    SIMULATED = "simulated"
    RECORDED = "recorded"
    REAL = "real"
    HUMAN = "human"


class FailureClass(StrEnum):
    """What kind of failure it was; the class decides what the engine does and what the planner learns."""

    INFEASIBLE = "infeasible"
    SAMPLE = "sample"
    MEASUREMENT = "measurement"
    INSTRUMENT = "instrument"
    SAFETY = "safety"
    OPERATOR = "operator"
    HALTED = "halted"
    RECIPE = "recipe"


class Moved(StrEnum):
    """Whether the instrument changed anything before it failed."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class InstrumentError(Exception):
    """A failure with its class.

    Args:
        failure: The class of the failure.
        reason: One sentence a person can act on.
        moved: Whether anything was changed before it failed; decides whether a retry is safe.
    """

    def __init__(self, failure: FailureClass, reason: str, moved: Moved = Moved.UNKNOWN) -> None:
        super().__init__(failure, reason, moved)  # SimPy copies exceptions by type(e)(*e.args)
        self.failure = FailureClass(failure)
        self.reason = reason
        self.moved = Moved(moved)

    def __str__(self) -> str:
        """Return class and reason, as a person reads them."""
        return f"{self.failure}: {self.reason}"


@dataclass(frozen=True)
class Quantity:
    """One named setting or output of an action.

    Args:
        unit: Its unit as written in the ledger; "1" for a pure number, "" for text.
        low: Hard lower limit of the tool, or None.
        high: Hard upper limit of the tool, or None.
        required: Whether a command must give it.
        text: Whether the value is text (a sample name) instead of a number.
    """

    unit: str = "1"
    low: float | None = None
    high: float | None = None
    required: bool = True
    text: bool = False


@dataclass(frozen=True)
class Action:
    """What an instrument can do, as data, so that limits can be refused before anything moves.

    Args:
        settings: The quantities a command sets, by name.
        outputs: The quantities a reading returns, by name.
        expected_s: How long it usually takes, in seconds.
        timeout_s: After how many seconds without an answer the step is in doubt.
        repeatable: Whether it may be performed again on the same sample (a sweep may, a deposition may not).
        capacity: How many samples may go through it together, as a `Load`.
        attended: Whether a person must be there when it ends, to unload or to mount.
    """

    settings: Mapping[str, Quantity]
    outputs: Mapping[str, Quantity]
    expected_s: float
    timeout_s: float
    repeatable: bool = False
    capacity: int = 1
    attended: bool = False


@dataclass(frozen=True)
class Load:
    """Samples that go through one action of one instrument together, each by a command of its own run.

    Every member is performed as a command, begun at the same instant with the same settings but for its texts. A phased
    instrument gets the same stream of chance for each of them: what the load shares is drawn the same for all, what
    differs from sample to sample is drawn for all places and taken by its own. Its `state` is recorded with each member
    after all have ended, so it holds what it did to the whole load.

    Args:
        members: The ids of its commands, in the order of their places.
        place: Which of them this command is, from 0.
    """

    members: tuple[str, ...]
    place: int = 0

    @property
    def id(self) -> str:
        """The name of the load: its first command's id."""
        return self.members[0]


@dataclass(frozen=True)
class Reading:
    """What an action returned.

    Args:
        values: Scalars by output name: finite numbers, text or booleans.
        arrays: Bulk data by name (a spectrum), numpy arrays of float64, int64 or complex128.
    """

    values: Mapping[str, Scalar] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a scalar or an array, by name
        """Return the scalar or array of that name, so that recipes read `film.thickness_nm`."""
        for place in ("values", "arrays"):
            found = self.__dict__.get(place, EMPTY)
            if name in found:
                return found[name]
        message = f"this reading has no {name!r}; it has {sorted([*self.values, *self.arrays])}"
        raise AttributeError(message)


@dataclass(frozen=True)
class Command:
    """One action asked of one instrument.

    Args:
        instrument: The role in the laboratory, as in the YAML (`sputter`).
        action: The name of the action (`deposit`).
        settings: Values by setting name, in the units the action declares.
        id: `run.step.attempt`, given by the engine; the same id performed twice moves nothing the second time.
        accept: Looks at the reading before it counts; raises `InstrumentError` to reject it.
        load: The samples it is performed together with, or None.
    """

    instrument: str
    action: str
    settings: Mapping[str, Scalar]
    id: str = ""
    accept: Callable[[Reading], None] | None = field(default=None, compare=False)
    load: Load | None = None

    def accepting(self, accept: Callable[[Reading], None]) -> "Command":
        """Return the same command whose reading must pass `accept` (which raises `InstrumentError`)."""
        return replace(self, accept=accept)


@dataclass(frozen=True)
class Identity:
    """Who answers behind a driver."""

    maker: str
    model: str
    serial: str
    origin: Origin


@dataclass(frozen=True)
class Phase:
    """A stretch of a simulated action: its name, how long it lasts and what it shows at its end."""

    name: str
    duration_s: float
    telemetry: Mapping[str, Scalar] = field(default_factory=dict)


Report = Callable[[str, Mapping[str, Scalar]], None]
"""Sends telemetry: phase, values. A new phase is heard at once, the same one five times a second; more is dropped."""


@runtime_checkable
class Instrument(Protocol):
    """A driver whose `perform` blocks until the instrument is done. It needs the wall clock."""

    name: str
    actions: Mapping[str, Action]

    def connect(self) -> Identity:
        """Open the link and tell who answers; safe to call twice."""
        ...

    def perform(self, command: Command, report: Report) -> Reading:
        """Do it and block until done; `report(phase, values)` sends telemetry. Raises `InstrumentError`."""
        ...

    def halt(self) -> None:
        """Go to a safe state; from any thread, at any time, twice, back within a second."""
        ...

    def close(self) -> None:
        """Release the link; safe to call twice."""
        ...


@runtime_checkable
class PhasedInstrument(Protocol):
    """An instrument that tells its phases as data instead of blocking, so that a clock can play them.

    `phases` yields `Phase`s and returns a `Reading` or raises `InstrumentError`. All chance comes from `rng`, so that
    the same command with the same state and stream has the same phases again after a crash. `state` is a small JSON
    mapping (wear, drift, the latest sample) that the engine records after every step. After a crash every recorded
    state is set again in the order of the ledger, so a state may be an increment: the sample just made, not all of
    them.
    """

    name: str
    actions: Mapping[str, Action]
    state: Mapping[str, Any]

    def connect(self) -> Identity:
        """Tell who answers; safe to call twice."""
        ...

    def phases(self, command: Command, rng: np.random.Generator) -> Generator[Phase, None, Reading]:
        """Yield the phases of the command; halting throws `InstrumentError(HALTED)` into the generator."""
        ...

    def halt(self) -> None:
        """Go to a safe state."""
        ...

    def close(self) -> None:
        """Release everything; safe to call twice."""
        ...


class Memory(StrEnum):
    """What an instrument remembers of a command after its link was lost."""

    NEVER = "never"
    RUNNING = "running"
    DONE = "done"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Recollection:
    """An instrument's answer to `recall`: what became of a command, with its reading if it is done."""

    memory: Memory
    reading: Reading | None = None


@runtime_checkable
class Remembering(Protocol):
    """A driver that can tell what became of a command, so that a step in doubt needs no person."""

    def recall(self, command_id: str) -> Recollection:
        """Tell what became of the command. RUNNING: performing the same id again waits for it."""
        ...


@runtime_checkable
class Belonging(Protocol):
    """A driver whose tool remembers commands, and so must know of which campaign they are: ids begin at 1.1.1 in each.

    `campaign` is set before `connect`: the campaign's name and the moment at which it was begun, the same whenever it
    goes on, and no other's. Where the driver is built with it, as for an examination, it is the name alone.
    """

    campaign: str


@runtime_checkable
class Foreseeing(Protocol):
    """A driver that can tell how long a command will take, better than the action's `expected_s`."""

    def expected_s(self, command: Command) -> float:
        """Return how long it usually takes with these settings, s. Asks no tool, and answers the same each time."""
        ...


@runtime_checkable
class Attended(Protocol):
    """A driver behind which a person works. A campaign that stops waits for tools, not for people.

    The step stays open in the ledger; when the campaign goes on, `recall` says RUNNING and the same command is
    performed again: asked again, that is.
    """

    is_at_terminal: bool
    """Whether it asks in the terminal of the campaign, whose display must then keep still."""


class CommandRefused(ValueError):  # noqa: N818 - it is the command that is refused, before anything moves
    """A command the tool's own data forbid; nothing moved."""


def check_command(command: Command, actions: Mapping[str, Action]) -> None:
    """Refuse a command that the instrument's actions do not allow.

    Raises:
        CommandRefused: An unknown action or setting, a missing one, a wrong type, or a value outside the hard limits.
    """
    where = f"{command.instrument}.{command.action}"
    action = actions.get(command.action)
    if action is None:
        message = f"{where}: no such action; {command.instrument} can do {', '.join(sorted(actions))}"
        raise CommandRefused(message)
    unknown = sorted(set(command.settings) - set(action.settings))
    missing = sorted(n for n, q in action.settings.items() if q.required and n not in command.settings)
    if unknown or missing:
        problem = [f"does not know {', '.join(unknown)}"] if unknown else []
        problem += [f"needs {', '.join(missing)}"] if missing else []
        message = f"{where}: {' and '.join(problem)}; its settings are {', '.join(action.settings)}"
        raise CommandRefused(message)
    for name, value in command.settings.items():
        _check_value(where, name, value, action.settings[name])


def _check_value(where: str, name: str, value: Scalar, quantity: Quantity) -> None:
    if quantity.text:
        if not isinstance(value, str):
            message = f"{where}: {name}={value!r} must be text"
            raise CommandRefused(message)
        return
    if isinstance(value, (str, bool)) or not np.isfinite(value):
        message = f"{where}: {name}={value!r} must be a finite number in {quantity.unit}"
        raise CommandRefused(message)
    unit = quantity.unit
    if quantity.low is not None and value < quantity.low:
        message = f"{where}: {name}={value:g} {unit} is below the tool's limit of {quantity.low:g} {unit}"
        raise CommandRefused(message)
    if quantity.high is not None and value > quantity.high:
        message = f"{where}: {name}={value:g} {unit} is above the tool's limit of {quantity.high:g} {unit}"
        raise CommandRefused(message)
