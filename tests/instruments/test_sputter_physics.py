import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from instruments.sputter import physics
from instruments.sputter.physics import SOURCE_TOOL, TARGET_TOOL, conductivity_us_cm, rate_nm_min

OLD_BEST = (6.0, 100.0, 0.5)
OPTIMUM = (6.66, 61.3, 3.44)


def box_points(n_points):
    rng = np.random.default_rng(0)
    return rng.uniform(3, 12, n_points), rng.uniform(50, 300, n_points), rng.uniform(0.2, 4, n_points)


def test_conductivity_is_calibrated():
    """The target tool gives the published best film and the published optimum."""
    assert conductivity_us_cm(TARGET_TOOL, *OLD_BEST) == pytest.approx(1.866, abs=5e-4)
    assert conductivity_us_cm(TARGET_TOOL, *OPTIMUM) == pytest.approx(2.040, abs=5e-4)


def test_conductivity_is_flat_at_the_optimum():
    """A change of one per cent in any parameter changes the conductivity at the optimum by far less."""
    for i in range(3):
        low, high = np.array(OPTIMUM), np.array(OPTIMUM)
        low[i] *= 0.99
        high[i] *= 1.01
        slope = (conductivity_us_cm(TARGET_TOOL, *high) - conductivity_us_cm(TARGET_TOOL, *low)) / 0.02
        assert abs(slope) < 0.003


@pytest.mark.parametrize(
    ("start", "height", "place"), [((6, 65, 3), 2.040, OPTIMUM), ((5, 80, 1), 1.999, (5.1, 76.6, 0.80))]
)
def test_conductivity_has_two_good_regions(start, height, place):
    """From either side of the valley the ascent ends in its own region."""
    found = minimize(lambda x: -conductivity_us_cm(TARGET_TOOL, *x), start, method="Nelder-Mead")
    assert -found.fun == pytest.approx(height, abs=2e-3)
    assert found.x == pytest.approx(place, rel=0.02)


def test_conductivity_spreads_over_the_box():
    """Most of the box is mediocre: quantiles of 5, 50 and 95 per cent."""
    found = np.quantile(conductivity_us_cm(TARGET_TOOL, *box_points(20000)), [0.05, 0.5, 0.95])
    assert found == pytest.approx([0.095, 1.015, 1.79], rel=0.05)


def test_tools_resemble_each_other_once_distance_is_scaled():
    """The source tool tells something about the target tool, more so after scaling distance by the target radii."""
    distance, power, pressure = box_points(20000)
    target = conductivity_us_cm(TARGET_TOOL, distance, power, pressure)
    scale = SOURCE_TOOL.target_radius_cm / TARGET_TOOL.target_radius_cm
    as_is = np.corrcoef(target, conductivity_us_cm(SOURCE_TOOL, distance, power, pressure))[0, 1]
    scaled = np.corrcoef(target, conductivity_us_cm(SOURCE_TOOL, distance * scale, power, pressure))[0, 1]
    assert as_is == pytest.approx(0.71, abs=0.02)
    assert scaled == pytest.approx(0.95, abs=0.02)


def test_rate_is_slow_at_the_optimum():
    """The best film grows at less than a third of the rate of the old best."""
    assert rate_nm_min(TARGET_TOOL, *OLD_BEST) == pytest.approx(1.08, abs=0.01)
    assert rate_nm_min(TARGET_TOOL, *OPTIMUM) == pytest.approx(0.31, abs=0.01)


def test_profile_agrees_with_an_integral_over_the_ring():
    """The closed form is the sum of what every piece of a Lambertian ring sends to the substrate."""
    angles = np.linspace(0, 2 * np.pi, 2000, endpoint=False)

    def arriving(radius_cm):
        squared = 6.0**2 + 2.2**2 + radius_cm**2 - 2 * 2.2 * radius_cm * np.cos(angles)
        return np.mean(6.0**2 / squared**2)

    expected = [arriving(r) / arriving(0.0) for r in (0.0, 0.5, 1.0, 3.0)]
    found = physics.profile(TARGET_TOOL, 6.0, np.array([0.0, 0.5, 1.0, 3.0]))
    assert found == pytest.approx(expected, rel=1e-9)


def test_conductivity_follows_arrhenius():
    """Between 25 and 85 C the activation energy lies between the published end points."""
    cold, hot = (conductivity_us_cm(TARGET_TOOL, *OLD_BEST, temperature_k=t) for t in (298.15, 358.15))
    energy_ev = physics.BOLTZMANN_EV_K * np.log(hot * 358.15 / (cold * 298.15)) / (1 / 298.15 - 1 / 358.15)
    assert 0.53 < energy_ev < 0.63


@given(distance=st.floats(3, 12), power=st.floats(10, 300), pressure=st.floats(0.2, 5), erosion=st.floats(0, 1))
def test_physics_is_finite_and_the_same_for_arrays(distance, power, pressure, erosion):
    """Within the limits of the tool all is finite and positive, one point or many."""
    for tool in (TARGET_TOOL, SOURCE_TOOL):
        for function in (rate_nm_min, conductivity_us_cm, physics.nitrogen_ratio):
            one = function(tool, distance, power, pressure, erosion)
            many = function(tool, *(np.full(2, x) for x in (distance, power, pressure)), erosion)
            assert np.isfinite(one)
            assert one > 0
            assert many == pytest.approx([one, one], rel=1e-12)


def test_wear_slows_the_rate():
    """A worn target sputters ten per cent less."""
    assert rate_nm_min(TARGET_TOOL, *OLD_BEST, 1.0) == pytest.approx(0.9 * rate_nm_min(TARGET_TOOL, *OLD_BEST))
