import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instruments.driver import Command, FailureClass, InstrumentError, Moved, PhasedInstrument
from instruments.evaporator import SimulatedEvaporator
from instruments.faults import happens
from instruments.sputter.faults import MID_DEPOSITION, SputterFaults
from instruments.sputter.physics import TARGET_TOOL, conductivity_us_cm
from instruments.sputter.simulated import SimulatedSputter

NO_FAULTS = dict.fromkeys(SputterFaults.model_fields, 0.0)
GOOD = {"distance_cm": 6.0, "power_w": 100.0, "pressure_pa": 0.5, "thickness_nm": 800.0, "max_hours": 24.0}


def sputter(shelf=None, faults=NO_FAULTS, **options):
    return SimulatedSputter(
        name="sputter", shelf={} if shelf is None else shelf, faults=SputterFaults(**faults), **options
    )


def deposit(tool, seed=0, command_id="1.1.1", **changes):
    """Play one deposition; return its phases and the reading, or the failure."""
    phases, steps = (
        [],
        tool.phases(Command("sputter", "deposit", GOOD | changes, command_id), np.random.default_rng(seed)),
    )
    try:
        while True:
            phases.append(next(steps))
    except StopIteration as done:
        return phases, done.value
    except InstrumentError as error:
        return phases, error


def seconds(phases, name):
    return sum(phase.duration_s for phase in phases if phase.name.startswith(name))


def test_sputter_is_a_phased_instrument():
    """The driver has all that the protocol asks for."""
    assert isinstance(sputter(), PhasedInstrument)


def test_sputter_makes_the_film_that_physics_promises():
    """A perfect tool grows the thickness asked for, of the conductivity of its point."""
    shelf = {}
    _, reading = deposit(sputter(shelf, noise=0.0))
    film = shelf[reading.sample]
    assert reading.sample == "film-1.1.1"
    assert film.thickness_nm == pytest.approx(800)
    assert reading.thickness_nm == pytest.approx(800, abs=0.1)
    assert film.conductivity_us_cm == pytest.approx(conductivity_us_cm(TARGET_TOOL, 6, 100, 0.5), rel=0.02)
    assert reading.deposition_h == pytest.approx(800 / reading.rate_nm_min / 60, rel=1e-2)


def test_sputter_stops_a_slow_deposition():
    """Where the time is up first, the film is thinner than asked for."""
    phases, reading = deposit(sputter(noise=0.0), distance_cm=6.66, power_w=61.3, pressure_pa=3.44)
    assert seconds(phases, "deposit") == pytest.approx(24 * 3600)
    assert reading.thickness_nm == pytest.approx(24 * 60 * reading.rate_nm_min, rel=1e-2)
    assert reading.thickness_nm < 500


def test_sputter_scatters_about_the_truth():
    """Repeatability and drift spread films of one point by some 6 per cent."""
    shelf = {}
    tool = sputter(shelf)
    for run in range(200):
        tool.state = tool.state | {"energy_kwh": 0.0}
        deposit(tool, seed=run, command_id=f"{run}.1.1")
    logs = np.log([film.conductivity_us_cm for film in shelf.values()])
    assert np.std(logs) == pytest.approx(math.hypot(0.05, 0.03), rel=0.25)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), power=st.floats(50, 300), pressure=st.floats(0.2, 4))
def test_sputter_repeats_itself_from_a_recorded_state(seed, power, pressure):
    """From the same state and stream a new tool has the same phases, outcome and state, whatever happens."""
    old = sputter(faults={})
    deposit(old, seed + 1)
    recorded = json.loads(json.dumps(old.state))
    new = sputter(faults={})
    new.state = recorded
    assert [str(x) for x in deposit(old, seed, "2.1.1", power_w=power, pressure_pa=pressure)] == [
        str(x) for x in deposit(new, seed, "2.1.1", power_w=power, pressure_pa=pressure)
    ]
    assert new.state == old.state


def test_sputter_state_does_not_grow():
    """Ten runs later the state is as small as after one."""
    tool = sputter()
    deposit(tool, command_id="1.1.1")
    before = len(json.dumps(tool.state))
    for run in range(2, 12):
        deposit(tool, seed=run, command_id=f"{run}.1.1")
    assert len(json.dumps(tool.state)) < before + 30


