"""Surrogates that borrow: what a source may and may not do. No test asks that it helps."""

import numpy as np
import pytest

from orchestrator.surrogates.ratio import RatioResidual
from orchestrator.surrogates.svr import PAPER, SEARCHED, CoralSVR
from orchestrator.surrogates.tradaboost import TrAdaBoost, _reduced, _stages, _Table, boost

BORROWERS = (RatioResidual, TrAdaBoost)


def hill(X):
    return 2.0 - ((X - 0.4) ** 2 * [3.0, 1.0, 0.3]).sum(axis=1)


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.random((n, 3))
    return X, hill(X) + 0.02 * rng.standard_normal(n)


@pytest.mark.parametrize("kind", BORROWERS)
def test_borrower_with_weight_zero_takes_nothing_from_the_source(kind):
    """Whatever the source says, the predictions are the same."""
    X, y = rows(20)
    wild = np.random.default_rng(1)
    first, second = (
        kind(wild.random((12, 3)), 100 * wild.random(12), source_weight=0.0).fit(X, y).predict(X + 0.1)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("kind", BORROWERS)
def test_borrower_gives_no_weight_to_noise(kind):
    """A source of random values, far off the target's, is left alone, and the record says why."""
    X, y = rows(24)
    wild = np.random.default_rng(3)
    fitted = kind(wild.random((30, 3)), 10 * wild.standard_normal(30)).fit(X, y)
    assert fitted.source_weight_ == 0.0
    assert fitted.source_evidence_["error"]["0"] <= min(fitted.source_evidence_["error"].values()) * 1.2
    assert fitted.source_evidence_["rows"] == 24


@pytest.mark.parametrize("kind", BORROWERS)
def test_borrower_does_not_count_imagined_rows_as_evidence(kind):
    """The source is judged on measured rows alone."""
    X, y = rows(18)
    assert kind(*rows(14, 2)).fit(X, y, 4).source_evidence_["rows"] == 14


@pytest.mark.parametrize("kind", BORROWERS)
def test_borrower_refuses_a_source_of_another_shape_and_a_weight_beyond_one(kind):
    """Both with the name of the estimator."""
    X, y = rows(10)
    with pytest.raises(ValueError, match=rf"{kind.__name__}: source_X has shape \(9, 2\)"):
        kind(np.ones((9, 2)), np.ones(9)).fit(X, y)
    with pytest.raises(ValueError, match=rf"{kind.__name__}: source_weight 2 is neither"):
        kind(*rows(9), source_weight=2).fit(X, y)


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_ratio_finds_the_ratio_of_a_source_that_is_a_multiple(factor):
    """A source whose values are a multiple of the target's is scaled back by it."""
    source, y = rows(40, 2)
    X, values = rows(20)
    fitted = RatioResidual(source, factor * y, source_weight=1.0).fit(X, values)
    assert fitted.source_evidence_["ratio"] == pytest.approx(1 / factor, rel=0.02)


def test_ratio_is_the_same_model_when_the_goal_turns_the_values_round():
    """A planner that minimises hands over negative scores; predictions turn round with them."""
    source, y = rows(20, 2)
    X, values = rows(20)
    up = RatioResidual(source, 2 * y, source_weight=1.0).fit(X, values).predict(X + 0.1)
    down = RatioResidual(source, -2 * y, source_weight=1.0).fit(X, -values).predict(X + 0.1)
    np.testing.assert_allclose(up, -down, rtol=1e-9)


def test_tradaboost_stages_take_the_source_down_to_nothing():
    """The source's share falls in even steps, the target rows stay equal among themselves."""
    X, y = rows(12)
    table = _Table.of(X, y, rows(18, 2))
    stages = _stages(table, depth=3)
    assert list(stages) == [1.0, 0.8, 0.6, 0.4, 0.2, 0.0]
    for share, weights in stages.items():
        assert weights.sum() == pytest.approx(1.0)
        assert weights[:18].sum() == pytest.approx(0.6 * share)
        np.testing.assert_allclose(weights[18:], weights[-1])


def test_tradaboost_takes_weight_first_from_source_rows_that_are_wrong():
    """Of two source rows the one with the larger loss loses more."""
    reduced = _reduced(np.full(4, 0.25), np.array([0.1, 0.9]), 0.3)
    assert reduced[:2].sum() == pytest.approx(0.3)
    assert reduced[1] < reduced[0]


def test_boost_without_source_is_a_tree_where_one_tree_is_perfect():
    """Nothing is left to boost after a tree without error."""
    X, y = rows(9)
    found = boost(_Table.of(X, y, None), np.full(9, 1 / 9), n_trees=5, depth=9)
    assert len(found.trees) == 1
    np.testing.assert_allclose(found(X), y, rtol=1e-12)


def test_boost_predicts_the_weighted_median():
    """The tree on which half of the say is reached decides."""
    X, y = rows(30)
    found = boost(_Table.of(X, y, None), np.full(30, 1 / 30), n_trees=7, depth=2)
    predictions = np.array([tree.predict(X) for tree in found.trees])
    for i in range(30):
        order = np.argsort(predictions[:, i])
        said = np.cumsum(found.says[order])
        assert found(X)[i] == predictions[order[np.searchsorted(said, said[-1] / 2)], i]


def test_coral_svr_searches_the_stated_grid():
    """The chosen settings are of the grid, which holds the published ones, and none has a smaller left-out error."""
    X, y = rows(18)
    low, high = np.array([3, 50, 0.2]), np.array([12, 300, 4])
    fitted = CoralSVR(mode="paper-search").fit(low + X * (high - low), y)
    chosen = fitted.hyperparameters_
    assert chosen["C"] in SEARCHED["C"]
    assert chosen["epsilon"] in SEARCHED["epsilon"]
    assert chosen["gamma"] in SEARCHED["gamma"]
    assert all(PAPER[name] in SEARCHED[name] for name in PAPER)
