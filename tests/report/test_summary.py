"""The few facts that a campaign comes to, from ledgers written by hand."""

import io

import pytest
from rich.console import Console

from orchestrator.display.summary import closing_text, plain_text, summary

POINT = {"distance": 6.0, "power": 100.0, "pressure": 0.5}


def facts_of(one):
    return summary(one.ledger.state)


def test_summary_counts_runs_failures_and_days(story):
    """Two measured runs of 18.8 h and three failed ones of 16 h are 3.57 lab days."""
    one = story()
    one.measured(POINT, 1.0)
    for failure in ("sample", "infeasible", "sample"):
        one.failed(POINT, failure)
    one.measured(POINT, 2.0)
    facts = facts_of(one)
    assert (facts.n_measured, facts.n_failed, facts.n_open) == (2, 3, 0)
    assert {failure: [run.number for run in runs] for failure, runs in facts.failures.items()} == {
        "sample": [2, 4],
        "infeasible": [3],
    }
    assert list(facts.failures) == ["sample", "infeasible"]
    assert facts.lab_days == pytest.approx((2 * 18.8 + 3 * 16) / 24)
    assert facts.best.number == 5


def test_summary_best_is_the_lowest_when_minimising(story):
    """The goal decides which run is the best and which past row it is compared with."""
    one = story(goal="minimise", initial=[(POINT, 4.0), (POINT, 8.0)])
    for value in (3.0, 2.0, 5.0):
        one.measured(POINT, value)
    facts = facts_of(one)
    assert facts.best.number == 2
    assert facts.initial.best == 4.0
    assert facts.compared(facts.initial) == "50 % better than the best of the 2 initial rows"


@pytest.mark.parametrize(
    ("value", "past", "words"),
    [
        (1.1, 1.0, "10 % better than the best of the only source row"),
        (0.9, 1.0, "10 % worse than the best of the only source row"),
        (1.001, 1.0, "level with the best of the only source row"),
        (2.5, 1.0, "2.5 times the best of the only source row"),
        (0.5, -1.0, "1.5 uS/cm better than the best of the only source row"),
    ],
)
def test_summary_compares_in_words(story, value, past, words):
    """A ratio is told as a person would; where there is none, the difference."""
    one = story(source=[(POINT, past)])
    one.measured(POINT, value)
    facts = facts_of(one)
    assert facts.compared(facts.source) == words


def test_summary_of_an_empty_campaign(story):
    """Nothing measured is said, not raised."""
    text = plain_text(facts_of(story()))
    assert "nothing was measured" in text
    assert "0 measured, 0 failed" in text


def test_summary_words_tell_everything_once_over(long_story, tmp_path):
    """The closing words name the best, both comparisons, failures with reasons, the days, the files and the chain."""
    facts = facts_of(long_story)
    text = plain_text(facts, {"report": tmp_path / "report.html"})
    for words in (
        f"run {facts.best.number}",
        "simulated data",
        "at distance",
        "the best of the 12 initial rows",
        "the best of the 12 source rows",
        "another tool",
        "11 measured, 9 failed (2 infeasible",
        "infeasible: the plasma did not strike",
        f"{facts.lab_days:.1f} days",
        "the budget of 30 runs is spent",
        "report.html",
        f"{facts.n_events} events, head {facts.head}",
    ):
        assert words in text


def test_summary_panel_says_the_same_without_obeying_markup(story):
    """The framed words hold those of the plain ones, and brackets in a reason are no markup."""
    one = story()
    one.failed(POINT, "instrument", reason="[bold red]burst[/] disc \x1b[2J gone")
    console = Console(file=io.StringIO(), width=120)
    console.print(closing_text(facts_of(one)))
    shown = console.file.getvalue()
    assert "[bold red]burst[/] disc [2J gone" in shown
    assert "\x1b" not in shown
