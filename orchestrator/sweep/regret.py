"""Regret: how far the best point measured so far is from the best there is, after so many runs and so many lab days.

Runs and initial rows that break a limit of a further objective, or are not known to keep it, do not count.

With a simulated tool's truth (`screening.truth`), it is the best noiseless value of the space minus the best noiseless
value among measured points, initial rows included: what the campaign has in hand, whatever luck its measurements had.
Where values are recorded it is the best value of the table minus the best measured so far; for want of either, the best
value measured anywhere in the sweep minus the best measured so far. A truth knows no limits.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instruments.driver import Origin
from orchestrator.campaign import Campaign
from orchestrator.chance import stream
from orchestrator.data import read_rows
from orchestrator.display.wording import clean
from orchestrator.laboratory import imported
from orchestrator.objective import Objective
from orchestrator.objective.merit import Merit
from orchestrator.recipe import Point
from orchestrator.sweep.performance import Result
from orchestrator.sweep.plan import Plan, Variation

FloatArray = NDArray[np.float64]
Truth = Callable[[Mapping[str, NDArray[Any]]], Any]

_LIMITLESS = ", which knows no limits"
_N_DRAWN = 20_000
_N_NEAR, _N_CENTRES, _ROUNDS = 200, 10, 6


@dataclass(frozen=True)
class Curve:
    """The regret of one campaign, which falls in steps.

    Args:
        hours: Lab hours at the end of each run, from 0 on; shape (n_runs + 1,).
        regret: Before the first run and after each, in the objective's unit; NaN before anything is measured.
    """

    hours: FloatArray
    regret: FloatArray

    def after_runs(self, runs: NDArray[np.int_]) -> FloatArray:
        """Return the regret after numbers of runs; a campaign that ended before has what it has."""
        return np.asarray(self.regret[np.minimum(runs, len(self.regret) - 1)])

    def after_hours(self, hours: FloatArray) -> FloatArray:
        """Return the regret after lab hours; a campaign that ended before has what it has."""
        return np.asarray(self.regret[np.searchsorted(self.hours, hours, side="right") - 1])


@dataclass(frozen=True)
class Yardstick:
    """What regret is measured by, the same for all variations of a sweep.

    Args:
        objective: What is measured.
        truth: The noiseless objective of the simulated tool, or None.
        best_score: The score with regret 0; NaN where nothing is known of it until `against` has looked.
        words: What that is, in words.
    """

    objective: Objective
    truth: Truth | None
    best_score: float
    words: str

    @property
    def best(self) -> float:
        """The value with regret 0, in the objective's unit."""
        return self.objective.value(self.best_score)

    def against(self, plan: Plan, results: Mapping[str, Result]) -> "Yardstick":
        """Return the yardstick of these results: where nothing is known beforehand, their best value has regret 0."""
        if np.isfinite(self.best_score):
            return self
        done = [(p.variation, results[p.key]) for p in plan.campaigns if p.key in results]
        seen = [value for v, result in done for value in (*self.past(v), *self.values(v, result))]
        return replace(self, best_score=float(self._scores(np.array(seen)).max(initial=-np.inf)))

    def past(self, variation: Variation) -> FloatArray:
        """Return what the initial rows that count do so with, shape (n_counted,), in the objective's unit."""
        rows = variation.campaign.planner.initial
        if rows is None:
            return np.array([])
        kept = Merit.from_config(variation.campaign.settings).kept(rows.further, len(rows))
        points = [point for point, is_kept in zip(rows.points, kept, strict=True) if is_kept]
        return self._valued(variation, points, rows.values[kept].tolist())

    def values(self, variation: Variation, result: Result) -> FloatArray:
        """Return what each run counts with, shape (n_runs,), in the objective's unit: its truth, or its measured value.

        A run without a value, or one that breaks a limit, counts with NaN.
        """
        runs = result["runs"]
        counted = np.array([run["counts"] for run in runs], dtype=bool)
        points = [run["point"] for run in runs if run["counts"]]
        values = np.full(len(runs), np.nan)
        values[counted] = self._valued(variation, points, [run["value"] for run in runs if run["counts"]])
        return values

    def curve(self, variation: Variation, result: Result) -> Curve:
        """Return the regret of a campaign."""
        known = self._scores(self.past(variation)).max(initial=-np.inf)
        best = np.maximum.accumulate([known, *self._scores(self.values(variation, result))])
        regret = np.where(np.isfinite(best), np.maximum(self.best_score - best, 0.0), np.nan)
        return Curve(np.array([0.0, *(run["end_h"] for run in result["runs"])]), regret)

    def _valued(self, variation: Variation, points: Sequence[Point], values: Sequence[float]) -> FloatArray:
        if self.truth is None or not points:
            return np.array(values, dtype=float)
        return _asked(variation, self.truth, points)

    def _scores(self, values: FloatArray) -> FloatArray:
        return np.where(np.isfinite(values), self.objective.sign * values, -np.inf)


