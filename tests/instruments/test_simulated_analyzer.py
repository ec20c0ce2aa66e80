import numpy as np
import pytest

from instruments.driver import Command, FailureClass, InstrumentError, Moved, PhasedInstrument
from instruments.impedance.simulated import AnalyzerFaults, SimulatedAnalyzer
from instruments.impedance.spectrum import acceptance, quality, spectrum_of
from instruments.sputter.film import Film

NO_FAULTS = dict.fromkeys(AnalyzerFaults.model_fields, 0.0)
WIDE = {"sample": "film-1.1.1", "low_hz": 0.1, "high_hz": 1e6, "points_per_decade": 10}
FILM = Film("film-1.1.1", 1.87, 780.0, area_cm2=0.00785)


def analyzer(film=FILM, **faults):
    return SimulatedAnalyzer(name="analyzer", shelf={film.id: film}, faults=AnalyzerFaults(**(NO_FAULTS | faults)))


def sweep(driver, seed=0, command_id="1.3.1", **changes):
    """Play one sweep; return its phases and the reading, or the failure."""
    phases, steps = (
        [],
        driver.phases(Command("analyzer", "sweep", WIDE | changes, command_id), np.random.default_rng(seed)),
    )
    try:
        while True:
            phases.append(next(steps))
    except StopIteration as done:
        return phases, done.value
    except InstrumentError as error:
        return phases, error


def test_analyzer_sweeps_from_high_to_low():
    """Ten points a decade over seven decades take some three minutes, and the spectrum counts."""
    driver = analyzer()
    phases, reading = sweep(driver)
    assert isinstance(driver, PhasedInstrument)
    assert reading.frequency_hz[[0, -1]] == pytest.approx([1e6, 0.1])
    assert len(reading.z_real_ohm) == len(reading.z_imag_ohm) == 71
    assert 2.4 * 60 <= phases[-1].duration_s <= 4 * 60
    acceptance(thickness_nm=780.0, area_cm2=0.00785)(reading)


def test_analyzer_repeats_itself_with_the_same_stream():
    """The same command and stream give the same spectrum to the last bit; another stream does not."""
    one, same, other = (sweep(analyzer(), seed)[1].z_real_ohm for seed in (4, 4, 5))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_analyzer_that_is_faster_measures_the_same():
    """Ten times the speed: a tenth of the time, the same spectrum."""
    slow, reading = sweep(analyzer())
    fast, same = sweep(
        SimulatedAnalyzer(name="analyzer", shelf={FILM.id: FILM}, speed=10.0, faults=AnalyzerFaults(**NO_FAULTS))
    )
    ratios = [a.duration_s / b.duration_s for a, b in zip(slow, fast, strict=True)]
    assert ratios == pytest.approx([10, 10], rel=0.05)
    assert np.array_equal(reading.z_real_ohm, same.z_real_ohm)


@pytest.mark.parametrize(("fault", "words"), [("timeout", "no answer within"), ("disconnect", "link dropped")])
def test_analyzer_fault_asks_for_the_same_film_again(fault, words):
    """A silent analyzer is a failed measurement; nothing moved and the film is still there."""
    driver = analyzer(**{fault: 1.0})
    phases, error = sweep(driver)
    assert (error.failure, error.moved) == (FailureClass.MEASUREMENT, Moved.NO)
    assert words in error.reason
    assert phases[0].name == "mount and check contact"
    assert sweep(analyzer())[1].arrays


def test_analyzer_contact_noise_belongs_to_one_attempt():
    """A slipped contact spoils this sweep; the next one of the same film may be clean."""
    driver = analyzer(contact_noise=0.5)
    worst = [quality(spectrum_of(sweep(driver, seed)[1])).kk_max for seed in range(30)]
    assert 5 <= sum(residual > 0.015 for residual in worst) <= 25


@pytest.mark.parametrize(
    ("film", "words"),
    [(Film("film-9.1.1", 1.87, 780.0), "no such sample"), (Film("film-1.1.1", 1.87, 780.0), "no electrode on it")],
)
def test_analyzer_refuses_a_sample_it_cannot_sweep(film, words):
    """Without sample or electrode the analyzer says which is missing."""
    _, error = sweep(analyzer(film))
    assert (error.failure, error.moved) == (FailureClass.INSTRUMENT, Moved.NO)
    assert words in error.reason


def test_analyzer_refuses_frequencies_outside_its_range():
    """The limits of the analyzer hold in the driver, too."""
    _, error = sweep(analyzer(), low_hz=1e-4)
    assert "low_hz=0.0001 Hz is below the tool's limit of 0.01 Hz" in error.reason


@pytest.mark.parametrize(("defect", "words"), [("is_shorted", "pinhole"), ("is_delaminated", "come off")])
def test_analyzer_shows_defects_of_the_film(defect, words):
    """A defect of the film shows in every sweep of it."""
    driver = analyzer(Film("film-1.1.1", 1.87, 780.0, area_cm2=0.00785, **{defect: True}))
    for seed in range(20):
        with pytest.raises(InstrumentError, match=words):
            acceptance(thickness_nm=780.0, area_cm2=0.00785)(sweep(driver, seed)[1])


def test_analyzer_compensates_its_fixture_without_a_sample():
    """Half an hour with three standards; what is left is told."""
    command, rng = Command("analyzer", "calibrate", {}, "4.1.1"), np.random.default_rng(0)
    *phases, reading = played(analyzer().phases(command, rng))
    assert [phase.name.split()[-2] for phase in phases] == ["open", "short", "load"]
    assert 15 * 60 < sum(phase.duration_s for phase in phases) < 60 * 60
    assert 0 < reading.residual_percent < 1


def played(steps):
    """Yield the phases and then the reading."""
    reading = yield from steps
    yield reading