def test_sputter_state_restores_the_shelf_but_keeps_electrodes():
    """Setting a state puts a lost film back, and does not take the electrode off a film that has one."""
    shelf = {}
    tool, evaporator = sputter(shelf), SimulatedEvaporator(name="evaporator", shelf=shelf)
    _, reading = deposit(tool)
    coated = Command("evaporator", "electrode", {"sample": reading.sample, "diameter_mm": 1.0}, "1.2.1")
    list(evaporator.phases(coated, np.random.default_rng(0)))
    whole = shelf[reading.sample]
    states = tool.state, evaporator.state
    shelf.clear()
    tool.state, evaporator.state = states
    tool.state = states[0]
    assert shelf == {whole.id: whole}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"power_w": 301.0}, "power_w=301 W is above the tool's limit of 300 W"),
        ({"pressure_pa": 0.1}, "pressure_pa=0.1 Pa is below"),
        ({"distance_cm": 13.0}, "distance_cm=13 cm is above"),
        ({"sample": "x"}, "does not know sample"),
    ],
)
def test_sputter_refuses_what_its_limits_forbid(changes, words):
    """A forbidden command fails before anything moves and wears nothing."""
    tool = sputter()
    before = tool.state
    phases, error = deposit(tool, **changes)
    assert (phases, error.failure, error.moved) == ([], FailureClass.INSTRUMENT, Moved.NO)
    assert words in error.reason
    assert tool.state == before


def test_sputter_power_limit_is_an_option():
    """A tool with a lower ceiling says so."""
    _, error = deposit(sputter(max_power_w=141.0), power_w=150.0)
    assert "limit of 141 W" in error.reason


@pytest.mark.parametrize(
    ("fault", "failure", "moved", "words"),
    [
        ("link_lost", "instrument", "no", "link was lost"),
        ("interlock", "safety", "yes", "interlock opened"),
        ("mismatch", "instrument", "yes", "reflected power 18 W was above 10 W"),
        ("arcing", "infeasible", "yes", "bias spikes of 342 V"),
        ("target_crack", "infeasible", "yes", "target cracked"),
        ("pressure_off", "instrument", "yes", "off by more than 5 %"),
        ("cooling_water", "instrument", "yes", "cooling water tripped; RF off at once; partial film"),
        ("vacuum", "instrument", "yes", "vacuum tripped"),
    ],
)
def test_sputter_fault_tells_class_symptom_and_response(fault, failure, moved, words):
    """Each fault at a high rate ends the deposition as the table says, and leaves no film."""
    shelf = {}
    phases, error = deposit(sputter(shelf, NO_FAULTS | {fault: 1000.0}, noise=0.0))
    assert (error.failure, error.moved) == (failure, moved)
    assert words in error.reason
    assert shelf == {}
    if moved == "yes" and failure != "safety":
        assert "unload" in [phase.name for phase in phases]


def test_sputter_does_not_strike_at_low_pressure():
    """Below some 0.25 Pa plasma does not burn, seen as no bias and reflected power; never so at 2 Pa."""
    tool = sputter(faults=NO_FAULTS | {"ignition": 1.0})
    outcomes = [deposit(tool, seed=seed, pressure_pa=0.2) for seed in range(100)]
    errors = [outcome for _, outcome in outcomes if isinstance(outcome, InstrumentError)]
    assert 55 <= len(errors) <= 85
    assert {error.failure for error in errors} == {FailureClass.INFEASIBLE}
    assert "3 tries; bias 2 V, reflected 48.5 W of 50 W" in errors[0].reason
    assert not any(isinstance(deposit(tool, seed, pressure_pa=2.0)[1], InstrumentError) for seed in range(50))


def test_sputter_wears_in_failed_runs_too():
    """A run that fails while depositing has used the target, and drift has gone on."""
    tool = sputter(faults=NO_FAULTS | {"vacuum": 1.0})
    before = tool.state
    deposit(tool)
    assert tool.state["energy_kwh"] > before["energy_kwh"] + 0.05
    assert tool.state["drift"] != before["drift"]


def test_sputter_changes_a_cracked_target():
    """After a crack a day of maintenance follows, and the next run starts on a fresh target, exposed to air."""
    cracked = sputter(faults=NO_FAULTS | {"target_crack": 1000.0})
    phases, _ = deposit(cracked)
    assert seconds(phases, "maintenance") == 24 * 3600
    assert cracked.state["energy_kwh"] == 0
    after = sputter()
    after.state = cracked.state
    phases, _ = deposit(after)
    usual, _ = deposit(sputter())
    assert seconds(phases, "pre-sputter") == pytest.approx(seconds(usual, "pre-sputter") * 2 / 0.75, rel=1e-3)
    assert seconds(phases, "pump") == pytest.approx(seconds(usual, "pump") * 1.5)


def test_sputter_changes_a_worn_target_before_loading():
    """At the end of the target's life the run begins with maintenance."""
    tool = sputter()
    tool.state = tool.state | {"energy_kwh": 60.5}
    phases, _ = deposit(tool)
    assert phases[0].name.startswith("maintenance")
    assert tool.state["energy_kwh"] < 3


def test_sputter_cracks_more_under_power_and_haste():
    """The rate of a crack grows with power density, and fivefold with a ramp above 20 W/min."""
    crack = MID_DEPOSITION[0]
    slow = {"power_w": 141.0, "density_w_cm2": 3.1, "ramp_w_min": 7.0, "fresh_target": 0.0}
    assert crack.rate(SputterFaults(), slow) == pytest.approx(0.002)
    assert crack.rate(SputterFaults(), slow | {"ramp_w_min": 25.0}) == pytest.approx(0.01)
    assert crack.rate(SputterFaults(), slow | {"density_w_cm2": 6.6}) > 0.1


