"""How a campaign is conducted: what it may spend, when it is enough, what follows a failure, what is done beside it."""

from typing import Literal

from pydantic import Field, model_validator

from orchestrator.config.section import Section

_LONGEST_WAIT_MIN = 1e6


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


class PoliciesConfig(Section):
    """What is done after a failure, and beside the search."""

    measurement_attempts: int = Field(default=3, ge=1)
    instrument_attempts: int = Field(default=2, ge=1)
    backoff_min: float = Field(default=10, ge=0, le=_LONGEST_WAIT_MIN)
    late_answer_min: float = Field(default=30, ge=0, le=_LONGEST_WAIT_MIN)
    after_instrument_failure: Literal["pause", "continue"] = "pause"
    breaker: BreakerConfig = BreakerConfig()
    sample_repeats: int = Field(default=0, ge=0)
    reference: ReferenceConfig | None = None
