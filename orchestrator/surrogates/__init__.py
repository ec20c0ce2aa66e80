"""Surrogates: regressions with a predictive standard deviation, by the name the YAML gives.

Each is an sklearn estimator with `fit(X, y, n_imagined)`, `predict(X, return_std=True)`, and after fitting
`source_weight_` and `source_evidence_`.
Must not know points, units, objectives or acquisitions: rows of numbers alone.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.config.schema import PlannerConfig

__all__ = ["NAMES", "build"]

Rows = tuple[NDArray[np.float64], NDArray[np.float64]]


def build(settings: PlannerConfig, source: Rows | None = None) -> Any:  # noqa: ANN401 - sklearn has no stubs
    """Return a fresh, unfitted surrogate.

    Args:
        settings: Which one, and how.
        source: Features and values of the source, for the surrogate that borrows.
    """
    return _BUILDERS[settings.surrogate](settings, source)


def _coral_svr(settings: PlannerConfig, source: Rows | None) -> Any:  # noqa: ANN401 - sklearn has no stubs
    X, y = source if source is not None else (None, None)
    if settings.mode == "averaged":
        from orchestrator.surrogates.averaged import AveragedCoralSVR  # noqa: PLC0415 - sklearn takes seconds to import

        return AveragedCoralSVR(X, y, source_weight=settings.source_weight)
    from orchestrator.surrogates.svr import CoralSVR  # noqa: PLC0415 - sklearn takes seconds to import

    return CoralSVR(X, y, mode=settings.mode, source_weight=settings.source_weight)


def _svr(settings: PlannerConfig, _: Rows | None) -> Any:  # noqa: ANN401 - sklearn has no stubs
    return _coral_svr(settings, None)


def _gp(_: PlannerConfig, __: Rows | None) -> Any:  # noqa: ANN401 - sklearn has no stubs
    from orchestrator.surrogates.gp import GaussianProcess  # noqa: PLC0415 - sklearn takes seconds to import

    return GaussianProcess()


def _ann(_: PlannerConfig, __: Rows | None) -> Any:  # noqa: ANN401 - sklearn has no stubs
    from orchestrator.surrogates.ann import NeuralNetworks  # noqa: PLC0415 - sklearn takes seconds to import

    return NeuralNetworks()


def _random_forest(_: PlannerConfig, __: Rows | None) -> Any:  # noqa: ANN401 - sklearn has no stubs
    from orchestrator.surrogates.trees import RandomForest  # noqa: PLC0415 - sklearn takes seconds to import

    return RandomForest()


def _extra_trees(_: PlannerConfig, __: Rows | None) -> Any:  # noqa: ANN401 - sklearn has no stubs
    from orchestrator.surrogates.trees import ExtraTrees  # noqa: PLC0415 - sklearn takes seconds to import

    return ExtraTrees()


def _gradient_boosting(_: PlannerConfig, __: Rows | None) -> Any:  # noqa: ANN401 - sklearn has no stubs
    from orchestrator.surrogates.trees import GradientBoosting  # noqa: PLC0415 - sklearn takes seconds to import

    return GradientBoosting()


def _tradaboost(settings: PlannerConfig, source: Rows | None) -> Any:  # noqa: ANN401 - sklearn has no stubs
    from orchestrator.surrogates.tradaboost import TrAdaBoost  # noqa: PLC0415 - sklearn takes seconds to import

    X, y = source if source is not None else (None, None)
    return TrAdaBoost(X, y, source_weight=settings.source_weight)


def _ratio(settings: PlannerConfig, source: Rows | None) -> Any:  # noqa: ANN401 - sklearn has no stubs
    from orchestrator.surrogates.ratio import RatioResidual  # noqa: PLC0415 - sklearn takes seconds to import

    X, y = source if source is not None else (None, None)
    return RatioResidual(X, y, source_weight=settings.source_weight)


def _joint_gp(settings: PlannerConfig, source: Rows | None) -> Any:  # noqa: ANN401 - sklearn has no stubs
    from orchestrator.surrogates.joint import JointProcess  # noqa: PLC0415 - sklearn takes seconds to import

    X, y = source if source is not None else (None, None)
    return JointProcess(X, y, source_weight=settings.source_weight)


_BUILDERS: Mapping[str, Callable[[PlannerConfig, Rows | None], Any]] = {
    "coral-svr": _coral_svr,
    "svr": _svr,
    "gp": _gp,
    "joint-gp": _joint_gp,
    "ann": _ann,
    "random-forest": _random_forest,
    "extra-trees": _extra_trees,
    "gradient-boosting": _gradient_boosting,
    "tradaboost": _tradaboost,
    "ratio": _ratio,
}
NAMES = tuple(_BUILDERS)
