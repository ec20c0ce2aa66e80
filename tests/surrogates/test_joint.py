"""One process over two tools: what it borrows, when it does not, and that its numbers are those of the formulas."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from orchestrator.grid import traverse
from orchestrator.surrogates.joint import JointProcess


def tool(X: np.ndarray) -> np.ndarray:
    return np.sin(5 * X[:, 0]) + X[:, 1] ** 2


def rows(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((n, 2))


def test_joint_is_correlated_with_a_tool_alike_and_not_with_a_stranger() -> None:
    """The same function, scaled and offset, earns a high correlation; noise earns none."""
    X, S = rows(12, 1), rows(25, 2)
    alike = JointProcess(S, 3 + 2 * tool(S)).fit(X, tool(X))
    stranger = JointProcess(S, np.random.default_rng(3).standard_normal(25)).fit(X, tool(X))
    assert alike.source_weight_ >= 0.85
    assert stranger.source_weight_ == 0
    assert max(stranger.source_evidence_["log_posterior"], key=stranger.source_evidence_["log_posterior"].get) == "0"


def test_joint_without_correlation_is_the_process_of_one_tool() -> None:
    """A fixed correlation of 0 with the shape that was found predicts what the target rows alone predict."""
    X, S, Z = rows(12, 1), rows(20, 2), rows(30, 4)
    both = JointProcess(S, tool(S), source_weight=0.0).fit(X, tool(X))
    alone = JointProcess().fit(X, tool(X))
    alone._solve(both.shape_)
    assert both.predict(Z) == pytest.approx(alone.predict(Z), abs=1e-9)


def test_joint_prediction_is_the_conditional_normal() -> None:
    """Mean and sd are those of the joint normal of rows and point, the level given a wide normal prior."""
    X, z = rows(8, 1), rows(1, 5)
    model = JointProcess().fit(X, tool(X))
    points = np.vstack([X, z]) / model.shape_.lengths
    kernel = np.exp(-0.5 * ((points[:, None] - points[None]) ** 2).sum(axis=2)) + 1e6
    kernel[:8, :8] += model.shape_.noise * np.eye(8)
    y = (tool(X) - model.offset_) / model.spread_
    gain = np.linalg.solve(kernel[:8, :8], kernel[:8, 8])
    mean, sd = model.predict(z, return_std=True)
    assert (mean[0] - model.offset_) / model.spread_ == pytest.approx(gain @ y, abs=1e-3)
    variance = model.variance_ * (kernel[8, 8] - gain @ kernel[:8, 8])
    assert (sd[0] / model.spread_) ** 2 == pytest.approx(variance, rel=1e-2)


def test_joint_likelihood_is_that_of_the_normal() -> None:
    """Two shapes differ in log likelihood as the restricted likelihoods of a normal do."""
    X = rows(10, 1)
    model = JointProcess().fit(X, tool(X))
    contrasts = np.linalg.svd(np.eye(10) - 0.1)[0][:, :9].T  # orthogonal to the level
    squares = (X[:, None] - X[None]) ** 2

    def restricted(lengths: np.ndarray) -> float:
        kernel = np.exp(-0.5 * squares @ lengths**-2) + model.shape_.noise * np.eye(10)
        inner, values = contrasts @ kernel @ contrasts.T, contrasts @ model.values_
        variance = values @ np.linalg.solve(inner, values) / 9
        return float(multivariate_normal(np.zeros(9), variance * inner).logpdf(values))

    def ours(lengths: np.ndarray) -> float:
        shape = type(model.shape_)(lengths, model.shape_.noise, 0.0, 1.0)
        return model._likelihood(np.exp(-0.5 * squares @ lengths**-2), shape)

    one, other = np.array([0.5, 0.5]), np.array([0.3, 1.2])
    assert ours(one) - ours(other) == pytest.approx(restricted(one) - restricted(other), abs=1e-8)


def test_joint_on_a_grid_is_its_prediction() -> None:
    """The product of factors, point by point, with a source."""
    X, S = rows(12, 1), rows(15, 2)
    model = JointProcess(S, tool(S)).fit(X, tool(X))
    axes = [np.linspace(0, 1, 5), np.linspace(0, 1, 4)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    assert traverse(model, axes).reshape(-1) == pytest.approx(model.predict(grid), abs=1e-10)
