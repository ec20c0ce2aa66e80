"""Further objectives in what people see: which past rows compare, what was measured, and what never was."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from orchestrator.display.summary import plain_text, summary
from orchestrator.display.terminal import LiveWatcher, PlainWatcher
from orchestrator.ledger import State
from orchestrator.ledger.export import write_runs_csv
from orchestrator.ledger.frame import run_units
from orchestrator.report.page import write_report

POINT = {"distance": 6.0, "power": 100.0, "pressure": 0.5}
LIMIT = {"impurity": {"unit": "%", "goal": "minimise", "limit": 5.0}}
PAST = [(POINT, 3.0), ({**POINT, "power": 80.0}, 1.0), ({**POINT, "power": 70.0}, 0.8)]


def words_of(one: Any) -> str:
    return plain_text(summary(one.ledger.state))


def page_of(one: Any, folder: Path) -> str:
    path = write_report(one.ledger, one.planner, folder)
    return " ".join(path.read_text(encoding="utf-8").split())


@pytest.fixture
def limited(story: Any) -> Any:
    """Makes a campaign with a limit and one run that keeps it; past rows have the impurities given."""

    def make(**options: Any) -> Any:
        one = story(further=LIMIT, **options)
        one.measured(POINT, 1.1, details={"impurity": 3.7})
        return one

    return make


def test_rows_that_break_a_limit_are_not_compared_with(limited: Any, tmp_path: Path) -> None:
    """The best of those that keep it is; closing words, report and the key of its figure say of which."""
    one = limited(initial=PAST, initial_further={"impurity": [7.0, 4.0, None]})
    told = "10 % better than the best of the only one of 3 initial rows that keeps impurity at most 5 %"
    assert f"{told} (1 uS/cm, simulated)" in words_of(one)
    html = page_of(one, tmp_path)
    assert told in html
    assert "best initial row that keeps impurity at most 5 %, 1 uS/cm" in html
    several = limited(source=PAST, source_further={"impurity": [7.0, 4.0, 2.0]})
    told = "10 % better than the best of the 2 of 3 source rows that keep impurity at most 5 %"
    assert f"{told} (1 uS/cm, simulated, another tool)" in words_of(several)


def test_rows_that_all_keep_the_limits_are_the_rows(limited: Any) -> None:
    """Nothing more is said of them."""
    one = limited(initial=PAST, initial_further={"impurity": [4.0, 4.0, 5.0]})
    assert "63 % worse than the best of the 3 initial rows (3 uS/cm, simulated)" in words_of(one)


@pytest.mark.parametrize("further", [{}, {"impurity": [7.0, 6.0, None]}])
def test_rows_of_which_none_is_known_to_keep_the_limits_are_no_comparison(
    limited: Any, tmp_path: Path, further: Any
) -> None:
    """That is said instead, in closing words and report; the figure has no line for them."""
    one = limited(initial=PAST, initial_further=further)
    told = "none of the 3 initial rows is known to keep impurity at most 5 %"
    words, html = words_of(one), page_of(one, tmp_path)
    assert told in words
    assert told in html
    assert "the best of the" not in words.replace("the best of those", "")
    assert "best initial row" not in html
    only = limited(source=PAST[:1])
    assert "the only source row is not known to keep impurity at most 5 %" in words_of(only)


def test_best_so_far_is_that_of_the_runs_that_keep_the_limits(limited: Any) -> None:
    """A run that breaks a limit moves no line, and before one that keeps it there is none."""
    from orchestrator.report.convergence import convergence  # noqa: PLC0415 - matplotlib only here
    from orchestrator.report.material import gather  # noqa: PLC0415 - as above

    one = limited()
    one.measured(POINT, 9.0, details={"impurity": 8.0})
    one.measured(POINT, 1.3, details={"impurity": 5.0})
    line = convergence(gather(one.ledger, one.planner)).axes[0].lines[0]
    assert line.get_xydata().tolist() == [[1.0, 1.1], [3.0, 1.3], [3.0, 1.3]]


# ---- what was measured -----------------------------------------------------------------------------------------------


@pytest.fixture
def told(story: Any) -> Any:
    """Gives a campaign with a limit and a worth: a run that keeps the limit, one that breaks it, one without values."""
    one = story(further={**LIMIT, "film_h": {"unit": "h", "goal": "minimise", "worth": 0.1}})
    one.measured(POINT, 1.1, details={"impurity": 3.7, "film_h": 12.25})
    one.measured(POINT, 1.4, details={"impurity": 12.55, "film_h": 9})
    one.measured(POINT, 1.2)
    one.failed(POINT, "sample")
    return one


def test_closing_words_tell_what_else_the_best_run_measured(told: Any) -> None:
    """With units, under its value."""
    best, beside, *_ = words_of(told).splitlines()
    assert best.endswith("run 1")
    assert beside.strip() == "with impurity 3.7 %, film_h 12.25 h"


def test_report_has_a_column_for_each_further_objective(told: Any, tmp_path: Path) -> None:
    """With unit and limit; what breaks the limit is marked; the headline has those of the best run."""
    html = page_of(told, tmp_path)
    assert "<h1>1.100 ± 0.050 uS/cm<small>with impurity 3.7 %, film_h 12.25 h</small></h1>" in html
    assert '<th class="n">impurity<small>%, at most 5</small></th> <th class="n">film_h<small>h</small></th>' in html
    rows = html.split('<table class="runs">')[1].split("<tr")[2:6]
    assert '<td class="n">3.70</td> <td class="n">12.25</td>' in rows[0]
    assert '<td class="n">12.55 <i class="red" title="beyond the limit">!</i></td> <td class="n">9.00</td>' in rows[1]
    for row in rows[2:]:
        assert row.count('<td class="n"></td>') >= 2


def test_lines_of_the_terminal_have_further_objectives(told: Any) -> None:
    """Behind the value, and only where there is one."""
    stream = io.StringIO()
    watcher, state = PlainWatcher(told.settings, stream), State()
    live = LiveWatcher(told.settings, Console(file=io.StringIO(), width=160, height=40))
    for event in told.ledger.events():
        state.apply(event)
        watcher.event(event, state)
        live.event(event, state)
    first, second, third, _ = stream.getvalue().splitlines()
    assert "| conductivity 1.100 +- 0.050 uS/cm, impurity 3.7 %, film_h 12.25 h | best 1.1 (run 1) |" in first
    assert "uS/cm, impurity 12.55 % (beyond 5), film_h 9 h | best 1.1 (run 1) |" in second
    assert "| conductivity 1.200 +- 0.050 uS/cm | best" in third
    live._console.print(live.picture())
    shown = live._console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert "1.100 ± 0.050, impurity 3.7 %, film_h 12.25 h" in shown
    assert "best 1.100 ± 0.050 uS/cm, impurity 3.7 %, film_h 12.25 h (run 1)" in shown


def test_csv_and_frame_have_further_objectives(told: Any, tmp_path: Path) -> None:
    """A column each in the one, a unit in the other."""
    write_runs_csv(told.ledger.state, tmp_path / "runs.csv")
    with (tmp_path / "runs.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[7:11] == ["conductivity", "conductivity_sd", "impurity", "film_h"]
    assert [(row["impurity"], row["film_h"]) for row in rows] == [("3.7", "12.25"), ("12.55", "9"), ("", ""), ("", "")]
    assert run_units(told.ledger.state)["details.impurity"] == "%"
    assert run_units(told.ledger.state)["details.film_h"] == "h"


def test_csv_keeps_a_further_objective_apart_from_a_column_of_its_name(story: Any, tmp_path: Path) -> None:
    """As an older ledger may have it."""
    one = story(further={"reason": {"unit": "1"}})
    one.measured(POINT, 1.1, details={"reason": 2.0})
    write_runs_csv(one.ledger.state, tmp_path / "runs.csv")
    header, row = (line.split(",") for line in (tmp_path / "runs.csv").read_text(encoding="utf-8").splitlines())
    assert dict(zip(header, row, strict=True))["details.reason"] == "2.0"


def test_report_says_what_no_run_has_measured(story: Any, told: Any, tmp_path: Path) -> None:
    """So that a misspelt name is seen."""
    assert "no run has measured" not in page_of(told, tmp_path)
    one = story(further={"impurty": {"unit": "%"}})
    assert "no run has measured" not in page_of(one, tmp_path)
    one.measured(POINT, 1.1, details={"impurity": 3.7})
    assert "no run has measured impurty" in page_of(one, tmp_path)
    assert "no run has measured impurty" in words_of(one)
