"""What if: another planner on the same history, decision by decision."""

import csv
from pathlib import Path

import pytest

from orchestrator.cli import replay
from orchestrator.ledger import Ledger
from orchestrator.replay.what_if import what_if


def test_what_if_nothing_changes_every_choice_is_the_same(original: Path) -> None:
    """The recorded setting given again is the recorded planner."""
    with Ledger.open(original) as ledger:
        found = list(what_if(ledger, {"planner.acquisition": "ei"}))
    assert [a.run for a in found] == [1, 2, 3, 4, 5, 6, 7]
    assert all(a.is_same and a.chosen == a.other for a in found)


def test_what_if_another_acquisition_chooses_on_the_same_history(original: Path) -> None:
    """The initial design is the same; where the model chooses, the other acquisition does, at a measurable distance."""
    with Ledger.open(original) as ledger:
        found = list(what_if(ledger, {"planner.acquisition": "ucb", "planner.kappa": 5.0}))
        chosen = [run.point for run in ledger.runs()]
    assert [a.chosen.point for a in found] == chosen
    assert [a.other.by for a in found[:3]] == ["design"] * 3
    by_model = [a for a in found if a.chosen.by == "ei"]
    assert by_model
    assert all(a.other.by == "ucb" for a in by_model)
    assert any(not a.is_same for a in by_model)
    for a in by_model:
        assert a.distance == pytest.approx(abs(float(a.chosen.point["heat"]) - float(a.other.point["heat"])) / 100)


def test_what_if_there_had_been_no_source(lipon: Path) -> None:
    """Data can be taken away, since the ledger holds it: the prediction loses the share that the source had."""
    with Ledger.open(lipon) as ledger:
        found = list(what_if(ledger, {"data.source": None, "planner.samples": 256}))
    assert len(found) == 6
    assert any(a.chosen.mean != a.other.mean for a in found)


def test_what_if_writes_a_table_and_a_file(original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For people with units, for programs with every digit."""
    words = [str(original), "--what-if", "planner.acquisition=pi", "seed=5"]
    assert replay(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["run", "chosen", "by", "predicted", "other", "by", "predicted", "distance"]
    assert len(lines) == 9
    assert lines[-1].startswith("the same point in ")
    assert replay([*words, "--csv", str(tmp_path / "if.csv")]) == 0
    with (tmp_path / "if.csv").open(newline="") as file, Ledger.open(original) as ledger:
        rows = list(csv.DictReader(file))
        assert [float(row["heat"]) for row in rows] == [run.point["heat"] for run in ledger.runs()]
    assert rows[0].keys() >= {"run", "by", "mean", "sd", "other_heat", "other_by", "other_mean", "distance"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("planner.acquisition=best", "--what-if planner.acquisition: planner.acquisition: 'best' is refused"),
        ("planner.aquisition=ei", "planner.aquisition: unknown key; did you mean 'acquisition'?"),
        ("budget.runs=3", "--what-if budget.runs: is not asked here: only planner settings, seed"),
        ("data.source=other.csv", "--what-if data.source: is not asked here"),
        ("planner.acquisition", "--what-if planner.acquisition: is not KEY=VALUE"),
        ("planner.kappa.x=1", "--what-if planner.kappa.x: planner.kappa is a single value and has no 'x'"),
    ],
)
def test_what_if_nonsense_exits_2(original: Path, capsys: pytest.CaptureFixture[str], word: str, expected: str) -> None:
    """With the configuration's own words."""
    assert replay([str(original), "--what-if", word]) == 2
    assert expected in capsys.readouterr().err
