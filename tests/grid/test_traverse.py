"""Traversal: every model's own predictions on a whole grid, and the exact maximum of them."""

import tracemalloc
import warnings
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, RandomForestRegressor, VotingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, PowerTransformer, StandardScaler
from sklearn.svm import SVR, NuSVR

from orchestrator.grid import blocks, maximum, traverse
from orchestrator.grid.expansion import field_of
from orchestrator.surrogates.separable import Layout, Separable
from orchestrator.surrogates.svr import CoralSVR

LOW, HIGH = np.array([3.0, 50.0, 0.2]), np.array([12.0, 300.0, 4.0])
AXES = tuple(np.linspace(low, high, n) for low, high, n in zip(LOW, HIGH, (9, 11, 7), strict=True))

SCALED_SVR = make_pipeline(StandardScaler(), SVR(C=10))
ANISOTROPIC = ConstantKernel() * RBF([1.0, 1.0, 1.0]) + WhiteKernel()
TAKEN_APART = {
    "svr, gamma scale": SVR(C=10),
    "svr, published settings": SVR(C=192, epsilon=0.01, gamma=1e-4),
    "svr, gamma auto": SVR(gamma="auto"),
    "svr without support vectors": SVR(epsilon=100.0),
    "nu-svr": NuSVR(C=5, gamma=0.01),
    "kernel ridge": KernelRidge(kernel="rbf", alpha=0.1),
    "scaled svr": SCALED_SVR,
    "power-transformed svr": make_pipeline(PowerTransformer(), "passthrough", MinMaxScaler(), SVR(C=10)),
    "gaussian process": make_pipeline(StandardScaler(), GaussianProcessRegressor(ANISOTROPIC, normalize_y=True)),
    "sum of kernels": GaussianProcessRegressor(
        ConstantKernel() * RBF([1.0, 50.0, 1.0]) + ConstantKernel(0.1) * RBF(9.0) * RBF(7.0) + ConstantKernel(),
        alpha=0.1,
    ),
    "scaled target": TransformedTargetRegressor(make_pipeline(MinMaxScaler(), SVR(C=10)), transformer=StandardScaler()),
    "bagging": BaggingRegressor(SCALED_SVR, 5, random_state=0),
    "voting": VotingRegressor([("raw", SVR()), ("off", "drop"), ("scaled", SCALED_SVR)], weights=[1, 5, 3]),
    "grid search": GridSearchCV(SVR(), {"C": [1, 10]}, cv=2),
    "coral-svr in a pipeline": make_pipeline(MinMaxScaler(), CoralSVR()),
}
ASKED = {
    "log target": TransformedTargetRegressor(SCALED_SVR, func=np.log, inverse_func=np.exp),
    "svr and forest": VotingRegressor([("a", SCALED_SVR), ("b", RandomForestRegressor(5, random_state=0))]),
    "forest": RandomForestRegressor(5, random_state=0),
    "linear": LinearRegression(),
    "polynomial kernel": make_pipeline(StandardScaler(), SVR(kernel="poly")),
    "mixing columns": make_pipeline(StandardScaler(), PolynomialFeatures(), SVR()),
    "rough process": GaussianProcessRegressor(ConstantKernel() * Matern([1.0, 50.0, 1.0]), alpha=0.1, optimizer=None),
    "bagging of columns": BaggingRegressor(SVR(), 5, max_features=2, random_state=0),
}


def rows(n=40, seed=0, n_columns=3):
    rng = np.random.default_rng(seed)
    X = rng.random((n, n_columns))
    return X, 3 + np.sin(4 * X).sum(axis=1) + 0.1 * rng.normal(size=n)


def fitted(model):
    X, y = rows()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a length at its bound is as good as any here
        return clone(model).fit(LOW + X * (HIGH - LOW), y)


def points(axes):
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


@pytest.mark.parametrize("name", TAKEN_APART | ASKED)
def test_traverse_gives_what_the_model_predicts(name):
    """At every point of the grid, in C order, whether the model is taken apart or asked."""
    model = fitted((TAKEN_APART | ASKED)[name])
    values = traverse(model, AXES)
    assert values.shape == (9, 11, 7)
    np.testing.assert_allclose(values.ravel(), model.predict(points(AXES)), rtol=0, atol=1e-10)
    assert isinstance(field_of(model, AXES), Separable) == (name in TAKEN_APART)


