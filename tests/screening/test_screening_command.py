"""The command `screen-surrogates`: what it prints, writes and refuses."""

import json
from pathlib import Path

import pytest

from orchestrator.cli import screen
from orchestrator.config import load
from orchestrator.screening.material import read

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
        (
            ["--set", f"screening.defects={LIPON.parent}/../campaigns/lipon/published.csv"],
            "columns 'defect', 'handled' are missing",
        ),
        (["--models", "svrr"], "--models svrr: no model is called 'svrr'; did you mean 'svr'"),
        (["--set", "data.initial=null"], "data.initial: is missing"),
        (["--levels", "1"], "screening.levels: 1 is refused"),
        (["--set", "loose"], "--set loose: is not KEY=VALUE"),
        (["--models", "nonsense"], "no model is called 'nonsense'. There are svr:paper"),
        (["--models", ""], "--models : no model is called ''"),
        (["--models", "svr, nosuch"], "--models svr, nosuch: no model is called 'nosuch'"),
        (
            ["--levels", "3", "--set", "screening.truth=campaigns.lipon:measure_conductivity"],
            "screening: campaigns.lipon:measure_conductivity: raised TypeError",
        ),
        (["--set", f"data.source={LIPON}"], "--set data.source: "),
        (["--set", "constraints=[power <= 2]"], "--set constraints: no point meets the constraints 'power <= 2'"),
        (
            ["--set", "parameters={power: {unit: W, fixed: 60}}", "data.source=null", "planner.features=[]"],
            "--set parameters: every parameter (power) is fixed; leave at least one",
        ),
    ],
)
def test_screening_refuses_what_it_cannot_use(tmp_path, capsys, args, message):
    """Exit status 2, and a message with the place and the way out."""
    assert screen([str(LIPON), "--out", str(tmp_path), *args]) == 2
    assert message in capsys.readouterr().err


def test_screening_refuses_its_folder_before_it_fits(tmp_path, capsys, monkeypatch):
    """A file stands where the folder should be; nobody waits for fits whose results have no place."""
    (tmp_path / "taken").write_text("")
    monkeypatch.setattr(
        "orchestrator.screening.screen.fitted", lambda *_: pytest.fail("fitted before the folder was made")
    )
    assert screen([str(LIPON), "--out", str(tmp_path / "taken")]) == 2
    assert "taken: cannot be written: File exists; choose another folder with --out" in capsys.readouterr().err


def test_screening_says_that_features_are_left_out():
    """Models are compared on the parameters alone; a campaign that has features can be screened all the same."""
    found = read(load(LIPON, {"planner.features": ["pressure*distance"]}))
    assert "models are compared without pressure*distance (planner.features)" in found.remarks
