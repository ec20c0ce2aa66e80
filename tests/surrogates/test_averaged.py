"""CORAL-SVR averaged over likely shapes: its numbers are those of the formulas, and what it makes of a source."""

import numpy as np
import pytest
from sklearn.base import clone

from orchestrator.chance import stream
from orchestrator.grid import traverse
from orchestrator.surrogates.averaged import WAYS, AveragedCoralSVR
from orchestrator.surrogates.bends import BENDS, bent
from orchestrator.surrogates.member import Member
from orchestrator.surrogates.shapes import Shapes
from orchestrator.surrogates.two_tools import TwoTools, squares_by_bend


def tool(X: np.ndarray) -> np.ndarray:
    return np.sin(5 * X[:, 0]) + X[:, 1] ** 2


def rows(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((n, 2))


def fitted(n: int = 14) -> AveragedCoralSVR:
    S, X = rows(20, 2), rows(n, 1)
    return AveragedCoralSVR(S, 3 + 2 * tool(S)).fit(X, tool(X))


def shapes_of(model: AveragedCoralSVR) -> Shapes:
    return Shapes.usual(len(WAYS), 2, model.ways_, np.random.default_rng(0))


def some_of_each_way(model: AveragedCoralSVR) -> Shapes:
    drawn = shapes_of(model)
    return Shapes(drawn.lengths, drawn.noise, drawn.size, drawn.bends, np.arange(len(WAYS)))


def test_bends_keep_the_cube_and_the_order():
    """0 stays 0, 1 stays 1, and what is above stays above, beyond the cube too."""
    x = np.linspace(-0.5, 1.5, 41)
    for bend in range(len(BENDS)):
        assert bent(np.array([0.0, 1.0]), bend) == pytest.approx([0, 1])
        assert (np.diff(bent(x, bend)) > 0).all()
    assert bent(np.array([0.1]), 1)[0] > 0.2
    assert bent(np.array([0.1]), 2)[0] < 0.1


def test_averaged_likelihood_is_the_restricted_one_of_a_normal():
    """Every way: shapes differ in log likelihood as the normal of contrasts free of both tools' means does."""
    model = fitted()
    shapes, known = some_of_each_way(model), model.rows_
    found = known._likelihood(shapes, model.ways_)
    contrasts = np.linalg.svd(known.means)[0][:, 2:].T
    n_free = len(contrasts)
    wanted = []
    for gram in known.covariance(shapes, model.ways_):
        free, values = contrasts @ gram @ contrasts.T, contrasts @ known.values
        variance = values @ np.linalg.solve(free, values) / n_free
        wanted.append(-0.5 * n_free * np.log(variance) - 0.5 * np.linalg.slogdet(free)[1])
    assert found - found[0] == pytest.approx(np.array(wanted) - wanted[0], abs=1e-4)


@pytest.mark.parametrize("name", ["none", "rows", "coral-svr"])
def test_averaged_member_is_the_conditional_normal(name):
    """Mean and variance are those of the joint normal of rows and point, the means of both tools given wide priors."""
    model, z = fitted(), rows(1, 5)
    place = [way.name for way in WAYS].index(name)
    shape = some_of_each_way(model)[np.array([place])]
    known = model.rows_
    member = Member(known, shape, WAYS)
    n = len(known.values)
    # The point as one more target row, without noise.
    both = TwoTools(
        np.vstack([known.X, z]),
        np.append(known.values, 0.0),
        np.append(known.is_source, False),
        np.append(known.borrowed, known.borrowed_at(z)),
        squares_by_bend(np.vstack([known.X, z])),
    )
    gram = both.covariance(shape, WAYS)[0]
    gram[n, n] -= np.exp(shape.noise[0])
    gram += 1e6 * both.means @ both.means.T
    gain = np.linalg.solve(gram[:n, :n], gram[:n, n])
    mean, variance = member.at(z, known.borrowed_at(z))
    assert mean[0] == pytest.approx(gain @ known.values, abs=1e-3)
    left = gram[n, n] - gain @ gram[:n, n]
    assert variance[0] == pytest.approx(member.variance * left, rel=2e-2)


def test_averaged_sd_holds_what_members_doubt_and_what_they_differ_in():
    """The variance of the mixture is the mean variance and the variance of the means."""
    model, Z = fitted(), rows(6, 4)
    means, sds = model.each(Z)
    mean, sd = model.predict(Z, return_std=True)
    assert mean == pytest.approx(means.mean(axis=0))
    assert sd**2 == pytest.approx((sds**2).mean(axis=0) + means.var(axis=0))
    assert np.ptp(means, axis=0).min() > 0


def test_averaged_borrows_from_a_tool_alike_and_little_from_a_stranger():
    """The same function, scaled and offset, is used by nearly all members; noise by fewer."""
    X, S = rows(14, 1), rows(25, 2)
    alike = AveragedCoralSVR(S, 3 + 2 * tool(S)).fit(X, tool(X))
    stranger = AveragedCoralSVR(S, np.random.default_rng(3).standard_normal(25)).fit(X, tool(X))
    assert alike.source_weight_ > 0.6
    assert stranger.source_weight_ < 0.5
    assert alike.source_evidence_["ways"]["none"] < stranger.source_evidence_["ways"]["none"]
    assert sum(alike.source_evidence_["ways"].values()) == pytest.approx(1)


def test_averaged_members_depend_on_the_rows_alone():
    """A second fit to the same rows is the same to the last bit; chance comes from their number."""
    Z = rows(5, 6)
    model = fitted()
    assert np.array_equal(model.predict(Z), clone(model).fit(rows(14, 1), tool(rows(14, 1))).predict(Z))


def test_averaged_weight_is_that_of_the_configuration():
    """Every member uses CORAL-SVR's prediction, and the record says why."""
    X, S = rows(12, 1), rows(20, 2)
    model = AveragedCoralSVR(S, tool(S), source_weight=0.4).fit(X, tool(X))
    assert model.source_weight_ == pytest.approx(0.4)
    assert "fixed" in model.source_evidence_["rule"]


def test_averaged_takes_equal_values_and_two_rows():
    """Nothing varies, or nearly nothing is known: still a finite prediction with a doubt."""
    for X, y in ((rows(6, 1), np.ones(6)), (rows(2, 1), np.array([0.0, 1.0]))):
        mean, sd = AveragedCoralSVR().fit(X, y).predict(rows(4, 2), return_std=True)
        assert np.isfinite(mean).all()
        assert (sd > 0).all()


def test_shapes_varied_without_steps_keep_lengths_and_noise():
    """Only what is stepped moves."""
    drawn = Shapes.usual(5, 2, WAYS, stream(0, "test"))
    same = drawn.varied(WAYS, stream(1, "test"), np.zeros((5, 3)))
    assert np.array_equal(same.lengths, drawn.lengths)
    assert np.array_equal(same.noise, drawn.noise)


def test_averaged_prediction_on_a_grid_is_that_of_its_points():
    """Taken apart by axes or asked point by point: the same, with a source and without."""
    axes = [np.linspace(0, 1, 7), np.linspace(0, 1, 5)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    for model in (fitted(), AveragedCoralSVR().fit(rows(9, 1), tool(rows(9, 1)))):
        assert traverse(model, axes).ravel() == pytest.approx(model.predict(points))
