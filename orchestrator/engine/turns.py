"""Who gets an instrument: read off the open runs alone, so that a resumed campaign decides the same.

Recipes ask for a role. Where several instruments fill it, the first free one in the order of the configuration performs
the step; a step that is repeated stays where it was begun, since its sample is there.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from instruments.driver import Command, CommandRefused
from orchestrator.laboratory import Laboratory
from orchestrator.ledger import Run, State
from orchestrator.ledger.run import name_of_sample


def performing(state: State) -> set[str]:
    """Return the instruments that perform a step now, or are in doubt about one."""
    return {step.instrument for _, step in state.under_way}


def held(state: State) -> set[str]:
    """Return the instruments that have a run on them, or one that waits for them after a failure."""
    return {step.instrument for run in state.open_runs for step in run.steps[-1:] if not step.is_over}


def chosen(
    state: State, laboratory: Laboratory, run: Run, command: Command, kept: Callable[[], AbstractSet[str]]
) -> str | None:
    """Return the instrument that performs what a run waits for, or None while all that may are at work.

    Args:
        state: The campaign.
        laboratory: The instruments.
        run: May be bound to certain instruments.
        command: What it waits for.
        kept: Returns the instruments that wait for maintenance; what is begun there already goes on.

    Raises:
        CommandRefused: No instrument of the role may perform it, or not on the sample that it names.
    """
    _check_sample(state, run, command)
    able, busy = laboratory.allowing(command, run.units.get(command.instrument)), performing(state)
    if run.steps and not run.steps[-1].is_over:
        able = [run.steps[-1].instrument]
    elif run.purpose != "maintenance":
        busy |= kept()
    return next((name for name in able if name not in busy), None)


def _check_sample(state: State, run: Run, command: Command) -> None:
    """Refuse a command on a sample that is elsewhere, was scrapped, or was never made in a campaign that makes some.

    Raises:
        CommandRefused: The recipe has mixed up samples.
    """
    name = name_of_sample(command.settings)
    if name is None:
        return
    where = f"{command.instrument}.{command.action}: sample {name!r}"
    for other in state.open_runs:
        step = other.steps[-1] if other.steps and other is not run else None
        if step is not None and step.is_under_way and step.told == name:
            message = f"{where} is in {step.instrument}, at step {step.last.id}; a sample is in one place at a time"
            raise CommandRefused(message)
    maker = state.run(state.made[name]) if name in state.made else None
    if maker is not None and maker.stage == "finished" and maker.status != "measured":
        message = f"{where} was scrapped with run {maker.number} ({maker.failure}: {maker.reason}); make a new one"
        raise CommandRefused(message)
    if maker is None and state.made and name not in state.brought:
        message = (
            f"{where} was never made; name it as the step that made it has read it, like {next(iter(state.made))!r}"
        )
        raise CommandRefused(message)
