"""Gives free instruments to the runs that wait for them, one sample at a time or several as a load.

Rule of this file: who waits, since when and for what is read off the ledger's state; nothing is queued.
"""

from collections.abc import Callable, Iterator

from instruments.driver import Command, CommandRefused
from orchestrator.config.schema import CampaignConfig
from orchestrator.engine.agenda import kept_from_samples
from orchestrator.engine.loads import Waiting, gathered, interrupted, leaves_s
from orchestrator.engine.performer import Performer, next_id
from orchestrator.engine.recipes import Recipes
from orchestrator.engine.recorder import Recorder
from orchestrator.engine.rest import n_resting, rest
from orchestrator.engine.turns import chosen, held, performing
from orchestrator.laboratory import Laboratory
from orchestrator.ledger import Kind, Run


class Dispatcher:
    """Begins steps where it may.

    Args:
        settings: The configuration.
        laboratory: The instruments.
        recorder: Where events go.
        recipes: Say what each run waits for.
        performer: Begins it.
        is_stopped: Whether nothing new starts.
    """

    def __init__(
        self,
        settings: CampaignConfig,
        laboratory: Laboratory,
        recorder: Recorder,
        recipes: Recipes,
        performer: Performer,
        *,
        is_stopped: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._laboratory = laboratory
        self._recorder = recorder
        self._recipes = recipes
        self._performer = performer
        self._is_stopped = is_stopped
        self._state, self._clock = recorder.state, recorder.clock

    @property
    def free_bottleneck(self) -> str | None:
        """The next free instrument of the bottleneck's role; None also where the campaign names no bottleneck."""
        role = self._settings.laboratory.bottleneck
        if role is None:
            return None
        taken, names = held(self._state) | self._kept(), self._laboratory.roles[role]
        free = [name for name in names if name not in taken]
        return next(iter(free[n_resting(self._state, names) :]), None)

    def try_step(self, run: Run) -> None:
        """Begin the step the run waits for, if an instrument is free for it; one that takes several samples waits."""
        command = self._ready(run)
        instrument = None if command is None else self._chosen(run, command)
        if command is None or instrument is None:
            return
        if self._laboratory.instruments[instrument].actions[command.action].capacity == 1:
            self._performer.begin_step(run, command, instrument)

    def _ready(self, run: Run) -> Command | None:
        """Return what a run waits to have performed, if it may be begun now."""
        command = self._recipes.waits_for(run)
        if self._is_stopped() or command is None:
            return None
        if _not_before_s(run) > self._clock.now_s:
            self._clock.wake_at(_not_before_s(run))
            return None
        return command

    def _chosen(self, run: Run, command: Command) -> str | None:
        """Return the free instrument for it, or None; also where it would end when nobody is there."""
        try:
            name = chosen(self._state, self._laboratory, run, command, self._kept)
        except CommandRefused as refused:
            self._recipes.refuse(run, refused)
            return None
        return None if name is None or self._rests(run, command, name) else name

    def _rests(self, run: Run, command: Command, instrument: str) -> bool:
        """Return whether a step waits for people; the ledger is told once, for them to read."""
        waits = rest(self._settings.policies.quiet_hours, self._laboratory, instrument, command, self._clock)
        if waits is None:
            return False
        self._clock.wake_at(waits["until_s"])
        if run.waits != waits:
            self._recorder.record(Kind.RUN_WAITS, waits, run=run.number)
        return True

    def begin_loads(self) -> None:
        """Let the samples that wait for the same go together: when there is no more room, or no more to wait for."""
        for load in gathered(list(self._waiting())):
            instrument, n_open = load[0].instrument, sum(not run.is_maintenance for run in self._state.open_runs)
            leave_s = leaves_s(load, n_open, self._settings.laboratory.instruments[instrument].load_wait_h)
            if leave_s > self._clock.now_s:
                self._clock.wake_at(leave_s)
            elif instrument not in performing(self._state):
                ids = [next_id(one.run) for one in load] if len(load) > 1 else []
                for one in load:
                    self._performer.begin_step(one.run, one.command, instrument, ids)

    def _waiting(self) -> Iterator[Waiting]:
        """Yield the runs that wait for an action with room for several samples."""
        for run in self._state.open_runs:
            command = self._ready(run)
            instrument = None if command is None else self._chosen(run, command)
            if command is not None and instrument is not None:
                action = self._laboratory.instruments[instrument].actions[command.action]
                if action.capacity > 1:
                    yield Waiting(run, command, instrument, action)

    def finish_loads(self) -> None:
        """Begin the members of a load that a crash kept from being begun with the others."""
        for members, instrument, missing in interrupted(self._state):
            for number in missing:
                run = self._state.run(number)
                command = self._recipes.waits_for(run)
                if command is not None:
                    self._performer.begin_step(run, command, instrument, members)

    def _kept(self) -> set[str]:
        return kept_from_samples(self._settings, self._state, self._clock.now_s)


def _not_before_s(run: Run) -> float:
    """Return until when the run's back-off lasts."""
    waiting = run.steps and run.steps[-1].status == "failed" and not run.steps[-1].is_over
    return run.steps[-1].last.not_before_s if waiting else 0.0
