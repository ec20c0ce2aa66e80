"""Campaigns within constraints: refused with the line, shown before they begin, recorded, asked again."""

import json
import re
from pathlib import Path

import pytest
from worlds import CONFIG, write_config

from orchestrator.campaign import Campaign
from orchestrator.cli import main, replay
from orchestrator.config import ConfigError, load
from orchestrator.ledger import Ledger

MIXTURE = CONFIG.replace(
    "  heat: {unit: K, low: 0, high: 100}",
    """\
  heat: {unit: K, low: 0, high: 400}
  li: {unit: "%", low: 0, high: 100, integer: true}
  p: {unit: "%", low: 0, high: 100, integer: true}
  chamber: {fixed: old}
constraints:
  - li + p == 100
  - heat <= 20 * pi
  - heat * li >= 100""",
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("heat * li", "heat * lj", r"tiny.yaml:11:5: constraint 'heat \* lj >= 100': unknown name 'lj' at character 8"),
        ("heat * li", "open('x') * li", r"tiny.yaml:11:5: constraint .*'open' is no function here"),
        ("- heat * li >= 100", "- 100", r"tiny.yaml:11:5: constraints.2: 100 is refused"),
        ("high: 100, integer", "high: 100.5, integer", r"tiny.yaml:5:3: parameters.li: an integer parameter has whole"),
        (
            "{fixed: old}",
            "{fixed: old, low: 0, high: 1}",
            r"tiny.yaml:7:3: parameters.chamber: fixed 'old' is not one of",
        ),
    ],
)
def test_config_error_in_a_constraint_names_its_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """A constraint is refused as any other value is."""
    with pytest.raises(ConfigError, match=expected):
        load(write_config(tmp_path, MIXTURE.replace(old, new)))


def test_campaign_without_any_allowed_point_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is begun, and the constraint in the way is named."""
    path = write_config(tmp_path, MIXTURE.replace("heat * li >= 100", "heat * li >= 10000"))
    assert main([str(path), "--out", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err
    assert "tiny.yaml:8:1: no point meets the constraints" in message
    assert re.search(r"the nearest miss 'heat (<= 20 \* pi|\* li >= 10000)': loosen it", message)
    assert not (tmp_path / "out").exists()


def test_campaign_limits_are_asked_at_allowed_corners_alone(tmp_path: Path) -> None:
    """The oven takes 100 K at most: bounds up to 400 K are fine as long as a constraint keeps points below."""
    path = write_config(tmp_path, MIXTURE)
    assert Campaign.from_yaml(path, out=tmp_path).first_command.settings["heat"] <= 63
    with pytest.raises(ConfigError, match="is above the tool's limit of 100 K"):
        Campaign.from_yaml(path, out=tmp_path, overrides={"constraints": ["li + p == 100", "heat <= 120"]})


def test_campaign_check_shows_constraints_and_rows_outside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is left of the box is said, and past rows outside are counted and kept; the fixed column may be missing."""
    path = write_config(tmp_path, MIXTURE)
    (tmp_path / "past.csv").write_text("heat,li,p,mass\n50,50,50,1\n90,50,50,2\n50,50,20,3\n")
    assert main([str(path), "--check", "--set", f"data.initial={tmp_path / 'past.csv'}"]) == 0
    shown = capsys.readouterr().out
    for words in ("0 to 100, whole numbers", "fixed at old", "constraint: heat * li >= 100", "2 of 3 initial rows"):
        assert words in shown
    assert "leave about 14 %" in shown


def test_campaign_within_constraints_is_recorded_and_asked_again(tmp_path: Path) -> None:
    """Every run meets the constraints, the ledger holds them, and each suggestion is the same again."""
    path = write_config(tmp_path, MIXTURE)
    assert main([str(path), "--out", str(tmp_path / "out"), "--quiet", "--runs", "5"]) == 0
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        points = [run.point for run in ledger.runs()]
        assert ledger.state.opened["configuration"]["constraints"][2] == "heat * li >= 100"
    assert len(points) == 5
    for point in points:
        assert point["li"] + point["p"] == 100
        assert point["heat"] <= 63
        assert point["heat"] * point["li"] >= 100
        assert point["chamber"] == "old"
        assert json.dumps(point["li"]).isdigit()
    assert replay([str(tmp_path / "out"), "--verify"]) == 0


def test_campaign_with_another_constraint_is_another_campaign(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The ledger is not gone on with, nor with another value of a context."""
    path = write_config(tmp_path, MIXTURE)
    begun = [str(path), "--out", str(tmp_path / "out"), "--quiet", "--runs", "1"]
    assert main(begun) == 0
    assert main([*begun, "--set", "parameters.chamber.fixed=new"]) == 2
    assert "parameters.chamber.fixed is 'new', but the ledger has 'old'" in capsys.readouterr().err
    assert main([*begun, "--set", 'constraints=["heat <= 90"]']) == 2
    assert "constraints is ['heat <= 90'], but the ledger has" in capsys.readouterr().err


def test_recorded_laboratory_keeps_to_constraints_and_contexts(tmp_path: Path) -> None:
    """Of a table only rows of the context that meet the constraints are candidates."""
    rows = [f"{x},{y},{tool},{x * y}" for x in (1, 2, 3) for y in (1, 2, 3) for tool in "AB"]
    (tmp_path / "table.csv").write_text("\n".join(["x,y,tool,z", *rows]) + "\n")
    path = tmp_path / "pool.yaml"
    path.write_text(
        "campaign: pool\nparameters: {x: {integer: true}, y: {}, tool: {fixed: B}}\nconstraints: [x + y <= 4]\n"
        "laboratory: {table: table.csv, instruments: {bench: {driver: recorded}}}\n"
        "recipe: campaigns.recorded:look_up\nbudget: {runs: 6}\nplanner: {initial_runs: 3}\n"
    )
    campaign = Campaign.from_yaml(path, out=tmp_path / "out")
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # pictures take a second
    campaign.run()
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        points = {tuple(run.point.values()) for run in ledger.runs()}
    assert points == {(x, y, "B") for x in (1, 2, 3) for y in (1, 2, 3) if x + y <= 4}
