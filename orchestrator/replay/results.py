"""Report and tables of a campaign, from its ledger alone."""

from pathlib import Path

from orchestrator.config import recorded
from orchestrator.engine import planner_of
from orchestrator.laboratory import figures_of
from orchestrator.ledger import Ledger
from orchestrator.ledger.export import write_runs_csv


def write_results(ledger: Ledger, folder: Path) -> None:
    """Write `report.html` and `runs.csv` into a folder, the same bytes as the campaign wrote.

    Raises:
        ConfigError: A figure of the campaign that cannot be imported, or a setting this version does not know.
        OSError: The folder cannot be written.
    """
    from orchestrator.report import write_report  # noqa: PLC0415 - matplotlib only when there is something to draw

    configuration = recorded((ledger.state.opened or {})["configuration"], f"{ledger.path}: its configuration")
    figures = figures_of(configuration)
    folder.mkdir(parents=True, exist_ok=True)
    write_runs_csv(ledger.state, folder / "runs.csv")
    write_report(ledger, planner_of(ledger.state), folder, figures)
