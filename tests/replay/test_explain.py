"""Explain: which parameters drove the prediction that a run was chosen on."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny

from orchestrator.cli import replay
from orchestrator.ledger import Ledger
from orchestrator.objective import Objective
from orchestrator.planner import Observation
from orchestrator.planner.drivers import Drivers, drivers
from orchestrator.replay.explain import explain, table
from orchestrator.space import Parameter, ParameterSpace


def test_explanation_adds_up_to_the_recorded_prediction(lipon: Path) -> None:
    """The mean over the rows known then and what each parameter adds make what the planner predicted."""
    with Ledger.open(lipon) as ledger:
        found = explain(ledger, 4).drivers
        recorded = ledger.state.runs[4].why["mean"]
    assert list(found.parts) == ["distance", "power", "pressure"]
    assert found.base + sum(found.parts.values()) == pytest.approx(recorded, rel=1e-6)


def test_explanation_compares_with_the_rows_measured_by_then(lipon: Path) -> None:
    """Rows measured later do not count, nor do runs that failed."""
    with Ledger.open(lipon) as ledger:
        measured = [run.number for run in ledger.runs() if run.value is not None]
        found = explain(ledger, 5).drivers
    assert found.n_rows == 18 + sum(number < 5 for number in measured)


def test_explanation_counts_runs_under_way(tmp_path: Path) -> None:
    """With two runs at a time a point is chosen beside a pending one; the explanation predicts as the planner did."""
    path = tiny.run(tmp_path, laboratory__in_flight=2, laboratory__bottleneck=None)
    with Ledger.open(path) as ledger:
        number = next(n for n, one in ledger.state.runs.items() if one.why["kind"] == "model")
        found = explain(ledger, number)
    assert found.decision.pending
    assert found.drivers.prediction == pytest.approx(found.decision.why["mean"], rel=1e-6)


def test_explanation_is_printed_with_units_the_strongest_first(lipon: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each parameter with its value, what it adds and a bar, then the sum and why the point was chosen."""
    assert replay([str(lipon), "--explain", "4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    with Ledger.open(lipon) as ledger:
        strongest = explain(ledger, 4).drivers.strongest
    assert lines[0].startswith("run 4: predicted conductivity ")
    assert lines[2].split("  ")[0] == "parameter"
    assert [line.split()[0] for line in lines[3:7]] == [*(name for name, _ in strongest), "together"]
    assert "█" * 20 in lines[3]
    assert lines[7].startswith("why the point was chosen: expected improvement")


def test_explanation_of_equal_predictions_is_nothing(lipon: Path) -> None:
    """What rounding leaves of equal numbers is 0: it has neither sign nor bar, nor has what cancels out."""
    with Ledger.open(lipon) as ledger:
        found = explain(ledger, 4)
    space = ParameterSpace([Parameter("distance", "cm", 3, 12), Parameter("power", "W", 50, 300)])
    rows = [Observation(point, 1.1) for point in space.corners()]
    flat: Any = SimpleNamespace(at=lambda columns: SimpleNamespace(score=1.1 + 1e-12 * columns[:, 0]))
    nothing = drivers(space, Objective("y", "g"), flat, space.corners()[-1], rows)
    assert nothing.prediction != nothing.base
    assert set(nothing.parts.values()) == {0.0}
    texts = table(replace(found, drivers=nothing))[1]
    assert [text[2:] for text in texts] == [["0", ""]] * 3
    cancelling = Drivers(1.1, {"distance": 0.3, "power": -0.3}, 1.1 - 2e-16, 4)
    texts = table(replace(found, drivers=cancelling))[1]
    assert [text[2:] for text in texts] == [["+0.3", "█" * 20], ["-0.3", "█" * 20], ["0.0", ""]]


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("1", "--explain 1: no prediction stands behind it: point 1 of 3 of the initial design"),
        ("99", "--explain 99: the campaign has no suggestion 99; there are suggestions 1 to 7"),
    ],
)
def test_explanation_of_what_was_not_predicted_exits_2(
    original: Path, capsys: pytest.CaptureFixture[str], run: str, words: str
) -> None:
    """A point of the initial design and a run that does not exist are answered with the reason."""
    assert replay([str(original), "--explain", run]) == 2
    assert words in capsys.readouterr().err


def test_explanation_says_that_other_objectives_counted_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With several objectives the table is of the first alone, and says so."""
    path = tiny.run(tmp_path, further_objectives={"trace_mean": {"unit": "g", "goal": "minimise"}})
    with Ledger.open(path) as ledger:
        number = next(n for n, one in ledger.state.runs.items() if one.why["kind"] == "model")
    assert replay([str(path), "--explain", str(number)]) == 0
    assert "counted in the choice too; the table is of mass alone" in capsys.readouterr().out
