"""Optuna: the tree-structured Parzen estimator and the Gaussian process, as its samplers are by default."""

import warnings
from typing import Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial

from benchmarks.planners.contenders import Picker
from benchmarks.planners.laboratory import Laboratory
from benchmarks.planners.peers.failures import Failures, Teacher
from orchestrator.recipe import Point
from orchestrator.space import Parameter


class OptunaSampler:
    """A study of Optuna.

    Args:
        laboratory: Where.
        sampler: "tpe" or "gp".
        failures: How it hears of failures; its own way is a failed trial, which its samplers pass over.
    """

    def __init__(self, laboratory: Laboratory, *, sampler: Literal["tpe", "gp"], failures: Failures = "worst") -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.filterwarnings("ignore", module="optuna")
        kinds = {"tpe": optuna.samplers.TPESampler, "gp": optuna.samplers.GPSampler}
        self._study = optuna.create_study(direction="maximize", sampler=kinds[sampler](seed=laboratory.seed))
        self._space, self._picker = laboratory.space, Picker(laboratory)
        self._teacher = Teacher(laboratory, failures)
        self._distributions = {p.name: _distribution(p) for p in laboratory.space.parameters}
        for row, value in laboratory.initial:
            self._add(row, value)

    def ask(self) -> Point:
        """Return the next point."""
        self._trial = self._study.ask(self._distributions)
        point = dict(self._trial.params)
        return point if self._space.candidates is None else self._picker.pick(self._space.encode([point])[0])

    def tell(self, point: Point, value: float | None, failure: str | None) -> None:
        """Hear what came of a point."""
        number = self._teacher.number(value, failure)
        if number is None:
            self._study.tell(self._trial, state=TrialState.FAIL)
        elif dict(point) == self._trial.params:
            self._study.tell(self._trial, number)
        else:  # the nearest candidate was performed instead
            self._study.tell(self._trial, state=TrialState.FAIL)
            self._add(point, number)

    def _add(self, point: Point, value: float) -> None:
        self._study.add_trial(create_trial(params=dict(point), distributions=self._distributions, value=value))


def _distribution(parameter: Parameter) -> BaseDistribution:
    if parameter.choices:
        return CategoricalDistribution(parameter.choices)
    return FloatDistribution(parameter.low, parameter.high)
