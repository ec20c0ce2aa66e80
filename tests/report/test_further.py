"""Further objectives in what people see: which past rows compare, what was measured, and what never was."""

from pathlib import Path
from typing import Any

import pytest

from orchestrator.display.summary import plain_text, summary
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
