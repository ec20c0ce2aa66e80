"""`replay-ledger --samples`: what became of each sample, in the terminal and in a file."""

import csv
from pathlib import Path
from typing import Any

import pytest
from worlds import write_config

from orchestrator.campaign import Campaign
from orchestrator.cli import replay
from orchestrator.config import load
from orchestrator.ledger import Ledger

KILN = "laboratory.instruments.kiln"
WORLD = {
    "recipe": "worlds:bake_fire_and_weigh",
    "budget.runs": 6,
    "laboratory.in_flight": 2,
    "laboratory.instruments.oven": {"driver": "worlds:Oven", "failure": "sample", "failure_rate": 0.4},
    "laboratory.instruments.stove": {"driver": "worlds:Oven", "role": "oven"},
    KILN: {"driver": "worlds:Kiln", "load_wait_h": 1},
    "policies.sample_repeats": 1,
}

UTC = "2026-01-05T08:00:00.000+00:00"


def opened(folder: Path) -> dict[str, Any]:
    """The first event of a ledger."""
    configuration = load(write_config(folder)).plain
    told = {"campaign": "tiny", "seed": 3, "epoch": UTC, "configuration": configuration}
    return {"format": 1, **told, "data": {}, "candidates": None, "versions": {}}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a campaign that lost some of its samples."""
    folder = tmp_path_factory.mktemp("samples")
    campaign = Campaign.from_yaml(write_config(folder), out=folder / "out", overrides=WORLD)
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    campaign.run()
    return folder / "out"


def test_samples_are_listed_with_fate_position_and_lineage(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line each; those without a name, and those made again, are told."""
    assert replay([str(made), "--samples"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["sample", "run", "fate", "position", "lineage"]
    assert any("(no name)" in line and "scrapped: sample: the oven was told to fail" in line for line in lines)
    assert any("kept, made again for run" in line for line in lines)
    assert any("(with run" in line and "shelf, after scale" in line for line in lines)
    assert lines[-1].endswith("scrapped")


def test_samples_as_of_an_event_are_where_they_were(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --at, what was in the kiln is in the kiln."""
    with Ledger.open(made / "ledger.sqlite") as ledger:
        seq = next(e.seq for e in ledger.events() if e.kind == "step_started" and e.body["instrument"] == "kiln")
    assert replay([str(made), "--samples", "--at", str(seq)]) == 0
    assert "in kiln" in capsys.readouterr().out


def test_samples_as_csv_have_one_row_each(made: Path, tmp_path: Path) -> None:
    """Every step of the lineage has its id, its hours and its load."""
    assert replay([str(made), "--samples", "--csv", str(tmp_path / "s.csv")]) == 0
    with (tmp_path / "s.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    kept = next(row for row in rows if row["fate"] == "kept")
    assert kept["made_by"] == f"{kept['run']}.1.1"
    assert kept["sample"] == f"cake-{kept['made_by']}"
    assert [part.split()[1] for part in kept["lineage"].split("; ")][-2:] == ["kiln.fire", "scale.weigh"]
    assert {row["made_h"] == "" for row in rows if row["sample"] == ""} == {True}
    assert any(row["replaces_run"] for row in rows)


def test_samples_of_a_campaign_without_any_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And it says what would make one."""
    with Ledger.write(tmp_path / "l.sqlite") as ledger:
        ledger.append("campaign_opened", opened(tmp_path), lab_s=0, utc=UTC, origin="simulated")
    assert replay([str(tmp_path / "l.sqlite"), "--samples"]) == 0
    assert capsys.readouterr().out == "no samples: no step has read the name of one (an output called sample)\n"


def test_what_instruments_wrote_cannot_steer_a_terminal_or_a_spreadsheet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name with an escape sequence is text, and one that looks like a formula stands behind an apostrophe."""
    evil = "=cmd\x1b[31m\nred"
    when = {"lab_s": 3600.0, "utc": UTC, "origin": "real"}
    with Ledger.write(tmp_path / "l.sqlite") as ledger:
        ledger.append("campaign_opened", opened(tmp_path), **when)
        ledger.append("suggested", {"point": {"heat": 20.0}, "why": {"why": "a test"}}, run=1, **when)
        ledger.append("run_started", {}, run=1, **when)
        begun = {"id": "1.1.1", "instrument": f"oven{evil}", "action": "bake", "settings": {}}
        ledger.append("step_started", begun, run=1, step=1, **when)
        reading = {"values": {"sample": evil}, "arrays": {}}
        ledger.append("step_finished", {"id": "1.1.1", "reading": reading}, run=1, step=1, **when)
        ledger.append("run_finished", {"status": "failed", "failure": "operator", "reason": evil}, run=1, **when)
    assert replay([str(tmp_path / "l.sqlite"), "--samples"]) == 0
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert len(told.splitlines()) == 3
    assert replay([str(tmp_path / "l.sqlite"), "--samples", "--csv", str(tmp_path / "s.csv")]) == 0
    with (tmp_path / "s.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["sample"] == "'=cmd[31m red"
