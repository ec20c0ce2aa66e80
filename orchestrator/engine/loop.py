"""The loop itself.

At each instant the news of all steps is taken first, lowest run first; then free instruments are given out, lowest run
first; a new suggestion comes last, and only when the bottleneck is free: asked earlier, a point would be chosen on less
than what is known when it starts.
"""

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from instruments.driver import Command, CommandRefused
from orchestrator.clock import SimulatedClock
from orchestrator.config.schema import CampaignConfig
from orchestrator.display.watcher import Watcher
from orchestrator.engine.agenda import Due, beside, kept_from_samples, upkeep
from orchestrator.engine.doubt import Word, question
from orchestrator.engine.drift import drift_of
from orchestrator.engine.history import History
from orchestrator.engine.loads import Waiting, gathered, interrupted, leaves_s
from orchestrator.engine.performer import Performer, next_id
from orchestrator.engine.recorder import Recorder
from orchestrator.engine.requests import Request, copy_messages, requested
from orchestrator.engine.rest import n_resting, rest
from orchestrator.engine.stopping import ENGINE, Breaker, Stop, enough, gains_too_little
from orchestrator.engine.turns import chosen, held, performing
from orchestrator.laboratory import Laboratory
from orchestrator.ledger import Kind, Ledger, Run
from orchestrator.merit import Merit
from orchestrator.person import person
from orchestrator.planner import Planner, Suggestion


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
        self._planner = planner
        self._clock = clock
        self._history = History(ledger.state, Merit.from_config(settings))
        self._breaker = Breaker(settings, ledger.state)
        self._recorder = Recorder(ledger, clock, watcher)
        self._performer = Performer(
            settings, laboratory, self._recorder, pause=self._pause, halt=self._halt_soon, words=words
        )
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
        self._finish_loads()
        if self._state.called_by is not None:
            number, step = self._state.called_by
            self._performer.react_again(self._state.run(number).steps[step - 1])
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
            self._try_step(waiting)
        self._maintain()
        self._start_runs()
        self._begin_loads()

    def _start_runs(self) -> None:
        while self._may_start():
            run = self._state.unstarted or self._next_run()
            if run is None:
                return
            self._start(run)

    def _start(self, run: Run) -> None:
        self._recorder.record(Kind.RUN_STARTED, {}, run=run.number)
        self._performer.begin(run)
        self._try_step(run)

    def _maintain(self) -> None:
        """Begin the maintenance that is due wherever the instrument is free; no new sample comes to it before."""
        begun = self._state.unstarted
        is_begun = begun is not None and begun.is_maintenance
        if not is_begun and next(upkeep(self._settings, self._state, self._clock.now_s), None) is None:
            return
        is_ending = self._request is not None or enough(self._settings, self._history, self._clock.now_s) is not None
        if self._stop is not None or (is_ending and not any(map(self._performer.waits_for, self._state.open_runs))):
            return
        if begun is not None and is_begun:
            self._start(begun)
        for due in upkeep(self._settings, self._state, self._clock.now_s):
            at_work = {str(run.concerns["instrument"]) for run in self._state.open_runs if run.is_maintenance}
            if due.concerns["instrument"] not in held(self._state) | at_work:
                self._start(self._record_due(due))

    def _may_start(self) -> bool:
        n_open = sum(not run.is_maintenance for run in self._state.open_runs)
        has_room = n_open < self._settings.laboratory.in_flight
        if self._stop or self._request or not has_room or not self._has_bottleneck:
            return False
        return enough(self._settings, self._history, self._clock.now_s) is None

    def _break(self) -> None:
        """Let the breaker pause a campaign that is not over, before any turn: a resumed one then decides the same."""
        stop = None if self._stop is not None else self._breaker.due
        if stop is not None and enough(self._settings, self._history, self._clock.now_s) is None:
            self._pause(stop)

    @property
    def _has_bottleneck(self) -> bool:
        return self._settings.laboratory.bottleneck is None or self._free_bottleneck is not None

    @property
    def _free_bottleneck(self) -> str | None:
        """The next free instrument of the bottleneck's role."""
        role = self._settings.laboratory.bottleneck
        if role is None:
            return None
        taken, names = held(self._state) | self._kept(), self._laboratory.roles[role]
        free = [name for name in names if name not in taken]
        return next(iter(free[n_resting(self._state, names) :]), None)

    def _kept(self) -> set[str]:
        return kept_from_samples(self._settings, self._state, self._clock.now_s)

    def _try_step(self, run: Run) -> None:
        """Begin the step the run waits for, if an instrument is free for it; one that takes several samples waits."""
        command = self._ready(run)
        instrument = None if command is None else self._chosen(run, command)
        if command is None or instrument is None:
            return
        if self._laboratory.instruments[instrument].actions[command.action].capacity == 1:
            self._performer.begin_step(run, command, instrument)

    def _ready(self, run: Run) -> Command | None:
        """Return what a run waits to have performed, if it may be begun now."""
        command = self._performer.waits_for(run)
        if self._stop is not None or command is None:
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
            self._performer.refuse(run, refused)
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

    def _begin_loads(self) -> None:
        """Let the samples that wait for the same go together: when there is no more room, or no more to wait for."""
        for load in gathered(list(self._waiting())):
            instrument, n_open = load[0].instrument, len(self._pending)
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

    def _finish_loads(self) -> None:
        """Begin the members of a load that a crash kept from being begun with the others."""
        for members, instrument, missing in interrupted(self._state):
            for number in missing:
                run = self._state.run(number)
                command = self._performer.waits_for(run)
                if command is not None:
                    self._performer.begin_step(run, command, instrument, members)

    def _next_run(self) -> Run | None:
        """Record what is performed next: what is due beside the search, or what the planner suggests."""
        due = beside(self._settings, self._state, self._free_bottleneck)
        return self._suggest() if due is None else self._record_due(due)

    def _record_due(self, due: Due) -> Run:
        number = self._state.next_number
        body = {
            "point": dict(due.point),
            "why": Suggestion(number, dict(due.point), due.purpose, due.why).to_json(),
            "purpose": due.purpose,
            "units": dict(due.units),
            "concerns": dict(due.concerns),
            "prefix": self._state.n_events,
            "pending": [run.number for run in self._pending],
        }
        self._recorder.record(Kind.SUGGESTED, body, run=number)
        return self._state.run(number)

    @property
    def _pending(self) -> list[Run]:
        return [run for run in self._state.open_runs if not run.is_maintenance]

    def _suggest(self) -> Run | None:
        number, pending = self._state.next_number, self._pending
        points, nth = [run.point for run in pending], self._state.n_searches + 1
        role, free = self._settings.laboratory.bottleneck, self._free_bottleneck
        context = self._planner.space.context({} if role is None or free is None else {role: free})
        if self._settings.planner.turn(nth).acquisition != "random":
            self._recorder.flush()  # a model takes its time, and others may be reading
        try:
            suggestion = self._planner.ask(self._history.known, points, nth, context=context)
        except Exception as error:  # noqa: BLE001 - whatever a planner raises, the campaign must stay resumable
            reason = f"the planner failed at suggestion {number}: {type(error).__name__}: {error}"
            self._pause(Stop(reason, "paused", exit_code=4))
            return None
        idle = gains_too_little(self._settings, self._history.merit.objective, suggestion)
        if idle is not None:
            if not pending:  # what is under way may show that more is to be gained
                self._pause(idle)
            return None
        body = {
            "point": dict(suggestion.point),
            "why": suggestion.to_json(),
            "prefix": self._state.n_events,
            "pending": [run.number for run in pending],
        }
        if context:
            body["units"] = self._planner.space.bound(suggestion.point)
        drift = drift_of(self._state)
        if drift is not None and not drift.is_none:
            body["drift"] = drift.to_json()
        self._recorder.record(Kind.SUGGESTED, body, run=number)
        return self._state.run(number)

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


def _not_before_s(run: Run) -> float:
    """Return until when the run's back-off lasts."""
    waiting = run.steps and run.steps[-1].status == "failed" and not run.steps[-1].is_over
    return run.steps[-1].last.not_before_s if waiting else 0.0
