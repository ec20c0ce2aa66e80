"""A simulated evaporator: a round top electrode through a shadow mask, whose true area differs from the mask's."""

import math
from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from instruments.driver import (
    Action,
    Command,
    FailureClass,
    Identity,
    InstrumentError,
    Moved,
    Origin,
    Phase,
    Quantity,
    Reading,
)
from instruments.faults import duration_s, refuse_forbidden
from instruments.sputter.film import Film

MEDIAN_S = 2.5 * 3600.0
AREA_SD = 0.03

ELECTRODE = Action(
    settings={"sample": Quantity("", text=True), "diameter_mm": Quantity("mm", 0.2, 10.0)},
    outputs={"area_cm2": Quantity("cm2"), "thickness_nm": Quantity("nm")},
    expected_s=MEDIAN_S,
    timeout_s=6 * MEDIAN_S,
    attended=True,
)


class SimulatedEvaporator:
    """A thermal evaporator with shadow masks, simulated.

    Args:
        name: Its role in the laboratory.
        shelf: What every sample really is, shared by the simulated instruments of the laboratory.
        noise: Factor on the spread of the true area; 0 is a perfect mask.
        capacity: How many samples its holder takes at a time.
    """

    def __init__(
        self,
        *,
        name: str,
        shelf: dict[str, Film],
        noise: Annotated[float, Field(ge=0)] = 1.0,
        capacity: Annotated[int, Field(ge=1, le=100)] = 1,
    ) -> None:
        self.name = name
        self.actions: Mapping[str, Action] = {"electrode": replace(ELECTRODE, capacity=capacity)}
        self._shelf, self._noise = shelf, noise
        self._load, self._areas_cm2 = "", dict[str, float]()

    @property
    def state(self) -> dict[str, Any]:
        """The true area of each electrode of the latest load, cm2; setting it puts them on their samples again."""
        return {"electrodes": dict(self._areas_cm2)} if self._areas_cm2 else {}

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        earlier = {state["sample"]: state["area_cm2"]} if "sample" in state else {}  # as it was recorded at first
        self._areas_cm2 = {str(n): float(area) for n, area in state.get("electrodes", earlier).items()}
        for sample, area_cm2 in self._areas_cm2.items():
            self._shelf[sample] = replace(self._shelf[sample], area_cm2=area_cm2)

    def connect(self) -> Identity:
        """Tell who answers."""
        return Identity("simulated", "thermal evaporator with shadow masks", self.name, Origin.SIMULATED)

    def halt(self) -> None:
        """Go to a safe state: nothing is ever hot between two phases."""

    def close(self) -> None:
        """Release nothing."""

    def phases(self, command: Command, rng: np.random.Generator) -> Generator[Phase, None, Reading]:
        """Yield the one phase of an electrode and return its nominal area.

        Raises:
            InstrumentError: The command is outside the limits, or there is no such sample.
        """
        refuse_forbidden(command, self.actions)
        sample, diameter_mm = str(command.settings["sample"]), float(command.settings["diameter_mm"])
        if sample not in self._shelf:
            reason = f"{self.name}: there is no sample {sample!r} to put an electrode on; deposit it first"
            raise InstrumentError(FailureClass.INSTRUMENT, reason, Moved.NO)
        nominal_cm2 = math.pi * (diameter_mm / 20.0) ** 2
        yield Phase("evaporate through a mask", duration_s(rng, MEDIAN_S, 1.25), {"diameter_mm": diameter_mm})
        n_samples, place = (len(command.load.members), command.load.place) if command.load else (1, 0)
        true_cm2 = nominal_cm2 * math.exp(self._noise * AREA_SD * float(rng.standard_normal(n_samples)[place]))
        load = command.load.id if command.load else command.id
        others = self._areas_cm2 if load == self._load else {}
        self._load, self.state = load, {"electrodes": {**others, sample: true_cm2}}
        return Reading({"area_cm2": nominal_cm2, "thickness_nm": 100.0})
