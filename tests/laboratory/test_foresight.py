"""What can be told of a recipe's later commands before the first one is performed."""

from collections.abc import Callable

import pytest

from instruments.driver import Command, Reading
from instruments.evaporator import SimulatedEvaporator
from instruments.impedance.simulated import SimulatedAnalyzer
from instruments.sputter.simulated import SimulatedSputter
from orchestrator.laboratory import Laboratory
from orchestrator.laboratory.foresight import foresee
from orchestrator.recipe import Lab, Point, Steps

POINT = {"power": 100.0}
SWEEP = {"high_hz": 1e6, "points_per_decade": 10}


def laboratory(recipe: Callable[[Point, Lab], Steps]) -> Laboratory:
    instruments = {
        "sputter": SimulatedSputter(name="sputter", shelf={}),
        "evaporator": SimulatedEvaporator(name="evaporator", shelf={}),
        "analyzer": SimulatedAnalyzer(name="analyzer", shelf={}),
    }
    return Laboratory(instruments, recipe)


def deposit(lab: Lab) -> Command:
    return lab.sputter.deposit(distance_cm=6, power_w=100, pressure_pa=1, thickness_nm=800, max_hours=24)


def messages(recipe: Callable[[Point, Lab], Steps]) -> list[str]:
    return [foreseen.message for foreseen in foresee(laboratory(recipe), POINT)]


def test_foresight_finds_a_later_limit_before_anything_moves() -> None:
    """A sweep that the analyzer refuses is told before half a day of deposition, with what would come before it."""

    def recipe(_point: Point, lab: Lab) -> Steps:
        film = yield deposit(lab)
        yield lab.evaporator.electrode(sample=film.sample, diameter_mm=1)
        yield lab.analyzer.sweep(sample=film.sample, low_hz=1e-3, **SWEEP)
        return 1.0

    found = foresee(laboratory(recipe), POINT)[0]
    assert found.message == "analyzer.sweep: low_hz=0.001 Hz is below the tool's limit of 0.01 Hz"
    assert (found.setting, found.value, found.after) == ("low_hz", 1e-3, ("sputter.deposit", "evaporator.electrode"))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda lab: lab.analyzer.swep(sample="a"), "analyzer.swep: no such action"),
        (lambda lab: lab.analyzer.sweep(sample="a", **SWEEP), "analyzer.sweep: needs low_hz"),
        (lambda lab: lab.analyzer.sweep(sample="a", low_hz=1, speed=3, **SWEEP), "analyzer.sweep: does not know speed"),
        (lambda lab: lab.microscope.look(), "the laboratory has no instrument 'microscope'"),
        (lambda _lab: Command("microscope", "look", {}), "'microscope' is not in the laboratory"),
    ],
)
def test_foresight_finds_later_slips_of_the_pen(bad: Callable[[Lab], Command], message: str) -> None:
    """A name that is wrong in the last line of a recipe is found in its first minute."""

    def recipe(_point: Point, lab: Lab) -> Steps:
        yield deposit(lab)
        yield bad(lab)
        return 1.0

    assert [message in found for found in messages(recipe)] == [True]


def test_foresight_does_not_judge_what_hangs_on_a_reading() -> None:
    """A setting that comes from a measurement may be anything; made-up readings refuse nothing."""

    def recipe(_point: Point, lab: Lab) -> Steps:
        film = yield deposit(lab)
        yield lab.evaporator.electrode(sample=film.sample, diameter_mm=1e6 * film.thickness_nm)
        return 1.0

    assert messages(recipe) == []


def test_foresight_does_not_judge_a_way_that_hangs_on_a_reading() -> None:
    """Where two sets of made-up readings lead to different commands, nothing can be told."""

    def recipe(_point: Point, lab: Lab) -> Steps:
        film = yield deposit(lab)
        if film.thickness_nm > 1.5:
            yield lab.analyzer.nonsense()
        return 1.0

    assert messages(recipe) == []


def test_foresight_ends_where_the_recipe_stumbles_over_what_is_made_up() -> None:
    """A calculation that needs a real spectrum is no mistake of the recipe."""

    def recipe(_point: Point, lab: Lab) -> Steps:
        film = yield deposit(lab)
        sweep: Reading = yield lab.analyzer.sweep(sample=film.sample, low_hz=1, **SWEEP)
        return float(sweep.arrays["frequency_hz"][0])

    assert messages(recipe) == []


def test_foresight_ends_where_a_recipe_waits_for_a_reading() -> None:
    """A loop until something is measured is not followed for ever."""

    def recipe(_point: Point, lab: Lab) -> Steps:
        film = yield deposit(lab)
        while film.thickness_nm < 700:
            film = yield deposit(lab)
        return 1.0

    assert messages(recipe) == []


def test_foresight_does_not_repeat_what_the_first_command_is_told() -> None:
    """The first command is told with its place among the parameters; here only what follows counts."""

    def recipe(_point: Point, lab: Lab) -> Steps:
        yield lab.sputter.deposit(power_w=1e6)
        return 1.0

    assert messages(recipe) == []
