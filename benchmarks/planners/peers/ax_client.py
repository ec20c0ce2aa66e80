"""Ax on BoTorch: what `Client` chooses by default."""

import logging
import warnings
from typing import Any

from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
from ax.utils.common.logger import set_stderr_log_level

from benchmarks.planners.contenders import Picker
from benchmarks.planners.laboratory import Laboratory
from benchmarks.planners.peers.failures import Failures, Teacher
from instruments.driver import FailureClass
from orchestrator.recipe import Point
from orchestrator.space import Parameter


class AxClient:
    """A client of Ax; the initial rows count as its initialisation.

    Args:
        laboratory: Where.
        failures: How it hears of failures; its own way is an abandoned trial where nothing can be made, and a failed
            one where a sample was lost.
    """

    def __init__(self, laboratory: Laboratory, *, failures: Failures = "worst") -> None:
        warnings.filterwarnings("ignore")
        set_stderr_log_level(logging.CRITICAL)
        self._space, self._picker = laboratory.space, Picker(laboratory)
        self._teacher = Teacher(laboratory, failures)
        self._client = Client(random_seed=laboratory.seed)
        self._client.configure_experiment([_parameter(p) for p in laboratory.space.parameters])
        self._client.configure_optimization("value")
        self._client.configure_generation_strategy(
            initialization_budget=len(laboratory.initial),
            initialization_random_seed=laboratory.seed,
            initialize_with_center=False,
        )
        for row, value in laboratory.initial:
            self._client.complete_trial(self._client.attach_trial(dict(row)), {"value": value})

    def ask(self) -> Point:
        """Return the next point."""
        ((self._trial, point),) = self._client.get_next_trials(1).items()
        self._asked: dict[str, Any] = {name: point[name] for name in self._space.names}
        return self._picker.pick(self._space.encode([self._asked])[0]) if self._space.candidates else self._asked

    def tell(self, point: Point, value: float | None, failure: str | None) -> None:
        """Hear what came of a point."""
        number = self._teacher.number(value, failure)
        if number is None:
            end = failure == FailureClass.INFEASIBLE
            (self._client.mark_trial_abandoned if end else self._client.mark_trial_failed)(self._trial)
        elif dict(point) == self._asked:
            self._client.complete_trial(self._trial, {"value": number})
        else:  # the nearest candidate was performed instead
            self._client.mark_trial_failed(self._trial)
            self._client.complete_trial(self._client.attach_trial(dict(point)), {"value": number})


def _parameter(parameter: Parameter) -> Any:
    if parameter.choices:
        return ChoiceParameterConfig(
            name=parameter.name, values=list(parameter.choices), parameter_type="str", is_ordered=False
        )
    return RangeParameterConfig(name=parameter.name, bounds=(parameter.low, parameter.high), parameter_type="float")
