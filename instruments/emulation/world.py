"""What emulated instruments share: one shelf of films, one accelerated clock, one root of chance.

Rule of this file: lab time is a pure function of the time on the wall. Whoever looks at the world holds its lock.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np


class Emulator(Protocol):
    """One emulated instrument. It is built with `name`, `world` and those of its driver's options that it names too."""

    name: str

    def start(self) -> str:
        """Serve from threads of its own and return the address, for people to read."""
        ...

    def stop(self) -> None:
        """Close every connection and stop serving; safe to call twice."""
        ...


@dataclass
class World:
    """The laboratory behind the emulators.

    Args:
        rate: Seconds of lab time that pass in a second on the wall.
        chance: The stream of chance of a command, by its id; the same as that of the simulated instruments.
        wall_s: The time on the wall, s.
        shelf: What every sample really is, an `instruments.sputter.film.Film` by sample name.
    """

    rate: float
    chance: Callable[[str], np.random.Generator]
    wall_s: Callable[[], float] = time.monotonic
    shelf: dict[str, Any] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def film(self, sample: str) -> Any:  # noqa: ANN401 - a Film or None; the world knows no tool
        """Return what a sample really is, with `area_cm2` once it has its electrode; None if it was never made."""
        with self.lock:
            return self.shelf.get(sample)

    @property
    def latest(self) -> Any:  # noqa: ANN401 - as above
        """The sample made last: what lies in the probe station of an analyzer that is not told a sample."""
        with self.lock:
            return next(reversed(self.shelf.values()), None)

    def wall_of(self, lab_s: float) -> float:
        """Return how many seconds on the wall that much lab time lasts."""
        return lab_s / self.rate
