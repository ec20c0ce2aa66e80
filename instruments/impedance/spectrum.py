"""Whether a spectrum may count: the sample first, then the measurement, then the fit.

Rule of this file: a bad sample (short, delaminated) is told from a bad measurement (contact noise), because the first
needs another film and the second only another sweep. A short obeys Kramers-Kronig, so the phase is tested first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from instruments.driver import FailureClass, InstrumentError, Moved, Reading
from instruments.impedance.circuit import Complex, Fit, Floats, Spectrum, fit, geometric_capacitance_f

__all__ = ["Quality", "Spectrum", "acceptance", "check", "kramers_kronig", "quality", "spectrum_of"]

MAINS_HZ = 50.0
ELEMENTS_PER_DECADE = 4
RIDGE = 1e-9
MAX_BLOCKING_PHASE_DEG = -60.0
FLAT_RATIO = 2.0
MIN_CAPACITANCE_SHARE = 0.3
MAX_KK_RMS, MAX_KK_RESIDUAL, MAX_RELATIVE_SE = 0.010, 0.015, 0.05
THICK_NM = 1500.0


@dataclass(frozen=True)
class Quality:
    """What a spectrum is worth.

    Args:
        low_phase_deg: Phase at the lowest frequency, degrees; near -80 before blocking electrodes, near 0 in a short.
        capacitance_f: Capacitance at the highest frequency, F.
        kk_rms: Root mean square of the Kramers-Kronig residuals over |Z| in the trusted band.
        kk_max: The largest of them.
    """

    low_phase_deg: float
    capacitance_f: float
    kk_rms: float
    kk_max: float


def spectrum_of(reading: Reading) -> Spectrum:
    """Return the spectrum that a sweep has read."""
    return Spectrum(reading.arrays["frequency_hz"], reading.arrays["z_real_ohm"] + 1j * reading.arrays["z_imag_ohm"])


def kramers_kronig(spectrum: Spectrum) -> Complex:
    """Return what a linear, causal, stable system cannot explain of a spectrum, relative to |Z| at each point.

    A chain of resistor-capacitor elements with fixed time constants, a resistor, a coil and a capacitor is fitted by
    linear least squares with a small ridge; each element obeys Kramers-Kronig, so the residuals show what does not.

    Source: B. A. Boukamp, J. Electrochem. Soc. 142, 1885 (1995), linear Kramers-Kronig transform test.
    """
    columns = _columns(spectrum.frequency_hz.tobytes())
    modulus = np.abs(spectrum.z_ohm)
    relative = columns / np.concatenate([modulus, modulus])[:, None]
    norms = np.sqrt(np.einsum("ij,ij->j", relative, relative))
    design = relative / norms
    seen = spectrum.z_ohm / modulus
    wanted = np.concatenate([seen.real, seen.imag])
    gram = design.T @ design + RIDGE * np.eye(design.shape[1])
    left = wanted - design @ np.linalg.solve(gram, design.T @ wanted)
    residuals: Complex = left[: len(seen)] + 1j * left[len(seen) :]
    return residuals


@lru_cache(maxsize=8)
def _columns(frequency_hz: bytes) -> Floats:
    """Return the impedance of each element at each frequency, real parts first, shape (2 * n_frequencies, n_elements).

    An analyzer sweeps the same frequencies again and again.
    """
    omega = 2 * np.pi * np.frombuffer(frequency_hz)
    n_elements = round(np.log10(omega.max() / omega.min()) * ELEMENTS_PER_DECADE) + 1
    time_constants_s = np.geomspace(1 / omega.max(), 1 / omega.min(), n_elements)
    s = 1j * omega[:, None]
    columns = np.hstack([np.ones_like(s), s, 1 / s, 1 / (1 + s * time_constants_s)])
    return np.vstack([columns.real, columns.imag])


def quality(spectrum: Spectrum) -> Quality:
    """Return the figures by which a spectrum is accepted."""
    lowest, highest = int(np.argmin(spectrum.frequency_hz)), int(np.argmax(spectrum.frequency_hz))
    reactance_ohm = -float(spectrum.z_ohm[highest].imag)
    residuals = np.abs(kramers_kronig(spectrum)[_trusted(spectrum)])
    return Quality(
        low_phase_deg=float(np.degrees(np.angle(spectrum.z_ohm[lowest]))),
        capacitance_f=1 / (2 * np.pi * float(spectrum.frequency_hz[highest]) * max(reactance_ohm, 1e-9)),
        kk_rms=float(np.sqrt(np.mean(residuals**2))),
        kk_max=float(residuals.max()),
    )


def _trusted(spectrum: Spectrum) -> NDArray[np.bool_]:
    """Return the points away from the analyzer's limits and from the mains: only there a residual means a fault."""
    away_from_mains = np.abs(np.log(spectrum.frequency_hz / MAINS_HZ)) > 0.15
    return (spectrum.frequency_hz >= 1.0) & (np.abs(spectrum.z_ohm) < 1e7) & away_from_mains


