"""What is shipped works as it says: every configuration, every command of the README, the layers."""

import csv
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rehearsal import served

from instruments.driver import FailureClass
from orchestrator.cli import main, replay
from orchestrator.config import load
from orchestrator.ledger import Ledger
from orchestrator.planner import Planner

ROOT = Path(__file__).parent.parent
TABLES = ROOT.parent / "shared" / "data"
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))


def needs_table(name: str) -> Path:
    path = TABLES / name
    if not path.is_file():
        pytest.skip(f"the measured table {name} is not beside the project")
    return path


@pytest.fixture(params=CONFIGS, ids=lambda path: path.name)
def config(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def settings(config: Path) -> Iterator[list[str]]:
    """What a configuration needs from the command line: a table, where it has none; the ports of its emulators."""
    text = config.read_text()
    if "table: null" in text:
        yield ["--set", f"laboratory.table={needs_table('p3ht_cnt.csv')}"]
    elif "\nemulation:" in text:
        with served(config) as (_, found):
            yield ["--set", *(f"{key}={value}" for key, value in found.items())]
    else:
        yield []


def test_shipped_configuration_runs_to_its_report(
    config: Path, settings: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three runs, with report and table, and the ledger tells the same afterwards."""
    args = [str(config), "--runs", "3", "--out", str(tmp_path / "out"), "--quiet", *settings]
    assert main(args) == 0
    assert "run   3 " in capsys.readouterr().out
    assert "<html" in (tmp_path / "out" / "report.html").read_text()
    assert replay([str(tmp_path / "out"), "--csv", str(tmp_path / "again.csv")]) == 0
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "out" / "runs.csv").read_bytes()
    with (tmp_path / "again.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == ["1", "2", "3"]
    assert all((row["status"] == "measured") != bool(row["failure"]) for row in rows)


def test_shipped_configuration_passes_its_check(
    config: Path,
    settings: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`--check` shows what would run and leaves nothing behind."""
    args = [str(config.resolve()), "--check", *settings]
    monkeypatch.chdir(tmp_path)
    assert main(args) == 0
    assert "the configuration is sound" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("table", "n_points", "objective"), [("p3ht_cnt.csv", 178, 0), ("crossed_barrel.csv", 600, 0)])
def test_shipped_recorded_campaign_suggests_only_points_of_the_table(
    table: str, n_points: int, objective: int, tmp_path: Path
) -> None:
    """All distinct points are candidates, none is tried twice, every value is one of the table's."""
    path = needs_table(table)
    args = [str(ROOT / "configs" / "recorded.yaml"), "--set", f"laboratory.table={path}"]
    assert main([*args, "--runs", "12", "--out", str(tmp_path / "out"), "--quiet"]) == objective
    with path.open() as file:
        recorded = list(csv.reader(file))[1:]
    assert len({tuple(map(float, row[:-1])) for row in recorded}) == n_points
    with (tmp_path / "out" / "runs.csv").open() as file:
        runs = list(csv.reader(file))
    n = len(recorded[0])
    tried = [tuple(map(float, row[4 : 4 + n])) for row in runs[1:]]
    assert set(tried) <= {tuple(map(float, row)) for row in recorded}
    assert len({row[:-1] for row in tried}) == 12
    assert {row[-1] for row in runs[1:]} == {"recorded"}


@pytest.mark.parametrize("seed", [1, 2])
def test_shipped_campaign_finishes_with_fault_rates_tripled(tmp_path: Path, seed: int) -> None:
    """Every failure is in the ledger with its class and reason, and every run of the budget was used."""
    configuration = load(ROOT / "configs" / "lipon.yaml")
    tripled = [
        f"laboratory.instruments.{role}.faults.{fault}={3 * rate}"
        for role, instrument in configuration.plain["laboratory"]["instruments"].items()
        for fault, rate in instrument.get("faults", {}).items()
    ]
    assert len(tripled) == 17
    args = [
        str(ROOT / "configs" / "lipon.yaml"),
        "--quiet",
        "--out",
        str(tmp_path),
        "--runs",
        "16",
        "--seed",
        str(seed),
    ]
    assert main([*args, "--set", *tripled]) == 0
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        runs = ledger.runs()
        n_failed_steps = sum(e.kind == "step_failed" for e in ledger.events())
    failed = [run for run in runs if run.status != "measured"]
    assert len(runs) == 16
    assert n_failed_steps >= len(failed) > 0
    assert all(run.failure in set(FailureClass) and run.reason for run in failed)


def readme_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


def test_readme_first_screen_has_the_two_commands() -> None:
    """A newcomer sees both within the first thirty lines, exactly so."""
    first_screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:30])
    assert "pip install -e . && run-campaign configs/lipon.yaml" in first_screen
    assert 'pip install -e ".[test]" && pytest' in first_screen


@pytest.mark.timeout(400)
def test_readme_commands_run(tmp_path: Path) -> None:
    """Every command of the project in a console block ends well in a folder with the configurations."""
    table = TABLES / "p3ht_cnt.csv"
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    commands = [
        line.removeprefix("$ ")
        for block in readme_blocks("console")
        for line in block.splitlines()
        if line.startswith(("$ run-campaign", "$ replay-ledger", "$ sweep-campaigns"))
    ]
    assert commands
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for command in commands:
        if "PATH/OF/TABLE.csv" in command and not table.is_file():
            continue  # the table is not part of the project
        command = command.replace("--forecast", "--forecasts 2")  # noqa: PLW2901 - twenty take minutes
        words = shlex.split(command.replace("PATH/OF/TABLE.csv", str(table)))
        ended = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"


def test_readme_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The notebook examples work as they stand."""
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    monkeypatch.chdir(tmp_path)
    for block in readme_blocks("python"):
        exec(compile(block, "README.md", "exec"), {})  # noqa: S102 - the README is ours


def test_help_answers_without_heavy_imports() -> None:
    """Neither numpy nor anything heavier is imported before it is needed."""
    code = "import sys; from orchestrator.cli import main; main(['--help']); sys.stderr.write(str(sorted(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "usage: run-campaign" in ended.stdout
    heavy = {"numpy", "scipy", "sklearn", "skopt", "matplotlib", "pydantic", "sqlalchemy", "rich"}
    assert not heavy & set(re.findall(r"'(\w+)'", ended.stderr))


def test_planner_is_usable_in_a_notebook_without_a_laboratory() -> None:
    """Ask, tell a value or a failure, ask for the best."""
    planner = Planner.from_yaml(ROOT / "configs" / "lipon.yaml", seed=0, overrides={"data.source": None})
    suggestion = planner.suggest()
    assert list(suggestion.point) == ["distance", "power", "pressure"]
    planner.tell(suggestion.point, 2.5)
    planner.tell({"distance": 4.0, "power": 60.0, "pressure": 0.2}, failure="infeasible", reason="no plasma")
    assert planner.best().value == 2.5
    assert planner.suggest().point != suggestion.point
