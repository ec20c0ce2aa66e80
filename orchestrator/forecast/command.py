"""What `run-campaign --check --forecast` does: many forecasts with their progress, and a table."""

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from orchestrator.forecast.outlook import Forecast, forecast
from orchestrator.forecast.terminal import shown

if TYPE_CHECKING:
    from orchestrator.campaign import Campaign


def run(campaign: "Campaign", n_forecasts: int, overrides: Mapping[str, Any]) -> bool:
    """Forecast a campaign and show what comes of it; return whether nothing stands in its way.

    Args:
        campaign: The campaign; its instruments are not touched.
        n_forecasts: How many forecasts.
        overrides: With which its configuration was read.

    Raises:
        ConfigError: The ledger was begun with another configuration, or a counterpart does not fit.
        LedgerError: The ledger cannot be read.
    """
    found = _forecast(campaign, n_forecasts, overrides)
    width = None if sys.stdout.isatty() else 140
    Console(width=width).print(shown(found, campaign.planner.objective, campaign.settings.laboratory.rate))
    return found.has_room and not found.stuck


def _forecast(campaign: "Campaign", n_forecasts: int, overrides: Mapping[str, Any]) -> Forecast:
    columns = (TextColumn("forecasting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    is_shown = sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not is_shown) as progress:
        task = progress.add_task("", total=n_forecasts)
        return forecast(
            campaign,
            n_forecasts,
            now=datetime.now(UTC),
            overrides=overrides,
            n_processes=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
            on_done=lambda n: progress.update(task, completed=n),
        )
