"""What a person at the bench is asked to do and to tell: as data, for the terminal and for the drop folder alike.

Rule of this file: what a person writes is untrusted like what an instrument says. It is read strictly and held against
unit and bounds; what is refused is told in words that say what would be accepted.
"""

import math
import re
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from instruments.driver import Action, Command, FailureClass, InstrumentError, Moved, Quantity, Scalar

LONGEST_TEXT = 500

FAILURES: Mapping[FailureClass, str] = {
    FailureClass.INFEASIBLE: "the process cannot make it like this; the planner learns to stay away",
    FailureClass.SAMPLE: "this sample is bad; the point is not to blame",
    FailureClass.MEASUREMENT: "the reading is bad, the sample is good; it is measured again",
    FailureClass.INSTRUMENT: "the tool failed",
    FailureClass.OPERATOR: "a slip: dropped, mixed up",
}
"""What a person can say of a failure, and what it leads to."""


class Nonsense(ValueError):  # noqa: N818 - what a person wrote, to be written again
    """What was written cannot be taken; the message says what can."""


class Asked(BaseModel):
    """One quantity that a person is told, or is to tell.

    Args:
        unit: Its unit; "1" for a pure number.
        low: The lowest value that is taken.
        high: The highest value that is taken.
        text: Whether it is text.
        required: Whether it must be told.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    unit: str = "1"
    low: float | None = None
    high: float | None = None
    text: bool = False
    required: bool = True

    @property
    def quantity(self) -> Quantity:
        """The same as the driver protocol has it."""
        unit = "" if self.text else self.unit
        return Quantity(unit, self.low, self.high, required=self.required, text=self.text)

    @property
    def wanted(self) -> str:
        """What is taken, in words."""
        if self.text:
            return "text"
        unit = "" if self.unit == "1" else f"{self.unit}, "
        ends = {
            (True, True): f"{_shown(self.low)} to {_shown(self.high)}",
            (True, False): f"from {_shown(self.low)}",
            (False, True): f"up to {_shown(self.high)}",
            (False, False): "a number",
        }
        return f"{unit}{ends[self.low is not None, self.high is not None]}"

    def read(self, written: str) -> Scalar:
        """Return what somebody wrote as a value.

        Raises:
            Nonsense: It is empty, no number, or outside the bounds.
        """
        stripped = written.strip()
        if self.text:
            if not stripped or len(stripped) > LONGEST_TEXT or not stripped.isprintable():
                message = f"{stripped[:40]!r} is not a text of 1 to {LONGEST_TEXT} characters"
                raise Nonsense(message)
            return stripped
        if not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", stripped):
            hint = "; write the decimal point as a point" if "," in stripped else ""
            message = f"{stripped[:40]!r} is no number ({self.wanted}{hint})"
            raise Nonsense(message)
        value = float(stripped)
        is_low = self.low is not None and value < self.low
        is_high = self.high is not None and value > self.high
        if not math.isfinite(value) or is_low or is_high:
            message = f"{stripped} is not within {self.wanted}"
            raise Nonsense(message)
        return value


class Work(BaseModel):
    """One action of a person.

    Args:
        instructions: What to do, in words; `{name}` stands for a setting.
        settings: What the recipe tells, by name.
        enter: What the person tells when it is done, by name.
        spectrum: Whether the person hands in the file of a spectrum instead.
        repeatable: Whether it may be done again on the same sample.
        expected_h: How long it usually takes, h.
        timeout_h: After how many hours without an answer the step is in doubt, h.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    instructions: str = Field(min_length=1, max_length=5000)
    settings: dict[str, Asked] = {}
    enter: dict[str, Asked] = {}
    spectrum: bool = False
    repeatable: bool = False
    expected_h: float = Field(default=1.0, gt=0)
    timeout_h: float = Field(default=7 * 24.0, gt=0)

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        unknown = sorted(set(re.findall(r"\{(\w*)\}", self.instructions)) - set(self.settings))
        if unknown:
            message = f"instructions name {', '.join(unknown)}, which is not among the settings"
            raise ValueError(message)
        if self.spectrum == bool(self.enter):
            message = "a person either enters values (enter:) or hands in a file (spectrum: true)"
            raise ValueError(message)
        if self.expected_h > self.timeout_h:
            message = f"expected_h {self.expected_h:g} is more than timeout_h {self.timeout_h:g}"
            raise ValueError(message)
        return self

    @property
    def action(self) -> Action:
        """The same as the driver protocol has it."""
        spectrum = {"frequency_hz": Quantity("Hz"), "z_real_ohm": Quantity("ohm"), "z_imag_ohm": Quantity("ohm")}
        return Action(
            settings={name: asked.quantity for name, asked in self.settings.items()},
            outputs=spectrum if self.spectrum else {name: asked.quantity for name, asked in self.enter.items()},
            expected_s=self.expected_h * 3600,
            timeout_s=self.timeout_h * 3600,
            repeatable=self.repeatable,
            attended=True,
        )

    def told(self, command: Command) -> str:
        """Return the instructions with the values of the settings."""
        return re.sub(r"\{(\w+)\}", lambda found: self.shown(command, found[1]), self.instructions)

    def shown(self, command: Command, name: str) -> str:
        """Return the value of a setting with its unit, or a dash where it was left out."""
        value, unit = command.settings.get(name, "-"), self.settings[name].unit
        return str(value) if isinstance(value, str) or unit == "1" else f"{value:g} {unit}"


def _shown(bound: float | None) -> str:
    return "" if bound is None else f"{bound:.12g}"


def failed(failure: str, reason: str, changed: str) -> InstrumentError:
    """Return the failure that a person tells.

    Args:
        failure: Its class, by name.
        reason: Why, in a sentence.
        changed: "yes" or "no": whether anything was changed, on sample or tool.

    Raises:
        Nonsense: A class that a person cannot tell, no reason, or neither yes nor no.
    """
    classes = [str(known) for known in FAILURES]
    if failure.strip() not in classes:
        message = f"{failure.strip()[:40]!r} is no class of failure; it is one of {', '.join(classes)}"
        raise Nonsense(message)
    sentence = str(Asked(text=True).read(reason))
    return InstrumentError(FailureClass(failure.strip()), sentence, Moved.YES if is_yes(changed) else Moved.NO)


def is_yes(written: str) -> bool:
    """Return whether somebody wrote yes.

    Raises:
        Nonsense: It is neither yes nor no.
    """
    word = written.strip().lower()
    if word not in ("y", "yes", "n", "no"):
        message = f"{written.strip()[:40]!r} is neither yes nor no"
        raise Nonsense(message)
    return word.startswith("y")
