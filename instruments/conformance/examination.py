"""The examination: which questions are asked of which driver, and in which order.

Rule of this file: a question that could move a tool is asked only where a command was given for it.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from instruments.conformance import blocking, phased, still
from instruments.conformance.subject import Finding, NotAskable, Subject, Verdict, Violation
from instruments.showing import in_words

Ask = Callable[[Subject], None]


@dataclass(frozen=True)
class Question:
    """One question.

    Args:
        text: What is asked.
        ask: Raises `Violation` where the answer is no.
        needs: The attribute of the subject without which it is not asked.
    """

    text: str
    ask: Ask
    needs: str = ""


STILL = (
    Question("connects, tells who answers, and the same again", still.connects_twice),
    Question("states actions, units, limits and times as data", still.states_its_limits),
    Question("halts at rest, twice, within a second", still.halts_at_rest),
    Question("closes twice and opens again", still.closes_and_reopens),
)
BLOCKING = (
    Question("refuses what is out of limits before it moves", blocking.refuses_out_of_limits, "command"),
    Question("performs, and reads what it promises", blocking.performs, "command"),
    Question("does the same command once", blocking.does_it_once, "command"),
    Question("halts in mid-step from another thread", blocking.halts_in_mid_step, "command"),
    Question("fails in words when the tool is silent, then recovers", blocking.survives_silence, "silence"),
    Question("fails in words when the tool talks nonsense, then recovers", blocking.survives_garbage, "garbage"),
)
PHASED = (
    Question("refuses what is out of limits before its first phase", phased.refuses_out_of_limits, "command"),
    Question("performs, and reads what it promises", phased.performs, "command"),
    Question("repeats itself from the same state and chance", phased.repeats_itself, "command"),
    Question("has a state that JSON can hold", phased.has_a_plain_state, "command"),
    Question("ends when it is halted between two phases", phased.halts_between_phases, "command"),
)
_LACKING = {
    "command": "would perform a step",
    "silence": "needs a tool that can be made to misbehave",
    "garbage": "needs a tool that can be made to misbehave",
}


def questions_for(subject: Subject) -> Sequence[Question]:
    """Return what is asked of a driver, in order."""
    return (*STILL, *(PHASED if phased.is_phased(subject.driver) else BLOCKING))


def examine(subject: Subject) -> Generator[Finding, None, None]:
    """Ask a driver everything, one answer after the other; it is closed at the end.

    Args:
        subject: The driver and what may be done with it.
    """
    try:
        for question in questions_for(subject):
            yield _answered(question, subject)
    finally:
        subject.driver.close()


def _answered(question: Question, subject: Subject) -> Finding:
    if question.needs and (getattr(subject, question.needs) is None or subject.command is None):
        return Finding(question.text, Verdict.SKIPPED, _LACKING[question.needs])
    try:
        question.ask(subject)
    except NotAskable as reason:
        return Finding(question.text, Verdict.SKIPPED, str(reason))
    except Violation as violation:
        return Finding(question.text, Verdict.FAILED, str(violation))
    except Exception as error:  # noqa: BLE001 - whatever a driver raises is an answer
        return Finding(question.text, Verdict.FAILED, in_words(error))
    return Finding(question.text, Verdict.PASSED)
