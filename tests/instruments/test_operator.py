"""A person at the terminal: asked with units and bounds, asked again on nonsense, and free to leave."""

import threading
import time
from typing import Any

import pytest
from people import Typist, lines

from instruments.driver import Attended, Command, FailureClass, InstrumentError, Memory, Moved, Origin, Reading
from instruments.people.operator import Operator
from instruments.people.work import Asked, Work

WORK = {
    "electrode": Work(
        instructions="Put the {diameter_mm} mask on {sample} and evaporate gold.",
        settings={"sample": Asked(text=True), "diameter_mm": Asked(unit="mm", low=0.2, high=10)},
        enter={
            "area_cm2": Asked(unit="cm2", low=0, high=1),
            "mask": Asked(text=True),
            "thickness_nm": Asked(unit="nm", low=1, required=False),
        },
    ),
    "sweep": Work(instructions="Sweep {sample}.", settings={"sample": Asked(text=True)}, spectrum=True),
}
ELECTRODE = Command("evaporator", "electrode", {"sample": "film-1.1.1", "diameter_mm": 1.0}, "1.2.1")
SWEEP = Command("evaporator", "sweep", {"sample": "film-1.1.1"}, "1.3.1")


def perform(typist: Typist, command: Command = ELECTRODE) -> Reading | InstrumentError:
    operator = Operator(typist.terminal, name="evaporator", actions=WORK)
    operator.connect()
    try:
        return operator.perform(command, lambda *_: None)
    except InstrumentError as error:
        return error


def test_operator_is_asked_and_answers() -> None:
    """Instructions with the settings, prompts with units and bounds, a question whether it is right, and the values."""
    with Typist(lines("0.0079", "round 1", "", "yes")) as typist:
        reading = perform(typist)
    assert reading == Reading({"area_cm2": 0.0079, "mask": "round 1"})
    for expected in (
        "evaporator: electrode, order 1.2.1",
        "Put the 1 mm mask on film-1.1.1 and evaporate gold.",
        "diameter_mm  1 mm",
        "area_cm2 [cm2, 0 to 1]: ",
        "thickness_nm [nm, from 1, or nothing]: ",
        "area_cm2 = 0.0079 cm2, mask = round 1: right? [yes or no]: ",
    ):
        assert expected in typist.shown


@pytest.mark.parametrize(
    ("nonsense", "expected"),
    [
        ("about 0.01", "'about 0.01' is no number (cm2, 0 to 1)"),
        ("0,0079", "write the decimal point as a point"),
        ("nan", "'nan' is no number"),
        ("1e999", "1e999 is not within cm2, 0 to 1"),
        ("7.9", "7.9 is not within cm2, 0 to 1"),
        ("-0.1", "-0.1 is not within"),
        ("", "'' is no number"),
    ],
)
def test_operator_is_asked_again_on_nonsense(nonsense: str, expected: str) -> None:
    """The same question again, with what would be accepted."""
    with Typist(lines(nonsense, "0.0079", "round 1", "100", "y")) as typist:
        assert perform(typist) == Reading({"area_cm2": 0.0079, "mask": "round 1", "thickness_nm": 100.0})
    assert expected in typist.shown


def test_operator_line_without_end_is_bounded() -> None:
    """A stuck key is nonsense in pieces, and nothing else."""
    with Typist(lines("1" * 2500)) as typist:
        operator = Operator(typist.terminal, name="evaporator", actions=WORK)
        threading.Timer(0.5, operator.halt).start()
        with pytest.raises(InstrumentError):
            operator.perform(ELECTRODE, lambda *_: None)
    assert typist.shown.count("is no number") + typist.shown.count("is not within") == 3


def test_operator_may_correct_what_was_entered() -> None:
    """A no at the end asks everything again."""
    with Typist(lines("0.79", "round 1", "", "no", "0.0079", "round 1", "", "yes")) as typist:
        assert perform(typist).area_cm2 == 0.0079


@pytest.mark.parametrize(
    ("words", "failure", "moved"),
    [
        (["1", "peeled off at once", "yes"], FailureClass.INFEASIBLE, Moved.YES),
        (["sample", "dust on it", "no"], FailureClass.SAMPLE, Moved.NO),
        (["5", "I dropped it", "y"], FailureClass.OPERATOR, Moved.YES),
        (["9", "x", "y", "4", "no vacuum", "n"], FailureClass.INSTRUMENT, Moved.NO),
        (["3", "", "n", "3", "the probe slipped", "n"], FailureClass.MEASUREMENT, Moved.NO),
    ],
)
def test_operator_tells_a_failure_with_its_class(words: list[str], failure: FailureClass, moved: Moved) -> None:
    """At any prompt; with a class, a sentence, and whether anything was changed; nonsense is asked again."""
    with Typist(lines("0.0079", "failed", *words)) as typist:
        error = perform(typist)
    assert isinstance(error, InstrumentError)
    assert (error.failure, error.reason, error.moved) == (failure, words[-2], moved)


