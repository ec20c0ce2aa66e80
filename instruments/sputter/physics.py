"""The physics of RF-sputtered LiPON in closed form: rate, bias, nitrogen content, conductivity.

Rule of this file: pure functions of numbers or arrays; distance in cm, power in W, pressure in Pa. Two routes lead to a
good film: energetic bombardment with dissociated nitrogen at short distance and low pressure (A), and thermalised,
nitrogen-rich arrival at high pressure (B). `erosion` is the used part of the target's life, 0 new to 1 worn.

Source: the constants `thermalised_ratio`, `thermalised_pa_cm`, `route_b_gain`, `impurity_nm_min` and `prefactor` are
calibrated so that 6 cm, 100 W, 0.5 Pa gives 1.866 uS/cm and 6.66 cm, 61.3 W, 3.44 Pa is a maximum of 2.040 uS/cm: the
best measured row and the predicted optimum of the CORAL-SVR paper on LiPON. Shapes and further constants are
assumptions of this project where no source is named.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64] | float
BOLTZMANN_EV_K = 8.617333e-5
ROOM_K = 298.15


@dataclass(frozen=True)
class Tool:
    """The hardware constants of one sputter tool.

    Args:
        target_radius_cm: Radius of the target.
        ring_radius_cm: Radius of the erosion ring.
        rate_nm_min: Rate at 100 W against the target, without gas.
        thermalisation_pa_cm: Pressure times distance over which sputtered atoms lose their direction.
        attenuation_pa_cm: Pressure times distance over which the bombardment of the film fades.
        dose_distance_cm: Distance at which the bombardment is one.
        thermalised_pa_cm: Pressure times distance at which route B is best.
        impurity_nm_min: Rate below which residual gas spoils the film.
        prefactor: Arrhenius prefactor, K uS/cm.
        heating_k_cm2_w: Heating of the substrate by the plasma.
        immersion_cm: Distance below which the film lies in the dense plasma.
        thermalised_ratio: Pressure over rate, Pa min/nm, at which route B is best.
        route_b_gain: How much of the missing nitrogen route B restores.
        target_life_kwh: Energy after which the target is worn out.
    """

    target_radius_cm: float = 3.8
    ring_radius_cm: float = 2.2
    rate_nm_min: float = 4.2
    thermalisation_pa_cm: float = 14.0
    attenuation_pa_cm: float = 6.0
    dose_distance_cm: float = 6.0
    thermalised_pa_cm: float = 22.56
    impurity_nm_min: float = 0.0588
    prefactor: float = 8.527e11
    heating_k_cm2_w: float = 26.0
    immersion_cm: float = 3.0
    thermalised_ratio: float = 11.34
    route_b_gain: float = 0.686
    target_life_kwh: float = 60.0


TARGET_TOOL = Tool()
SOURCE_TOOL = Tool(
    target_radius_cm=5.1,
    ring_radius_cm=3.0,
    rate_nm_min=5.0,
    thermalisation_pa_cm=17.0,
    attenuation_pa_cm=8.0,
    dose_distance_cm=8.6,
    thermalised_pa_cm=22.56 * 1.15,
    impurity_nm_min=0.0588 * 1.3,
    prefactor=8.527e11 * 0.85,
    heating_k_cm2_w=32.0,
    immersion_cm=3.6,
)


def rate_nm_min(
    tool: Tool, distance_cm: Numbers, power_w: Numbers, pressure_pa: Numbers, erosion: Numbers = 0.0
) -> Numbers:
    """Return the deposition rate in nm/min: solid angle of the target times what survives thermalisation.

    Source: thermalisation of the sputtered flux after J. H. Keller and R. G. Simmons, IBM J. Res. Dev. 23, 24 (1979);
    exponent 1 of the power and 10 % loss over the target's life are assumptions.
    """
    collisions = pressure_pa * distance_cm / tool.thermalisation_pa_cm
    solid_angle = tool.target_radius_cm**2 / (tool.target_radius_cm**2 + distance_cm**2)
    thermalised = -np.expm1(-collisions) / collisions
    return tool.rate_nm_min * (power_w / 100.0) * solid_angle * thermalised * (1.0 - 0.10 * erosion)


def bias_v(power_w: Numbers, pressure_pa: Numbers, erosion: Numbers = 0.0) -> Numbers:
    """Return the self-bias of the target in V. Source: assumption, square root of power, weak fall with pressure."""
    return 190.0 * (power_w / 100.0) ** 0.5 * (pressure_pa / 0.5) ** -0.15 * (1.0 - 0.05 * erosion)


def profile(tool: Tool, distance_cm: Numbers, radius_cm: Numbers) -> Numbers:
    """Return the thickness at a radius on the substrate relative to its centre.

    Source: a Lambertian ring source facing a plane, integrated over the ring: t ~ d^2 A / (A^2 - B^2)^1.5 with
    A = d^2 + a^2 + r^2, B = 2 a r (elementary; a is the ring's radius).
    """
    a = tool.ring_radius_cm
    A = distance_cm**2 + a**2 + radius_cm**2
    B = 2.0 * a * radius_cm
    centre = (distance_cm**2 + a**2) ** -2.0
    return A / (A**2 - B**2) ** 1.5 / centre


def substrate_k(tool: Tool, distance_cm: Numbers, power_w: Numbers) -> Numbers:
    """Return the temperature of the substrate in K. Source: assumption, heating falls with the target's solid angle."""
    return 298.0 + tool.heating_k_cm2_w * power_w / (distance_cm**2 + tool.target_radius_cm**2)


def nitrogen_ratio(
    tool: Tool, distance_cm: Numbers, power_w: Numbers, pressure_pa: Numbers, erosion: Numbers = 0.0
) -> Numbers:
    """Return N/P of the film: 0.95 at best, less where neither route brings nitrogen in. Source: assumption."""
    rate = rate_nm_min(tool, distance_cm, power_w, pressure_pa, erosion)
    mean_path = pressure_pa * distance_cm
    dose = bias_v(power_w, pressure_pa, erosion) / 190.0 * (tool.dose_distance_cm / distance_cm) ** 2
    dose = dose * np.exp(-(mean_path - 3.0) / tool.attenuation_pa_cm)
    dissociation = pressure_pa**3 / (pressure_pa**3 + 0.28**3)
    energetic = dissociation * np.exp(-((np.log(dose) / 0.95) ** 2) - (np.log(rate) / 1.25) ** 2)
    arrival = np.log(pressure_pa / rate / tool.thermalised_ratio) / 0.9
    thermalised = np.exp(-(arrival**2) - (np.log(mean_path / tool.thermalised_pa_cm) / 0.8) ** 2)
    return 0.95 * (1.0 - 0.30 * (1.0 - 0.72 * energetic) * (1.0 - tool.route_b_gain * thermalised))


def conductivity_us_cm(
    tool: Tool,
    distance_cm: Numbers,
    power_w: Numbers,
    pressure_pa: Numbers,
    erosion: Numbers = 0.0,
    *,
    temperature_k: float = ROOM_K,
) -> Numbers:
    """Return the ionic conductivity of the film in uS/cm, without noise.

    Source: Arrhenius law sigma T = A exp(-Ea/kT); the activation energies 0.63 to 0.53 eV over the nitrogen content
    are the end points of Put et al., ACS Appl. Mater. Interfaces (2016); the losses to lithium re-evaporation
    above 440 K, plasma immersion and impurities at low rate are assumptions.
    """
    nitrogen = nitrogen_ratio(tool, distance_cm, power_w, pressure_pa, erosion)
    activation_ev = 0.63 - 0.10 * nitrogen / 0.95
    lithium = 1.0 / (1.0 + np.exp((substrate_k(tool, distance_cm, power_w) - 440.0) / 30.0))
    rate = rate_nm_min(tool, distance_cm, power_w, pressure_pa, erosion)
    purity = 1.0 / (1.0 + (tool.impurity_nm_min / rate) ** 2)
    immersion = 1.0 / (1.0 + (tool.immersion_cm / distance_cm) ** 6)
    arrhenius = tool.prefactor / temperature_k * np.exp(-activation_ev / (BOLTZMANN_EV_K * temperature_k))
    return arrhenius * lithium * purity * immersion


def power_density_w_cm2(tool: Tool, power_w: Numbers) -> Numbers:
    """Return the power on the target in W/cm2."""
    return power_w / (np.pi * tool.target_radius_cm**2)
