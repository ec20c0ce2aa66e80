"""The figures of a screening: errors, intervals, folds, and the model chosen by them."""

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.metrics import mean_absolute_error, mean_absolute_percentage_error, r2_score, root_mean_squared_error

from orchestrator.data import Rows
from orchestrator.objective import Objective
from orchestrator.screening.catalogue import CATALOGUE, KEYS, Entry, chosen
from orchestrator.screening.material import Material, _few
from orchestrator.screening.noise import noise_of
from orchestrator.screening.result import Kind, Predictions
from orchestrator.screening.scores import coverage, scores
from orchestrator.screening.training import fitted
from orchestrator.space import Parameter, ParameterSpace
from orchestrator.surrogates.guard import deal_folds

SPACE = ParameterSpace([Parameter("heat", "K", 0, 50), Parameter("time", "s", 1, 9)])
RATE = Objective("rate", "nm/min")


def rows(values, points, sds=None):
    n = len(values)
    return Rows(Path("rows.csv"), "0" * 64, tuple(points), np.array(values), sds, ("",) * n, ("",) * n)


@given(st.lists(st.tuples(st.floats(1, 9), st.floats(-9, 9)), min_size=2, max_size=20))
def test_scores_are_those_of_sklearn(pairs):
    """Four errors, against the library that everybody knows."""
    values, predicted = np.array(pairs).T
    found = scores(values, predicted)
    assert found.mae == pytest.approx(mean_absolute_error(values, predicted))
    assert found.rmse == pytest.approx(root_mean_squared_error(values, predicted))
    assert found.mape == pytest.approx(mean_absolute_percentage_error(values, predicted))
    if np.ptp(values) > 1e-3:
        assert found.r2 == pytest.approx(r2_score(values, predicted))


def test_scores_without_scatter_or_with_a_zero_are_undefined_where_they_must_be():
    """R2 of equal values and MAPE of a zero are NaN; the other errors stand."""
    assert math.isnan(scores(np.ones(3), np.zeros(3)).r2)
    found = scores(np.array([0.0, 1.0]), np.array([1.0, 1.0]))
    assert math.isnan(found.mape)
    assert found.mae == 0.5


def test_coverage_of_honest_intervals_is_nominal():
    """Values that scatter by the model's sd and their own noise are held as often as they should be."""
    rng = np.random.default_rng(0)
    values = np.hypot(0.3, 0.4) * rng.standard_normal(20_000)
    said = Predictions(np.zeros(len(values)), np.full(len(values), 0.3))
    found = coverage(Kind.OUT_OF_FOLD, values, said, np.full(len(values), 0.4))
    for interval in found:
        assert interval.observed == pytest.approx(interval.nominal, abs=0.01)
    assert coverage(Kind.TRUTH, values, said)[1].observed < 0.6


def test_noise_is_what_rows_say_else_what_replicates_show():
    """Own uncertainties first; pooled scatter of repeated points fills gaps; nothing is said to be nothing."""
    here, there = {"heat": 1.0, "time": 2.0}, {"heat": 9.0, "time": 2.0}
    repeated = rows([1.0, 3.0, 5.0], [here, here, there])
    np.testing.assert_allclose(noise_of(repeated, SPACE).sd, np.sqrt(2.0))
    partly = rows([1.0, 3.0, 5.0], [here, here, there], np.array([0.1, np.nan, 0.2]))
    np.testing.assert_allclose(noise_of(partly, SPACE).sd, [0.1, np.sqrt(2.0), 0.2])
    alone = noise_of(rows([1.0, 5.0], [here, there]), SPACE)
    assert not alone.sd.any()
    assert "state no uncertainty" in alone.words


def test_material_of_many_rows_is_some_points_with_all_their_replicates():
    """At most three hundred rows, the same for the same seed, and no point without one of its rows."""
    points = [{"heat": float(i % 200) / 4, "time": 2.0} for i in range(600)]
    every = rows(np.arange(600.0), points)
    few, again, other = (_few(every, SPACE, seed) for seed in (1, 1, 2))
    assert len(few) == 300
    np.testing.assert_array_equal(few.values, again.values)
    assert set(few.values) != set(other.values)
    assert set(Counter(point["heat"] for point in few.points).values()) == {3}
    assert all(points[int(value)] == point for value, point in zip(few.values, few.points, strict=True))
    assert _few(few, SPACE, 1) is few


class Memory(BaseEstimator):
    """Predicts 1 for points it was fitted to and 0 for others."""

    source_weight_ = 0.0

    def fit(self, X, _):
        """Keep the points."""
        self.known_ = {tuple(x) for x in X}
        return self

    def predict(self, X, *, return_std):  # noqa: ARG002 - the protocol's
        """Return whether each point is known."""
        known = np.array([float(tuple(x) in self.known_) for x in X])
        return known, np.ones(len(X))


class Remembering(Entry):
    """An entry of the catalogue that remembers."""

    def build(self, *_):
        """Return the model."""
        return Memory()


def test_training_never_shows_a_model_the_fold_it_is_judged_on():
    """All rows are known in-sample and none out-of-fold, replicates included."""
    points = [{"heat": float(h), "time": 2.0} for h in range(8)] * 2
    target = rows(np.arange(16.0), points)
    folds = deal_folds(SPACE.encode(points), target.values)
    material = Material("study", SPACE, RATE, target, None, (), None, "", "no truth: a test")
    found = fitted(Remembering("svr", "memory"), material, folds)
    assert found.in_sample.mean.min() == 1.0
    assert found.out_of_fold.mean.max() == 0.0
    assert len(found.fold_weights) == 6


def test_catalogue_picks_by_name_mode_or_both():
    """A name means all its modes; a misspelt one is answered with the nearest."""
    assert {entry.mode for entry in chosen(["svr"])} == {"scaled", "paper", "paper-search"}
    assert [entry.key for entry in chosen(["svr:scaled", "gp"])] == ["svr", "gp"]
    assert chosen(None) == CATALOGUE
    assert len(set(KEYS)) == len(CATALOGUE)
    with pytest.raises(ValueError, match="did you mean 'ratio'"):
        chosen(["ration"])
