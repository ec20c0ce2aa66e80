"""The instruments of a campaign, who fills which role, and the recipe: asked, connected, halted and closed together."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from instruments.driver import (
    Action,
    Attended,
    Belonging,
    Command,
    CommandRefused,
    Foreseeing,
    Identity,
    Instrument,
    Origin,
    PhasedInstrument,
    check_command,
)
from instruments.showing import in_words, shown
from instruments.soundness import flaws, is_duration
from orchestrator.clock import is_phased
from orchestrator.clock.hearing import why_not_halted
from orchestrator.clock.patience import within
from orchestrator.config import ConfigError, Problem
from orchestrator.ledger.readings import ReadingError, recordable_state
from orchestrator.recipe import Recipe

CONNECT_S, HALT_S, CLOSE_S = 120.0, 10.0, 5.0
"""How long a blocking driver may take to connect, to halt and to close, s on the wall."""

FORESEE_S, STATE_S = 2.0, 10.0
"""How long it may take to tell how long a command lasts, and to tell its state, s on the wall."""

T = TypeVar("T")


@dataclass(frozen=True)
class Laboratory:
    """The instruments by name, who fills which role, and the recipe with its options bound.

    Args:
        instruments: By their names in the configuration.
        recipe: Asks roles for actions.
        filled: The names of the instruments that fill each role; by default each its own.
    """

    instruments: Mapping[str, PhasedInstrument | Instrument]
    recipe: Recipe
    filled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _mute: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    @property
    def roles(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the instruments that fill each role, in the order of the configuration."""
        return self.filled or {name: (name,) for name in self.instruments}

    def actions_of(self, role: str) -> Mapping[str, Action]:
        """Return what a role can do: the actions of the first instrument that fills it."""
        return self.instruments[self.roles[role][0]].actions

    def allowing(self, command: Command, bound: str | None = None) -> list[str]:
        """Return the names of the instruments of its role that may perform a command.

        Args:
            command: Names the role as its instrument.
            bound: The only one that is asked, if there is such a one.

        Raises:
            CommandRefused: None of them may: the reason of the last.
        """
        able: list[str] = []
        refusal = CommandRefused(f"{command.instrument} is not in the laboratory")
        for name in self.roles.get(command.instrument, ()):
            if bound not in (None, name):
                continue
            try:
                check_command(replace(command, instrument=name), self.instruments[name].actions)
            except CommandRefused as refused:
                refusal = refused
            else:
                able.append(name)
        if not able:
            raise refusal
        return able

    def expected_s(self, name: str, command: Command) -> float:
        """Return how long an instrument is expected to take for a command, in seconds."""
        instrument = self.instruments[name]
        usual_s = instrument.actions[command.action].expected_s
        if name in self._mute or not isinstance(instrument, Foreseeing):
            return usual_s
        ask = partial(instrument.expected_s, replace(command, instrument=name))
        try:
            told_s = _asked(instrument, lambda: float(ask()), FORESEE_S)
        except Exception as error:  # noqa: BLE001 - a driver that cannot tell keeps nobody from performing
            if isinstance(error, TimeoutError):
                self._mute.add(name)  # else each look at what may begin would wait again
            return usual_s
        return told_s if is_duration(told_s) else usual_s

    def state_of(self, name: str) -> dict[str, Any] | None:
        """Return the state of an instrument as it is recorded, or None if it has none.

        Raises:
            ReadingError: It cannot be recorded.
            TimeoutError: A blocking driver does not tell it in time.
        """
        instrument = self.instruments[name]
        return _asked(instrument, partial(recordable_state, instrument), STATE_S)

    @property
    def is_asking_here(self) -> bool:
        """Whether a person is asked in the terminal of the campaign."""
        return any(isinstance(i, Attended) and i.is_at_terminal for i in self.instruments.values())

    def connect(self) -> dict[str, Identity]:
        """Connect every instrument and tell who answers, by role.

        Raises:
            ConfigError: An instrument does not answer, or not with an identity.
        """
        return {role: _connected(role, instrument) for role, instrument in self.instruments.items()}

    def belong(self, campaign: str) -> None:
        """Tell the drivers that ask for it which campaign they work for.

        Args:
            campaign: Its name and when it was begun; no other campaign's.

        Raises:
            ConfigError: A driver does not take it.
        """
        for role, instrument in self.instruments.items():
            if not isinstance(instrument, Belonging):
                continue
            try:
                instrument.campaign = campaign
            except Exception as error:
                message = f"does not take the campaign it works for: {in_words(error)}; let its `campaign` be set"
                raise ConfigError([Problem(f"instrument {role}", message)]) from error

    def restore(self, name: str, state: Mapping[str, Any]) -> None:
        """Give an instrument that tells its phases a state back that the ledger has of it.

        Raises:
            ConfigError: It does not take it.
        """
        instrument = self.instruments[name]
        if not is_phased(instrument):
            return
        try:
            instrument.state = state  # type: ignore[union-attr]  # is_phased has looked
        except Exception as error:
            reason = f"does not take its recorded state back: {in_words(error)}"
            message = f"{reason}; go back to the driver that wrote it, or add --new"
            raise ConfigError([Problem(f"instrument {name}", message)]) from error

    def halt(self, say: Callable[[str], None]) -> list[threading.Thread]:
        """Halt every blocking instrument, at work or not, each from a thread of its own so that none waits for another.

        Args:
            say: Told in words of each that cannot be halted, from its thread.

        Returns:
            The threads; each ends within `HALT_S`.
        """

        def halt(name: str, instrument: PhasedInstrument | Instrument) -> None:
            why = why_not_halted(instrument, HALT_S)
            if why is not None:
                say(f"instrument {name}: {why}; look at it now")

        blocking = [(name, i) for name, i in self.instruments.items() if not is_phased(i)]
        threads = [threading.Thread(target=halt, args=named, daemon=True) for named in blocking]
        for thread in threads:
            thread.start()
        return threads

    def close(self) -> None:
        """Close every instrument; one that cannot be closed, or hangs, keeps nobody from its results."""
        for instrument in self.instruments.values():
            with suppress(Exception):
                _asked(instrument, instrument.close, CLOSE_S)


