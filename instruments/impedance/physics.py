"""What an analyzer sees of a film: circuit, stray fields, noise, and the ways in which a sample or contact is bad.

Rule of this file: pure functions; all chance from `rng`. Spreads are assumptions.
"""

import numpy as np

from instruments.impedance.circuit import (
    Circuit,
    Complex,
    Floats,
    constant_phase,
    geometric_capacitance_f,
    relative_accuracy,
)
from instruments.sputter.film import Film

ELECTRODE_Q_CM2 = 6e-6
MAINS_HZ = 50.0


def cell(film: Film, area_cm2: float, rng: np.random.Generator) -> Circuit:
    """Return the circuit of a film under its electrode, with the scatter of electrodes and leads."""
    r_bulk = film.thickness_nm * 1e-7 / (film.conductivity_us_cm * 1e-6 * area_cm2)
    exponent = 0.97
    return Circuit(
        r_series_ohm=20.0 * float(np.exp(0.10 * rng.standard_normal())),
        r_bulk_ohm=r_bulk,
        q_bulk=constant_phase(geometric_capacitance_f(area_cm2, film.thickness_nm), r_bulk, exponent),
        exponent_bulk=exponent,
        q_electrode=ELECTRODE_Q_CM2 * area_cm2 * float(np.exp(0.05 * rng.standard_normal())),
        exponent_electrode=0.88 + 0.01 * float(rng.standard_normal()),
    )


def short_z_ohm(frequency_hz: Floats, rng: np.random.Generator) -> Complex:
    """Return the impedance of a pinhole: a few ohms of metal at every frequency."""
    return np.full(frequency_hz.shape, 20.0 + rng.uniform(1.0, 30.0), dtype=np.complex128)


def delaminated_z_ohm(frequency_hz: Floats, capacitance_f: float, rng: np.random.Generator) -> Complex:
    """Return the impedance of a film that has come off: a small fraction of its capacitance, open at low frequency."""
    gap_f = capacitance_f * rng.uniform(0.02, 0.08)
    return 1.0 / (1e-13 + 2j * np.pi * frequency_hz.astype(np.complex128) * gap_f)


def measured(frequency_hz: Floats, z_ohm: Complex, amplitude_v: float, rng: np.random.Generator) -> Complex:
    """Return what the analyzer reads: leads in series, stray capacitance across, noise, and pickup near the mains.

    Source: 50-200 nH, 1-2 pF and the accuracy chart are assumptions; noise grows as the amplitude falls below 50 mV.
    """
    s = 2j * np.pi * frequency_hz.astype(np.complex128)
    stray_f, lead_h = rng.uniform(1e-12, 2e-12), rng.uniform(50e-9, 200e-9)
    seen = 1.0 / (1.0 / z_ohm + s * stray_f) + s * lead_h
    noise = relative_accuracy(frequency_hz, np.abs(seen)) * max(1.0, 0.05 / amplitude_v)
    pickup = 0.01 * np.exp(-(((frequency_hz - MAINS_HZ) / 5.0) ** 2))
    spread = np.hypot(noise, pickup) / np.sqrt(2.0)
    z: Complex = seen * (1.0 + spread * (rng.standard_normal(s.shape) + 1j * rng.standard_normal(s.shape)))
    return z


def with_contact_step(z_ohm: Complex, rng: np.random.Generator) -> Complex:
    """Return a sweep during which the contact slipped: from some point on, everything is off by 5 to 12 %."""
    slip = int(rng.integers(len(z_ohm) // 5, 3 * len(z_ohm) // 5))
    step = rng.uniform(0.05, 0.12) * rng.choice([-1.0, 1.0])
    return np.concatenate([z_ohm[:slip], z_ohm[slip:] * (1.0 + step)])
