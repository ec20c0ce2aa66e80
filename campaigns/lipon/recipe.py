"""The recipe: a film, its electrode, its spectrum, and from these its ionic conductivity."""

import math
from collections.abc import Mapping

from instruments.driver import Reading, Scalar
from instruments.impedance.circuit import Fit, fit
from instruments.impedance.spectrum import acceptance, spectrum_of
from orchestrator.recipe import Lab, Measured, Point, Steps

RELATIVE_AREA_SD = 0.03
RELATIVE_THICKNESS_SD = 0.03
AMPLITUDE_V = 0.05


def measure_conductivity(
    point: Point,
    lab: Lab,
    *,
    thickness_nm: float = 800.0,
    max_hours: float = 24.0,
    electrode_mm: float = 1.0,
    low_hz: float = 0.1,
    high_hz: float = 1e6,
    points_per_decade: int = 10,
) -> Steps:
    """Deposit a film, put an electrode on it, sweep its impedance and return its conductivity in uS/cm.

    Args:
        point: `distance` in cm, `power` in W, `pressure` in Pa.
        lab: The laboratory, with the roles `sputter`, `evaporator` and `analyzer`.
        thickness_nm: The film to aim at, nm.
        max_hours: The longest deposition, h; at a low rate the film gets thinner instead.
        electrode_mm: Diameter of the top electrode, mm.
        low_hz: Lower end of the sweep, Hz.
        high_hz: Upper end of the sweep, Hz.
        points_per_decade: Points a decade of the sweep.

    Yields:
        The commands of the three steps; a sweep must pass the spectrum's tests before it counts.
    """
    film = yield lab.sputter.deposit(
        distance_cm=point["distance"],
        power_w=point["power"],
        pressure_pa=point["pressure"],
        thickness_nm=thickness_nm,
        max_hours=max_hours,
    )
    electrode = yield lab.evaporator.electrode(sample=film.sample, diameter_mm=electrode_mm)
    sweep = yield lab.analyzer.sweep(
        sample=film.sample,
        low_hz=low_hz,
        high_hz=high_hz,
        points_per_decade=points_per_decade,
        amplitude_v=AMPLITUDE_V,
    ).accepting(acceptance(thickness_nm=film.thickness_nm, area_cm2=electrode.area_cm2))
    return conductivity(fit(spectrum_of(sweep)), film, electrode)


vars(measure_conductivity).update(unit="uS/cm")


def conductivity(found: Fit, film: Reading, electrode: Reading) -> Measured:
    """Return the conductivity in uS/cm with its uncertainty, thickness over resistance times area.

    The uncertainty has three independent shares, all in the details; area and thickness weigh more than the fit.
    """
    r_bulk_ohm = found.circuit.r_bulk_ohm
    value = film.thickness_nm * 1e-7 / (r_bulk_ohm * electrode.area_cm2) * 1e6
    shares = {
        "sd_fit_us_cm": value * found.r_bulk_se_ohm / r_bulk_ohm,
        "sd_area_us_cm": value * RELATIVE_AREA_SD,
        "sd_thickness_us_cm": value * RELATIVE_THICKNESS_SD,
    }
    details: Mapping[str, Scalar] = {
        "sample": film.sample,
        "thickness_nm": film.thickness_nm,
        "deposition_h": film.deposition_h,
        "rate_nm_min": film.rate_nm_min,
        "area_cm2": electrode.area_cm2,
        "r_bulk_ohm": r_bulk_ohm,
        "r_bulk_se_ohm": found.r_bulk_se_ohm,
        "fit_relative_rms": found.relative_rms,
        **shares,
    }
    return Measured(value, math.hypot(*shares.values()), details)
