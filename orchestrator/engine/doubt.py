"""Steps in doubt: their intent is recorded and their outcome is not. What can be said of them, and by whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from instruments.driver import Action, Instrument, Memory, PhasedInstrument, Reading, Recollection, Remembering, Scalar
from orchestrator.clock import is_phased
from orchestrator.clock.patience import within
from orchestrator.engine.answers import misfits
from orchestrator.ledger import Step
from orchestrator.ledger.readings import encode_reading

How = Literal["continued", "recalled", "waited", "done", "failed", "repeat"]
RECALL_S = 60.0
"""How long an instrument may think about what became of a command, s on the wall."""

WORDS = ("done", "failed", "repeat")


@dataclass(frozen=True)
class Resolution:
    """How a doubt is settled.

    Args:
        how: `continued` (the phases of a simulation go on), `recalled` (the instrument remembers its outcome),
            `waited` (it is still at it), or `done`, `failed`, `repeat`: a person's word. `repeat` is also the answer of
            an instrument that never began it, and of an action that may be repeated on the same sample.
        note: What it rests on.
        reading: The outcome, when it is done.
    """

    how: How
    note: str
    reading: Reading | None = None


@dataclass(frozen=True)
class Word:
    """What a person says of a step in doubt.

    Args:
        run: The run.
        step: The step within it.
        how: `done`, `failed` or `repeat`.
        note: Why.
        values: The reading, by output name, when it is done.
    """

    run: int
    step: int
    how: Literal["done", "failed", "repeat"]
    note: str
    values: Mapping[str, Scalar] = field(default_factory=dict)

    def missing(self, action: Action) -> list[str]:
        """Return the outputs that a finished step must have and the word does not give, with their units."""
        if self.how != "done":
            return []
        lacking = {name: q for name, q in action.outputs.items() if q.required and name not in self.values}
        return [name if q.text or q.unit in ("", "1") else f"{name} ({q.unit})" for name, q in lacking.items()]


def settle(instrument: PhasedInstrument | Instrument, step: Step, word: Word | None) -> Resolution | None:
    """Return how a doubt is settled: by the simulation, by the instrument, by a person; None if by nobody.

    Args:
        instrument: Who was asked to perform it.
        step: The step in doubt.
        word: What a person says, if anything.
    """
    if is_phased(instrument):
        return Resolution("continued", "the phases go on from their recorded beginning")
    if word is not None:
        return Resolution(word.how, word.note, Reading(dict(word.values)) if word.how == "done" else None)
    remembered, action = _recollection(instrument, step.last.id), instrument.actions.get(step.action)
    is_done = remembered.memory == Memory.DONE and _is_answer(remembered.reading, step, action)
    is_repeatable = action is not None and action.repeatable
    ways = (
        (is_done, Resolution("recalled", "the instrument remembers its outcome", remembered.reading)),
        (remembered.memory == Memory.RUNNING, Resolution("waited", "the instrument is still at it")),
        (remembered.memory == Memory.NEVER, Resolution("repeat", "the instrument never began it")),
        (is_repeatable, Resolution("repeat", f"{step.action} may be repeated on the same sample")),
    )
    return next((resolution for is_so, resolution in ways if is_so), None)


def _is_answer(reading: object, step: Step, action: Action | None) -> bool:
    """Return whether what an instrument remembers is an answer to the step; what is not settles nothing."""
    if not isinstance(reading, Reading):
        return False
    try:
        encode_reading(reading)
        return action is None or not any(misfits(action, step.settings, reading))
    except Exception:  # noqa: BLE001 - what cannot even be looked at is no answer
        return False


def _recollection(instrument: PhasedInstrument | Instrument, command_id: str) -> Recollection:
    if not isinstance(instrument, Remembering):
        return Recollection(Memory.UNKNOWN)
    try:
        answer: object = within(RECALL_S, lambda: instrument.recall(command_id))
    except Exception:  # noqa: BLE001 - a driver that cannot answer does not know
        return Recollection(Memory.UNKNOWN)
    return answer if isinstance(answer, Recollection) else Recollection(Memory.UNKNOWN)


def question(step: Step) -> str:
    """Return what a person is asked about a step in doubt."""
    place = ".".join(step.last.id.split(".")[:2])
    return (
        f"step {step.last.id}, {step.instrument}.{step.action}, is in doubt: it was begun and its outcome is not "
        f'recorded. Look at the instrument, then add --resolve {place}=done|failed|repeat --note "what you saw"'
    )