@pytest.mark.parametrize(("mode", "weight"), [("scaled", 0.0), ("scaled", 0.4), ("paper", 1.0), ("paper", 0.5)])
def test_traverse_takes_coral_svr_apart(mode, weight):
    """With any share of the source, in both modes, on columns with a level or two."""
    X, y = rows()
    low, high = (LOW, HIGH) if mode == "paper" else (np.zeros(3), np.ones(3))
    source, source_y = rows(14, seed=1)
    model = CoralSVR(low + source * (high - low), source_y, mode=mode, source_weight=weight)
    model.fit(low + X * (high - low), y)
    axes = [np.linspace(a, b, n) for a, b, n in zip(low, high, (5, 1, 8), strict=True)]
    np.testing.assert_allclose(traverse(model, axes).ravel(), model.predict(points(axes)), rtol=0, atol=1e-10)
    assert isinstance(field_of(model, tuple(axes)), Separable)


@pytest.mark.parametrize("n_columns", [1, 2, 4, 8])
def test_traverse_takes_axes_as_they_come(n_columns):
    """Of one to eight parameters, in any order, at any distances, with repeats, as lists or arrays of integers."""
    model = SVR(C=10).fit(*rows(n_columns=n_columns))
    axes = [[0.9, 0.1, 0.1, 0.35], np.array([1, 0]), (0.5,), [0.2, 0.7, 0.6], *[[0.3, 0.4]] * 4][:n_columns]
    np.testing.assert_allclose(traverse(model, axes).ravel(), model.predict(points(axes)), rtol=0, atol=1e-10)


def test_traverse_keeps_the_column_names_of_a_frame():
    """A model that was fitted on a data frame is asked with one, without a warning."""
    pd = pytest.importorskip("pandas")
    X, y = rows()
    frame = pd.DataFrame(X, columns=["distance", "power", "pressure"])
    axes = [[0.1, 0.2]] * 3
    for model in (make_pipeline(StandardScaler(), SVR()), RandomForestRegressor(3, random_state=0)):
        values = traverse(model.fit(frame, y), axes)
        wanted = model.predict(pd.DataFrame(points(axes), columns=frame.columns))
        np.testing.assert_allclose(values.ravel(), wanted, rtol=0, atol=1e-10)


class Louder(SVR):
    """Predicts otherwise than the machine it inherits from."""

    def predict(self, X):
        """Ten times as loud."""
        return 10 * super().predict(X)


class Liar(SVR):
    """Claims a form that it has not."""

    def separable(self, axes):
        """A hill at the origin."""
        return Separable.radial(axes, np.zeros((1, 3)), np.ones(3), np.ones(1))


@pytest.mark.parametrize("kind", [Louder, Liar])
def test_traverse_believes_the_model_not_its_form(kind):
    """A subclass may predict otherwise, and a form that disagrees with `predict` is not used."""
    model = kind(gamma=1e-4).fit(*rows())
    axes = [np.linspace(0, 1, 4)] * 3
    np.testing.assert_array_equal(traverse(model, axes).ravel(), model.predict(points(axes)))


