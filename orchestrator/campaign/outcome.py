"""What came of running a campaign, and where it is found."""

from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.address import Address
from orchestrator.display.summary import plain_text, summary
from orchestrator.engine import Stop
from orchestrator.ledger import State

RESULTS = {"report": "report.html", "runs": "runs.csv"}
"""What is written into a campaign's folder at the end, by what it is called."""


@dataclass(frozen=True)
class Outcome:
    """What came of running a campaign.

    Args:
        stop: Why it ended, and the exit code.
        folder: Where report and tables are.
        ledger: Where the ledger is; as text it has no password.
        state: The ledger's state at the end.
        is_new: Whether anything was done; False when the campaign had been finished before.
    """

    stop: Stop
    folder: Path
    ledger: Path | Address
    state: State = field(repr=False)
    is_new: bool = True

    @property
    def files(self) -> dict[str, Path | Address]:
        """Where report, table and ledger are, by what they are called."""
        return {**{what: self.folder / name for what, name in RESULTS.items()}, "ledger": self.ledger}

    def __str__(self) -> str:
        """Return the closing words, as the command line prints them."""
        return plain_text(summary(self.state), self.files)
