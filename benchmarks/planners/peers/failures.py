"""What a peer that knows no failures is told of one."""

from typing import Literal

from benchmarks.planners.laboratory import Laboratory
from instruments.driver import FailureClass

Failures = Literal["worst", "own"]


class Teacher:
    """From what came of a run to the number a peer is told.

    Every peer gets the benefit of the failure classes: a lost sample says nothing of the point and is not told as bad.

    Args:
        laboratory: Its initial rows count among the measured values.
        failures: "worst": an infeasible run is told as the worst value measured so far. "own": no number is told, and
            the library does with the failure what it does.
    """

    def __init__(self, laboratory: Laboratory, failures: Failures) -> None:
        self._failures = failures
        self._worst = min(value for _, value in laboratory.initial)

    def number(self, value: float | None, failure: str | None) -> float | None:
        """Return the value to tell, or None where there is none."""
        if value is not None:
            self._worst = min(self._worst, value)
            return value
        return self._worst if self._failures == "worst" and failure == FailureClass.INFEASIBLE else None
