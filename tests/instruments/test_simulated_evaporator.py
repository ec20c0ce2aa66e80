import json
import math

import numpy as np
import pytest

from instruments.driver import Command, FailureClass, InstrumentError, Moved, PhasedInstrument
from instruments.evaporator import SimulatedEvaporator
from instruments.sputter.film import Film


def coat(evaporator, sample="film-1.1.1", seed=0):
    steps = evaporator.phases(
        Command("evaporator", "electrode", {"sample": sample, "diameter_mm": 1.0}, "1.2.1"), np.random.default_rng(seed)
    )
    hours = 0.0
    while True:
        try:
            hours += next(steps).duration_s / 3600
        except StopIteration as done:
            return hours, done.value


def shelf_of(n_films):
    films = [Film(f"film-{run}.1.1", 1.0, 800.0) for run in range(1, n_films + 1)]
    return {film.id: film for film in films}


def test_evaporator_hides_the_true_area():
    """The reading tells the mask's area; what is on the film differs by some 3 per cent."""
    shelf = shelf_of(300)
    evaporator = SimulatedEvaporator(name="evaporator", shelf=shelf)
    outcomes = [coat(evaporator, sample, seed) for seed, sample in enumerate(shelf)]
    nominal_cm2 = math.pi * 0.05**2
    ratios = [film.area_cm2 / nominal_cm2 for film in shelf.values()]
    assert isinstance(evaporator, PhasedInstrument)
    assert {reading.area_cm2 for _, reading in outcomes} == {nominal_cm2}
    assert np.std(np.log(ratios)) == pytest.approx(0.03, rel=0.2)
    assert np.median([hours for hours, _ in outcomes]) == pytest.approx(2.5, rel=0.1)


def test_evaporator_state_puts_the_electrode_on_again():
    """The recorded state restores the true area on a film that has just been put back."""
    shelf = shelf_of(1)
    evaporator = SimulatedEvaporator(name="evaporator", shelf=shelf)
    assert evaporator.state == {}
    coat(evaporator)
    restored = shelf_of(1)
    SimulatedEvaporator(name="evaporator", shelf=restored).state = json.loads(json.dumps(evaporator.state))
    assert restored == shelf


def test_evaporator_refuses_an_unknown_sample():
    """Without the film nothing moves."""
    evaporator = SimulatedEvaporator(name="evaporator", shelf={})
    with pytest.raises(InstrumentError, match=r"no sample 'film-1.1.1'") as caught:
        coat(evaporator)
    assert (caught.value.failure, caught.value.moved) == (FailureClass.INSTRUMENT, Moved.NO)


def test_evaporator_setting_no_state_changes_nothing():
    """The state before the first electrode is empty and may be set."""
    evaporator = SimulatedEvaporator(name="evaporator", shelf={})
    evaporator.state = {}
    assert evaporator.state == {}
