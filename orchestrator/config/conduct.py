"""How a campaign is conducted: what it may spend, when it is enough, what follows a failure, what is done beside it."""

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from orchestrator.config.quiet import QuietHoursConfig
from orchestrator.config.section import Section

_LONGEST_WAIT_MIN, _FIRST_WAIT_MIN = 1e6, 10.0
_MOST_DOUBLINGS = 100
"""A wait grows no more often: its number would overflow, and it has long been at its longest."""


class BudgetConfig(Section):
    """What the campaign may spend."""

    runs: int = Field(ge=1)
    failures: int | None = Field(default=None, ge=1)
    lab_hours: float | None = Field(default=None, gt=0)


class StopConfig(Section):
    """When it is enough before the budget is spent."""

    target: float | None = None
    no_improvement_in: int | None = Field(default=None, ge=1)
    expected_gain: float | None = Field(default=None, gt=0)


class BreakerConfig(Section):
    """Pause when so many of the last runs failed."""

    failed: int = Field(default=7, ge=1)
    of_last: int = Field(default=8, ge=1)

    @model_validator(mode="after")
    def _possible(self) -> "BreakerConfig":
        if self.failed > self.of_last:
            message = f"failed {self.failed} can never be reached in of_last {self.of_last} runs"
            raise ValueError(message)
        return self


class ReferenceConfig(Section):
    """A point that is performed again and again, to see the tools drift.

    Args:
        point: A value for each parameter.
        every: How many other runs come between two of them, on each instrument of the bottleneck's role.
    """

    point: dict[str, float | str] = Field(min_length=1)
    every: int = Field(default=10, ge=1)


Repeatable = Literal["measurement", "instrument"]
_REPEATABLE: tuple[Repeatable, ...] = get_args(Repeatable)
"""The classes of failure after which a step may get another attempt."""

Wait = Annotated[float, Field(ge=0, le=_LONGEST_WAIT_MIN)]
Timeout = Annotated[float, Field(gt=0, le=_LONGEST_WAIT_MIN)]


class AttemptsConfig(Section):
    """What is done after a failed attempt at a step.

    Args:
        measurement_attempts: How often a step is attempted whose failure was of class measurement.
        instrument_attempts: The same of class instrument.
        backoff_min: How long to wait before the second attempt, min; one number, or one for each class.
        backoff_factor: How many times longer each further wait is.
        backoff_longest_min: Waits do not grow beyond this, min.
        after_instrument_failure: Whether a person is waited for when there is no further attempt.
    """

    measurement_attempts: int = Field(default=3, ge=1)
    instrument_attempts: int = Field(default=2, ge=1)
    backoff_min: Wait | dict[Repeatable, Wait] = _FIRST_WAIT_MIN
    backoff_factor: float = Field(default=2, ge=1, le=100)
    backoff_longest_min: Wait = 240.0
    after_instrument_failure: Literal["pause", "continue"] = "pause"

    def attempts(self, failure: str) -> int:
        """Return how often a step may be attempted."""
        return self.measurement_attempts if failure == "measurement" else self.instrument_attempts

    def wait_s(self, failure: str, attempt: int) -> float:
        """Return how long to wait after a failed attempt, counted from 1, in seconds."""
        first = self.waits[failure]
        grown = first * self.backoff_factor ** min(attempt - 1, _MOST_DOUBLINGS)
        return 60 * max(first, min(grown, self.backoff_longest_min))

    @property
    def waits(self) -> dict[str, float]:
        """The first wait after each class of failure, min."""
        said = self.backoff_min
        return {c: said.get(c, _FIRST_WAIT_MIN) if isinstance(said, dict) else said for c in _REPEATABLE}


class InstrumentPoliciesConfig(Section):
    """What differs on one instrument; null is as in the campaign.

    Args:
        measurement_attempts: As in `AttemptsConfig`, and so are those that follow.
        instrument_attempts: As there.
        backoff_min: As there.
        backoff_factor: As there.
        backoff_longest_min: As there.
        after_instrument_failure: As there.
        timeout_min: After how long without an answer a step is in doubt, min, instead of what the driver says; one
            number, or one for each action. Simulated steps answer late.
    """

    measurement_attempts: int | None = Field(default=None, ge=1)
    instrument_attempts: int | None = Field(default=None, ge=1)
    backoff_min: Wait | dict[Repeatable, Wait] | None = None
    backoff_factor: float | None = Field(default=None, ge=1, le=100)
    backoff_longest_min: Wait | None = None
    after_instrument_failure: Literal["pause", "continue"] | None = None
    timeout_min: Timeout | dict[str, Timeout] | None = None


class PoliciesConfig(AttemptsConfig):
    """What is done after a failure, and beside the search."""

    instruments: dict[str, InstrumentPoliciesConfig] = {}
    late_answer_min: Wait = 30.0
    breaker: BreakerConfig = BreakerConfig()
    sample_repeats: int = Field(default=0, ge=0)
    reference: ReferenceConfig | None = None
    quiet_hours: QuietHoursConfig | None = None

    def of(self, instrument: str) -> AttemptsConfig:
        """Return what is done after a failed attempt on an instrument."""
        ours = {name: getattr(self, name) for name in AttemptsConfig.model_fields}
        own = self.instruments.get(instrument, InstrumentPoliciesConfig())
        theirs = own.model_dump(exclude_none=True, exclude={"timeout_min"})
        if isinstance(own.backoff_min, dict):
            theirs["backoff_min"] = {**self.waits, **own.backoff_min}
        return AttemptsConfig.model_validate(ours | theirs)

    def timeout_s(self, instrument: str, action: str) -> float | None:
        """Return after how many seconds a step is in doubt, or None where it is the driver who says so."""
        own = self.instruments.get(instrument, InstrumentPoliciesConfig()).timeout_min
        minutes = own.get(action) if isinstance(own, dict) else own
        return None if minutes is None else 60 * minutes
