"""The circuit of an ionic conductor between blocking electrodes: Rs + (Rb || CPEb) + CPEe, and its fit to a spectrum.

Rule of this file: angular frequency and complex impedance in, ohms out; the parameters are logarithms while fitting,
so that none can become negative.
"""

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

VACUUM_F_CM = 8.8541878128e-14
RELATIVE_PERMITTIVITY = 17.0

_TOLERANCES: Mapping[str, float] = {"ftol": 1e-8, "xtol": 1e-8, "gtol": 1e-8}
_CONVERGED = (1, 2, 3, 4)  # of MINPACK's lmder

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
    residuals that remain. The latest spectrum is remembered: who accepts a sweep and who evaluates it both ask.

    Raises:
        RuntimeError: The fit has not converged.
    """
    return _fitted(spectrum.frequency_hz.tobytes(), spectrum.z_ohm.tobytes())


@lru_cache(maxsize=1)
def _fitted(frequency_hz: bytes, z_ohm: bytes) -> Fit:
    from scipy.optimize import leastsq  # noqa: PLC0415 - scipy is slow to import

    spectrum = Spectrum(np.frombuffer(frequency_hz), np.frombuffer(z_ohm, dtype=np.complex128))
    misfit = _Misfit(spectrum)
    start = np.log(astuple(start_values(spectrum)))
    logs, _, _, message, outcome = leastsq(
        misfit.residuals, start, Dfun=misfit.slopes, col_deriv=True, full_output=True, maxfev=200, **_TOLERANCES
    )
    if outcome not in _CONVERGED:
        message = f"the circuit fit has not converged: {' '.join(message.split())}"
        raise RuntimeError(message)
    circuit = Circuit(*(float(element) for element in np.exp(logs)))
    relative = np.abs(circuit.z_ohm(spectrum.frequency_hz) - spectrum.z_ohm) / np.abs(spectrum.z_ohm)
    return Fit(circuit, circuit.r_bulk_ohm * misfit.log_se(logs, 1), float(np.sqrt(np.mean(relative**2))))


class _Misfit:
    """Weighted residuals of a circuit and their derivatives, worked out together, once for each set of elements.

    Args:
        spectrum: What is fitted.
    """

    def __init__(self, spectrum: Spectrum) -> None:
        modulus = np.abs(spectrum.z_ohm)
        self._weight = 1.0 / (modulus * relative_accuracy(spectrum.frequency_hz, modulus))
        self._seen = spectrum.z_ohm
        self._log_s = np.log(2 * np.pi * spectrum.frequency_hz) + 0.5j * np.pi
        self._at: bytes = b""
        self._residuals, self._slopes = np.empty(0), np.empty((0, 0))

    def residuals(self, logs: Floats) -> Floats:
        """Return the residuals at the logarithms of the elements, real parts first, shape (2 * n_frequencies,)."""
        self._look_at(logs)
        return self._residuals

    def slopes(self, logs: Floats) -> Floats:
        """Return their derivatives by the logarithms, shape (6, 2 * n_frequencies)."""
        self._look_at(logs)
        return self._slopes

    def log_se(self, logs: Floats, element: int) -> float:
        """Return the standard error of the logarithm of an element, scaled by the residuals that remain.

        Columns are scaled before the inversion: an element that noise has driven to nothing, with a column next to
        nothing, is as unknown as before, and those that depend on it are no better known for it.
        """
        residuals, slopes = self.residuals(logs), self.slopes(logs)
        lengths = np.linalg.norm(slopes, axis=1)
        kept = lengths > 0
        if not kept[element]:
            return math.inf
        scaled = slopes[kept] / lengths[kept, None]
        try:
            covariance = np.linalg.inv(scaled @ scaled.T)
        except np.linalg.LinAlgError:
            return math.inf
        scale = residuals @ residuals / (len(residuals) - len(logs))
        place = np.count_nonzero(kept[:element])
        return float(np.sqrt(scale * covariance[place, place]) / lengths[element])

    def _look_at(self, logs: Floats) -> None:
        place = logs.tobytes()
        if place != self._at:
            z, slopes = _impedance(logs, self._log_s)
            self._at, self._residuals = place, _stacked((z - self._seen) * self._weight)
            self._slopes = _stacked(slopes * self._weight)


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


def _impedance(logs: Floats, log_s: Complex) -> tuple[Complex, Complex]:
    """Return Z, shape (n_frequencies,), and dZ/dlog(element), shape (6, n_frequencies).

    Args:
        logs: Logarithms of the elements.
        log_s: Logarithm of the complex angular frequency.
    """
    r_series, r_bulk, _, exponent_bulk, _, exponent_electrode = np.exp(logs)
    bulk = np.exp(logs[2] + exponent_bulk * log_s)
    z_bulk = 1.0 / (1.0 / r_bulk + bulk)
    z_electrode = np.exp(-logs[4] - exponent_electrode * log_s)
    slopes = np.empty((len(logs), len(log_s)), dtype=np.complex128)
    slopes[0] = r_series
    slopes[1] = z_bulk**2 / r_bulk
    slopes[2] = -(z_bulk**2) * bulk
    slopes[3] = slopes[2] * exponent_bulk * log_s
    slopes[4] = -z_electrode
    slopes[5] = slopes[4] * exponent_electrode * log_s
    return r_series + z_bulk + z_electrode, slopes


def _stacked(z: Complex) -> Floats:
    return np.concatenate([z.real, z.imag], axis=-1)