def _asked(instrument: PhasedInstrument | Instrument, ask: Callable[[], T], seconds: float) -> T:
    """Ask a blocking driver from a thread of its own: its link may hang. A phased one has none."""
    return ask() if is_phased(instrument) else within(seconds, ask)


def _connected(role: str, instrument: PhasedInstrument | Instrument) -> Identity:
    try:
        identity = _asked(instrument, instrument.connect, CONNECT_S)
    except Exception as error:
        message = f"does not answer: {in_words(error)}; see to its link, then run the same command"
        raise ConfigError([Problem(f"instrument {role}", message)]) from error
    if not _is_sound(identity):
        returned = f"connect() returned {shown(identity)}"
        message = f"{returned}; it must return an Identity, its maker, model and serial as text"
        raise ConfigError([Problem(f"instrument {role}", message)])
    wrong = flaws(instrument.actions)  # it may have asked its tool for its limits
    if wrong:
        raise ConfigError([Problem(f"instrument {role}", f"{'; '.join(wrong)}; mend its driver")])
    try:
        _asked(instrument, partial(recordable_state, instrument), STATE_S)
    except Exception as error:
        why = str(error) if isinstance(error, ReadingError) else f"its state cannot be read: {in_words(error)}"
        raise ConfigError([Problem(f"instrument {role}", f"{why}; mend its driver")]) from error
    return identity


def _is_sound(identity: object) -> bool:
    """Return whether who answers can be told."""
    if not isinstance(identity, Identity):
        return False
    are_words = all(isinstance(word, str) for word in (identity.maker, identity.model, identity.serial))
    return are_words and isinstance(identity.origin, str) and identity.origin in set(Origin)
