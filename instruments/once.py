"""The same command twice: what every driver whose `perform` blocks has to do about it.

Rule of this file: a failure is not kept. Whether the same id may be tried again after one is the engine's business.
"""

from collections.abc import Callable

from instruments.driver import Command, Reading


class Once:
    """Remembers the reading of the latest command, so that the same id moves nothing the second time."""

    def __init__(self) -> None:
        self._latest: tuple[str, Reading] | None = None

    def perform(self, command: Command, perform: Callable[[], Reading]) -> Reading:
        """Return what the command was answered by, or perform it.

        Args:
            command: What is asked; one without an id is performed each time.
            perform: Does it. What it raises is not kept.
        """
        if self._latest is not None and command.id and self._latest[0] == command.id:
            return self._latest[1]
        reading = perform()
        self._latest = (command.id, reading)
        return reading

    def forget(self) -> None:
        """Forget it, as when the connection ends for which it holds."""
        self._latest = None
