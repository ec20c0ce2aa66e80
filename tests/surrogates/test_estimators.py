"""The manners of every surrogate: those of any scikit-learn estimator."""

from functools import partial

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from orchestrator.surrogates.ann import NeuralNetworks
from orchestrator.surrogates.gp import GaussianProcess
from orchestrator.surrogates.joint import JointProcess
from orchestrator.surrogates.ratio import RatioResidual
from orchestrator.surrogates.svr import CoralSVR
from orchestrator.surrogates.tradaboost import TrAdaBoost
from orchestrator.surrogates.trees import GradientBoosting, RandomForest

ALL = (
    CoralSVR(),
    GaussianProcess(),
    JointProcess(),
    NeuralNetworks(n_networks=1, n_hidden=2, penalties=(1.0,)),
    RandomForest(n_trees=3),  # extra trees are the same code
    GradientBoosting(depth=1, sizes=(3, 5)),
    TrAdaBoost(n_trees=3),
    RatioResidual(),
)
# All pass. They fit hundreds of rows or ten columns again and again, which takes a search for kernel lengths long, and
# ask little that smaller checks do not.
LONG = {"check_regressors_train", "check_regressor_data_not_an_array", "check_positive_only_tag_during_fit"}


def checks():
    """Every check of every estimator but the long ones."""
    for estimator in ALL:
        for unfitted, check in estimator_checks_generator(estimator):
            name = (check.func if isinstance(check, partial) else check).__name__
            if name not in LONG and "array_api" not in name:
                yield pytest.param(unfitted, check, id=f"{type(estimator).__name__}-{name}")


@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_surrogate_has_the_manners_of_an_sklearn_estimator(estimator, check):
    """Parameters, clones, shapes, types, refusals, and the same answer however it is asked."""
    check(estimator)
