"""scikit-optimize: its Gaussian process with its portfolio of acquisitions, as `Optimizer` has it by default."""

import warnings
from typing import Any

from skopt import Optimizer
from skopt.space import Categorical, Real

from benchmarks.planners.contenders import Picker
from benchmarks.planners.laboratory import Laboratory
from benchmarks.planners.peers.failures import Failures, Teacher
from orchestrator.recipe import Point
from orchestrator.space import Parameter


class SkoptGP:
    """A Gaussian process of scikit-optimize. It has no failed state: what is not told is suggested again for ever.

    Args:
        laboratory: Where.
        failures: How it hears of failures.
    """

    def __init__(self, laboratory: Laboratory, *, failures: Failures = "worst") -> None:
        self._space, self._picker = laboratory.space, Picker(laboratory)
        self._teacher = Teacher(laboratory, failures)
        self._optimizer = Optimizer(
            [_dimension(p) for p in laboratory.space.parameters], "GP", n_initial_points=1, random_state=laboratory.seed
        )
        rows, values = zip(*laboratory.initial, strict=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of scikit-learn's fits, which are the library's own affair
            self._optimizer.tell([list(row.values()) for row in rows], [-value for value in values])

    def ask(self) -> Point:
        """Return the next point."""
        point = dict(zip(self._space.names, self._optimizer.ask(), strict=True))
        return self._picker.pick(self._space.encode([point])[0])

    def tell(self, point: Point, value: float | None, failure: str | None) -> None:
        """Hear what came of a point."""
        number = self._teacher.number(value, failure)
        if number is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._optimizer.tell(list(point.values()), -number)


def _dimension(parameter: Parameter) -> Any:
    if parameter.choices:
        return Categorical(list(parameter.choices))
    return Real(parameter.low, parameter.high)
