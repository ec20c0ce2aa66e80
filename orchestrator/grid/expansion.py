"""From a fitted model to its field on a grid: taken apart where its form is known, asked point by point where not.

Known by exact type, since a subclass may predict otherwise. A model of one's own says its form by a method
`separable(axes)` that returns a `Separable`, or None where it has none.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.grid.fields import Blend, Field, Mapped, Predicted, named
from orchestrator.surrogates.separable import Separable

FloatArray = NDArray[np.float64]
Axes = tuple[FloatArray, ...]
Kernel = tuple[float, FloatArray]  # amplitude and precisions of amplitude * exp(-sum_k precisions[k] (x_k - s_k)^2)

# Transformers that treat each column by itself, so that they can be applied to the axes of a grid.
_BY_COLUMN = frozenset(
    {
        "StandardScaler",
        "MinMaxScaler",
        "MaxAbsScaler",
        "RobustScaler",
        "QuantileTransformer",
        "PowerTransformer",
    }
)


def field_of(model: Any, axes: Axes) -> Field:  # noqa: ANN401 - sklearn has no stubs
    """Return the field of a fitted model with one output.

    Args:
        model: Fitted, with `predict`.
        axes: Coordinates of the grid in the units the model was fitted in.
    """
    known = getattr(model, "separable", None) or partial(_from_sklearn, model)
    return known(axes) or Predicted(model, axes)


def _from_sklearn(model: Any, axes: Axes) -> Field | None:  # noqa: ANN401 - sklearn has no stubs
    kind = type(model)
    expand = _KNOWN.get(kind.__name__) if kind.__module__.startswith("sklearn.") else None
    return None if expand is None else expand(model, axes)


def _support_vectors(model: Any, axes: Axes) -> Field | None:  # noqa: ANN401 - sklearn has no stubs
    if model.kernel != "rbf" or not isinstance(model.support_vectors_, np.ndarray):
        return None
    precisions = np.full(len(axes), model._gamma)  # noqa: SLF001 - the number that "scale" and "auto" stood for
    return Separable.radial(
        axes, model.support_vectors_, precisions, model.dual_coef_[0], float(np.ravel(model.intercept_)[0])
    )


def _kernel_ridge(model: Any, axes: Axes) -> Field | None:  # noqa: ANN401 - sklearn has no stubs
    if model.kernel != "rbf" or not isinstance(model.X_fit_, np.ndarray):
        return None
    gamma = 1.0 / len(axes) if model.gamma is None else model.gamma
    return Separable.radial(axes, model.X_fit_, np.full(len(axes), gamma), np.ravel(model.dual_coef_))


def _gaussian_process(model: Any, axes: Axes) -> Field | None:  # noqa: ANN401 - sklearn has no stubs
    kernels = _radial_kernels(model.kernel_, len(axes)) if hasattr(model, "X_train_") else None
    if kernels is None or np.ndim(model.X_train_) != 2:
        return None
    slope, offset = float(np.ravel(model._y_train_std)[0]), float(np.ravel(model._y_train_mean)[0])  # noqa: SLF001 - see below
    # `normalize_y` is undone with numbers that are kept under private names only.
    rows, weights = np.asarray(model.X_train_, dtype=float), np.ravel(model.alpha_)
    parts = [Separable.radial(axes, rows, precisions, amplitude * weights) for amplitude, precisions in kernels]
    return Separable.total(parts).scaled(slope, offset) if parts else None


def _radial_kernels(kernel: Any, n_columns: int) -> list[Kernel] | None:  # noqa: ANN401 - sklearn has no stubs
    """Return a kernel as a sum of radial kernels, or None where it is none."""
    name = type(kernel).__name__
    if name == "RBF":
        return [(1.0, np.broadcast_to(0.5 / np.asarray(kernel.length_scale, dtype=float) ** 2, (n_columns,)))]
    if name == "ConstantKernel":
        return [(float(kernel.constant_value), np.zeros(n_columns))]
    if name == "WhiteKernel":
        return []  # between a row and another point it is zero
    if name not in {"Sum", "Product"}:
        return None
    one, other = (_radial_kernels(part, n_columns) for part in (kernel.k1, kernel.k2))
    if one is None or other is None:
        return None
    return one + other if name == "Sum" else [(a * b, p + q) for a, p in one for b, q in other]


def _pipeline(model: Any, axes: Axes) -> Field | None:  # noqa: ANN401 - sklearn has no stubs
    *transformers, (_, last) = model.steps
    for _, step in transformers:
        if step is None or step == "passthrough":
            continue
        if type(step).__name__ not in _BY_COLUMN or not type(step).__module__.startswith("sklearn."):
            return None
        axes = _transformed(step, axes)
    return field_of(last, axes)


def _transformed(step: Any, axes: Axes) -> Axes:  # noqa: ANN401 - sklearn has no stubs
    """Return the axes as a transformer of columns leaves them, by its own arithmetic."""
    found = []
    for k, axis in enumerate(axes):
        rows = np.repeat([[axis[0] for axis in axes]], len(axis), axis=0)
        rows[:, k] = axis
        found.append(np.asarray(step.transform(named(step, rows)), dtype=float)[:, k])
    return tuple(found)


def _transformed_target(model: Any, axes: Axes) -> Field:  # noqa: ANN401 - sklearn has no stubs
    """Return the inner field with the transformation undone: a line into the weights, all else value by value."""
    inner = field_of(model.regressor_, axes)

    def undone(values: FloatArray) -> FloatArray:
        return np.asarray(model.transformer_.inverse_transform(values.reshape(-1, 1)), dtype=float)[:, 0]

    if isinstance(inner, Separable) and type(model.transformer_).__name__ in {"StandardScaler", "MinMaxScaler"}:
        at_zero, at_one = undone(np.array([0.0, 1.0]))
        return inner.scaled(float(at_one - at_zero), float(at_zero))
    return Mapped(inner, undone)


def _bagging(model: Any, axes: Axes) -> Field | None:  # noqa: ANN401 - sklearn has no stubs
    if any(not np.array_equal(columns, np.arange(len(axes))) for columns in model.estimators_features_):
        return None
    return _mean(model.estimators_, axes, None)


def _voting(model: Any, axes: Axes) -> Field:  # noqa: ANN401 - sklearn has no stubs
    return _mean(model.estimators_, axes, model._weights_not_none)  # noqa: SLF001 - without those of dropped members


def _mean(members: Sequence[Any], axes: Axes, weights: Sequence[float] | None) -> Field:
    shares = np.ones(len(members)) if weights is None else np.asarray(weights, dtype=float)
    shares /= shares.sum()
    fields = [field_of(member, axes) for member in members]
    apart = [f.scaled(share) for f, share in zip(fields, shares.tolist(), strict=True) if isinstance(f, Separable)]
    if len(apart) == len(fields):
        return Separable.total(apart)
    return Blend(tuple(fields), tuple(shares.tolist()))


def _searched(model: Any, axes: Axes) -> Field:  # noqa: ANN401 - sklearn has no stubs
    return field_of(model.best_estimator_, axes)


_KNOWN: Mapping[str, Callable[[Any, Axes], Field | None]] = {
    "SVR": _support_vectors,
    "NuSVR": _support_vectors,
    "KernelRidge": _kernel_ridge,
    "GaussianProcessRegressor": _gaussian_process,
    "Pipeline": _pipeline,
    "TransformedTargetRegressor": _transformed_target,
    "BaggingRegressor": _bagging,
    "VotingRegressor": _voting,
    "GridSearchCV": _searched,
    "RandomizedSearchCV": _searched,
}