def test_sputter_load_lock_spares_the_pump():
    """With a load-lock a run is about two hours shorter."""
    with_lock = np.median([seconds(deposit(sputter(load_lock=True), seed)[0], "pump") for seed in range(60)])
    without = np.median([seconds(deposit(sputter(), seed)[0], "pump") for seed in range(60)])
    assert without - with_lock == pytest.approx(2 * 3600, rel=0.2)


def test_sputter_ramps_as_fast_as_it_is_told():
    """The ramp lasts power over rate."""
    assert seconds(deposit(sputter(ramp_w_min=10.0))[0], "ramp") == 600


def test_sputter_halted_in_mid_deposition_keeps_its_wear():
    """A halt thrown into the deposition passes through, leaves no film and keeps the wear so far."""
    shelf = {}
    tool = sputter(shelf)
    steps = tool.phases(Command("sputter", "deposit", GOOD, "1.1.1"), np.random.default_rng(0))
    names = [next(steps).name]
    while names.count("deposit") < 3:
        names.append(next(steps).name)
    with pytest.raises(InstrumentError, match="stop"):
        steps.throw(InstrumentError(FailureClass.HALTED, "stop"))
    assert shelf == {}
    assert tool.state["energy_kwh"] == pytest.approx(0.1 * (4 + 0.75) + 0.012, abs=0.01)


def test_sputter_telemetry_is_plain_data():
    """Every read-back is a number or text that goes into JSON, with the names of a real tool."""
    phases, reading = deposit(sputter())
    seen = next(phase.telemetry for phase in phases if phase.name == "deposit")
    assert {"forward_w", "reflected_w", "bias_v", "pressure_pa", "rate_nm_min", "substrate_k"} <= set(seen)
    for values in (*(phase.telemetry for phase in phases), reading.values):
        assert all(type(value) in (int, float, str, bool) for value in values.values())


def test_sputter_unknown_fault_is_refused():
    """A misspelt rate is an error, not a rate of nothing."""
    with pytest.raises(ValueError, match="archng"):
        SputterFaults(archng=0.1)


def test_faults_survive_any_factor():
    """A rate above one is a certainty."""
    rng = np.random.default_rng(0)
    assert all(happens(rng, 3.0) for _ in range(100))
    assert not any(happens(rng, 0.0) for _ in range(100))
    assert sum(happens(rng, 0.3) for _ in range(2000)) == pytest.approx(600, rel=0.15)


def test_faults_of_the_film_depend_on_thickness():
    """Thin films have pinholes, thick films come off."""
    faults = SputterFaults()
    assert faults.pinhole_rate(50) > 2 * faults.pinhole_rate(800)
    assert faults.delamination_rate(800) == pytest.approx(0.01)
    assert faults.delamination_rate(2500) > 5 * faults.delamination_rate(800)


def maintain(tool, action, seed=0):
    phases, steps = [], tool.phases(Command("sputter", action, {}, "2.1.1"), np.random.default_rng(seed))
    try:
        while True:
            phases.append(next(steps))
    except StopIteration as done:
        return phases, done.value


def test_sputter_shows_how_worn_its_target_is_and_gets_a_new_one():
    """What it reads is the energy that went through the target; changing it costs a day and sets it back."""
    tool = sputter(noise=0.0)
    _, reading = deposit(tool)
    assert reading.target_kwh == pytest.approx(tool.state["energy_kwh"], abs=1e-3)
    assert reading.target_kwh > 0.1 * reading.deposition_h
    phases, changed = maintain(tool, "change_target")
    assert changed.target_kwh == 0.0
    assert sum(phase.duration_s for phase in phases) == 24 * 3600
    assert tool.state["fresh_target"]


def test_sputter_conditions_a_new_target_so_that_the_next_film_need_not():
    """Two hours behind the shutter; a fresh target would take them, and arc, in the next deposition."""
    fresh, clean = sputter(noise=0.0), sputter(noise=0.0)
    for tool in (fresh, clean):
        maintain(tool, "change_target")
    phases, reading = maintain(clean, "condition")
    assert seconds(phases, "pre-sputter") == 2 * 3600
    assert reading.target_kwh == pytest.approx(0.2)
    longer, shorter = (seconds(deposit(tool)[0], "pre-sputter") for tool in (fresh, clean))
    assert longer == pytest.approx(2 / 0.75 * shorter, abs=2)


def test_sputter_chambers_of_a_kind_differ_by_an_offset():
    """A tenth more conductive, whatever the point."""
    films = {}
    for offset in (0.0, 0.1):
        _, reading = deposit(sputter(films.setdefault(offset, {}), noise=0.0, offset=offset))
    one, other = (films[offset][reading.sample].conductivity_us_cm for offset in (0.0, 0.1))
    assert other == pytest.approx(1.1 * one)
