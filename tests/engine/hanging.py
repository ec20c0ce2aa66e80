"""Blocking instruments that do not come back in time: a file lets each go on."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from worlds import BlockingOven

from instruments.driver import (
    Action,
    Command,
    FailureClass,
    Identity,
    InstrumentError,
    Moved,
    Origin,
    Quantity,
    Reading,
)

TIMEOUT_S = 0.2


class HangingOven(BlockingOven):
    """Bakes for `late_s` seconds; told to fail, it then fails."""

    def __init__(self, *, name: str, late_s: float = 3600.0, fails: bool = False) -> None:
        super().__init__(name=name)
        self._late_s, self._fails = late_s, fails
        self.actions = {"bake": replace(self.actions["bake"], timeout_s=TIMEOUT_S)}

    def perform(self, command: Command, report: Any) -> Reading:
        """Bake for too long."""
        time.sleep(self._late_s)
        report("at last", {})
        if self._fails:
            raise InstrumentError(FailureClass.INFEASIBLE, "burnt", Moved.YES)
        return super().perform(command, report)


class HangingScale:
    """Weighs until the file `go` lies in its folder; weighing may be repeated."""

    def __init__(self, *, name: str, folder: Path) -> None:
        self.name, self._folder = name, folder
        settings, outputs = {"sample": Quantity("", text=True)}, {"mass": Quantity("g")}
        self.actions = {"weigh": Action(settings, outputs, 0.1, TIMEOUT_S, repeatable=True)}

    def connect(self) -> Identity:
        """Tell who answers."""
        return Identity("tests", "hanging scale", "4", Origin.REAL)

    def perform(self, command: Command, report: Any) -> Reading:  # noqa: ARG002 - it tells nothing
        """Wait for the file."""
        while not (self._folder / "go").exists():
            time.sleep(0.02)
        return Reading({"mass": float(command.settings["sample"])})

    def halt(self) -> None:
        """Hang, too."""
        time.sleep(60)

    def close(self) -> None:
        """Hang, too."""
        time.sleep(60)
