"""What is said of the time in which a campaign did not run."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.campaign.timing import gap
from orchestrator.config.schema import CampaignConfig
from orchestrator.ledger import State

BEGUN = datetime(2026, 1, 5, 8, tzinfo=UTC)
SETTINGS = {
    "campaign": "tiny",
    "objective": {"name": "mass"},
    "parameters": {"heat": {"low": 0, "high": 1}},
    "recipe": "worlds:bake_only",
    "budget": {"runs": 3},
}


@pytest.mark.parametrize(
    ("laboratory", "hours", "words"),
    [
        ({"clock": "wall"}, 10.5, ""),
        (
            {"clock": "wall"},
            9.0,
            "clock says 2026-01-05 17:00: lab time goes on from there, 1 hours ahead",
        ),
        ({"clock": "wall"}, 82.0, "the 3 days between count as lab time"),
        ({"clock": "wall", "rate": 60.0}, 9.0, ""),
        ({"clock": "simulated"}, 9.0, ""),
    ],
)
def test_gap_is_told_where_lab_time_is_not_what_one_thinks(
    laboratory: dict[str, object], hours: float, words: str
) -> None:
    """A clock that was set back, or days without a process; nothing where lab time is not that of the wall."""
    whole = {**SETTINGS, "laboratory": {"instruments": {"oven": {"driver": "worlds:Oven"}}, **laboratory}}
    state = State(opened={"epoch": BEGUN.isoformat()}, lab_s=36_000.0)
    told = gap(CampaignConfig.model_validate(whole), state, BEGUN + timedelta(hours=hours))
    assert words in told
    assert bool(told) == bool(words)