def check(spectrum: Spectrum, *, thickness_nm: float, area_cm2: float) -> Fit:
    """Return the circuit fit of a spectrum that may count.

    Args:
        spectrum: The spectrum of the film.
        thickness_nm: The film's thickness, nm: a film that has come off lacks the capacitance this promises.
        area_cm2: The area of its electrode, cm2.

    Raises:
        InstrumentError: Class sample for a short or a film that has come off; infeasible if it came off and is thicker
            than 1.5 um, or is too resistive to be measured; measurement for a sweep that should be repeated.
    """
    seen = quality(spectrum)
    _check_phase(seen, spectrum)
    _check_capacitance(seen, thickness_nm, geometric_capacitance_f(area_cm2, thickness_nm))
    _check_causality(seen)
    return _checked_fit(spectrum)


def _reject(failure: FailureClass, reason: str) -> NoReturn:
    raise InstrumentError(failure, reason, Moved.NO)


def _check_phase(seen: Quality, spectrum: Spectrum) -> None:
    if seen.low_phase_deg <= MAX_BLOCKING_PHASE_DEG:
        return
    modulus = np.abs(spectrum.z_ohm)
    found = f"phase {seen.low_phase_deg:.0f} deg at {spectrum.frequency_hz.min():g} Hz"
    if modulus.max() < FLAT_RATIO * modulus.min():
        _reject(
            FailureClass.SAMPLE,
            f"pinhole short: |Z| flat at {modulus.mean():.0f} ohm, {found}, no arc; make a new film",
        )
    reason = f"film too resistive: {found} is above {MAX_BLOCKING_PHASE_DEG:g} deg, the electrodes do not block yet"
    _reject(FailureClass.INFEASIBLE, f"{reason}; lower low_hz to see such films")


def _check_capacitance(seen: Quality, thickness_nm: float, promised_f: float) -> None:
    if seen.capacitance_f >= MIN_CAPACITANCE_SHARE * promised_f:
        return
    failure = FailureClass.INFEASIBLE if thickness_nm > THICK_NM else FailureClass.SAMPLE
    found = f"{seen.capacitance_f * 1e12:.1f} pF where {promised_f * 1e12:.0f} pF were promised"
    _reject(failure, f"film of {thickness_nm:.0f} nm has come off: open circuit, {found}")


def _check_causality(seen: Quality) -> None:
    if seen.kk_rms > MAX_KK_RMS or seen.kk_max > MAX_KK_RESIDUAL:
        found = (
            f"rms {seen.kk_rms:.2%} (limit {MAX_KK_RMS:.1%}), largest {seen.kk_max:.2%} (limit {MAX_KK_RESIDUAL:.1%})"
        )
        _reject(FailureClass.MEASUREMENT, f"contact noise: Kramers-Kronig residuals {found}; remount and sweep again")


def _checked_fit(spectrum: Spectrum) -> Fit:
    try:
        found = fit(spectrum)
    except RuntimeError as failed:
        raise InstrumentError(FailureClass.MEASUREMENT, f"{failed}; sweep again", Moved.NO) from failed
    relative = found.r_bulk_se_ohm / found.circuit.r_bulk_ohm
    if not relative < MAX_RELATIVE_SE:
        reason = f"bulk resistance known to {relative:.1%} only (limit {MAX_RELATIVE_SE:.0%}); remount and sweep again"
        _reject(FailureClass.MEASUREMENT, reason)
    return found


def acceptance(*, thickness_nm: float, area_cm2: float) -> Callable[[Reading], None]:
    """Return what a sweep of this film must pass before it counts."""

    def accept(reading: Reading) -> None:
        check(spectrum_of(reading), thickness_nm=thickness_nm, area_cm2=area_cm2)

    return accept
