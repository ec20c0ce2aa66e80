from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instruments.driver import FailureClass, InstrumentError
from instruments.impedance import circuit, physics
from instruments.impedance.circuit import Circuit, Spectrum, fit, geometric_capacitance_f
from instruments.impedance.spectrum import check, kramers_kronig, quality
from instruments.sputter.film import Film

FREQUENCY_HZ = np.geomspace(1e6, 0.1, 71)
AREA_CM2 = 0.00785


def cell(conductivity_us_cm=1.87, thickness_nm=780.0, seed=0):
    film = Film("film-1.1.1", conductivity_us_cm, thickness_nm)
    return physics.cell(film, AREA_CM2, np.random.default_rng(seed))


def sweep(z_ohm, seed=0, amplitude_v=0.05):
    return Spectrum(FREQUENCY_HZ, physics.measured(FREQUENCY_HZ, z_ohm, amplitude_v, np.random.default_rng(seed)))


def checked(spectrum, thickness_nm=780.0):
    return check(spectrum, thickness_nm=thickness_nm, area_cm2=AREA_CM2)


def test_cell_has_the_impedance_of_the_published_example():
    """A 1 mm dot on 780 nm of the best film: 5.3 kohm, 152 pF, and an arc that peaks near 200 kHz."""
    found = cell()
    fine_hz = np.geomspace(1e6, 1e4, 500)
    peak_hz = fine_hz[np.argmax(-found.z_ohm(fine_hz).imag)]
    assert found.r_bulk_ohm == pytest.approx(5300, rel=0.01)
    assert geometric_capacitance_f(AREA_CM2, 780.0) == pytest.approx(152e-12, rel=0.01)
    assert peak_hz == pytest.approx(1.87e-6 / (2 * np.pi * 17 * 8.854e-14), rel=0.1)


def test_fit_recovers_the_bulk_resistance():
    """Over 200 noisy spectra the median error is a tenth of a per cent, the worst below one per cent."""
    errors, claims = [], []
    for seed in range(200):
        true = cell(seed=seed)
        found = fit(sweep(true.z_ohm(FREQUENCY_HZ), seed))
        errors.append(abs(found.circuit.r_bulk_ohm / true.r_bulk_ohm - 1))
        claims.append(found.r_bulk_se_ohm / true.r_bulk_ohm)
    assert np.median(errors) < 0.002
    assert max(errors) < 0.01
    assert np.mean(np.array(errors) < 2 * np.array(claims)) > 0.85


@settings(max_examples=40, deadline=None)
@given(conductivity=st.floats(-2, 0.5), thickness=st.floats(1.9, 3.5), seed=st.integers(0, 1000))
def test_fit_serves_films_of_every_kind(conductivity, thickness, seed):
    """From 0.01 to 3 uS/cm and 80 nm to 3 um a clean spectrum passes and a noisy one gives the resistance to 3 %."""
    true = cell(10**conductivity, 10**thickness, seed)
    z_ohm = true.z_ohm(FREQUENCY_HZ)
    checked(Spectrum(FREQUENCY_HZ, z_ohm), 10**thickness)
    assert fit(sweep(z_ohm, seed)).circuit.r_bulk_ohm == pytest.approx(true.r_bulk_ohm, rel=0.03)


def test_fit_derivatives_are_those_of_the_circuit():
    """The analytic derivatives agree with differences."""
    elements = np.array([20.0, 5300.0, 1e-10, 0.97, 4e-8, 0.88])
    log_s = np.log(2 * np.pi * FREQUENCY_HZ) + 0.5j * np.pi
    z_ohm, found = circuit._impedance(np.log(elements), log_s)
    assert z_ohm == pytest.approx(Circuit(*elements).z_ohm(FREQUENCY_HZ), rel=1e-12)
    for i in range(6):
        step = np.exp(1e-6 * np.eye(6)[i])
        up, down = Circuit(*(elements * step)), Circuit(*(elements / step))
        expected = (up.z_ohm(FREQUENCY_HZ) - down.z_ohm(FREQUENCY_HZ)) / 2e-6
        assert np.max(np.abs(found[i] - expected) / np.abs(up.z_ohm(FREQUENCY_HZ))) < 1e-6


def test_fit_doubts_the_bulk_where_noise_has_driven_the_series_resistance_to_nothing():
    """Its column in the covariance is next to nothing; left out, the standard error would be a third too small."""
    spectrum = sweep(cell().z_ohm(FREQUENCY_HZ), seed=45, amplitude_v=0.01)
    found = fit(spectrum)
    assert found.circuit.r_series_ohm < 1e-3
    assert found.r_bulk_se_ohm == pytest.approx(free_se_ohm(found.circuit, spectrum), rel=1e-4)


def free_se_ohm(found, spectrum):
    """The standard error of the bulk resistance by differences, the series resistance in ohm beside logarithms."""
    modulus = np.abs(spectrum.z_ohm)
    weight = 1 / (modulus * circuit.relative_accuracy(FREQUENCY_HZ, modulus))

    def residuals(more):
        elements = np.array(astuple(found)) * np.exp([0.0, *more[1:]]) + [more[0], 0, 0, 0, 0, 0]
        z = (Circuit(*elements).z_ohm(FREQUENCY_HZ) - spectrum.z_ohm) * weight
        return np.concatenate([z.real, z.imag])

    slopes = np.array([(residuals(step) - residuals(-step)) / 2e-5 for step in 1e-5 * np.eye(6)])
    left = residuals(np.zeros(6))
    covariance = np.linalg.inv(slopes @ slopes.T) * (left @ left) / (len(left) - 6)
    return found.r_bulk_ohm * np.sqrt(covariance[1, 1])


