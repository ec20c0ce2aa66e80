"""What a reader must know of the rows and the grid before believing any figure: in sentences, never silently mended."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from orchestrator.data import Rows
from orchestrator.display.wording import plural
from orchestrator.screening.allowed import N_DRAWN
from orchestrator.screening.material import Material
from orchestrator.screening.optimum import LEVELS, Axes
from orchestrator.space import ParameterSpace
from orchestrator.surrogates.guard import N_FOLDS


def diagnose(
    material: Material, axes: Axes, folds: NDArray[np.int_], levels: int | None, allowed: NDArray[np.bool_] | None
) -> Iterator[str]:
    """Yield what is peculiar about rows and grid.

    Args:
        material: Rows and space.
        axes: The search grid.
        folds: The fold of each target row.
        levels: The levels that were asked for, None for the usual.
        allowed: Which points of the grid meet the constraints, None without any.
    """
    space, target = material.space, material.target
    yield from _folds(target, space, folds)
    for what, rows in (("target", target), ("source", material.source)):
        if rows is not None:
            yield from _rows(what, rows, space)
    if material.source is not None:
        yield from _borrowed(target, material.source, space)
    yield from _grid(space, axes, levels)
    yield from material.remarks
    if allowed is not None and space.candidates is None:
        yield _constrained(allowed)


def _folds(target: Rows, space: ParameterSpace, folds: NDArray[np.int_]) -> Iterator[str]:
    n_folds, n_distinct = int(folds.max()) + 1, len(np.unique(space.encode(target.points), axis=0))
    if n_folds < N_FOLDS:
        yield (
            f"{plural(n_distinct, 'distinct target point')}, fewer than {N_FOLDS} folds: each point is its own fold "
            "(leave-one-out), and errors on unseen rows are themselves uncertain"
        )
    if n_distinct < len(target):
        n_repeats = len(target) - n_distinct
        repeat = "repeats" if n_repeats == 1 else "repeat"
        yield f"{plural(n_repeats, 'target row')} {repeat} another row's point; replicates stay in one fold"


def _rows(what: str, rows: Rows, space: ParameterSpace) -> Iterator[str]:
    for p in space.searched:
        values = {point[p.name] for point in rows.points}
        if len(values) == 1:
            value = f"{next(iter(values))} {p.unit}".removesuffix(" 1")
            yield f"{p.name} is {value} in every {what} row: nothing can be learned of its influence from them"
    if np.ptp(rows.values) == 0:
        yield f"all {what} values are {rows.values[0]:g}: R2 is undefined"
    X = space.encode(rows.points)
    rank = int(np.linalg.matrix_rank(np.atleast_2d(np.cov(X, rowvar=False)))) if len(X) > 1 else 0
    if rank < X.shape[1] and not any(p.choices for p in space.parameters):
        yield (
            f"the {what} rows lie in {rank} of {X.shape[1]} dimensions: alignment with a source uses the "
            "pseudo-inverse of their covariance, and nothing can be learned along the others"
        )


def _borrowed(target: Rows, source: Rows, space: ParameterSpace) -> Iterator[str]:
    if len(source) == 1:
        yield "the source has one row: models that align it or scale it are fitted without it"
    known = set(zip(map(tuple, space.encode(source.points)), source.values, strict=True))
    told = sum(row in known for row in zip(map(tuple, space.encode(target.points)), target.values, strict=True))
    if told:
        yield (
            f"of {len(target)} target rows {told} are source rows too, with the same value: models that borrow have "
            "seen what they are asked about, and their errors on unseen rows are too small; take such rows out of the "
            "source"
        )


def _constrained(allowed: NDArray[np.bool_]) -> str:
    if allowed.any():
        return f"constraints leave {allowed.mean():.1%} of the grid; the optimum is the best of that"
    return f"no point of the grid meets the constraints; the optimum is the best of {N_DRAWN} random points that do"


def _grid(space: ParameterSpace, axes: Axes, levels: int | None) -> Iterator[str]:
    ranges = [len(axes[p.name]) for p in space.searched if not p.options]
    wanted = levels or LEVELS
    if ranges and ranges[0] < wanted:
        n_points = int(np.prod([float(len(axis)) for axis in axes.values()]))
        yield f"the grid has {ranges[0]} levels a parameter instead of {wanted}: it stays at {n_points:.3g} points"
    if space.candidates is not None:
        yield (
            f"only the {len(space.candidates)} points of the table can be performed: beside the optimum of the grid "
            "stands the best of those"
        )