def test_operator_may_leave_and_is_asked_again() -> None:
    """`later` is no failure: nothing has moved, and the next time the question says that it was asked before."""
    with Typist(lines("later", "0.0079", "round 1", "", "yes")) as typist:
        operator = Operator(typist.terminal, name="evaporator", actions=WORK)
        with pytest.raises(InstrumentError, match="put off until later") as caught:
            operator.perform(ELECTRODE, lambda *_: None)
        assert (caught.value.failure, caught.value.moved) == (FailureClass.HALTED, Moved.NO)
        assert "asked before" not in typist.shown
        assert operator.recall("1.2.1").memory == Memory.RUNNING
        assert operator.perform(ELECTRODE, lambda *_: None).area_cm2 == 0.0079
        assert "(asked before: if it is done already, enter what came of it)" in typist.shown


def test_operator_who_ends_the_input_is_asked_another_day() -> None:
    """Ctrl-D is no answer."""
    with Typist(lines()) as typist:
        threading.Timer(0.2, typist.leave).start()
        error = perform(typist)
    assert isinstance(error, InstrumentError)
    assert (error.failure, "nobody types any more" in error.reason) == (FailureClass.HALTED, True)


def test_operator_is_halted_in_mid_question() -> None:
    """From another thread, at once; the line typed too late answers nobody."""
    with Typist(lines()) as typist:
        operator = Operator(typist.terminal, name="evaporator", actions=WORK)
        threading.Timer(0.2, operator.halt).start()
        began_s = time.monotonic()
        with pytest.raises(InstrumentError) as caught:
            operator.perform(ELECTRODE, lambda *_: None)
        assert caught.value.failure == FailureClass.HALTED
        assert time.monotonic() - began_s < 1


def test_operators_take_turns_at_one_terminal() -> None:
    """Two roles of one person: the second question waits for the first answer, and gives up when it is halted."""
    with Typist(lines()) as typist:
        first, second = (Operator(typist.terminal, name=name, actions=WORK) for name in ("one", "two"))
        outcome: list[Any] = []

        def work(operator: Operator) -> None:
            try:
                operator.perform(ELECTRODE, lambda *_: None)
            except InstrumentError as error:
                outcome.append(error.reason)

        threads = [threading.Thread(target=work, args=(operator,)) for operator in (first, second)]
        for thread in threads:
            thread.start()
            time.sleep(0.1)
        second.halt()
        threads[1].join(2)
        assert outcome == ["two: the question was put off; it will be asked again"]
        assert "two:" not in typist.shown
        first.halt()
        threads[0].join(2)


def test_operator_hands_in_a_spectrum(tmp_path: Any) -> None:
    """A file that holds none is asked for again, with its reason."""
    good, bad = tmp_path / "my sweep.csv", tmp_path / "bad.csv"
    rows = "\n".join(f"{10**i},{100 + i},{-i}" for i in range(6))
    good.write_text(f"frequency_hz,z_real_ohm,z_imag_ohm\n{rows}\n")
    bad.write_text("a,b\n1,2\n")
    with Typist(lines(str(bad), str(tmp_path / "none.csv"), f"'{good}'", "yes")) as typist:
        reading = perform(typist, SWEEP)
    assert list(reading.frequency_hz) == [1e5, 1e4, 1e3, 100, 10, 1]
    assert "no line names the columns of a spectrum" in typist.shown
    assert "cannot be read: No such file" in typist.shown
    assert "6 points from 100000 to 1 Hz: right?" in typist.shown


def test_operator_is_a_person_at_the_terminal() -> None:
    """The ledger says human, and the display knows that it must keep still."""
    with Typist(lines()) as typist:
        operator = Operator(typist.terminal, name="evaporator", actions=WORK, person="Ada")
        assert (operator.connect().origin, operator.connect().serial) == (Origin.HUMAN, "Ada")
        assert isinstance(operator, Attended)
        assert operator.is_at_terminal


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"instructions": "Use the {mask}."}, "instructions name mask, which is not among the settings"),
        ({"spectrum": True}, "either enters values"),
        ({"enter": {}}, "either enters values"),
        ({"expected_h": 2, "timeout_h": 1}, "expected_h 2 is more than timeout_h 1"),
        ({"enters": {}}, "Extra inputs are not permitted"),
    ],
)
def test_work_is_refused_where_it_makes_no_sense(changes: dict[str, Any], expected: str) -> None:
    """In the configuration, before anybody is asked."""
    with pytest.raises(ValueError, match=expected):
        Work(**{"instructions": "Weigh it.", "enter": {"mass": Asked(unit="g")}, **changes})
