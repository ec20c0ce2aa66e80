"""What the circuit fit finds and costs: `python benchmarks/spectra.py [SPECTRA]`.

Fits noisy simulated spectra, hard ones among them (resistive films, leads that drown the film, small amplitudes,
slipped contacts), and compares with a general least-squares fit by differences that begins at the true circuit.
"""

import argparse
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import astuple
from typing import Any

import numpy as np
import scipy
from scipy.optimize import least_squares
from threadpoolctl import threadpool_limits

from instruments.impedance import physics
from instruments.impedance.circuit import Circuit, Floats, Spectrum, fit, relative_accuracy
from instruments.impedance.spectrum import quality
from instruments.sputter.film import Film

FREQUENCY_HZ = np.geomspace(1e6, 0.1, 71)
AREA_CM2 = 0.00785
KINDS = ("ordinary", "resistive film", "leads of 2 kohm", "10 mV", "5 mV", "slipped contact")


def spectra(n: int) -> Iterator[tuple[str, Circuit, Spectrum]]:
    """Yield kind, true circuit and spectrum, in turns."""
    for seed in range(n):
        kind, rng = KINDS[seed % len(KINDS)], np.random.default_rng(seed)
        conductivity = 10 ** (rng.uniform(-4, -2) if kind == "resistive film" else rng.uniform(-2, 0.5))
        true = physics.cell(Film("film", conductivity, 10 ** rng.uniform(1.9, 3.5)), AREA_CM2, rng)
        if kind == "leads of 2 kohm":
            true = Circuit(2000.0, 10 ** rng.uniform(1, 3), 1e-8, 0.97, 4e-8, 0.88)
        amplitude_v = {"10 mV": 0.010, "5 mV": 0.005}.get(kind, 0.05)
        z_ohm = physics.measured(FREQUENCY_HZ, true.z_ohm(FREQUENCY_HZ), amplitude_v, rng)
        yield kind, true, Spectrum(FREQUENCY_HZ, physics.with_contact_step(z_ohm, rng) if "slip" in kind else z_ohm)


def reference(true: Circuit, spectrum: Spectrum) -> float:
    """Return the bulk resistance in ohm of a fit that knows the truth to begin with."""
    modulus = np.abs(spectrum.z_ohm)
    weight = 1 / (modulus * relative_accuracy(spectrum.frequency_hz, modulus))

    def residuals(logs: Floats) -> Floats:
        z = (Circuit(*np.exp(logs)).z_ohm(spectrum.frequency_hz) - spectrum.z_ohm) * weight
        return np.concatenate([z.real, z.imag])

    found = least_squares(residuals, np.log(astuple(true)), x_scale="jac", xtol=1e-12, ftol=1e-12, gtol=1e-12)
    return float(np.exp(found.x[1]))


def main(n: int) -> None:
    made = list(spectra(n))
    print(f"{platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}, {os.cpu_count()} cores")
    print(f"\n{n} spectra, CPU time a spectrum")
    with threadpool_limits(1):
        print(f"{'fit':<34}{milliseconds(fit, [s for *_, s in made]):>8.2f} ms")
        print(f"{'phase, capacitance, Kramers-Kronig':<34}{milliseconds(quality, [s for *_, s in made]):>8.2f} ms")
        ordinary = [s for kind, _, s in made if kind == "ordinary"]
        print(f"{'fit, ordinary ones':<34}{milliseconds(fit, ordinary):>8.2f} ms")
        print(f"\n{'kind':<18}{'n':>5}{'converged':>11}{'worst':>9}{'median':>9}{'true within 2 se':>18}")
        for kind in KINDS:
            row(kind, [(true, s) for k, true, s in made if k == kind])
    print("\nworst, median: distance from the general fit's bulk resistance, in standard errors of it;")
    print("slipped contacts and leads that drown the film are what the spectrum's tests refuse")


def row(kind: str, made: Sequence[tuple[Circuit, Spectrum]]) -> None:
    apart, is_near = [], []
    for true, spectrum in made:
        try:
            found = fit(spectrum)
        except RuntimeError:
            continue
        apart.append(abs(found.circuit.r_bulk_ohm - reference(true, spectrum)) / found.r_bulk_se_ohm)
        is_near.append(abs(found.circuit.r_bulk_ohm - true.r_bulk_ohm) < 2 * found.r_bulk_se_ohm)
    worst, median, near = max(apart), float(np.median(apart)), float(np.mean(is_near))
    print(f"{kind:<18}{len(made):>5}{len(apart):>11}{worst:>9.1e}{median:>9.1e}{near:>18.0%}")


def milliseconds(function: Callable[[Spectrum], Any], made: Sequence[Spectrum]) -> float:
    before = time.process_time()
    for spectrum in made:
        with suppress(RuntimeError):
            function(spectrum)
    return (time.process_time() - before) / len(made) * 1e3


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("spectra", type=int, nargs="?", default=240, help="how many (default 240)")
    main(words.parse_args().spectra)
