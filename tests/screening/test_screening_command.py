"""The command `screen-surrogates`: what it prints, writes and refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

from orchestrator.cli import screen
from orchestrator.config import load
from orchestrator.planner.belief import Belief
from orchestrator.planner.suggestion import Observation
from orchestrator.screening.catalogue import own
from orchestrator.screening.material import read
from orchestrator.screening.training import fitted
from orchestrator.surrogates.guard import deal_folds

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


def test_screening_says_what_only_the_planner_sees():
    """The other models are compared on the parameters alone, and on the values as they are."""
    found = read(load(LIPON, {"planner.features": ["pressure*distance"]}))
    assert "only the planner's model sees pressure*distance (planner.features)" in found.remarks
    assert "only the planner's model learns the logarithm of the objective (objective.scale)" in found.remarks


@pytest.mark.parametrize(
    "overrides",
    [{}, {"planner.surrogate": "gp", "planner.mode": "scaled", "objective.goal": "minimise"}, {"data.source": None}],
)
def test_screening_asks_the_planner_itself(overrides):
    """What it predicts, and how sure it is, is what the campaign's planner believes on the same rows."""
    configuration = load(LIPON, overrides)
    settings, material = configuration.settings, read(configuration)
    rows, objective, space = material.target, material.objective, material.space
    model = fitted(own(settings), material, deal_folds(space.encode(rows.points), rows.values))
    known = [Observation(point, value) for point, value in zip(rows.points, rows.values.tolist(), strict=True)]
    belief = Belief(space, objective, settings.planner.turn(1), known, source=material.source)
    asked = space.draw(20, np.random.default_rng(1))
    mean, sd = model.estimator.predict(asked, return_std=True)
    believed = belief.at(asked)
    np.testing.assert_allclose(mean, objective.predicted(believed.score))
    np.testing.assert_allclose(sd, objective.predicted_sd(believed.score, believed.sd))


def test_screening_has_the_planner_beside_the_list(tmp_path, capsys):
    """It can be asked for by name, and has a row of its own; the features are no parameters of the page."""
    args = [str(LIPON), "--models", "planner,svr", "--levels", "5", "--out", str(tmp_path)]
    assert screen(args) == 0
    assert "planner's model" in capsys.readouterr().out
    found = json.loads((tmp_path / "screening.json").read_text())
    assert [model["model"] for model in found["models"]] == ["svr:paper", "svr:paper-search", "svr", "planner:averaged"]
    assert set(found["models"][-1]["optimum"]["point"]) == {"distance", "power", "pressure"}
