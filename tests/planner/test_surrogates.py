"""Surrogates: sklearn manners, the guard against harmful sources, and honest doubt."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from instruments.sputter.physics import SOURCE_TOOL, TARGET_TOOL, conductivity_us_cm
from orchestrator.config.schema import PlannerConfig
from orchestrator.surrogates import NAMES, build
from orchestrator.surrogates.gp import GaussianProcess
from orchestrator.surrogates.guard import deal_folds, judge, left_out
from orchestrator.surrogates.svr import CoralSVR

LOW, HIGH = np.array([3.0, 50.0, 0.2]), np.array([12.0, 300.0, 4.0])


def hill(X):
    return 2.0 - ((X - 0.4) ** 2 * [3.0, 1.0, 0.3]).sum(axis=1)


def rows(n, seed=0, n_columns=3, noise=0.02):
    rng = np.random.default_rng(seed)
    X = rng.random((n, n_columns))
    return X, hill(X) + noise * rng.normal(size=n) if n_columns == 3 else rng.normal(size=n)


@pytest.mark.parametrize("name", NAMES)
def test_surrogate_of_every_name_predicts_with_a_growing_positive_sd(name):
    """Close to the truth among the rows; more doubt far away; never certain, not even on a row."""
    X, y = rows(30)
    queries, _ = rows(200, seed=1)
    fitted = build(PlannerConfig(surrogate=name), rows(14, seed=2)).fit(X, y)
    mean = fitted.predict(queries)
    error = np.sqrt(np.mean((mean - hill(queries)) ** 2))
    assert error < (0.5 if hasattr(fitted, "thresholds") else 0.3) * hill(queries).std()  # steps on a smooth hill
    at_rows = fitted.predict(X, return_std=True)[1]
    assert at_rows.min() > 0
    assert fitted.predict(X + 3.0, return_std=True)[1].min() > 2 * at_rows.max()
    np.testing.assert_array_equal(fitted.predict(queries), mean)


def test_surrogate_is_a_function_of_its_rows():
    """Fitted twice, it predicts the same bits; a clone is unfitted and equal."""
    X, y = rows(25)
    for surrogate in (CoralSVR(*rows(14, seed=2)), GaussianProcess()):
        first = surrogate.fit(X, y).predict(X, return_std=True)
        again = clone(surrogate).fit(X, y).predict(X, return_std=True)
        np.testing.assert_array_equal(first, again)


def test_coral_svr_has_the_manners_of_an_sklearn_estimator():
    """It can be parameterised, put in a pipeline and cross-validated."""
    surrogate = CoralSVR(source_weight=0.5)
    assert surrogate.get_params()["source_weight"] == 0.5
    assert surrogate.set_params(mode="paper").mode == "paper"
    assert cross_val_score(make_pipeline(StandardScaler(), CoralSVR()), *rows(30), cv=3).mean() > 0.5


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("mode", ["scaled", "paper"])
def test_coral_svr_works_with_few_rows(n, mode):
    """Fewer rows than folds, down to one, give finite predictions and a stated weight of zero below six."""
    X, y = rows(n)
    fitted = CoralSVR(*rows(14, seed=2), mode=mode).fit(X, y)
    mean, sd = fitted.predict(X, return_std=True)
    assert np.isfinite(mean).all()
    assert (sd > 0).all()
    if n < 6:
        assert fitted.source_weight_ == 0
        assert "too few" in fitted.source_evidence_["rule"] or "no source" in fitted.source_evidence_["rule"]


def test_coral_svr_bears_constant_columns_constant_values_and_replicates():
    """A column that never varies, values that never vary and repeated points are no error."""
    X, y = rows(20)
    X[:, 1] = 0.5
    X, y = np.vstack([X, X[:5]]), np.concatenate([y, y[:5] + 0.1])
    for values in (y, np.full(len(y), 1.5)):
        mean, sd = CoralSVR(*rows(14, seed=2)).fit(X, values).predict(X, return_std=True)
        assert np.isfinite(mean).all()
        assert (sd > 0).all()


def test_coral_svr_refuses_what_it_cannot_use():
    """NaN, an unknown mode, a weight beyond one and a source of another shape are errors."""
    X, y = rows(10)
    with pytest.raises(ValueError, match="NaN"):
        CoralSVR().fit(X, np.where(y == y[0], np.nan, y))
    with pytest.raises(ValueError, match="NaN"):
        CoralSVR().fit(X, y).predict(X * np.nan)
    with pytest.raises(ValueError, match="'raw' is unknown; use 'scaled', 'paper' or 'paper-search'"):
        CoralSVR(mode="raw").fit(X, y)
    with pytest.raises(ValueError, match=r"source_weight 1\.5 is neither"):
        CoralSVR(source_weight=1.5).fit(X, y)
    with pytest.raises(ValueError, match=r"source_X has shape \(14, 2\)"):
        CoralSVR(rows(14, n_columns=2)[0], rows(14)[1]).fit(X, y)


def test_coral_svr_with_weight_zero_is_the_plain_svr():
    """A source that is given no weight changes nothing."""
    X, y = rows(20)
    plain = CoralSVR().fit(X, y).predict(X, return_std=True)
    unused = CoralSVR(*rows(14, seed=2), source_weight=0.0).fit(X, y).predict(X, return_std=True)
    np.testing.assert_array_equal(plain, unused)


def test_coral_svr_blends_by_the_weight():
    """A weight of a quarter lies a quarter of the way from no source to the source."""
    X, y = rows(20)
    none, quarter, full = (
        CoralSVR(*rows(14, seed=2), source_weight=w).fit(X, y).predict(X + 0.1) for w in (0.0, 0.25, 1.0)
    )
    assert np.abs(full - none).max() > 1e-3
    np.testing.assert_allclose(quarter, 0.75 * none + 0.25 * full, atol=1e-12)


def test_coral_svr_in_paper_mode_uses_the_published_settings():
    """C, epsilon and gamma are those of the paper, on features in their own units."""
    X, y = rows(20)
    fitted = CoralSVR(mode="paper").fit(LOW + X * (HIGH - LOW), y)
    assert (fitted.settings_.cost, fitted.settings_.epsilon) == (192, 0.01)
    np.testing.assert_allclose(0.5 / fitted.settings_.lengths**2, 1e-4)


def test_guard_gives_weight_to_a_source_that_predicts_and_none_to_noise():
    """Decided by left-out errors alone, and recorded."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=30)
    plain = y + rng.normal(size=30)
    weight, record = judge(y, plain, y + 0.1 * rng.normal(size=30))
    assert weight == 1.0
    assert record["error"]["1"] < record["error"]["0"]
    assert record["rows"] == 30
    assert judge(y, plain, plain + rng.normal(size=30))[0] == 0.0
    assert judge(y, plain, plain)[0] == 0.0


