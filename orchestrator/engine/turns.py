"""Who gets an instrument: read off the open runs alone, so that a resumed campaign decides the same.

Recipes ask for a role. Where several instruments fill it, the first free one in the order of the configuration performs
the step; a step that is repeated stays where it was begun, since its sample is there.
"""

from instruments.driver import Command
from orchestrator.laboratory import Laboratory
from orchestrator.ledger import Run, State


def performing(state: State) -> set[str]:
    """Return the instruments that perform a step now, or are in doubt about one."""
    return {step.instrument for run in state.open_runs for step in run.steps[-1:] if step.is_under_way}


def is_free(state: State, laboratory: Laboratory, role: str) -> bool:
    """Return whether an instrument of a role has no run on it, nor one that waits for it after a failure."""
    held = {step.instrument for run in state.open_runs for step in run.steps[-1:] if not step.is_over}
    return any(name not in held for name in laboratory.roles[role])


def chosen(state: State, laboratory: Laboratory, run: Run, command: Command) -> str | None:
    """Return the instrument that performs what a run waits for, or None while all that may are at work.

    Raises:
        CommandRefused: No instrument of the role may perform it.
    """
    repeated = run.steps[-1] if run.steps and not run.steps[-1].is_over else None
    able = laboratory.allowing(command)
    if repeated is not None:
        able = [repeated.instrument]
    busy = performing(state)
    return next((name for name in able if name not in busy), None)
