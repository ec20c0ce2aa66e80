"""From a ledger, new or not, to where the engine can go on: opened or resumed, and who answers recorded."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from instruments.driver import Identity
from orchestrator.address import Address
from orchestrator.campaign.opening import Opening
from orchestrator.campaign.strangers import strangers
from orchestrator.campaign.timing import clock_at, clock_from, first_moment, gap
from orchestrator.clock import SimulatedClock
from orchestrator.config import ConfigError, Configuration
from orchestrator.engine import Stop, Word
from orchestrator.engine.requests import copy_messages
from orchestrator.laboratory import Laboratory, check_origins
from orchestrator.ledger import Kind, Ledger
from orchestrator.ledger.person import person
from orchestrator.ledger.run import join_origins

Identities = Mapping[str, Identity]


class Preparation:
    """Brings ledgers to where the engine can go on.

    Args:
        configuration: Of the campaign.
        opening: What its ledger begins with.
        laboratory: The instruments.

    Attributes:
        remarks: What a person should hear before the campaign goes on, in words.
    """

    def __init__(self, configuration: Configuration, opening: Opening, laboratory: Laboratory) -> None:
        self._configuration, self._settings = configuration, configuration.settings
        self._opening, self._laboratory = opening, laboratory
        self._epoch: datetime  # once connected
        self.remarks: list[str] = []

    def connect(self, epoch: datetime | None = None) -> Identities:
        """Connect the instruments, having told them which campaign they work for, and return who answers.

        Args:
            epoch: The moment at which the campaign was begun; None for one that begins now.

        Raises:
            ConfigError: One does not answer, or they do not belong together; all are closed again.
        """
        self._epoch = epoch or first_moment(self._settings, datetime.now(UTC))
        self._laboratory.belong(f"{self._settings.campaign} {self._epoch.isoformat()}")
        try:
            identities = self._laboratory.connect()
            check_origins(self._configuration, identities)
        except ConfigError:
            self._laboratory.close()
            raise
        return identities

    def bring(
        self,
        ledger: Ledger,
        place: Path | Address,
        identities: Identities | None = None,
        *,
        note: str = "",
        words: Sequence[Word] = (),
    ) -> Stop | None:
        """Open or resume the campaign; return how it ended if there is nothing to do.

        Args:
            ledger: Open to write.
            place: Where it is, for people.
            identities: Who answers, where the instruments of a new campaign are connected already.
            note: Why a paused campaign goes on.
            words: What a person says of steps in doubt.

        Raises:
            OtherConfigurationError: The ledger was begun with another configuration.
            ConfigError: An instrument does not answer, or is another one than that which a step in doubt was begun on.
        """
        state = ledger.state
        if state.opened is None:
            self._open(ledger, identities or self.connect())
            return None
        found = self._opening.changes(state, place)
        if not found and state.status == "closed":
            return Stop(state.reason, "finished" if state.exit_code == 0 else "halted", exit_code=state.exit_code)
        # A campaign whose instruments do not answer stays paused.
        identities = self.connect(datetime.fromisoformat(state.opened["epoch"]))
        try:
            odd = gap(self._settings, state, datetime.now(UTC))
            self.remarks = [*([odd] if odd else []), *strangers(state, identities, words)]
        except ConfigError:
            self._laboratory.close()
            raise
        if found:
            changed = {"configuration": self._configuration.plain, "changed": [str(d) for d in found]}
            _append(ledger, Kind.CONFIGURATION_CHANGED, changed, clock_at(self._settings, state))
        if state.status == "paused":
            _resume(ledger, clock_at(self._settings, state), note)
        self._tell(ledger, identities, clock_at(self._settings, state), with_state=False)
        return None

    def _open(self, ledger: Ledger, identities: Identities) -> None:
        origin = join_origins(str(identity.origin) for identity in identities.values())
        clock = clock_from(self._settings, self._epoch)
        _append(ledger, Kind.CAMPAIGN_OPENED, self._opening.body(self._epoch), clock, origin)
        self._tell(ledger, identities, clock, with_state=True)

    def _tell(self, ledger: Ledger, identities: Identities, clock: SimulatedClock, *, with_state: bool) -> None:
        for role, identity in identities.items():
            body: dict[str, Any] = {"instrument": role, **asdict(identity), "origin": str(identity.origin)}
            with suppress(TimeoutError):  # it was told when it connected; a blocking driver needs none to go on
                state = self._laboratory.state_of(role) if with_state else None
                body |= {} if state is None else {"state": state}
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
