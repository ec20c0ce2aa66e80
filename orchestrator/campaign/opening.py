"""What the ledger of a campaign begins with, and is held against whenever the campaign goes on."""

from datetime import datetime
from pathlib import Path
from typing import Any

from instruments.driver import Origin
from orchestrator.address import Address
from orchestrator.config import ConfigError, Configuration, Problem, recorded
from orchestrator.config.comparison import CHANGEABLE, Difference, differences
from orchestrator.config.schema import InstrumentConfig
from orchestrator.data import read_csv
from orchestrator.ledger import State
from orchestrator.ledger.events import FORMAT
from orchestrator.planner import Planner
from orchestrator.versions import versions


class OtherConfigurationError(ConfigError):
    """The ledger was begun with another configuration."""


class Opening:
    """The configuration and the past rows of a campaign, as its ledger has them.

    Args:
        configuration: What to do.
        planner: With the past rows and the candidates.
    """

    def __init__(self, configuration: Configuration, planner: Planner) -> None:
        self._configuration, self._planner = configuration, planner

    def body(self, epoch: datetime) -> dict[str, Any]:
        """Return the body of `campaign_opened`.

        Args:
            epoch: The moment of lab time zero.
        """
        settings, candidates = self._configuration.settings, self._planner.space.candidates
        return {
            "format": FORMAT,
            "campaign": settings.campaign,
            "seed": settings.seed,
            "epoch": epoch.isoformat(),
            "configuration": self._configuration.plain,
            "data": self._data(),
            "candidates": None if candidates is None else [dict(point) for point in candidates],
            "versions": versions(),
        }

    def changes(self, state: State, ledger: Path | Address) -> list[Difference]:
        """Return what has changed since the ledger was begun, all of which may.

        Args:
            state: The ledger's.
            ledger: Where it is, for people.

        Raises:
            OtherConfigurationError: The ledger was begun with another configuration.
        """
        opened, configuration = state.opened or {}, self._configuration
        # Keys that are younger than the ledger count with what was done before them.
        was = recorded(opened["configuration"], "the ledger's configuration").settings.model_dump(mode="json")
        found = differences(was, opened["data"], configuration.plain, self._data())
        fixed = [d for d in found if d.section not in CHANGEABLE and not _is_of_a_real_tool(d, state)]
        if fixed:
            shown = [Problem(configuration.source.where(d.path), str(d)) for d in fixed]
            way_out = f"the ledger {ledger} was begun with another configuration; go back to it, or add --new"
            raise OtherConfigurationError([*shown, Problem(configuration.path, way_out)])
        return found

    def _data(self) -> dict[str, Any]:
        past = {"source": self._planner.source, "initial": self._planner.initial}
        data: dict[str, Any] = {name: rows and rows.to_json() for name, rows in past.items()}
        table = self._configuration.settings.laboratory.table
        data["table"] = None if table is None else {"file": table.name, "sha256": read_csv(table).sha256}
        return data


def _is_of_a_real_tool(difference: Difference, state: State) -> bool:
    """Whether it is an option of a driver behind which there is a tool or a person, as its address or its patience.

    No suggestion depends on those. Of a simulated one they make the very physics that the ledger was begun with.
    """
    match difference.path:
        case ("laboratory", "instruments", role, option, *_) if option not in InstrumentConfig.model_fields:
            return state.identities.get(role, {}).get("origin") in (Origin.REAL, Origin.HUMAN)
    return False
