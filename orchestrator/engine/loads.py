"""Samples that go through one action together, decided from the open runs alone.

A load leaves when it is full, when the first of its samples has waited long enough, or when all runs in flight are in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from instruments.driver import Action, Command
from orchestrator.ledger import Run, State, Step
from orchestrator.ledger.run import name_of_sample


@dataclass(frozen=True)
class Waiting:
    """A run that waits for an action with room for several samples, on an instrument that is free.

    Args:
        run: The run.
        command: What it waits for.
        instrument: The free instrument.
        action: What the instrument says of the action.
    """

    run: Run
    command: Command
    instrument: str
    action: Action

    @property
    def since_s(self) -> float:
        """When it began to wait, in lab time: its last step ended, or it was started."""
        last = self.run.steps[-1].last if self.run.steps else None
        return (self.run.start_s or 0.0) if last is None else max(last.end_s or 0.0, last.not_before_s)

    @property
    def kind(self) -> tuple[object, ...]:
        """What two of them must have in common to be performed together: all but their texts, which name samples."""
        shared = ((n, v) for n, v in self.command.settings.items() if not self.action.settings[n].text)
        return (self.instrument, self.command.action, *sorted(shared))


def gathered(waiting: Sequence[Waiting]) -> list[list[Waiting]]:
    """Return the loads that could be made, none larger than there is room for, the longest waiting run first."""
    kinds: dict[tuple[object, ...], list[Waiting]] = {}
    taken: set[str] = set()
    for one in sorted(waiting, key=lambda w: (w.since_s, w.run.number)):
        sample = name_of_sample(one.command.settings)
        if sample not in taken:  # two runs may name one sample, and only the first gets it
            kinds.setdefault(one.kind, []).append(one)
        taken |= {sample} if sample else set()
    return [
        group[i : i + group[0].action.capacity]
        for group in kinds.values()
        for i in range(0, len(group), group[0].action.capacity)
    ]


def leaves_s(load: Sequence[Waiting], n_open: int, waits_h: float) -> float:
    """Return when a load leaves, in lab time; it may be long ago.

    Args:
        load: The samples.
        n_open: How many runs are in flight, these included.
        waits_h: How long the first of them waits for others, h.
    """
    first = load[0]
    is_waited_for = len(load) < first.action.capacity and len(load) < n_open
    return first.since_s + waits_h * 3600 if is_waited_for else first.since_s


def interrupted(state: State) -> Iterator[tuple[Sequence[str], str, Sequence[int]]]:
    """Yield the loads of which not every member was begun: members, instrument, and the runs that are missing.

    A crash between two of their events leaves such a load.
    """
    for run in state.open_runs:
        step = run.steps[-1] if run.steps else None
        if step is None or not step.is_under_way or step.last.load[:1] != (step.last.id,):
            continue
        missing = [n for n in map(_run_of, step.last.load) if n in state.unfinished and not _is_in(state.run(n), step)]
        if missing:
            yield step.last.load, step.instrument, missing


def _run_of(command_id: str) -> int:
    return int(command_id.split(".", maxsplit=1)[0])


def _is_in(run: Run, first: Step) -> bool:
    """Return whether a command of a run belongs to the load that began with a step."""
    return any(attempt.load == first.last.load for step in run.steps for attempt in step.attempts)