def test_kramers_kronig_explains_a_circuit():
    """Without noise next to nothing of a circuit is left over, least of all above 1 Hz."""
    clean = Spectrum(FREQUENCY_HZ, cell().z_ohm(FREQUENCY_HZ))
    assert np.max(np.abs(kramers_kronig(clean))) < 6e-3
    assert quality(clean).kk_max < 1e-3


@pytest.mark.parametrize("step", [0.97, 1.03])
def test_kramers_kronig_shows_a_slipped_contact(step):
    """A small step in mid-sweep stays below the limit of the mean residual, yet the largest one gives it away."""
    clean = sweep(cell().z_ohm(FREQUENCY_HZ))
    z_ohm = clean.z_ohm.copy()
    z_ohm[25:] *= step
    found = quality(Spectrum(FREQUENCY_HZ, z_ohm))
    assert quality(clean).kk_max < 0.015
    assert found.kk_max > 0.015
    assert found.kk_rms < 0.010
    with pytest.raises(InstrumentError, match="Kramers-Kronig"):
        checked(Spectrum(FREQUENCY_HZ, z_ohm))


def test_kramers_kronig_does_not_see_a_short():
    """A short is causal and linear, so that only its phase tells."""
    found = quality(sweep(physics.short_z_ohm(FREQUENCY_HZ, np.random.default_rng(0))))
    assert found.kk_max < 0.015
    assert found.low_phase_deg == pytest.approx(0, abs=5)


def test_check_passes_nearly_every_clean_sweep():
    """Hardly one clean sweep in a hundred is rejected."""
    rejected = 0
    for seed in range(200):
        try:
            checked(sweep(cell(seed=seed).z_ohm(FREQUENCY_HZ), seed))
        except InstrumentError:
            rejected += 1
    assert rejected <= 4


def test_check_rejects_a_slipped_contact_as_measurement():
    """Every slipped contact asks for another sweep, not for another film."""
    for seed in range(50):
        clean = sweep(cell(seed=seed).z_ohm(FREQUENCY_HZ), seed)
        slipped = physics.with_contact_step(clean.z_ohm, np.random.default_rng(seed))
        with pytest.raises(InstrumentError, match="Kramers-Kronig") as caught:
            checked(Spectrum(FREQUENCY_HZ, slipped))
        assert caught.value.failure is FailureClass.MEASUREMENT


def test_check_rejects_a_short_as_sample():
    """A pinhole needs another film."""
    with pytest.raises(InstrumentError, match=r"pinhole short: \|Z\| flat at .* no arc") as caught:
        checked(sweep(physics.short_z_ohm(FREQUENCY_HZ, np.random.default_rng(0))))
    assert caught.value.failure is FailureClass.SAMPLE


@pytest.mark.parametrize(("thickness_nm", "failure"), [(780.0, FailureClass.SAMPLE), (2000.0, FailureClass.INFEASIBLE)])
def test_check_rejects_a_film_that_came_off(thickness_nm, failure):
    """An open circuit is a bad film, and where films are thick it is what the point does."""
    capacitance_f = geometric_capacitance_f(AREA_CM2, thickness_nm)
    z_ohm = physics.delaminated_z_ohm(FREQUENCY_HZ, capacitance_f, np.random.default_rng(0))
    with pytest.raises(InstrumentError, match="come off: open circuit") as caught:
        checked(sweep(z_ohm), thickness_nm)
    assert caught.value.failure is failure


def test_check_rejects_a_film_too_resistive_to_measure():
    """Where the electrodes do not block within the sweep, the point has no measurable conductivity."""
    with pytest.raises(InstrumentError, match="too resistive") as caught:
        checked(sweep(cell(conductivity_us_cm=1e-4).z_ohm(FREQUENCY_HZ)))
    assert caught.value.failure is FailureClass.INFEASIBLE


@pytest.mark.parametrize(("r_bulk_ohm", "words"), [(100.0, "bulk resistance known to"), (1.0, "not converged")])
def test_check_rejects_an_uncertain_resistance(r_bulk_ohm, words):
    """A resistance that drowns in that of the leads asks for another sweep."""
    hidden = Circuit(2000.0, r_bulk_ohm, 1e-8, 0.97, 4e-8, 0.88)
    with pytest.raises(InstrumentError, match=words) as caught:
        checked(sweep(hidden.z_ohm(FREQUENCY_HZ)))
    assert caught.value.failure is FailureClass.MEASUREMENT


def test_noise_grows_at_small_amplitude():
    """A fifth of the amplitude is five times the noise."""
    z_ohm = cell().z_ohm(FREQUENCY_HZ)
    usual, small = (fit(sweep(z_ohm, amplitude_v=amplitude)).relative_rms for amplitude in (0.05, 0.01))
    assert small == pytest.approx(5 * usual, rel=0.3)
