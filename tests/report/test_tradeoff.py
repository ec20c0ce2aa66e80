"""Several objectives in what people see: the front, the limits, and what another run was worth."""

from pathlib import Path
from typing import Any

import pytest
from worlds import CONFIG, write_config

from orchestrator.campaign import Campaign
from orchestrator.cli import main
from orchestrator.display.summary import plain_text, summary
from orchestrator.ledger import Ledger

FURTHER = {"trace_mean": {"unit": "g", "goal": "minimise"}}


def page(folder: Path, **overrides: Any) -> tuple[str, Ledger]:
    settings = {"budget.runs": 6, "further_objectives": FURTHER, **overrides}
    Campaign.from_yaml(write_config(folder, CONFIG), out=folder / "out", overrides=settings).run()
    return (folder / "out" / "report.html").read_text(encoding="utf-8"), Ledger.open(folder / "out" / "ledger.sqlite")


def test_report_lists_the_runs_that_no_other_run_beats(tmp_path: Path) -> None:
    """The numbers of the front are those of the definition, with the direction of each objective."""
    html, ledger = page(tmp_path)
    with ledger:
        runs = [run for run in ledger.runs() if run.value is not None]
    assert len(runs) > 2
    scores = [[run.value, -run.details["trace_mean"]] for run in runs]
    kept = [
        run.number
        for run, row in zip(runs, scores, strict=True)
        if not any(all(a >= b for a, b in zip(other, row, strict=True)) and other != row for other in scores)
    ]
    assert "with mass up and trace_mean down: " + ", ".join(map(str, kept)) + "." in html
    assert "What another run was worth" not in html  # with several objectives there is no one gain


def test_summary_of_limits_that_nothing_keeps(tmp_path: Path) -> None:
    """No run is called the best that is of no use."""
    html, ledger = page(tmp_path, further_objectives={"trace_mean": {"unit": "g", "goal": "minimise", "limit": -1e6}})
    with ledger:
        words = plain_text(summary(ledger.state))
    assert "none of which keeps trace_mean at most -1e+06 g" in words
    assert "No run keeps trace_mean at most -1e+06 g" in html


def test_report_shows_what_another_run_was_worth(tmp_path: Path) -> None:
    """With the bound of the stopping rule, and numbers along the axis."""
    html, _ = page(tmp_path, further_objectives={}, **{"stop.expected_gain": 1e-9, "planner.initial_runs": 2})
    assert "What another run was worth" in html
    assert "enough: stop.expected_gain" in html
    assert "mathdefault" not in html


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("further_objectives:\n  trace_mean: {unit: g, worth: 1, limit: 2}\n", "worth and limit are two ways to weigh"),
        ("further_objectives:\n  mass: {unit: g}\n", "'mass' is the objective and a further objective"),
        (
            "further_objectives:\n  trace_mean: {unit: g}\nstop: {expected_gain: 1}\n",
            "stop.expected_gain is the gain in one objective",
        ),
    ],
)
def test_objectives_that_do_not_fit_together_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: str, words: str
) -> None:
    """With the place and the way out."""
    assert main([str(write_config(tmp_path, CONFIG + "\n" + lines)), "--check"]) == 2
    assert words in capsys.readouterr().err
