"""What is due beside the search: maintenance, the repeat of a point, the reference point. Each knows why it is.

Rule of this file: everything is read off the configuration, the ledger's state and the lab time. So a resumed campaign
finds the same things due, and a replay can tell whether they were.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.config.schema import CampaignConfig, MaintenanceConfig
from orchestrator.ledger import Run, State


@dataclass(frozen=True)
class Due:
    """A run that something else than the planner asks for.

    Args:
        purpose: `maintenance`, `repeat` or `reference`.
        why: A sentence.
        point: Where; empty for maintenance.
        units: Which instrument has to fill a role.
        concerns: Of maintenance the instrument and what is done, of a repeat the run and how often it was repeated.
    """

    purpose: str
    why: str
    point: Mapping[str, float | str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    concerns: Mapping[str, Any] = field(default_factory=dict)

    def fits(self, body: Mapping[str, Any]) -> bool:
        """Return whether the body of a `suggested` event records it."""
        mine = (self.purpose, dict(self.point), dict(self.units), dict(self.concerns))
        return mine == (body["purpose"], body["point"], body["units"], body["concerns"])


def everything_due(settings: CampaignConfig, state: State, now_s: float) -> Iterator[Due]:
    """Yield everything that may be begun now beside the search, on whichever instrument."""
    yield from upkeep(settings, state, now_s)
    role = settings.laboratory.bottleneck
    for instrument in (None,) if role is None else settings.laboratory.roles[role]:
        due = beside(settings, state, instrument)
        if due is not None:
            yield due


def upkeep(settings: CampaignConfig, state: State, now_s: float) -> Iterator[Due]:
    """Yield the maintenance that is due and not under way, in the order of the configuration."""
    for instrument, wanted in settings.laboratory.instruments.items():
        for action, rule in wanted.maintenance.items():
            why = _occasion(state, instrument, action, rule, now_s)
            if why:
                role = rule.by or wanted.role or instrument
                units = {} if rule.by else {role: instrument}
                what = {"instrument": instrument, "action": action, "role": role, "settings": dict(rule.settings)}
                yield Due("maintenance", f"{action} of {instrument}: {why}", units=units, concerns=what)


def kept_from_samples(settings: CampaignConfig, state: State, now_s: float) -> set[str]:
    """Return the instruments that no new sample may come to: their maintenance is due, or under way."""
    return in_maintenance(state) | {str(due.concerns["instrument"]) for due in upkeep(settings, state, now_s)}


def in_maintenance(state: State) -> set[str]:
    """Return the instruments whose maintenance is under way."""
    return {str(run.concerns["instrument"]) for run in state.open_runs if run.is_maintenance}


def _occasion(state: State, instrument: str, action: str, rule: MaintenanceConfig, now_s: float) -> str:
    """Return why a maintenance is due, or nothing."""
    done_s = state.maintained.get((instrument, action))
    for output, limit in rule.at.items():
        value, at_s = state.shown.get(instrument, {}).get(output, (limit, -1.0))
        if at_s > (0.0 if done_s is None else done_s) and value >= limit:
            return f"{output} is {value:.4g}, and {limit:g} is where it is due"
    hours = (now_s - (done_s or 0.0)) / 3600
    if rule.every_h is not None and hours >= rule.every_h:
        return f"{hours:.0f} lab hours have passed, and {rule.every_h:g} are where it is due"
    if rule.after is not None:
        before_s = state.maintained.get((instrument, rule.after))
        if before_s is not None and (done_s is None or done_s < before_s):
            return f"it comes after {rule.after}"
    return ""


def beside(settings: CampaignConfig, state: State, instrument: str | None) -> Due | None:
    """Return the repeat or the reference that is due on an instrument of the bottleneck's role, or None.

    Args:
        settings: The configuration.
        state: The campaign.
        instrument: The next free one; None where the campaign names no bottleneck.
    """
    return _repeat(settings, state) or _reference(settings, state, instrument)


def _repeat(settings: CampaignConfig, state: State) -> Due | None:
    """Return the repeat of the first run that lost its sample and may be repeated."""
    lost = state.lost if settings.policies.sample_repeats else ()
    for run in (state.runs[number] for number in lost):
        nth = int(run.concerns.get("repeat", 0)) + 1
        if nth <= settings.policies.sample_repeats:
            why = f"run {run.number} lost its sample ({run.reason}); its point is performed again"
            return Due("repeat", why, run.point, run.units, {"run": run.number, "repeat": nth})
    return None


def _reference(settings: CampaignConfig, state: State, instrument: str | None) -> Due | None:
    rule, role = settings.policies.reference, settings.laboratory.bottleneck
    if rule is None:
        return None
    since, words = 0, "the first"
    for run in reversed(state.runs.values()):
        if instrument is None or role is None or _is_on(run, role, instrument):
            if run.purpose == "reference":
                words = f"{since} runs since run {run.number}"
                break
            since += 1
    if words != "the first" and since < rule.every:
        return None
    where = "" if instrument is None else f" on {instrument}"
    units = {} if instrument is None or role is None else {role: instrument}
    named = {name: str(instrument) for name, p in settings.parameters.items() if p.instrument}
    point = {name: {**rule.point, **named}[name] for name in settings.parameters}
    return Due("reference", f"the reference point{where}, to see drift: {words}", point, units)


def _is_on(run: Run, role: str, instrument: str) -> bool:
    """Return whether a run is, or was, on an instrument of a role."""
    used = [step.instrument for step in run.steps if step.role == role]
    return instrument in used or run.units.get(role) == instrument
