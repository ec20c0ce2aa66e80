"""The circuit of an ionic conductor between blocking electrodes: Rs + (Rb || CPEb) + CPEe, and its fit to a spectrum.

Rule of this file: angular frequency and complex impedance in, ohms out; the parameters are logarithms while fitting,
so that none can become negative.
"""

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

VACUUM_F_CM = 8.8541878128e-14
RELATIVE_PERMITTIVITY = 17.0

Complex = NDArray[np.complex128]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Spectrum:
    """An impedance spectrum.

    Args:
        frequency_hz: Frequencies in Hz, falling as they are swept.
        z_ohm: Complex impedance at each, ohm.
    """

    frequency_hz: Floats
    z_ohm: Complex


@dataclass(frozen=True)
class Circuit:
    """The elements of the circuit.

    Args:
        r_series_ohm: Leads and electrodes.
        r_bulk_ohm: The film: what the conductivity comes from.
        q_bulk: Its constant-phase element, S s^exponent.
        exponent_bulk: The exponent of that; 1 is a capacitor.
        q_electrode: The blocking electrodes, S s^exponent.
        exponent_electrode: The exponent of that.
    """

    r_series_ohm: float
    r_bulk_ohm: float
    q_bulk: float
    exponent_bulk: float
    q_electrode: float
    exponent_electrode: float

    def z_ohm(self, frequency_hz: Floats) -> Complex:
        """Return the complex impedance in ohm.

        Source: constant-phase element Z = 1/(Q (j omega)^a), Barsoukov and Macdonald, Impedance Spectroscopy, ch. 1.
        """
        s = 2j * np.pi * frequency_hz
        bulk = 1.0 / (1.0 / self.r_bulk_ohm + self.q_bulk * s**self.exponent_bulk)
        z: Complex = self.r_series_ohm + bulk + 1.0 / (self.q_electrode * s**self.exponent_electrode)
        return z


@dataclass(frozen=True)
class Fit:
    """A fitted circuit.

    Args:
        circuit: The elements.
        r_bulk_se_ohm: Standard error of the bulk resistance, ohm.
        relative_rms: Root mean square of the residuals over |Z|.
    """

    circuit: Circuit
    r_bulk_se_ohm: float
    relative_rms: float


def geometric_capacitance_f(area_cm2: float, thickness_nm: float) -> float:
    """Return the capacitance of the film as a plate capacitor in F."""
    return RELATIVE_PERMITTIVITY * VACUUM_F_CM * area_cm2 / (thickness_nm * 1e-7)


def constant_phase(capacitance_f: float, r_ohm: float, exponent: float) -> float:
    """Return Q of a constant-phase element that with `r_ohm` has this effective capacitance.

    Source: Brug et al., J. Electroanal. Chem. 176, 275 (1984), for an element in parallel with one resistance.
    """
    return float(capacitance_f**exponent * r_ohm ** (exponent - 1.0))


def relative_accuracy(frequency_hz: Floats, modulus_ohm: Floats) -> Floats:
    """Return the analyzer's accuracy chart: 0.4 % of |Z|, 2 % below 1 Hz or above 10 Mohm. Source: assumption."""
    return np.where((frequency_hz < 1.0) | (modulus_ohm > 1e7), 0.02, 0.004)


def fit(spectrum: Spectrum) -> Fit:
    """Fit the circuit to a spectrum by weighted least squares on the logarithms of its elements.

    Each point is weighted with the analyzer's accuracy; standard errors come from the covariance, scaled by the
    residuals that remain.

    Raises:
        RuntimeError: The fit has not converged.
    """
    from scipy.optimize import least_squares  # noqa: PLC0415 - scipy is slow to import

    modulus = np.abs(spectrum.z_ohm)
    weight = 1.0 / (modulus * relative_accuracy(spectrum.frequency_hz, modulus))
    log_s = np.log(2 * np.pi * spectrum.frequency_hz) + 0.5j * np.pi

    def residuals(logs: Floats) -> Floats:
        return _stacked((Circuit(*np.exp(logs)).z_ohm(spectrum.frequency_hz) - spectrum.z_ohm) * weight)

    def slopes(logs: Floats) -> Floats:
        return _stacked(_derivatives(Circuit(*np.exp(logs)), log_s) * weight[:, None])

    start = np.log(astuple(start_values(spectrum)))
    found = least_squares(residuals, start, jac=slopes, method="lm", x_scale="jac", max_nfev=200)
    if not found.success:
        message = f"the circuit fit has not converged: {found.message}"
        raise RuntimeError(message)
    circuit = Circuit(*(float(element) for element in np.exp(found.x)))
    scale = 2.0 * found.cost / (2 * len(modulus) - len(start))
    log_se = float(np.sqrt(scale * np.linalg.pinv(found.jac.T @ found.jac)[1, 1]))
    relative = np.abs(circuit.z_ohm(spectrum.frequency_hz) - spectrum.z_ohm) / modulus
    return Fit(circuit, circuit.r_bulk_ohm * log_se, float(np.sqrt(np.mean(relative**2))))


def start_values(spectrum: Spectrum) -> Circuit:
    """Read start values off the data: the plateau between arc and tail, and both ends of the sweep."""
    order = np.argsort(spectrum.frequency_hz)
    frequency, z = spectrum.frequency_hz[order], spectrum.z_ohm[order]
    omega = 2 * np.pi * frequency
    plateau = int(np.argmax(np.angle(z)))
    r_bulk = max(float(z[plateau].real), 1e-3)
    capacitance = 1.0 / max(float(omega[-1] * -z[-1].imag), 1e-3)
    tail = max(float(-z[0].imag), 1e-3)
    return Circuit(
        r_series_ohm=1e-2 * r_bulk,
        r_bulk_ohm=r_bulk,
        q_bulk=constant_phase(capacitance, r_bulk, 0.95),
        exponent_bulk=0.95,
        q_electrode=float(omega[0] ** -0.9) / tail,
        exponent_electrode=0.9,
    )


def _derivatives(circuit: Circuit, log_s: Complex) -> Complex:
    """Return dZ/dlog(element), shape (n_frequencies, 6)."""
    bulk = circuit.q_bulk * np.exp(circuit.exponent_bulk * log_s)
    z_bulk = 1.0 / (1.0 / circuit.r_bulk_ohm + bulk)
    z_electrode = np.exp(-circuit.exponent_electrode * log_s) / circuit.q_electrode
    return np.column_stack(
        [
            np.full_like(log_s, circuit.r_series_ohm),
            z_bulk**2 / circuit.r_bulk_ohm,
            -(z_bulk**2) * bulk,
            -(z_bulk**2) * bulk * circuit.exponent_bulk * log_s,
            -z_electrode,
            -z_electrode * circuit.exponent_electrode * log_s,
        ]
    )


def _stacked(z: Complex) -> Floats:
    return np.concatenate([z.real, z.imag])
