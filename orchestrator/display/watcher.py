"""Whoever looks on while a campaign runs."""

import sys
from contextlib import suppress
from typing import Protocol, Self

from orchestrator.ledger import Event, State


class Watcher(Protocol):
    """Told of every event after it is in the ledger; a context in which the campaign runs."""

    def event(self, event: Event, state: State) -> None:
        """Take notice of an event; must cost little, there may be thousands a second."""
        ...

    def notice(self, text: str) -> None:
        """Tell a person what is wrong with the record, such as a full disk; no event can say it."""
        ...

    def __enter__(self) -> Self:
        """Begin to look on."""
        ...

    def __exit__(self, *_: object) -> None:
        """Cease to look on."""
        ...


class Silent:
    """A watcher for notebooks: sees everything, says nothing but what is wrong with the record."""

    def event(self, event: Event, state: State) -> None:
        """Say nothing."""

    def notice(self, text: str) -> None:
        """Write it where errors go."""
        with suppress(OSError):
            sys.stderr.write(f"{text}\n")

    def __enter__(self) -> Self:
        """Begin to say nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Go on saying nothing."""


class Mute(Silent):
    """A watcher for campaigns performed by the hundred, in forecasts and sweeps: nobody could act on a notice."""

    def notice(self, text: str) -> None:
        """Say nothing."""