def test_guard_wants_more_than_luck():
    """An improvement within one standard error earns nothing."""
    y = np.zeros(8)
    plain = np.array([1.0, -1, 1, -1, 1, -1, 1, -1])
    borrowed = np.array([0.0, 0, 0, 0, 1.95, -1.95, 1.95, -1.95])
    assert np.abs(borrowed).mean() < np.abs(plain).mean()
    assert judge(y, plain, borrowed)[0] == 0.0


def test_guard_does_not_judge_a_source_by_imagined_rows():
    """Rows that were not measured are counted out of the evidence."""
    X, y = rows(20)
    fitted = CoralSVR(*rows(14, seed=2)).fit(X, y, 5)
    assert fitted.source_evidence_["rows"] == 15


def test_guard_keeps_replicates_in_one_fold():
    """A replicate would tell its left-out twin; each of six folds has rows."""
    X, y = rows(30)
    X, y = np.vstack([X, X]), np.concatenate([y, y + 1])
    folds = deal_folds(X, y)
    np.testing.assert_array_equal(folds[:30], folds[30:])
    assert set(folds) == set(range(6))


def test_guard_predicts_rows_without_having_seen_them():
    """A learner that remembers its rows is asked only about others."""

    def remember(X, _):
        known = set(X[:, 0])
        return lambda asked: np.array([float(x in known) for x in asked[:, 0]])

    X, y = rows(20)
    assert left_out(remember, X, y, deal_folds(X, y)).max() == 0.0


def test_coral_svr_doubt_is_roughly_calibrated_on_the_simulated_tool():
    """80 % intervals hold 65 to 92 % of the true conductivities, over six designs with noise."""
    held = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X, source, queries = rng.random((30, 3)), rng.random((14, 3)), rng.random((300, 3))
        y, source_y = true(TARGET_TOOL, X), true(SOURCE_TOOL, source)
        noise = np.exp(0.05 * rng.normal(size=30))
        mean, sd = CoralSVR(source, source_y).fit(X, y * noise).predict(queries, return_std=True)
        held.append(np.mean(np.abs(true(TARGET_TOOL, queries) - mean) < 1.2816 * sd))
    assert 0.65 < np.mean(held) < 0.92


def true(tool, X):
    return np.asarray(conductivity_us_cm(tool, *(LOW + X * (HIGH - LOW)).T))
