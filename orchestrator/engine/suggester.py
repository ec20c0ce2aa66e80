"""Records which run comes next: what is due beside the search, or what the planner suggests."""

from collections.abc import Callable
from typing import Any

from orchestrator.config.schema import CampaignConfig
from orchestrator.engine.agenda import Due, beside
from orchestrator.engine.drift import drift_of
from orchestrator.engine.history import History
from orchestrator.engine.recorder import Recorder
from orchestrator.engine.stopping import Stop, gains_too_little
from orchestrator.ledger import Kind, Run
from orchestrator.planner import Planner, Suggestion


class Suggester:
    """Chooses and records; starts nothing.

    Args:
        settings: The configuration.
        planner: Holds the source and the initial rows.
        history: What the planner may know.
        recorder: Where suggestions go.
        pause: Called with the reason where the campaign cannot, or need not, go on.
    """

    def __init__(
        self,
        settings: CampaignConfig,
        planner: Planner,
        history: History,
        recorder: Recorder,
        pause: Callable[[Stop], None],
    ) -> None:
        self._settings = settings
        self._planner = planner
        self._history = history
        self._recorder = recorder
        self._pause = pause
        self._state = recorder.state

    def next_run(self, instrument: str | None) -> Run | None:
        """Return the run that comes next, or None where none is worth it yet.

        Args:
            instrument: The free instrument of the bottleneck's role, None where the campaign names no bottleneck.
        """
        due = beside(self._settings, self._state, instrument)
        return self._suggested(instrument) if due is None else self.due(due)

    def due(self, due: Due) -> Run:
        """Return the run of what is due."""
        point = dict(due.point)
        why = Suggestion(self._state.next_number, point, due.purpose, due.why)
        more = {"purpose": due.purpose, "units": dict(due.units), "concerns": dict(due.concerns)}
        return self._record(why, more)

    def _suggested(self, instrument: str | None) -> Run | None:
        pending, nth = [run.point for run in self._pending], self._state.n_searches + 1
        role, space = self._settings.laboratory.bottleneck, self._planner.space
        context = space.context({} if role is None or instrument is None else {role: instrument})
        if self._settings.planner.turn(nth).acquisition != "random":
            self._recorder.flush()  # a model takes its time, and others may be reading
        try:
            suggestion = self._planner.ask(self._history.known, pending, nth, context=context)
        except Exception as error:  # noqa: BLE001 - whatever a planner raises, the campaign must stay resumable
            reason = f"the planner failed at suggestion {self._state.next_number}: {type(error).__name__}: {error}"
            self._pause(Stop(reason, "paused", exit_code=4))
            return None
        idle = gains_too_little(self._settings, self._history.merit.objective, suggestion)
        if idle is not None:
            if not pending:  # what is under way may show that more is to be gained
                self._pause(idle)
            return None
        drift = drift_of(self._state)
        more = {"units": space.bound(suggestion.point)} if context else {}
        return self._record(suggestion, more | ({} if drift is None or drift.is_none else {"drift": drift.to_json()}))

    @property
    def _pending(self) -> list[Run]:
        return [run for run in self._state.open_runs if not run.is_maintenance]

    def _record(self, suggestion: Suggestion, more: dict[str, Any]) -> Run:
        number = self._state.next_number
        body = {
            "point": dict(suggestion.point),
            "why": suggestion.to_json(),
            **more,
            "prefix": self._state.n_events,
            "pending": [run.number for run in self._pending],
        }
        self._recorder.record(Kind.SUGGESTED, body, run=number)
        return self._state.run(number)
