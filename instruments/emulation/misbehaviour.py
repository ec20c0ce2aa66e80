"""What a bad link does to an exchange: nothing, cut it, be late, garble the answer, or stay silent."""

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

Chance = Annotated[float, Field(ge=0, le=1)]


class Mischief(StrEnum):
    """One thing done to one exchange."""

    NONE = "none"
    DROP = "drop"
    LATE = "late"
    GARBLE = "garble"
    SILENT = "silent"


class Misbehaviour(BaseModel):
    """The chances an exchange of each mischief; all zero is a perfect link.

    Args:
        drop: The connection is cut instead of an answer.
        late: The answer comes `late_s` seconds on the wall too late.
        garble: The answer's bytes are nonsense.
        silent: No answer comes at all.
        late_s: How late, s on the wall.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    drop: Chance = 0.0
    late: Chance = 0.0
    garble: Chance = 0.0
    silent: Chance = 0.0
    late_s: Annotated[float, Field(ge=0, le=600)] = 5.0


GOOD_LINK = Misbehaviour()


@dataclass
class Mood:
    """Draws what is done to each exchange, or does what it was told to do next.

    Args:
        chances: The chances an exchange.
        rng: The generator of all chance.
    """

    chances: Misbehaviour
    rng: np.random.Generator

    def __post_init__(self) -> None:
        """Begin with nothing ordered."""
        self._ordered: list[Mischief] = []
        self._lock = threading.Lock()

    def order(self, *mischief: Mischief) -> None:
        """Do these to the next exchanges, in this order."""
        with self._lock:
            self._ordered += mischief

    def next(self) -> Mischief:
        """Return what is done to this exchange."""
        with self._lock:
            if self._ordered:
                return self._ordered.pop(0)
            chances = [self.chances.drop, self.chances.late, self.chances.garble, self.chances.silent]
            if not any(chances):
                return Mischief.NONE
            drawn = float(self.rng.random())
        for mischief, edge in zip(list(Mischief)[1:], np.cumsum(chances), strict=True):
            if drawn < edge:
                return mischief
        return Mischief.NONE
