"""Steps that wait for people: one that needs a person is not begun where it would end in quiet hours.

Rule of this file: the wait is derived from configuration, command and clock at every decision. The ledger has it for
people to read, and so that no point is chosen for an instrument that a run waits to take.
"""

from datetime import timedelta
from typing import Any

from instruments.driver import Attended, Command
from orchestrator.clock import SimulatedClock
from orchestrator.config.schema import QuietHoursConfig
from orchestrator.laboratory import Laboratory
from orchestrator.laboratory.quiet import begins_at, needs_person
from orchestrator.ledger import State

_LONGEST_S = 3e9
"""A century: what is expected to take longer is waited for as if it took that long, and stays a date."""


def rest(
    hours: QuietHoursConfig | None, laboratory: Laboratory, instrument: str, command: Command, clock: SimulatedClock
) -> dict[str, Any] | None:
    """Return until when a step waits, and why, as the body of `run_waits`; None if it may begin now.

    Args:
        hours: The quiet hours, if there are any.
        laboratory: The instruments.
        instrument: Who would perform it.
        command: What is to be performed.
        clock: Tells the moment.
    """
    performer = laboratory.instruments[instrument]
    if hours is None or not needs_person(performer, command.action, hours):
        return None
    expected_s, is_work = laboratory.expected_s(instrument, command), isinstance(performer, Attended)
    begin = begins_at(hours, clock.moment, timedelta(seconds=min(expected_s, _LONGEST_S)), is_work=is_work)
    if begin <= clock.moment:
        return None
    how = "begin or end" if is_work else "end"
    return {
        "instrument": instrument,
        "action": command.action,
        "expected_s": expected_s,
        "until_s": clock.lab_s(begin),
        "reason": f"it needs a person and is not to {how} in quiet hours ({hours})",
    }


def n_resting(state: State, instruments: tuple[str, ...]) -> int:
    """Return how many runs wait for people before they take one of these instruments."""
    waits = [run.waits for run in state.open_runs if run.waits is not None and not run.is_maintenance]
    return sum(wait["instrument"] in instruments for wait in waits)
