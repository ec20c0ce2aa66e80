"""What a screening finds: every model's predictions, errors, doubt and recommendation, as plain data.

Rule of this file: values are in the objective's unit, never turned into scores; arrays keep the order of the rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.data import Rows
from orchestrator.objective import Objective
from orchestrator.sensitivity.variance import Decomposition
from orchestrator.space import ParameterSpace, Value

FloatArray = NDArray[np.float64]


class Kind(StrEnum):
    """On what a model is judged."""

    IN_SAMPLE = "in-sample"
    """The target rows it was fitted to."""
    OUT_OF_FOLD = "out-of-fold"
    """Each target row by a model that was fitted, hyper-parameters included, without the row's fold."""
    TRUTH = "truth"
    """The noiseless values of a simulated tool, all over the space."""


@dataclass(frozen=True)
class Predictions:
    """Predicted values and their standard deviations, arrays of shape (n,), in the objective's unit."""

    mean: FloatArray
    sd: FloatArray


@dataclass(frozen=True)
class Scores:
    """How far predictions are from values.

    Args:
        mae: Mean absolute error, in the objective's unit.
        rmse: Root of the mean squared error, in the objective's unit.
        r2: Share of the variance explained; NaN where the values do not vary.
        mape: Mean absolute error as a share of the value; NaN where a value is zero.
        n: How many values.
    """

    mae: float
    rmse: float
    r2: float
    mape: float
    n: int


@dataclass(frozen=True)
class Coverage:
    """How many values lie in the predictive intervals.

    Args:
        kind: Which values.
        nominal: The share that should.
        observed: The share that does.
        n: How many values.
    """

    kind: Kind
    nominal: float
    observed: float
    n: int


@dataclass(frozen=True)
class Optimum:
    """The point of which a model predicts the best value.

    Args:
        point: The point, plain values in parameter order.
        value: Predicted value there.
        sd: Standard deviation of that prediction.
        true: The noiseless value there, where a truth is known.
        n_tied: How many points of the grid share the predicted value exactly, this one included.
        at_bounds: The numeric parameters that are at an end of their range.
        extrapolating: Whether the point is outside the convex hull of the target rows.
        nearest: Distance to the nearest target row in the unit cube.
        nearest_row: The point of that row.
        words: What lies beyond the rows, "" where nothing does.
    """

    point: Mapping[str, Value]
    value: float
    sd: float
    true: float | None
    n_tied: int
    at_bounds: tuple[str, ...]
    extrapolating: bool
    nearest: float
    nearest_row: Mapping[str, Value]
    words: str


@dataclass(frozen=True)
class Region:
    """Where a model predicts values about as good as its best, connected with it.

    Args:
        threshold: The level that is good enough, in the objective's unit.
        rule: How it was set, in words.
        ranges: Lowest and highest value of each numeric parameter in the region, in its unit, by name.
        share: Share of the grid's points, or of the table's points, in the region.
        n_elsewhere: How many separate regions reach the level too.
        share_elsewhere: Share of the grid's points in those.
    """

    threshold: float
    rule: str
    ranges: Mapping[str, tuple[float, float]]
    share: float
    n_elsewhere: int = 0
    share_elsewhere: float = 0.0


