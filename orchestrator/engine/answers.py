"""Whether an answer is what its action promises: what does not fit never reaches a recipe, nor the planner.

Rule of this file: an answer is judged by the action's own outputs, by the sample that was commanded, and by what was
answered before; never by whether its numbers are likely.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import numpy as np

from instruments.driver import Action, FailureClass, InstrumentError, Moved, Quantity, Reading, Scalar
from orchestrator.ledger import State, Step
from orchestrator.ledger.events import LARGEST

SAMPLE = "sample"
"""The setting that says which sample a command is for, and the output that says which sample an answer is about."""


class Answers:
    """What instruments have answered so far, and whether a new answer may stand beside it.

    Args:
        state: What the ledger says now; later answers are told by `remember`.
    """

    def __init__(self, state: State) -> None:
        self._makers: dict[str, str] = {}
        self._latest: dict[str, Step] = {}
        done = [s for run in chain(state.runs.values(), state.maintenance.values()) for s in run.steps]
        for step in sorted((s for s in done if s.status == "done"), key=lambda s: s.last.end_s or 0.0):
            self.remember(step)

    def remember(self, step: Step) -> None:
        """Take note of the answer of a step that is done."""
        self._latest[step.instrument] = step
        sample = _values(step).get(SAMPLE)
        if isinstance(sample, str) and SAMPLE not in step.settings:
            self._makers.setdefault(sample, step.last.id)

    def misfits(self, step: Step, action: Action, body: Mapping[str, Any], reading: Reading) -> Iterator[str]:
        """Yield in words what is wrong with an answer.

        Args:
            step: The step it answers.
            action: What the step performs.
            body: The answer as it would be recorded.
            reading: The same answer, decoded.
        """
        yield from misfits(action, step.settings, reading)
        sample, before = reading.values.get(SAMPLE), self._latest.get(step.instrument, step)
        maker = self._makers.get(str(sample)) if SAMPLE in action.outputs and SAMPLE not in step.settings else None
        if maker is not None:
            yield f"sample {sample!r} was made by step {maker} already: an old answer, or two samples of one name"
        elif _is_old(before, step) and reading.arrays and _numbers(before.last.reading) == _numbers(body):
            yield f"it is number for number the answer of step {before.last.id}: an old answer"


def misfits(action: Action, settings: Mapping[str, Scalar], reading: Reading) -> Iterator[str]:
    """Yield in words where a reading is not what an action declares, or not about the sample of its command.

    Args:
        action: Declares outputs with units and bounds.
        settings: Of the command.
        reading: What was answered.
    """
    for name, quantity in action.outputs.items():
        if name in reading.values:
            yield from _scalar_misfits(name, quantity, reading.values[name])
        elif name in reading.arrays:
            yield from _array_misfits(name, quantity, np.asarray(reading.arrays[name]))
        elif quantity.required:
            yield f"it lacks {name}"
    asked, told = settings.get(SAMPLE), reading.values.get(SAMPLE)
    if SAMPLE in action.outputs and asked is not None and told not in (None, asked):
        yield f"it is about sample {told!r}, and {asked!r} was asked for"


def unusable(action: Action | None, reason: str) -> InstrumentError:
    """Return the failure of an answer that cannot count.

    Where the action may be repeated on the same sample, the measurement is at fault and is done again. Elsewhere
    something has moved, a sample was perhaps made, and nothing but its answer is known: the instrument is at fault.
    """
    failure = FailureClass.MEASUREMENT if action is not None and action.repeatable else FailureClass.INSTRUMENT
    return InstrumentError(failure, f"the answer cannot count: {reason}", Moved.YES)


def _scalar_misfits(name: str, quantity: Quantity, value: Scalar) -> Iterator[str]:
    if quantity.text:
        if not isinstance(value, str) or not value:
            yield f"{name}={value!r} is not a text"
    elif isinstance(value, (str, bool)) or not abs(value) < LARGEST:  # NaN is not
        yield f"{name}={value!r} is not a finite number below {LARGEST:g}"
    else:
        yield from _out_of_bounds(name, quantity, value, value)


def _array_misfits(name: str, quantity: Quantity, array: np.ndarray[Any, Any]) -> Iterator[str]:
    if quantity.text:
        yield f"{name} is an array, not a text"
    elif array.size == 0:
        yield f"{name} has no values"
    elif array.dtype.kind != "c":
        yield from _out_of_bounds(name, quantity, float(array.min()), float(array.max()))


def _out_of_bounds(name: str, quantity: Quantity, lowest: float, highest: float) -> Iterator[str]:
    if quantity.low is not None and lowest < quantity.low:
        yield f"{name}={lowest:g} {quantity.unit} is below {quantity.low:g}, the least it can be"
    if quantity.high is not None and highest > quantity.high:
        yield f"{name}={highest:g} {quantity.unit} is above {quantity.high:g}, the most it can be"


def _is_old(before: Step, step: Step) -> bool:
    """Return whether an answer is to an earlier command: a load shares what was measured of all its samples."""
    is_shared = step.last.load and step.last.load == before.last.load
    return before is not step and not is_shared


def _numbers(body: Mapping[str, Any] | None) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return what was measured, without names: numbers, and arrays by the hash of their content."""
    values, arrays = (body or {}).get("values", {}), (body or {}).get("arrays", {})
    return {name: value for name, value in values.items() if not isinstance(value, str)}, arrays


def _values(step: Step) -> Mapping[str, Any]:
    values: Mapping[str, Any] = (step.last.reading or {}).get("values", {})
    return values