def yardstick(plan: Plan) -> Yardstick:
    """Return what the regret of a sweep is measured by.

    Raises:
        ConfigError: A truth that cannot be imported, that fails, or is finite nowhere.
    """
    campaign = plan.variations[0].campaign
    objective, name = campaign.planner.objective, campaign.settings.screening.truth
    origins = {origin for v in plan.variations for origin in v.origins}
    tables = {v.campaign.settings.laboratory.table for v in plan.variations}
    table = tables.pop()
    if origins == {Origin.RECORDED} and table is not None and not tables:
        return _of_table(campaign, table)
    if name is None or origins != {Origin.SIMULATED}:
        return Yardstick(objective, None, np.nan, "the best value measured in the whole sweep, for want of a truth")
    truth: Truth = imported(campaign.configuration, ("screening", "truth"), name)
    spaces = {
        json.dumps([v.luggage.plain["parameters"], v.luggage.plain.get("constraints")]): v for v in plan.variations
    }
    best = max(_best(v, truth, objective) for v in spaces.values())
    has_limits = any(Merit.from_config(v.campaign.settings).limits for v in plan.variations)
    words = f"the best noiseless value of the simulated tool ({name}){_LIMITLESS if has_limits else ''}"
    return Yardstick(objective, truth, best, words)


def _of_table(campaign: Campaign, table: Path) -> Yardstick:
    """Return the yardstick of a recorded laboratory: the best row that keeps the limits, if its table tells of them."""
    merit, words = Merit.from_config(campaign.settings), "the best value of the table"
    rows = read_rows(table, campaign.planner.space, merit.objective, merit.further)
    kept = merit.kept(rows.further, len(rows))
    if merit.limits:
        words += f" that keeps {clean(merit.limits)}" if kept.any() else _LIMITLESS
    values = rows.values[kept] if kept.any() else rows.values
    return Yardstick(merit.objective, None, float((merit.objective.sign * values).max()), words)


def _best(variation: Variation, truth: Truth, objective: Objective) -> float:
    """Return the largest score of the space, of random points and of ever more points near the best of them."""
    space, rng = variation.campaign.planner.space, stream(0, "sweep", "truth")
    columns, best = space.draw(_N_DRAWN, rng), -np.inf
    for _ in range(_ROUNDS):
        scores = objective.sign * _asked(variation, truth, space.points(columns))
        scores = np.where(np.isfinite(scores), scores, -np.inf)
        best = max(best, float(scores.max()))
        centres = columns[np.argsort(-scores, kind="stable")[:_N_CENTRES]]
        columns = np.vstack([centres, space.nearby(centres, _N_NEAR, rng)])
    if not np.isfinite(best):
        raise variation.campaign.configuration.error(("screening", "truth"), "is finite nowhere in the space")
    return best


def _asked(variation: Variation, truth: Truth, points: Sequence[Point]) -> FloatArray:
    columns = {n: np.array([point[n] for point in points]) for n in variation.campaign.planner.space.names}
    name = variation.campaign.settings.screening.truth
    try:
        values = np.asarray(truth(columns), dtype=float)
    except Exception as error:
        message = f"{name} raised {type(error).__name__}: {error}; a truth takes arrays by parameter name"
        raise variation.campaign.configuration.error(("screening", "truth"), message) from error
    if values.shape != (len(points),):
        message = f"{name} returned shape {values.shape} for {len(points)} points; it must return one value for each"
        raise variation.campaign.configuration.error(("screening", "truth"), message)
    return values