@dataclass(frozen=True)
class ModelResult:
    """One model in one mode.

    Args:
        name: As in `planner.surrogate`.
        mode: "scaled" (features in the unit cube), or "paper" and "paper-search" (features in their own units).
        label: What people read.
        is_natural: Whether the estimator takes features in their own units; else in the unit cube.
        borrows: Whether it uses the source rows.
        estimator: Fitted to all target rows.
        in_sample: At the target rows.
        out_of_fold: At the target rows, each without its fold.
        at_truth: At the points of `Screening.truth`, or None.
        scores: Errors by kind.
        coverage: Of the predictive intervals.
        optimum: Over the grid.
        variance: Of the predictions over the grid, by parameter.
        region: Around the optimum, or around the best of the pool where only a pool can be performed; None where all
            parameters are choices.
        candidate: The best of the pool where only a pool can be performed, else None.
        source_weight: Share of the source in the prediction, 0 to 1.
        source_evidence: Left-out error by weight and the rule that chose.
        fold_weights: The weight the source earned without each fold.
        fold_estimators: For each fold, the estimator that was fitted without it.
        hyperparameters: What the fit chose, as text and numbers.
    """

    name: str
    mode: str
    label: str
    is_natural: bool
    borrows: bool
    estimator: Any
    in_sample: Predictions
    out_of_fold: Predictions
    at_truth: Predictions | None
    scores: Mapping[Kind, Scores]
    coverage: tuple[Coverage, ...]
    optimum: Optimum
    variance: Decomposition
    region: Region | None
    candidate: Optimum | None
    source_weight: float
    source_evidence: Mapping[str, Any]
    fold_weights: tuple[float, ...]
    fold_estimators: tuple[Any, ...]
    hyperparameters: Mapping[str, float | str]

    @property
    def key(self) -> str:
        """Name and mode as on the command line: `svr:paper`, or the name alone in mode scaled."""
        return self.name if self.mode == "scaled" else f"{self.name}:{self.mode}"


@dataclass(frozen=True)
class Published:
    """Figures that somebody has printed; never ours.

    Args:
        label: The model as the publication calls it.
        key: The model of ours that does the same, as on the command line.
        mae: Mean absolute error, in the objective's unit.
        r2: Share of the variance explained.
        mape: Mean absolute error as a share of the value.
        point: The printed optimum.
        value: The value predicted there.
        source: Where it is printed.
        novelty: In words, where the printed optimum lies beyond our target rows, or outside the space.
    """

    label: str
    key: str
    mae: float
    r2: float
    mape: float
    point: Mapping[str, Value]
    value: float
    source: str
    novelty: str = ""


@dataclass(frozen=True)
class Truth:
    """What a simulated tool would answer without noise.

    Args:
        name: The function that tells it.
        points: Columns by parameter name, each of shape (n,): midpoints of an even grid over the space.
        values: The values there, shape (n,).
        best_point: The best point of the search grid.
        best: The value there.
    """

    name: str
    points: Mapping[str, NDArray[Any]]
    values: FloatArray
    best_point: Mapping[str, Value]
    best: float


@dataclass(frozen=True)
class Noise:
    """How far measured values scatter about the noiseless ones.

    Args:
        sd: Standard deviation of each target row, in the objective's unit, shape (n_rows,); 0 where unknown.
        words: Where that is known from.
    """

    sd: FloatArray
    words: str


@dataclass(frozen=True)
class Screening:
    """All models on the same rows.

    Args:
        campaign: Name of the campaign.
        space: The parameters.
        objective: What is measured.
        target: The rows of this tool.
        source: The rows of another tool, or None.
        folds: The fold of each target row.
        noise: How far measured target values scatter about the noiseless ones.
        axes: The values of each parameter on the search grid, by name, in parameter order.
        allowed: Which points of the grid meet the constraints, None without any.
        models: In the order in which they are shown.
        published: Printed figures.
        defects: Of the publication, each with how it is handled.
        truth: The noiseless truth of a simulated tool, or None.
        no_truth: Why there is none, "" where there is.
        notes: What was found about data and space that a reader must know, in sentences.
        failed: Models that could not be fitted, with the reason.
    """

    campaign: str
    space: ParameterSpace
    objective: Objective
    target: Rows
    source: Rows | None
    folds: NDArray[np.int_]
    noise: Noise
    axes: Mapping[str, tuple[Value, ...]]
    allowed: NDArray[np.bool_] | None
    models: tuple[ModelResult, ...]
    published: tuple[Published, ...] = ()
    defects: tuple[tuple[str, str], ...] = ()
    truth: Truth | None = None
    no_truth: str = ""
    notes: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def recommended(self) -> ModelResult:
        """The model with the smallest mean absolute error on rows it had not seen."""
        return min(self.models, key=lambda model: model.scores[Kind.OUT_OF_FOLD].mae)

    @property
    def origin(self) -> str:
        """Where the target rows come from: simulated, recorded, real, human, or "unsaid"."""
        return ", ".join(sorted({origin or "unsaid" for origin in self.target.origins}))
