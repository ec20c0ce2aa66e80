"""CORAL-SVR averaged over likely shapes: its numbers are those of the formulas, and what it makes of a source."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone

from orchestrator.chance import stream
from orchestrator.surrogates.averaged import WAYS, AveragedCoralSVR
from orchestrator.surrogates.bends import BENDS, bent
from orchestrator.surrogates.member import Member
from orchestrator.surrogates.shapes import Shapes, Way
from orchestrator.surrogates.two_tools import TwoTools


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
    places = np.arange(len(WAYS))
    return replace(shapes_of(model), way=places, is_tilted=places % 2 == 0, has_trend=places % 3 < 2)


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
    assert model.predict(Z) == pytest.approx(mean)
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


def test_shape_is_the_covariance_of_its_formula():
    """Bent columns over lengths, the tilt across them as one more, a quadratic trend, and noise on the diagonal."""
    X = rows(5, 3)
    drawn = Shapes.usual(4, 2, (Way("none", 1.0),), np.random.default_rng(2))
    shapes = replace(
        drawn, is_tilted=np.array([True, True, False, False]), has_trend=np.array([True, False, True, False])
    )
    found = TwoTools.alone(X, X[:, 0]).covariance(shapes, (Way("none", 1.0),))
    for i in range(4):
        seen = np.column_stack([bent(X[:, j], int(shapes.bends[i, j])) for j in range(2)])
        rows_seen = [*(seen / np.exp(shapes.lengths[i])).T] + [seen @ shapes.tilt[i]] * int(shapes.is_tilted[i])
        squares = sum((column[:, None] - column[None]) ** 2 for column in rows_seen)
        wanted = np.exp(-0.5 * squares) + np.eye(5) * np.exp(shapes.noise[i])
        if shapes.has_trend[i]:
            wanted += (0.5 + 3 * (X - 0.5) @ (X - 0.5).T) ** 2
        assert found[i] == pytest.approx(wanted, abs=1e-6)


def test_ridge_askew_to_the_columns_is_seen_as_one():
    """Where only the sum of two parameters matters, most members have a direction along which neither is alone."""
    X = rows(24, 1)
    model = AveragedCoralSVR().fit(X, np.exp(-(((X.sum(axis=1) - 1) / 0.15) ** 2)))
    tilts = np.array([member.tilt for member in model.members_])
    alike = np.abs(tilts.sum(axis=1)) / (np.linalg.norm(tilts, axis=1) * np.sqrt(2) + 1e-12)
    assert (alike > 0.9).sum() >= len(tilts) / 2


def test_averaged_noise_is_that_of_the_measurements():
    """Rows of twice the noise: members think of about twice the noise, in the unit of the values."""
    X, z = rows(40, 1), np.random.default_rng(2).standard_normal(40)
    less, more = (np.median(AveragedCoralSVR().fit(X, 10 * tool(X) + s * z).noises) for s in (1.0, 2.0))
    assert less == pytest.approx(1.0, rel=0.4)
    assert more == pytest.approx(2.0, rel=0.4)


def test_one_column_has_no_direction_askew_to_it():
    """With one parameter there is nothing to be askew to."""
    drawn = Shapes.usual(50, 1, WAYS, stream(0, "test"))
    assert not drawn.is_tilted.any()
    assert not drawn.varied(WAYS, stream(1, "test"), np.ones((50, 2))).is_tilted.any()
