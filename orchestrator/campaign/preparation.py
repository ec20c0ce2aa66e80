"""From a ledger, new or not, to where the engine can go on: opened or resumed, and who answers recorded."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from instruments.driver import Identity
from orchestrator.address import Address
from orchestrator.campaign.opening import Opening
from orchestrator.campaign.timing import clock_at, clock_from, first_moment
from orchestrator.clock import SimulatedClock
from orchestrator.config import ConfigError, Configuration
from orchestrator.engine import Stop
from orchestrator.engine.requests import copy_messages
from orchestrator.laboratory import Laboratory, check_origins
from orchestrator.ledger import Kind, Ledger
from orchestrator.ledger.person import person
from orchestrator.ledger.readings import recordable_state
from orchestrator.ledger.run import join_origins

Identities = Mapping[str, Identity]


class Preparation:
    """Brings ledgers to where the engine can go on.

    Args:
        configuration: Of the campaign.
        opening: What its ledger begins with.
        laboratory: The instruments.
    """

    def __init__(self, configuration: Configuration, opening: Opening, laboratory: Laboratory) -> None:
        self._configuration, self._settings = configuration, configuration.settings
        self._opening, self._laboratory = opening, laboratory

    def connect(self) -> Identities:
        """Connect the instruments and return who answers.

        Raises:
            ConfigError: One does not answer, or they do not belong together; all are closed again.
        """
        try:
            identities = self._laboratory.connect()
            check_origins(self._configuration, identities)
        except ConfigError:
            self._laboratory.close()
            raise
        return identities

    def bring(self, ledger: Ledger, place: Path | Address, note: str, identities: Identities | None) -> Stop | None:
        """Open or resume the campaign; return how it ended if there is nothing to do.

        Args:
            ledger: Open to write.
            place: Where it is, for people.
            note: Why a paused campaign goes on.
            identities: Who answers, where the instruments are connected already.

        Raises:
            OtherConfigurationError: The ledger was begun with another configuration.
            ConfigError: An instrument does not answer.
        """
        state = ledger.state
        if state.opened is None:
            self._open(ledger, identities or self.connect())
            return None
        found = self._opening.changes(state, place)
        if not found and state.status == "closed":
            return Stop(state.reason, "finished" if state.exit_code == 0 else "halted", exit_code=state.exit_code)
        identities = self.connect()  # a campaign whose instruments do not answer stays paused
        if found:
            changed = {"configuration": self._configuration.plain, "changed": [str(d) for d in found]}
            _append(ledger, Kind.CONFIGURATION_CHANGED, changed, clock_at(self._settings, state))
        if state.status == "paused":
            _resume(ledger, clock_at(self._settings, state), note)
        self._tell(ledger, identities, clock_at(self._settings, state), with_state=False)
        return None

    def _open(self, ledger: Ledger, identities: Identities) -> None:
        epoch = first_moment(self._settings, datetime.now(UTC))
        origin = join_origins(str(identity.origin) for identity in identities.values())
        clock = clock_from(self._settings, epoch)
        _append(ledger, Kind.CAMPAIGN_OPENED, self._opening.body(epoch), clock, origin)
        self._tell(ledger, identities, clock, with_state=True)

    def _tell(self, ledger: Ledger, identities: Identities, clock: SimulatedClock, *, with_state: bool) -> None:
        for role, identity in identities.items():
            body: dict[str, Any] = {"instrument": role, **asdict(identity), "origin": str(identity.origin)}
            state = recordable_state(self._laboratory.instruments[role]) if with_state else None
            if state is not None:
                body["state"] = state
            _append(ledger, Kind.INSTRUMENT_CONNECTED, body, clock, str(identity.origin))


def _resume(ledger: Ledger, clock: SimulatedClock, note: str) -> None:
    """Record who lets a paused campaign go on; what was asked of it before is in the chain first, and then past."""

    def record(kind: Kind, body: Mapping[str, Any], run: int | None = None) -> None:
        ledger.append(kind, body, lab_s=clock.now_s, utc=clock.utc(), origin="human", run=run)

    copy_messages(ledger.messages(), record)
    why = {"note": note} if note else {}
    record(Kind.RESUMED, {"who": person(), "after": ledger.state.reason, **why})


def _append(ledger: Ledger, kind: Kind, body: dict[str, Any], clock: SimulatedClock, origin: str | None = None) -> None:
    ledger.append(kind, body, lab_s=clock.now_s, utc=clock.utc(), origin=origin or ledger.state.origin)
