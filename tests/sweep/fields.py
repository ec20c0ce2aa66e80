"""A tiny laboratory to sweep: worlds' oven, ovens that kill their process or break, and the truth of them all."""

import os
import signal
import time
from collections.abc import Generator, Mapping
from multiprocessing import current_process
from pathlib import Path
from typing import Any, Literal

import numpy as np
from worlds import CONFIG, Oven

from instruments.driver import Command, Identity, Origin, Phase, Reading

TINY = CONFIG.replace("worlds:Oven", "fields:FatefulOven") + "screening: {truth: 'fields:true_mass'}\n"
"""A campaign of four runs whose oven can be told to misbehave."""


class FatefulOven(Oven):
    """An oven that kills its process, always or once, breaks, or takes its time.

    Args:
        lethal: Whether every bake kills the process.
        flag: A file; the process that finds none makes it and is killed.
        broken: Whether it cannot be made in a worker.
        slow_s: How long a bake takes on the wall.
        real: Whether it says that it is no simulation.
        calibration: A file that it reads.
        diary: A file to which it adds a line for every bake.
    """

    def __init__(
        self,
        *,
        name: str,
        shelf: dict[str, float],
        durations: Literal["random", "tied"] = "random",
        failure: str = "infeasible",
        failure_rate: float = 0.0,
        lethal: bool = False,
        flag: str | None = None,
        broken: bool = False,
        slow_s: float = 0.0,
        real: bool = False,
        calibration: Path | None = None,
        diary: str | None = None,
    ) -> None:
        super().__init__(name=name, shelf=shelf, durations=durations, failure=failure, failure_rate=failure_rate)
        if broken and current_process().name != "MainProcess":
            message = "no licence for this oven in a worker"
            raise OSError(message)
        self._lethal, self._flag, self._slow_s = lethal, flag, slow_s
        self._diary = diary
        self._origin = Origin.REAL if real else Origin.SIMULATED
        self.calibration = None if calibration is None else float(calibration.read_text())

    def connect(self) -> Identity:
        """Tell who answers."""
        return Identity("tests", "fateful oven", "1", self._origin)

    def phases(self, command: Command, rng: np.random.Generator) -> Generator[Phase, None, Reading]:
        """Meet one's fate, then bake."""
        if self._lethal or (self._flag is not None and not Path(self._flag).exists()):
            if self._flag is not None:
                Path(self._flag).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if self._diary is not None:
            with Path(self._diary).open("a") as file:
                file.write(f"{command.id}\n")
        time.sleep(self._slow_s)
        return (yield from super().phases(command, rng))


def true_mass(columns: Mapping[str, Any]) -> Any:
    """Return the mass without wear and noise; the best is 0, at 40 K."""
    return -((columns["heat"] - 40.0) ** 2)