@given(
    shape=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    stretched=st.integers(0, 4),
    n_terms=st.integers(0, 5),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_separable_is_the_sum_of_its_products(shape, stretched, n_terms, seed):
    """Filled row by row or asked at points, on grids of every layout."""
    shape[stretched % len(shape)] *= 700
    rng = np.random.default_rng(seed)
    factors = tuple(rng.normal(size=(n, n_terms)) for n in shape[:5])
    if prod(shape) > 2e5:
        shape, factors = shape[:2], factors[:2]
    function = Separable(0.7, rng.normal(size=n_terms), factors)
    layout = Layout(tuple(shape))
    out = np.full((layout.n_rows, layout.n_columns), np.nan)
    half = layout.n_rows // 2
    function.fill(0, out[:half])
    function.fill(half, out[half:])
    assert layout.n_rows * layout.n_columns == prod(shape)
    index = np.unravel_index(rng.integers(prod(shape), size=20), shape)
    terms = np.prod([factor[i] for factor, i in zip(factors, index, strict=True)], axis=0)
    np.testing.assert_allclose(function.at(index), 0.7 + (terms * function.weights).sum(axis=1), atol=1e-12)
    np.testing.assert_allclose(out.reshape(shape)[index], function.at(index), atol=1e-12)


def test_blocks_are_the_values_in_order():
    """Together they are the whole grid, each begins where the one before ended, and they may be kept."""
    model = SVR(C=10).fit(*rows())
    axes = [np.linspace(0, 1, n) for n in (90, 80, 70)]
    found = list(blocks(model, axes))
    assert len(found) > 1
    assert [b.start for b in found] == [0, *np.cumsum([len(b.values) for b in found])[:-1]]
    together = np.concatenate([block.values for block in found])
    np.testing.assert_array_equal(together, traverse(model, axes).ravel())


@pytest.mark.parametrize("name", ["svr, gamma scale", "gaussian process", "log target", "forest"])
@pytest.mark.parametrize("minimise", [False, True])
def test_maximum_is_that_of_all_values(name, minimise):
    """Its place, coordinates and value; or those of the minimum."""
    model = fitted((TAKEN_APART | ASKED)[name])
    found = maximum(model, AXES, minimise=minimise)
    values = traverse(model, AXES)
    index = np.unravel_index(values.argmin() if minimise else values.argmax(), values.shape)
    assert found.index == index
    assert found.point == tuple(axis[i] for axis, i in zip(AXES, index, strict=True))
    assert found.value == pytest.approx(values[index], abs=1e-12)


def test_maximum_of_equals_is_the_first():
    """Twin peaks differ by rounding alone, on either side of a block's border: the first in C order is taken."""
    X = np.array([[0.25, 0.5, 0.5], [0.75, 0.5, 0.5]])
    for noise in (0.0, 1e-15, -1e-15):
        model = KernelRidge(kernel="rbf", gamma=40.0).fit(X, [1.0, 1.0])
        model.dual_coef_ = model.dual_coef_ + np.array([0.0, noise])
        found = maximum(model, [np.linspace(0, 1, 101)] * 3)
        assert found.point == (0.25, 0.5, 0.5)
    assert maximum(SVR(epsilon=100.0).fit(*rows()), [np.linspace(0, 1, 101)] * 3).index == (0, 0, 0)


def test_maximum_needs_no_room_for_the_values():
    """Two million values and a half are searched in a tenth of their room; traversing needs little more than them."""
    model, axes = SVR(C=10).fit(*rows()), [np.linspace(0, 1, 136)] * 3
    room = 8 * 136**3
    for function, most in ((maximum, 0.6), (traverse, 1.6)):
        tracemalloc.start()
        function(model, axes)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < most * room


def test_traverse_of_a_single_long_axis_needs_little_room():
    """A line has no factors to be taken apart into: it is asked in parts."""
    model, line = SVR(C=10).fit(*rows(n_columns=1)), np.linspace(0, 1, 300_000)
    tracemalloc.start()
    values = traverse(model, [line])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * values.nbytes
    np.testing.assert_allclose(values[::999], model.predict(line[::999, None]), rtol=0, atol=1e-10)


class Nowhere(SVR):
    """Does not know what it predicts in a corner."""

    def predict(self, X):
        """NaN or one."""
        return np.where(X[:, 0] > 0.9, np.nan, 1.0)


def test_maximum_refuses_nan():
    """A prediction that is no number is named instead of passed over."""
    with pytest.raises(ValueError, match=r"predicts NaN at the point of places \(2, 0, 0\) along the axes"):
        maximum(Nowhere().fit(*rows()), [[0.0, 0.5, 1.0]] * 3)


@pytest.mark.parametrize(
    ("axes", "error", "words"),
    [
        ([], ValueError, "no axes; give one for each column"),
        ([[1.0], [2.0]], ValueError, "SVR was fitted on 3 columns, but there are 2 axes"),
        ([[1.0], [], [2.0]], ValueError, r"axis 2 has shape \(0,\); give a plain sequence of at least one number"),
        ([[1.0], [[2.0]], [2.0]], ValueError, r"axis 2 has shape \(1, 1\)"),
        ([[1.0], 2.0, [2.0]], ValueError, r"axis 2 has shape \(\)"),
        ([[1.0], [0.0, np.nan], [2.0]], ValueError, "axis 2 is nan at place 1"),
        ([[1.0], [0.0], [np.inf]], ValueError, "axis 3 is inf at place 0"),
        ([["a", "b"], [0.0], [1.0]], TypeError, "axis 1 holds .*'a'.*, which is not a real number"),
        ([[True], [0.0], [1.0]], TypeError, "axis 1 holds .*True.*, which is not a real number"),
        ([[None], [0.0], [1.0]], TypeError, "axis 1 holds None, which is not a real number"),
    ],
)
def test_traverse_refuses_axes_that_make_no_grid(axes, error, words):
    """Each with the number of the axis and the rule."""
    model = SVR().fit(*rows())
    for function in (traverse, maximum, lambda *given: list(blocks(*given))):
        with pytest.raises(error, match=words):
            function(model, axes)


def test_traverse_refuses_what_is_no_regression():
    """Something that cannot predict, or predicts several values, or was never fitted."""
    X, y = rows()
    axes = [[0.0, 1.0]] * 3
    with pytest.raises(TypeError, match=r"StandardScaler has no predict\(X\)"):
        traverse(StandardScaler().fit(X), axes)
    with pytest.raises(ValueError, match="KernelRidge predicts 2 outputs at a point"):
        traverse(KernelRidge(kernel="rbf").fit(X, np.column_stack([y, y])), axes)
    with pytest.raises(ValueError, match="not fitted"):
        traverse(SVR(), axes)
