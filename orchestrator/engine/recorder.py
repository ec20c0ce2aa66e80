"""The pen: every event is stamped with the clock's instant, appended, and told to whoever watches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.clock import SimulatedClock
from orchestrator.display.watcher import Watcher
from orchestrator.ledger import Event, Kind, Ledger, Run, State, Step


@dataclass(frozen=True)
class Recorder:
    """Appends events of one campaign.

    Args:
        ledger: Open to append.
        clock: Tells the instant.
        watcher: Told of every event, after it is durable.
    """

    ledger: Ledger
    clock: SimulatedClock
    watcher: Watcher

    @property
    def state(self) -> State:
        """Everything the ledger says."""
        return self.ledger.state

    def record(
        self, kind: Kind, body: Mapping[str, Any], *, run: int | None = None, origin: str | None = None
    ) -> Event:
        """Append an event of the campaign or of a run.

        Raises:
            LedgerError: The disk refused; nothing was written.
        """
        return self._append(kind, body, origin or self.state.origin, run=run)

    def record_step(
        self, kind: Kind, body: Mapping[str, Any], run: Run, step: Step, attachments: Sequence[bytes] = ()
    ) -> Event:
        """Append an event of a step, with the origin of its instrument.

        Raises:
            LedgerError: The disk refused; nothing was written.
        """
        return self._append(kind, body, step.origin, run=run.number, step=step.number, attachments=attachments)

    def start_step(self, body: Mapping[str, Any], run: Run, number: int) -> Event:
        """Append the intent to move an instrument.

        Raises:
            LedgerError: The disk refused; nothing was written, and nothing may move.
        """
        origin = str(self.state.identities[body["instrument"]]["origin"])
        return self._append(Kind.STEP_STARTED, body, origin, run=run.number, step=number)

    def _append(self, kind: Kind, body: Mapping[str, Any], origin: str, **where: Any) -> Event:  # noqa: ANN401
        event = self.ledger.append(kind, body, lab_s=self.clock.now_s, utc=self.clock.utc(), origin=origin, **where)
        self.watcher.event(event, self.state)
        return event
