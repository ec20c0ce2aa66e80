"""What `--check` says of further objectives and of the columns of past rows."""

from pathlib import Path

import pytest
from worlds import CONFIG, write_config

from orchestrator.cli import main


def checked(folder: Path, capsys: pytest.CaptureFixture[str], more: str) -> tuple[int, str]:
    """Check the tiny configuration with more lines; return the exit status and all that was said, in one line."""
    status = main([str(write_config(folder, CONFIG + more)), "--check"])
    said = capsys.readouterr()
    return status, " ".join((said.out + said.err).split())


def test_check_tells_what_is_wanted_of_each_further_objective(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Limit, worth, or neither."""
    more = """\
further_objectives:
  impurity: {unit: "%", goal: minimise, limit: 5}
  strength: {unit: MPa, goal: maximise, worth: 0.5}
  shape: {goal: maximise, worth: 2}
  film_h: {unit: h, goal: minimise}
"""
    status, said = checked(tmp_path, capsys, more)
    assert status == 0
    assert "further: impurity at most 5 %" in said
    assert "further: maximise strength; each MPa is worth 0.5 g" in said
    assert "further: maximise shape; each unit is worth 2 g" in said
    assert "further: minimise film_h in h; explored along the front" in said


def test_check_tells_which_columns_of_past_rows_are_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what a misspelt one may mean; nothing is said where all are used."""
    (tmp_path / "past.csv").write_text("heat,mass,mas_sd,operator,impurty [%]\n30,1,0.1,Ada,3\n", encoding="utf-8")
    more = 'data: {initial: past.csv}\nfurther_objectives: {impurity: {unit: "%"}}\n'
    _, said = checked(tmp_path, capsys, more)
    told = "not used of past.csv: mas_sd (did you mean mass_sd?), operator, impurty [%] (did you mean impurity?)"
    assert told in said
    (tmp_path / "past.csv").write_text("heat,mass,mass_sd\n30,1,0.1\n", encoding="utf-8")
    assert "not used" not in checked(tmp_path, capsys, more)[1]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "impurity: {unit: '%', limit: 5}",
            "with goal: minimise the limit is at most 5, with goal: maximise at least 5",
        ),
        ("impurity: {unit: '%', worth: 5}", "with a worth, say goal: minimise or goal: maximise"),
        ("heat: {unit: K}", "'heat' is a parameter and a further objective: rename one of them"),
        ("reason: {}", "'reason' is a column of runs.csv; rename it"),
        ("mass_sd: {}", "'mass_sd' is a column of runs.csv; rename it"),
    ],
)
def test_further_objectives_that_could_mean_two_things_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], said: str, words: str
) -> None:
    """A limit is no more a lower bound because nobody said that it is an upper one."""
    status, told = checked(tmp_path, capsys, f"further_objectives:\n  {said}\n")
    assert status == 2
    assert words in told
    assert "tiny.yaml:" in told
