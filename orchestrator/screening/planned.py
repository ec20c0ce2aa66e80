"""The campaign's own surrogate as a model to be screened: taught what its planner teaches it, asked as all are."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from orchestrator import surrogates
from orchestrator.config.schema import PlannerConfig
from orchestrator.objective import Objective
from orchestrator.planner.features import Features
from orchestrator.space import ParameterSpace

FloatArray = NDArray[np.float64]


class Planned(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no stubs
    """A surrogate with the planner's features beside the columns, on the objective's scale.

    Args:
        settings: Those of the planner.
        space: The parameters.
        objective: What is measured.
        source_X: Source rows as `space.encode` gives them, shape (n_source, n_columns), or None.
        source_y: Source values in the objective's unit, shape (n_source,).
    """

    def __init__(
        self,
        settings: PlannerConfig,
        space: ParameterSpace,
        objective: Objective,
        source_X: ArrayLike | None = None,
        source_y: ArrayLike | None = None,
    ) -> None:
        self.settings = settings
        self.space = space
        self.objective = objective
        self.source_X = source_X
        self.source_y = source_y

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to rows X, shape (n_rows, n_columns), with values y in the objective's unit, shape (n_rows,)."""
        self.features_ = Features.of(self.space, self.settings.features)
        source = None
        if self.source_X is not None and self.source_y is not None:
            source = self._seen(self.source_X), self.objective.taught(np.asarray(self.source_y, dtype=float))
        values = self.objective.taught(np.asarray(y, dtype=float))
        self.model_ = surrogates.build(self.settings, source).fit(self._seen(X), values)
        self.source_weight_, self.source_evidence_ = self.model_.source_weight_, self.model_.source_evidence_
        self.hyperparameters_ = getattr(self.model_, "hyperparameters_", {})
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - sklearn's signature
        """Return predicted values, shape (n_rows,), and with `return_std` their standard deviations too."""
        check_is_fitted(self)
        if not return_std:
            return self.objective.predicted(self.model_.predict(self._seen(X)))
        scores, sds = self.model_.predict(self._seen(X), return_std=True)
        return self.objective.predicted(scores), self.objective.predicted_sd(scores, sds)

    def _seen(self, X: ArrayLike) -> FloatArray:
        return self.features_.beside(np.asarray(X, dtype=float))
