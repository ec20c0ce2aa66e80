import math

import numpy as np
import pytest

from campaigns.lipon import measure_conductivity
from campaigns.lipon.make_designs import perform, play, simulated_laboratory
from instruments.driver import Command, FailureClass, InstrumentError, Moved, Reading
from instruments.evaporator import SimulatedEvaporator
from instruments.impedance.simulated import AnalyzerFaults, SimulatedAnalyzer
from instruments.sputter.faults import SputterFaults
from instruments.sputter.physics import TARGET_TOOL, conductivity_us_cm
from instruments.sputter.simulated import SimulatedSputter
from orchestrator.recipe import Lab

POINT = {"distance": 6.0, "power": 100.0, "pressure": 0.5}
NO_SPUTTER_FAULTS = dict.fromkeys(SputterFaults.model_fields, 0.0)
NO_ANALYZER_FAULTS = dict.fromkeys(AnalyzerFaults.model_fields, 0.0)


def laboratory(noise=0.0, sputter_faults=NO_SPUTTER_FAULTS, analyzer_faults=NO_ANALYZER_FAULTS):
    shelf = {}
    return {
        "sputter": SimulatedSputter(name="sputter", shelf=shelf, noise=noise, faults=SputterFaults(**sputter_faults)),
        "evaporator": SimulatedEvaporator(name="evaporator", shelf=shelf, noise=noise),
        "analyzer": SimulatedAnalyzer(name="analyzer", shelf=shelf, faults=AnalyzerFaults(**analyzer_faults)),
    }


def measure(instruments, seed=0, point=POINT, recipe=measure_conductivity):
    return perform(recipe, point, instruments, "1", np.random.default_rng(seed))


def test_recipe_measures_what_the_tool_made():
    """In a laboratory that repeats perfectly the value is the film's conductivity within the noise of the sweep."""
    measured = measure(laboratory())
    assert measured.value == pytest.approx(conductivity_us_cm(TARGET_TOOL, 6, 100, 0.5), rel=0.02)
    assert measured.details["sample"] == "film-1.1.1"
    assert measured.details["r_bulk_ohm"] == pytest.approx(800e-7 / (1.866e-6 * math.pi * 0.05**2), rel=0.02)


def test_recipe_reports_three_shares_of_its_uncertainty():
    """Fit, area and thickness add up in squares; area and thickness weigh more."""
    measured = measure(laboratory())
    fit, area, thickness = (measured.details[f"sd_{share}_us_cm"] for share in ("fit", "area", "thickness"))
    assert measured.sd == pytest.approx(math.sqrt(fit**2 + area**2 + thickness**2))
    assert area == pytest.approx(0.03 * measured.value)
    assert fit < 0.2 * area


def test_recipe_uncertainty_is_honest():
    """Over real-sized errors of area and thickness the value lies within two standard uncertainties nearly always."""
    instruments = laboratory(noise=1.0)
    misses = []
    for seed in range(60):
        measured = measure(instruments, seed)
        film = instruments["sputter"].state["film"]
        misses.append(abs(measured.value - film["conductivity_us_cm"]) / measured.sd)
    assert np.mean(np.array(misses) < 2) > 0.9
    assert np.median(misses) > 0.2


def test_recipe_states_its_unit():
    """The unit stands on the recipe, to be checked against the objective's."""
    assert measure_conductivity.unit == "uS/cm"


def test_recipe_passes_its_options_to_the_tools():
    """Thickness, time, electrode and frequencies of the YAML reach the commands."""
    steps = measure_conductivity(
        POINT,
        Lab(["sputter", "evaporator", "analyzer"]),
        thickness_nm=500.0,
        max_hours=5.0,
        electrode_mm=2.0,
        low_hz=1.0,
    )
    deposit = next(steps)
    electrode = steps.send(Reading({"sample": "s", "thickness_nm": 500.0}))
    sweep = steps.send(Reading({"area_cm2": 0.03}))
    assert (deposit.settings["thickness_nm"], deposit.settings["max_hours"]) == (500.0, 5.0)
    assert electrode.settings == {"sample": "s", "diameter_mm": 2.0}
    assert (sweep.settings["low_hz"], sweep.settings["sample"]) == (1.0, "s")


def test_recipe_sweeps_the_same_film_again_after_contact_noise():
    """A rejected sweep costs a sweep: the film that is measured in the end is the first one."""
    instruments = laboratory(analyzer_faults=NO_ANALYZER_FAULTS | {"contact_noise": 0.3})
    attempts = []
    sweep_phases = instruments["analyzer"].phases
    instruments["analyzer"].phases = lambda command, rng: attempts.append(command.id) or sweep_phases(command, rng)
    samples = [measure(instruments, seed).details["sample"] for seed in range(8)]
    assert set(samples) == {"film-1.1.1"}
    assert {"1.3.1", "1.3.2"} <= set(attempts)


def test_recipe_gives_up_when_every_sweep_is_noisy():
    """A contact that always slips fails the run as a measurement in the end."""
    with pytest.raises(InstrumentError, match="Kramers-Kronig") as caught:
        measure(laboratory(analyzer_faults=NO_ANALYZER_FAULTS | {"contact_noise": 1.0}))
    assert caught.value.failure is FailureClass.MEASUREMENT


def test_recipe_rejects_a_shorted_film():
    """A pinhole fails the run as a bad sample, whatever the recipe could compute from it."""
    with pytest.raises(InstrumentError, match="pinhole short") as caught:
        measure(laboratory(sputter_faults=NO_SPUTTER_FAULTS | {"pinhole": 1.0}))
    assert (caught.value.failure, caught.value.moved) == (FailureClass.SAMPLE, Moved.NO)


def test_recipe_takes_a_thinner_film_where_the_rate_is_low():
    """At the slow optimum the time is up first, and the conductivity is still right."""
    point = {"distance": 6.66, "power": 61.3, "pressure": 3.44}
    measured = measure(laboratory(), point=point)
    assert measured.details["thickness_nm"] < 500
    assert measured.value == pytest.approx(2.04, rel=0.02)


def test_laboratory_succeeds_at_most_points():
    """With the shipped rates most runs at ordinary points succeed, some fail, of more than one class."""
    rng, outcomes = np.random.default_rng(7), []
    instruments = simulated_laboratory("target")
    for seed in range(150):
        point = dict(zip(POINT, rng.uniform([3, 50, 0.2], [12, 300, 4]), strict=True))
        try:
            measure(instruments, seed, point)
            outcomes.append("measured")
        except InstrumentError as error:
            outcomes.append(str(error.failure))
    assert 0.7 < outcomes.count("measured") / len(outcomes) < 0.97
    assert {"infeasible", "instrument", "sample"} <= set(outcomes)


def test_play_returns_the_reading_of_a_command():
    """Without a clock the phases are run through and the reading is handed on."""
    deposit = next(measure_conductivity(POINT, Lab(["sputter"])))
    command = Command(deposit.instrument, deposit.action, deposit.settings, "4.1.1")
    assert play(laboratory()["sputter"].phases(command, np.random.default_rng(0))).sample == "film-4.1.1"
