"""The command `screen-surrogates`: what it prints, writes and refuses."""

import json
from pathlib import Path

import pytest

from orchestrator.cli import screen

LIPON = Path(__file__).parents[2] / "configs" / "lipon.yaml"


def test_screening_of_the_shipped_study_names_a_recommendation_and_writes_its_files(tmp_path, capsys):
    """A quick look at two models: figures by kind, the printed ones marked, and the same in JSON."""
    args = [str(LIPON), "--models", "svr:paper,svr:scaled,coral-svr:paper", "--levels", "12", "--out", str(tmp_path)]
    assert screen(args) == 0
    told = capsys.readouterr().out
    assert "3 models on 18 target rows (simulated) and 14 source rows; grid of 12 x 12 x 12" in told
    assert "PUBLISHED" in told
    found = json.loads((tmp_path / "screening.json").read_text())
    assert [model["model"] for model in found["models"]] == ["svr:paper", "coral-svr:paper", "svr"]
    assert set(found["models"][0]["scores"]) == {"in-sample", "out-of-fold", "truth"}
    page = (tmp_path / "screening.html").read_text()
    assert "SIMULATED data" in page
    assert "PUBLISHED optimum, not ours" in page
    assert all(row["defect"].split(":")[0] in page for row in found["defects"])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--set", f"screening.defects={LIPON.parent}/../campaigns/lipon/published.csv"], "column 'defect' is missing"),
        (["--models", "svrr"], "--models svrr: no model is called 'svrr'; did you mean 'svr'"),
        (["--set", "data.initial=null"], "data.initial: is missing"),
        (["--levels", "1"], "screening.levels: 1 is refused"),
        (["--set", "loose"], "--set loose: is not KEY=VALUE"),
    ],
)
def test_screening_refuses_what_it_cannot_use(tmp_path, capsys, args, message):
    """Exit status 2, and a message with the place and the way out."""
    assert screen([str(LIPON), "--out", str(tmp_path), *args]) == 2
    assert message in capsys.readouterr().err
