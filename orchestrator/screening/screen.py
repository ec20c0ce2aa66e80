"""Steps 1 to 3 of the paper: data, training, prediction and recommendation, for every model on the same rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from orchestrator.screening import optimum as search
from orchestrator.screening.allowed import allowed_on, drawn
from orchestrator.screening.catalogue import Entry
from orchestrator.screening.diagnosis import diagnose
from orchestrator.screening.landscape import good_candidates, region
from orchestrator.screening.material import Material
from orchestrator.screening.noise import noise_of
from orchestrator.screening.result import FloatArray, Kind, ModelResult, Optimum, Predictions, Region, Screening, Truth
from orchestrator.screening.scores import coverage, scores
from orchestrator.screening.training import Fitted, fitted, hyperparameters
from orchestrator.screening.truth import survey
from orchestrator.sensitivity.variance import decompose
from orchestrator.space import ParameterSpace
from orchestrator.surrogates.guard import deal_folds
from orchestrator.threads import one_thread


@one_thread()
def screen(
    material: Material,
    entries: Sequence[Entry],
    levels: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Screening:
    """Train, judge and question every model.

    A model that cannot be fitted to these rows keeps no other from its results; it is listed with the reason.

    Args:
        material: Rows, space and truth.
        entries: The models.
        levels: Levels a parameter on the search grid; by default 200, fewer where the grid would grow too large.
        progress: Told what is under way.

    Raises:
        ValueError: No model could be fitted.
    """
    space, target = material.space, material.target
    axes = search.axes_of(space, levels)
    folds = deal_folds(space.encode(target.points), target.values)
    progress("constraints and truth")
    allowed = allowed_on(space, axes)
    truth = None if material.truth is None else survey(material, axes)
    whole = Screening(
        campaign=material.campaign,
        space=space,
        objective=material.objective,
        target=target,
        source=material.source,
        folds=folds,
        noise=noise_of(target, space),
        axes=axes,
        allowed=allowed,
        models=(),
        published=material.published,
        defects=material.defects,
        truth=truth,
        no_truth=material.no_truth,
        notes=tuple(diagnose(material, axes, folds, levels, allowed)),
    )
    models, failed = [], {}
    for entry in entries:
        if entry.borrows and material.source is None:
            failed[entry.key] = "needs source rows (data.source), and there are none"
            continue
        progress(entry.label)
        try:
            models.append(_judged(material, entry, whole))
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            failed[entry.key] = str(error)
    if not models:
        reasons = "; ".join(f"{key}: {reason}" for key, reason in failed.items())
        message = f"no model could be fitted: {reasons}"
        raise ValueError(message)
    return replace(whole, models=tuple(models), failed=failed)


def _judged(material: Material, entry: Entry, whole: Screening) -> ModelResult:
    """Fit one model and return everything that is told of it."""
    space, target = material.space, material.target
    found = fitted(entry, material, whole.folds)
    at_truth = None if whole.truth is None else _at(space, found.estimator, whole.truth, is_natural=entry.is_natural)
    judged = {Kind.IN_SAMPLE: found.in_sample, Kind.OUT_OF_FOLD: found.out_of_fold}
    errors = {kind: scores(target.values, predictions.mean) for kind, predictions in judged.items()}
    intervals = coverage(Kind.OUT_OF_FOLD, target.values, found.out_of_fold, whole.noise.sd)
    if whole.truth is not None and at_truth is not None:
        errors[Kind.TRUTH] = scores(whole.truth.values, at_truth.mean)
        intervals += coverage(Kind.TRUTH, whole.truth.values, at_truth)
    values = search.predicted(space, found.estimator, whole.axes, is_natural=entry.is_natural)
    best, window = _optimum(material, entry, found, values, whole)
    candidate, good = _candidate(material, entry, found)
    return ModelResult(
        name=entry.name,
        mode=entry.mode,
        label=entry.label,
        is_natural=entry.is_natural,
        borrows=entry.borrows,
        estimator=found.estimator,
        in_sample=found.in_sample,
        out_of_fold=found.out_of_fold,
        at_truth=at_truth,
        scores=errors,
        coverage=intervals,
        optimum=best,
        variance=decompose(values),
        region=good or window,
        candidate=candidate,
        source_weight=float(found.estimator.source_weight_),
        source_evidence=found.estimator.source_evidence_,
        fold_weights=found.fold_weights,
        fold_estimators=found.fold_estimators,
        hyperparameters=hyperparameters(found.estimator),
    )


def _optimum(
    material: Material, entry: Entry, found: Fitted, values: FloatArray, whole: Screening
) -> tuple[Optimum, Region | None]:
    """Return the best allowed point of the grid and its window; where the grid has none, the best of random points."""
    space, objective, axes, allowed = material.space, material.objective, whole.axes, whole.allowed
    if allowed is None or allowed.any():
        point, _, n_tied = search.optimum(space, objective, values, axes, allowed)
        if allowed is not None:
            values = np.where(allowed, values, objective.sign * (objective.sign * values).min())
        best = _described(material, entry, found, point, n_tied)
        return best, None if space.has_equality else region(space, objective, values, axes, point)
    points = drawn(space)
    scores = objective.sign * search.predict(space, found.estimator, points, is_natural=entry.is_natural).mean
    return _described(material, entry, found, points[int(scores.argmax())], 1), None


def _at(space: ParameterSpace, estimator: Any, truth: Truth, *, is_natural: bool) -> Predictions:  # noqa: ANN401
    columns = [truth.points[p.name] for p in space.parameters]
    blocks = [
        np.asarray(column, dtype=float)[:, None]
        if is_natural and not p.choices and not p.is_constant
        else p.encode(list(column))
        for p, column in zip(space.parameters, columns, strict=True)
    ]
    return Predictions(*estimator.predict(np.hstack(blocks), return_std=True))


def _candidate(material: Material, entry: Entry, found: Fitted) -> tuple[Optimum, Region] | tuple[None, None]:
    pool, objective = material.space.candidates, material.objective
    if pool is None:
        return None, None
    values = search.predict(material.space, found.estimator, pool, is_natural=entry.is_natural).mean
    best = pool[int((objective.sign * values).argmax())]
    return _described(material, entry, found, best, 1), good_candidates(material.space, objective, values, pool)


def _described(material: Material, entry: Entry, found: Fitted, point: Mapping[str, Any], n_tied: int) -> Optimum:
    space = material.space
    there = search.predict(space, found.estimator, [point], is_natural=entry.is_natural)
    true = np.nan if material.truth is None else material.truth({k: np.array([v]) for k, v in point.items()})[0]
    known = float(true) if np.isfinite(true) else None
    return search.described(space, point, there, material.target.points, true=known, n_tied=n_tied)
