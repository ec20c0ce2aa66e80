"""BayBE: its default recommender, and the same with its task parameter for the source."""

import warnings
from collections.abc import Sequence

import pandas as pd
from baybe import Campaign
from baybe.parameters import (
    CategoricalParameter,
    NumericalContinuousParameter,
    NumericalDiscreteParameter,
    TaskParameter,
)
from baybe.parameters.base import Parameter as BaybeParameter
from baybe.recommenders import BotorchRecommender
from baybe.searchspace import SearchSpace
from baybe.targets import NumericalTarget

from benchmarks.planners.laboratory import Laboratory, Row
from benchmarks.planners.peers.failures import Failures, Teacher
from orchestrator.recipe import Point
from orchestrator.space import Parameter, ParameterSpace

_TASK = "tool"


class BaybeCampaign:
    """A campaign of BayBE.

    Args:
        laboratory: Where.
        transfer: Whether the source's rows are given, told apart by a task parameter.
        failures: How it hears of failures; what is not told it may suggest again.

    Raises:
        ValueError: Transfer was asked for where there is no source.
    """

    def __init__(self, laboratory: Laboratory, *, transfer: bool = False, failures: Failures = "worst") -> None:
        if transfer and not laboratory.source:
            message = f"baybe-task: {laboratory.family} has no source to transfer from; use baybe there"
            raise ValueError(message)
        warnings.filterwarnings("ignore")
        _seed(laboratory.seed)
        self._space, self._teacher = laboratory.space, Teacher(laboratory, failures)
        self._task = {_TASK: "target"} if transfer else {}
        objective = NumericalTarget("value").to_objective()
        self._campaign = Campaign(
            _searchspace(laboratory.space, laboratory.source if transfer else ()), objective, BotorchRecommender()
        )
        if transfer:
            self._add(laboratory.source, {_TASK: "source"})
        self._add(laboratory.initial, self._task)

    def ask(self) -> Point:
        """Return the next point."""
        row = self._campaign.recommend(batch_size=1).iloc[0]
        return {p.name: str(row[p.name]) if p.choices else float(row[p.name]) for p in self._space.parameters}

    def tell(self, point: Point, value: float | None, failure: str | None) -> None:
        """Hear what came of a point."""
        number = self._teacher.number(value, failure)
        if number is not None:
            self._add([(point, number)], self._task)

    def _add(self, rows: tuple[Row, ...] | list[Row], task: dict[str, str]) -> None:
        frame = pd.DataFrame([{**point, **task, "value": value} for point, value in rows])
        self._campaign.add_measurements(frame, numerical_measurements_must_be_within_tolerance=False)


def _searchspace(space: ParameterSpace, source: tuple[Row, ...]) -> SearchSpace:
    task = [TaskParameter(_TASK, values=["source", "target"], active_values=["target"])] if source else []
    if space.candidates is None:
        return SearchSpace.from_product([*map(_continuous, space.parameters), *task])
    frame = pd.DataFrame(space.candidates)
    parameters = [_discrete(p, [*space.candidates, *(point for point, _ in source)]) for p in space.parameters]
    return SearchSpace.from_dataframe(frame.assign(**{_TASK: "target"}) if task else frame, [*parameters, *task])


def _continuous(parameter: Parameter) -> BaybeParameter:
    return NumericalContinuousParameter(parameter.name, bounds=(parameter.low, parameter.high))


def _discrete(parameter: Parameter, points: Sequence[Point]) -> BaybeParameter:
    if parameter.choices:
        return CategoricalParameter(parameter.name, values=parameter.choices)
    return NumericalDiscreteParameter(parameter.name, values=sorted({float(point[parameter.name]) for point in points}))


def _seed(seed: int) -> None:
    import torch  # noqa: PLC0415 - only to seed it

    torch.manual_seed(seed)
