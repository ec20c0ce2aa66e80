"""The chances that simulated drivers share: faults drawn from rates, durations drawn around a median, commands refused.

Rule of this file: every chance comes from the generator that is passed in, one draw a question, so that the same stream
gives the same history again.
"""

import math
from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from instruments.driver import Action, Command, CommandRefused, FailureClass, InstrumentError, Moved, check_command

Rate = Annotated[float, Field(ge=0)]


class FaultRates(BaseModel):
    """Rates a run, by fault. All may be multiplied by the same factor; a probability never exceeds 1."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def happens(rng: np.random.Generator, rate: float) -> bool:
    """Draw whether a fault of this rate strikes in this run."""
    return bool(rng.random() < min(rate, 1.0))


def duration_s(rng: np.random.Generator, median_s: float, geometric_sd: float) -> float:
    """Draw a lognormal duration in seconds, whole seconds, as a log book would have it."""
    return float(round(median_s * math.exp(math.log(geometric_sd) * rng.standard_normal())))


def refuse_forbidden(command: Command, actions: Mapping[str, Action]) -> None:
    """Refuse in the driver, too, what its limits forbid.

    Raises:
        InstrumentError: The command is outside the limits; class instrument, nothing moved.
    """
    try:
        check_command(command, actions)
    except CommandRefused as refused:
        raise InstrumentError(FailureClass.INSTRUMENT, str(refused), Moved.NO) from refused
