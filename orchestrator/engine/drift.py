"""What the reference runs tell of the tools: a trend in time on each instrument, and what sets the instruments apart.

Rule of this file: only what the references show is corrected, and only where they show it with 95 % confidence: a slope
by the t-test of a straight line, an offset between two instruments by that of their levels. A reference more or less
changes no correction by chance alone in 19 of 20 cases. Where all references are above zero, trends are relative.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from orchestrator.ledger import Run, State
from orchestrator.planner import Observation

DAY_S = 86400.0
CONFIDENCE = 0.95
_FEWEST = 3
"""References on an instrument below which nothing is said about it."""


@dataclass(frozen=True)
class Trend:
    """The level of one instrument's references over time.

    Args:
        days: Lab days at which the references were begun.
        values: What they measured, in the objective's unit.
        level: Fitted level at lab time zero, of the logarithm where trends are relative.
        level_sd: Its standard error.
        per_day: Fitted change a day; 0 where the references show none.
        p_value: Of the slope, that there is none; 1 where it could not be tested.
    """

    days: tuple[float, ...]
    values: tuple[float, ...]
    level: float
    level_sd: float
    per_day: float
    p_value: float

    def at(self, day: float) -> float:
        """Return the fitted level at a lab day."""
        return self.level + self.per_day * day


@dataclass(frozen=True)
class Drift:
    """What is corrected before the planner learns from a run: to the first instrument, at lab time zero.

    Args:
        trends: By instrument, those with three references or more, in the order of the configuration.
        offsets: How far the level of an instrument lies from that of the first; 0 where the references show none.
        is_relative: Whether levels and slopes are of the logarithm.
    """

    trends: Mapping[str, Trend]
    offsets: Mapping[str, float]
    is_relative: bool

    @property
    def is_none(self) -> bool:
        """Whether nothing is corrected."""
        return not any(self.offsets.values()) and not any(trend.per_day for trend in self.trends.values())

    def shift(self, instrument: str, at_s: float) -> float:
        """Return how far an instrument was from the first one at lab time zero; of the logarithm where relative."""
        trend = self.trends.get(instrument)
        return 0.0 if trend is None else trend.per_day * at_s / DAY_S + self.offsets.get(instrument, 0.0)

    def corrected(self, observation: Observation, instrument: str, at_s: float) -> Observation:
        """Return an observation as the first instrument would have measured it at lab time zero."""
        shift = self.shift(instrument, at_s)
        if observation.value is None or not shift:
            return observation
        if not self.is_relative:
            return replace(observation, value=observation.value - shift)
        factor = math.exp(-shift)
        sd = None if observation.sd is None else observation.sd * factor
        return replace(observation, value=observation.value * factor, sd=sd)

    def to_json(self) -> dict[str, dict[str, float]]:
        """Return what was corrected, by instrument, for the ledger."""
        return {
            name: {
                "references": len(t.values),
                "per_day": t.per_day,
                "p_value": t.p_value,
                "offset": self.offsets[name],
            }
            for name, t in self.trends.items()
        }


def has_references(state: State) -> bool:
    """Return whether the configuration asks for reference runs, so that drift may be taken out."""
    configuration = (state.opened or {}).get("configuration", {})
    return bool((configuration.get("policies") or {}).get("reference"))


def drift_of(state: State) -> Drift | None:
    """Return the drift that the reference runs show, or None where the campaign has none.

    Offsets between instruments are left to the surrogate where a parameter tells them apart.
    """
    if not has_references(state):
        return None
    configuration = (state.opened or {})["configuration"]
    measured = [run for run in state.finished if run.purpose == "reference" and run.value is not None]
    is_relative = all(run.value is not None and run.value > 0 for run in measured)
    by_instrument: dict[str, list[Run]] = {}
    for run in measured:
        by_instrument.setdefault(instrument_of(state, run), []).append(run)
    names = [name for name in (*state.identities, "") if len(by_instrument.get(name, ())) >= _FEWEST]
    trends = {name: _trend(by_instrument[name], is_relative=is_relative) for name in names}
    is_told_apart = any(p.get("instrument") for p in configuration.get("parameters", {}).values())
    offsets = {name: 0.0 if is_told_apart else _offset(trends[names[0]], trends[name]) for name in names}
    return Drift(trends, offsets, is_relative)


def instrument_of(state: State, run: Run) -> str:
    """Return the instrument of the bottleneck's role that performed a run, or "" where there is none."""
    role = (state.opened or {})["configuration"]["laboratory"].get("bottleneck")
    return next((step.instrument for step in run.steps if step.role == role), "")


def _trend(runs: Sequence[Run], *, is_relative: bool) -> Trend:
    days = np.array([(run.start_s or 0.0) / DAY_S for run in runs])
    values = np.array([run.value or 0.0 for run in runs])
    levels = np.log(values) if is_relative else values
    mean, error = float(levels.mean()), float(levels.std(ddof=1)) / math.sqrt(len(levels))
    flat = Trend(tuple(days.tolist()), tuple(values.tolist()), mean, error, 0.0, 1.0)
    if np.ptp(days) == 0:
        return flat
    line = stats.linregress(days, levels)
    p_value = float(line.pvalue) if math.isfinite(line.pvalue) else 1.0
    if p_value >= 1 - CONFIDENCE:
        return replace(flat, p_value=p_value)
    level, level_sd = float(line.intercept), float(line.intercept_stderr)
    return replace(flat, level=level, level_sd=level_sd, per_day=float(line.slope), p_value=p_value)


def _offset(first: Trend, other: Trend) -> float:
    """Return by how much another level lies above the first, or 0 where that may be chance."""
    error = math.hypot(first.level_sd, other.level_sd)
    difference = other.level - first.level
    n_free = len(first.values) + len(other.values) - 2 - bool(first.per_day) - bool(other.per_day)
    if error == 0:
        return difference
    return difference if abs(difference) > float(stats.t.ppf((1 + CONFIDENCE) / 2, n_free)) * error else 0.0
