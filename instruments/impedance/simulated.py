"""A simulated impedance analyzer: mounts a sample, sweeps it, and sometimes slips or falls silent."""

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
from instruments.faults import FaultRates, Rate, duration_s, happens, refuse_forbidden
from instruments.impedance.circuit import Complex, Floats, geometric_capacitance_f
from instruments.impedance.physics import cell, delaminated_z_ohm, measured, short_z_ohm, with_contact_step
from instruments.sputter.film import Film

MOUNT_S = 10 * 60.0
CYCLES_A_POINT = 3
SETTLE_S = 0.3

Speed = Annotated[float, Field(gt=0)]

SWEEP = Action(
    settings={
        "sample": Quantity("", text=True),
        "low_hz": Quantity("Hz", 1e-2, 1e4),
        "high_hz": Quantity("Hz", 1e5, 1e7),
        "points_per_decade": Quantity("1", 5, 50),
        "amplitude_v": Quantity("V", 0.005, 1.0, required=False),
    },
    outputs={"frequency_hz": Quantity("Hz"), "z_real_ohm": Quantity("ohm"), "z_imag_ohm": Quantity("ohm")},
    expected_s=15 * 60.0,
    timeout_s=6 * 3600.0,
    repeatable=True,
)

RESIDUAL_PERCENT = 0.1
CALIBRATE = Action({}, {"residual_percent": Quantity("%")}, expected_s=30 * 60.0, timeout_s=2 * 3600.0, repeatable=True)
"""Open, short and load compensation with standards; how long it takes and what it leaves are assumptions."""


class AnalyzerFaults(FaultRates):
    """Rates a sweep."""

    contact_noise: Rate = 0.03
    timeout: Rate = 0.01
    disconnect: Rate = 0.003


ANALYZER_FAULTS = AnalyzerFaults()


class SimulatedAnalyzer:
    """An impedance analyzer with a probe station, simulated.

    Args:
        name: Its role in the laboratory.
        shelf: What every sample really is, shared by the simulated instruments of the laboratory.
        speed: How many times faster it mounts and sweeps than the analyzer that is modelled.
        faults: Rates a sweep of everything that can go wrong.
    """

    def __init__(
        self, *, name: str, shelf: dict[str, Film], speed: Speed = 1.0, faults: AnalyzerFaults = ANALYZER_FAULTS
    ) -> None:
        self.name = name
        self.actions: Mapping[str, Action] = {
            "sweep": replace(SWEEP, expected_s=SWEEP.expected_s / speed),
            "calibrate": CALIBRATE,
        }
        self.state: Mapping[str, Any] = {}
        self._shelf, self._speed, self._faults = shelf, speed, faults

    def connect(self) -> Identity:
        """Tell who answers."""
        return Identity("simulated", "frequency response analyzer, 10 mHz to 10 MHz", self.name, Origin.SIMULATED)

    def halt(self) -> None:
        """Go to a safe state: nothing is ever driven between two phases."""

    def close(self) -> None:
        """Release nothing."""

    def phases(self, command: Command, rng: np.random.Generator) -> Generator[Phase, None, Reading]:
        """Yield mounting and sweeping and return the spectrum, or compensate the fixture and return what is left.

        Raises:
            InstrumentError: The command is outside the limits, the sample cannot be swept, or the analyzer fell silent.
        """
        refuse_forbidden(command, self.actions)
        if command.action == "calibrate":
            for standard in ("open", "short", "load"):
                yield Phase(f"compensate with the {standard} standard", duration_s(rng, CALIBRATE.expected_s / 3, 1.2))
            return Reading({"residual_percent": round(float(rng.lognormal(np.log(RESIDUAL_PERCENT), 0.3)), 3)})
        film, area_cm2 = self._mounted(str(command.settings["sample"]))
        frequency_hz = _frequencies(command)
        sweep_s = float(np.sum(np.maximum(CYCLES_A_POINT / frequency_hz, SETTLE_S))) / self._speed
        mount_s = duration_s(rng, MOUNT_S, 1.4) / self._speed
        if happens(rng, self._faults.disconnect):
            yield Phase("mount and check contact", mount_s)
            reason = f"{self.name}: the link dropped before the sweep; connect again and sweep the same film"
            raise InstrumentError(FailureClass.MEASUREMENT, reason, Moved.NO)
        is_silent = happens(rng, self._faults.timeout)
        yield Phase("mount and check contact", mount_s)
        if is_silent:
            yield Phase("sweep", 3 * sweep_s, {"points": 0})
            reason = (
                f"{self.name}: no answer within three times the sweep of {sweep_s:.0f} s; sweep the same film again"
            )
            raise InstrumentError(FailureClass.MEASUREMENT, reason, Moved.NO)
        yield Phase("sweep", round(sweep_s), {"points": len(frequency_hz), "low_hz": float(frequency_hz[-1])})
        amplitude_v = float(command.settings.get("amplitude_v", 0.05))
        z_ohm = measured(frequency_hz, _true_z_ohm(film, area_cm2, frequency_hz, rng), amplitude_v, rng)
        if happens(rng, self._faults.contact_noise):
            z_ohm = with_contact_step(z_ohm, rng)
        return Reading({}, {"frequency_hz": frequency_hz, "z_real_ohm": z_ohm.real, "z_imag_ohm": z_ohm.imag})

    def _mounted(self, sample: str) -> tuple[Film, float]:
        film = self._shelf.get(sample)
        if film is None or film.area_cm2 is None:
            lacking = "no such sample" if film is None else "no electrode on it"
            reason = f"{self.name}: sample {sample!r} cannot be swept, there is {lacking}; make it first"
            raise InstrumentError(FailureClass.INSTRUMENT, reason, Moved.NO)
        return film, film.area_cm2


def _frequencies(command: Command) -> Floats:
    """Return the frequencies from high to low, equally spaced on a log scale, both ends included."""
    low_hz, high_hz = float(command.settings["low_hz"]), float(command.settings["high_hz"])
    n_points = round(np.log10(high_hz / low_hz) * float(command.settings["points_per_decade"])) + 1
    return np.geomspace(high_hz, low_hz, n_points)


def _true_z_ohm(film: Film, area_cm2: float, frequency_hz: Floats, rng: np.random.Generator) -> Complex:
    if film.is_shorted:
        return short_z_ohm(frequency_hz, rng)
    if film.is_delaminated:
        capacitance_f = geometric_capacitance_f(area_cm2, film.thickness_nm)
        return delaminated_z_ohm(frequency_hz, capacitance_f, rng)
    return cell(film, area_cm2, rng).z_ohm(frequency_hz)
