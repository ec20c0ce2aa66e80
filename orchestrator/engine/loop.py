"""The loop itself.

At each instant the news of all steps is taken first, lowest run first; then free instruments are given out, lowest run
first; a new suggestion comes last, and only when the bottleneck is free: asked earlier, a point would be chosen on less
than what is known when it starts.
"""

import queue
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.clock import SimulatedClock
from orchestrator.config.schema import CampaignConfig
from orchestrator.display.watcher import Watcher
from orchestrator.engine.agenda import in_maintenance, upkeep
from orchestrator.engine.dispatcher import Dispatcher
from orchestrator.engine.doubt import Word, question
from orchestrator.engine.history import History
from orchestrator.engine.performer import Performer
from orchestrator.engine.recipes import Recipes
from orchestrator.engine.recorder import Recorder
from orchestrator.engine.requests import Request, copy_messages, requested
from orchestrator.engine.stopping import ENGINE, Breaker, Stop, enough
from orchestrator.engine.suggester import Suggester
from orchestrator.engine.turns import held
from orchestrator.laboratory import Laboratory
from orchestrator.ledger import Kind, Ledger, Run
from orchestrator.ledger.person import person
from orchestrator.objective.merit import Merit
from orchestrator.planner import Planner


class Engine:
    """Drives one campaign from its ledger's last event to the end of its budget.

    Args:
        settings: The configuration.
        ledger: Open to append, with `campaign_opened` in it.
        laboratory: The connected instruments and the recipe.
        planner: Holds the source and the initial rows.
        clock: At the ledger's last lab time.
        watcher: Told of every event.
        words: What a person says of steps in doubt.
    """

    def __init__(
        self,
        settings: CampaignConfig,
        ledger: Ledger,
        *,
        laboratory: Laboratory,
        planner: Planner,
        clock: SimulatedClock,
        watcher: Watcher,
        words: Sequence[Word] = (),
    ) -> None:
        self._settings = settings
        self._state = ledger.state
        self._laboratory = laboratory
        self._clock = clock
        self._history = History(ledger.state, Merit.from_config(settings))
        self._breaker = Breaker(settings, ledger.state)
        self._recorder = Recorder(ledger, clock, watcher)
        self._recipes = Recipes(laboratory, self._recorder, self._pause)
        self._performer = Performer(
            settings, laboratory, self._recorder, self._recipes, pause=self._pause, halt=self._halt_soon, words=words
        )
        self._dispatcher = Dispatcher(
            settings,
            laboratory,
            self._recorder,
            self._recipes,
            self._performer,
            is_stopped=lambda: self._stop is not None,
        )
        self._suggester = Suggester(settings, planner, self._history, self._recorder, self._pause)
        self._stop: Stop | None = None
        self._halt_reason: str | None = None
        self._untold: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._unsafe: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._halts: list[threading.Thread] = []

    def run(self) -> Stop:
        """Go on until the campaign is finished, halted or paused, and tell why.

        Raises:
            LedgerError: An event could not be recorded.
        """
        self._resume()
        while True:
            for post in self._clock.due():
                self._performer.take(post)
            if self._halt_reason is not None:
                self._clock.halt(self._halt_reason)
                self._halt_reason = None
                continue
            self._give_turns()
            self._tell()
            if (self._stop is not None and self._clock.is_idle) or not self._clock.advance(self._recorder.is_called):
                return self._end()

    def stop(self, reason: str) -> None:
        """Start nothing new; running steps end and are recorded. Safe in a signal handler."""
        self._pause(_by_hand(reason))
        self._untold.put(f"{reason}; nothing new starts")
        self._recorder.give_up()
        self._clock.wake()

    def halt(self, reason: str) -> None:
        """Send the instruments to a safe state now; what is cut short is recorded. Safe in a signal handler."""
        self._halt_soon(reason)
        if self._stop is None or self._stop.who != ENGINE:  # whoever halts, halts what was only stopped
            self._stop = _by_hand(reason)
        self.stop(reason)

    def _tell(self) -> None:
        """Say on the screen what a signal has brought, which its handler must not do: it may interrupt a line."""
        while not self._untold.empty():
            told = self._untold.get()
            steps = [run.steps[-1] for run in self._state.open_runs if run.steps and run.steps[-1].is_under_way]
            if steps and not self._clock.is_idle:
                waits = ", ".join(f"{step.last.id} {step.instrument}.{step.action}" for step in steps)
                self._recorder.watcher.notice(f"{told}; waiting for step {waits}")

    def _halt_soon(self, reason: str) -> None:
        """Halt blocking drivers at once, and phased ones between two events of the schedule."""
        self._halt_reason = reason
        self._halts += self._laboratory.halt(self._unsafe.put)
        self._clock.hurry()

    def _end_halts(self) -> None:
        """Wait until every instrument is halted, and say of which none knows, in the ledger too."""
        for thread in self._halts:
            thread.join()
        while not self._unsafe.empty():
            told = self._unsafe.get()
            self._recorder.watcher.notice(told)
            self._recorder.record(Kind.NOTE, {"text": told})

    def _pause(self, stop: Stop) -> None:
        self._stop = self._stop or stop
        self._clock.leave_people()

    def _resume(self) -> None:
        """Bring instruments and recipes to where the ledger ends."""
        for name, state in self._state.instrument_states:
            self._laboratory.restore(name, state)
        for run in self._state.open_runs:
            self._performer.resume(run)
        self._dispatcher.finish_loads()
        if self._state.called_by is not None:
            number, step = self._state.called_by
            run = self._state.run(number)
            if run.is_maintenance and run.stage == "finished":
                self._recipes.call(run)
            else:
                self._performer.react_again(run.steps[step - 1])
        self._recorder.flush()

    def _read_messages(self) -> None:
        """Copy what other processes have left for this one into the chain."""

        def record(kind: Kind, body: Mapping[str, Any], run: int | None) -> None:
            self._recorder.record(kind, body, run=run, origin="human")

        copy_messages(self._recorder.messages(), record)

    @property
    def _request(self) -> Request | None:
        return requested(self._state)

    def _give_turns(self) -> None:
        self._read_messages()
        if self._request is not None and self._request.is_soon:
            self._pause(self._request.stop)
        self._break()
        for waiting in self._state.open_runs:
            self._dispatcher.try_step(waiting)
        self._maintain()
        self._start_runs()
        self._dispatcher.begin_loads()

    def _start_runs(self) -> None:
        while self._may_start():
            run = self._state.unstarted or self._suggester.next_run(self._dispatcher.free_bottleneck)
            if run is None:
                return
            self._start(run)

    def _start(self, run: Run) -> None:
        self._recorder.record(Kind.RUN_STARTED, {}, run=run.number)
        self._recipes.begin(run)
        self._dispatcher.try_step(run)

    def _maintain(self) -> None:
        """Begin the maintenance that is due wherever the instrument is free; no new sample comes to it before."""
        begun = self._state.unstarted
        is_begun = begun is not None and begun.is_maintenance
        if not is_begun and next(upkeep(self._settings, self._state, self._clock.now_s), None) is None:
            return
        is_ending = self._request is not None or enough(self._settings, self._history, self._clock.now_s) is not None
        awaited = {command.instrument for run in self._state.open_runs if (command := self._recipes.waits_for(run))}
        if self._stop is not None:
            return
        if begun is not None and is_begun:
            self._start(begun)
        for due in upkeep(self._settings, self._state, self._clock.now_s):
            name = str(due.concerns["instrument"])
            is_needed = not is_ending or (self._settings.laboratory.instruments[name].role or name) in awaited
            if is_needed and name not in held(self._state) | in_maintenance(self._state):
                self._start(self._suggester.due(due))

    def _may_start(self) -> bool:
        n_open = sum(not run.is_maintenance for run in self._state.open_runs)
        has_room = n_open < self._settings.laboratory.in_flight
        has_bottleneck = self._settings.laboratory.bottleneck is None or self._dispatcher.free_bottleneck is not None
        if self._stop or self._request or not has_room or not has_bottleneck:
            return False
        return enough(self._settings, self._history, self._clock.now_s) is None

    def _break(self) -> None:
        """Let the breaker pause a campaign that is not over, before any turn: a resumed one then decides the same."""
        stop = None if self._stop is not None else self._breaker.due
        if stop is not None and enough(self._settings, self._history, self._clock.now_s) is None:
            self._pause(stop)

    def _doubtful(self) -> Stop | None:
        """Return the pause for a person where instruments do not answer and are waited for no more."""
        last_steps = [run.steps[-1] for run in self._state.open_runs if run.steps]
        questions = [question(step) for step in last_steps if step.status == "in doubt"]
        return Stop("; ".join(questions), "paused", exit_code=4) if questions else None

    def _end(self) -> Stop:
        self._end_halts()
        stop, request = self._stop, self._request
        if request is not None and request.is_soon and (stop is None or stop.who != ENGINE):
            stop = request.stop
        stop = stop or self._doubtful() or (None if request is None else request.stop)
        stop = stop or enough(self._settings, self._history, self._clock.now_s)
        if stop is None:
            stop = Stop("nothing can go on: every open run waits for an instrument", "paused", exit_code=4)
        body = {"reason": stop.reason, "who": stop.who, "status": stop.status, "exit_code": stop.exit_code}
        kind = Kind.PAUSED if stop.status == "paused" else Kind.CAMPAIGN_CLOSED
        self._recorder.record(kind, body, origin=None if stop.who == ENGINE else "human")
        return stop


def _by_hand(reason: str) -> Stop:
    return Stop(reason, "paused", who=person(), exit_code=3)
