"""A further objective that the recipe does not return is told once."""

from pathlib import Path
from typing import Any

import pytest
from worlds import bake_and_weigh, write_config

from orchestrator.campaign import Campaign
from orchestrator.display.summary import plain_text, summary
from orchestrator.display.watcher import Silent
from orchestrator.ledger import Ledger
from orchestrator.recipe import Lab, Measured, Point, Steps

MISSPELT = {"trace_maen": {"unit": "g", "goal": "minimise"}}
TOLD = "the recipe has returned no number 'trace_maen', a further objective; it has returned trace_mean"


class Listener(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, text: str) -> None:
        """Keep it."""
        self.notices.append(text)


def perform(folder: Path, **overrides: Any) -> tuple[list[str], str]:
    """Perform the tiny campaign, or go on with it; return the notices and the closing words."""
    keys = {key.replace("__", "."): value for key, value in overrides.items()}
    campaign, listener = Campaign.from_yaml(write_config(folder), out=folder / "out", overrides=keys), Listener()
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    outcome = campaign.run(listener)
    with Ledger.open(outcome.ledger) as ledger:
        return listener.notices, plain_text(summary(ledger.state))


def sometimes(point: Point, lab: Lab) -> Steps:
    """Bake and weigh; tell of the trace where it was hot, and of its colour nowhere."""
    measured = yield from bake_and_weigh(point, lab)
    assert isinstance(measured, Measured)
    hot = float(point["heat"]) > 50
    return Measured(measured.value, measured.sd, {**measured.details, "hot": 1.0} if hot else {"colour": "brown"})


def test_misspelt_further_objective_is_told_after_the_first_measured_run(tmp_path: Path) -> None:
    """Once, also where the campaign goes on later; the closing words say that no run has measured it."""
    notices, words = perform(tmp_path, further_objectives=MISSPELT, budget__runs=2)
    assert notices == [f"run 1: {TOLD}"]
    assert "no run has measured trace_maen" in words
    again, words = perform(tmp_path, further_objectives=MISSPELT, budget__runs=4)
    assert again == []
    assert "4 measured" in words
    assert "no run has measured trace_maen" in words


def test_limit_that_nobody_measures_is_told_in_the_closing_words(tmp_path: Path) -> None:
    """Beside that no run keeps it."""
    limit = {"trace_maen": {"unit": "g", "goal": "minimise", "limit": 5}}
    _, words = perform(tmp_path, further_objectives=limit, budget__runs=2)
    assert "none of which keeps trace_maen at most 5 g" in words
    assert "no run has measured trace_maen" in words


def test_further_objective_that_comes_is_not_told_of(tmp_path: Path) -> None:
    """Nor is anything said without further objectives."""
    assert perform(tmp_path, further_objectives={"trace_mean": {"unit": "g"}})[0] == []
    assert perform(tmp_path / "other", further_objectives={})[0] == []


def test_further_objective_that_fails_to_come_later_is_told_once(tmp_path: Path) -> None:
    """A text is no number; several are told together; a run that has it all says nothing."""
    settings = {"parameters__heat__levels": [40.0, 60.0], "parameters__heat__low": None, "parameters__heat__high": None}
    both = {"hot": {}, "colour": {}}
    notices, words = perform(tmp_path, recipe="test_missing:sometimes", further_objectives=both, **settings)
    assert " ".join(notices).count("'hot'") == 1
    assert " ".join(notices).count("'colour'") == 1
    assert "no run has measured colour" in words


@pytest.fixture(autouse=True)
def _own_recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    (tmp_path / "other").mkdir()
