"""The command line: exit statuses, messages, resuming, and nothing lost on bad input."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from worlds import CONFIG, Oven, Scale, write_config

from orchestrator.campaign import Campaign
from orchestrator.cli import check, emulate, main, replay, sweep
from orchestrator.ledger import Ledger

DRIVER = "laboratory.instruments.oven.driver="
RUN = "import sys; from orchestrator.cli import main; sys.exit(main())"


def run(folder: Path, *args: str) -> int:
    return main([str(folder / "tiny.yaml"), "--out", str(folder / "out"), "--quiet", *args])


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], "CONFIG is missing"),
        (["none.yaml"], "none.yaml: no such file"),
        (["tiny.yaml", "--set", "seed"], "--set seed: is not KEY=VALUE"),
        (["tiny.yaml", "--set", "seed=x"], "--set seed: seed: 'x' is refused"),
        (["tiny.yaml", "--set", "seed=["], "not valid YAML"),
        (["tiny.yaml", "--runs", "0"], "--set budget.runs: budget.runs: 0 is refused"),
        (["tiny.yaml", "--set", DRIVER + "stove"], "no driver 'stove' is installed; there are"),
        (["tiny.yaml", "--set", DRIVER + "worlds:Stove"], "worlds:Stove cannot be imported"),
        (["tiny.yaml", "--set", DRIVER + "worlds:bake_only"], "not a class"),
        (["tiny.yaml", "--set", DRIVER + "worlds:BlockingOven"], "set laboratory.clock: wall"),
        (["tiny.yaml", "--set", "laboratory.instruments.oven.heat=3"], "oven.heat: unknown key; known keys are"),
        (["tiny.yaml", "--set", "recipe=worlds:nothing"], "worlds:nothing cannot be imported"),
        (["tiny.yaml", "--set", "parameters.heat.high=200"], "heat=200 K is above the tool's limit of 100 K"),
        (["tiny.yaml", "--set", "parameters.heat.unit=C"], "parameters.heat.unit: 'C', but oven takes heat in 'K'"),
        (["tiny.yaml", "--set", "data.initial=past.csv"], "past.csv:3: column 'heat': value 'hot' is not a number"),
        (["tiny.yaml", "--out", "file/out"], "cannot be written"),
        (["tiny.yaml", "--runs", "many"], "invalid int value"),
    ],
)
def test_cli_bad_input_exits_2_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], args: list[str], expected: str
) -> None:
    """The message names the place and the rule; no ledger is begun."""
    write_config(tmp_path)
    (tmp_path / "past.csv").write_text("heat,mass\n1,2\nhot,3\n")
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    assert main(args) == 2
    assert expected in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.sqlite"))


@pytest.mark.parametrize(
    ("entry", "status", "said"),
    [
        ("stoves:Gas", 2, "driver: stove is installed as stoves:Gas, which cannot be imported: ModuleNotFoundError"),
        ("worlds:Oven [gas]", 0, ""),
    ],
)
def test_cli_driver_that_a_package_installs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    entry: str,
    status: int,
    said: str,
) -> None:
    """It is taken as packages name such things; one that the package has lost is refused, by its place."""
    installed = tmp_path / "stoves-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: stoves\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(f"[campaign.instruments]\nstove = {entry}\n")
    monkeypatch.syspath_prepend(tmp_path)
    write_config(tmp_path)
    assert run(tmp_path, "--set", DRIVER + "stove") == status
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        (main, 0, "all 4 runs"),
        (check, 4, "oven (at_home:Oven)"),
        (emulate, 2, "no instrument has an emulator"),
        (sweep, 0, "today"),
    ],
)
def test_cli_finds_drivers_in_the_folder_one_works_in(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    *,
    command: Callable[[list[str]], int],
    status: int,
    said: str,
) -> None:
    """Whichever command it is, and though it was installed as a script, which knows nothing of that folder."""
    (tmp_path / "at_home.py").write_text("import worlds\n\n\nclass Oven(worlds.Oven):\n    pass\n")
    write_config(tmp_path, CONFIG.replace("worlds:Oven", "at_home:Oven"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder])
    monkeypatch.delitem(sys.modules, "at_home", raising=False)
    words = {sweep: ["--case", "today", "--seeds", "1", "--out", "sweep"]}.get(command, [])
    assert command(["tiny.yaml", *words]) == status
    assert said in "".join(capfd.readouterr())


def test_outcome_says_in_a_notebook_what_the_command_line_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Printed it has the closing words; shown it fits into a few lines, whatever the ledger holds."""
    write_config(tmp_path)
    outcome = Campaign.from_yaml(tmp_path / "tiny.yaml", out=tmp_path / "out").run()
    assert capsys.readouterr().out == ""
    assert run(tmp_path) == 0
    assert f"nothing was changed\n{outcome}\n" in capsys.readouterr().out
    assert all(file.exists() for file in outcome.files.values() if isinstance(file, Path))
    assert max(len(repr(shown)) for shown in (outcome, outcome.state, outcome.state.runs[1])) < 600


def test_cli_run_again_says_it_has_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A finished campaign is left alone, and `--new` begins another beside it."""
    write_config(tmp_path)
    assert run(tmp_path) == 0
    before = (tmp_path / "out" / "ledger.sqlite").read_bytes()
    assert run(tmp_path) == 0
    assert "this campaign has ended (all 4 runs of the budget are done); nothing was changed" in capsys.readouterr().out
    assert (tmp_path / "out" / "ledger.sqlite").read_bytes() == before
    assert run(tmp_path, "--new") == 0
    assert (tmp_path / "out-2" / "report.html").is_file()


def test_cli_says_how_to_go_on_where_the_configuration_stood_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command it prints can be given as it stands: the file once, what was set after it."""
    write_config(tmp_path)
    monkeypatch.chdir(tmp_path)
    words = ["--out", "out", "--set", "budget.runs=2", "tiny.yaml"]
    assert (main(words), main(words)) == (0, 0)
    (line,) = re.findall(r"for more runs: run-campaign (.*) --runs N$", capsys.readouterr().out, re.MULTILINE)
    assert main(shlex.split(line)) == 0
    assert "tiny: this campaign has ended" in capsys.readouterr().out


def test_cli_results_that_are_missing_are_written_again(tmp_path: Path) -> None:
    """A process that died after its last run leaves no gap for good."""
    write_config(tmp_path)
    assert run(tmp_path) == 0
    report = (tmp_path / "out" / "report.html").read_bytes()
    (tmp_path / "out" / "report.html").unlink()
    assert run(tmp_path) == 0
    assert (tmp_path / "out" / "report.html").read_bytes() == report


def test_cli_ledger_of_another_configuration_is_refused_with_the_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both values are shown, with the place of the new one; the ledger stays as it is."""
    write_config(tmp_path)
    assert run(tmp_path) == 0
    before = (tmp_path / "out" / "ledger.sqlite").read_bytes()
    assert run(tmp_path, "--seed", "4", "--set", "planner.acquisition=ucb") == 2
    message = capsys.readouterr().err
    assert "--set seed: seed is 4, but the ledger has 3" in message
    assert "planner.acquisition is 'ucb', but the ledger has 'ei'" in message
    assert "go back to it, or add --new" in message
    assert (tmp_path / "out" / "ledger.sqlite").read_bytes() == before


def test_cli_other_data_is_another_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rows count, not the name of their file."""
    write_config(tmp_path, CONFIG + "data: {initial: past.csv}\n")
    (tmp_path / "past.csv").write_text("heat,mass\n1,2\n")
    assert run(tmp_path) == 0
    (tmp_path / "past.csv").write_text("heat,mass\n1,3\n")
    assert run(tmp_path) == 2
    assert "data.initial is 'sha256 " in capsys.readouterr().err


def test_cli_damaged_ledger_exits_5(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For running and for replaying; the file is not touched."""
    write_config(tmp_path)
    assert run(tmp_path) == 0
    ledger = tmp_path / "out" / "ledger.sqlite"
    ledger.write_bytes(ledger.read_bytes()[:5000])
    assert run(tmp_path, "--runs", "9") == 5
    assert replay([str(tmp_path / "out")]) == 5
    assert "not a readable ledger" in capsys.readouterr().err
    assert ledger.stat().st_size == 5000


def test_cli_replay_of_nothing_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped path is no damage."""
    assert replay([str(tmp_path / "none.sqlite")]) == 2
    assert "no such ledger" in capsys.readouterr().err


SLOW = CONFIG.replace("bottleneck: oven", "clock: wall").replace("worlds:Oven", "slow_oven:SlowOven")
SLOW_OVEN = """
import time
from instruments.driver import FailureClass, InstrumentError, Moved, Reading
from worlds import BlockingOven

class SlowOven(BlockingOven):
    halted = False

    def perform(self, command, report):
        for _ in range(20):
            time.sleep(0.05)
            if self.halted:
                raise InstrumentError(FailureClass.HALTED, "halted", Moved.YES)
        return super().perform(command, report)

    def halt(self):
        self.halted = True
"""


def begin_slow(folder: Path) -> subprocess.Popen[str]:
    text = SLOW.replace('scale: {driver: "worlds:Scale"}', "").replace("bake_and_weigh", "bake_only")
    write_config(folder, text)
    (folder / "slow_oven.py").write_text(SLOW_OVEN)
    env = os.environ | {"PYTHONPATH": f"{Path(__file__).parent.parent}{os.pathsep}{folder}"}
    words = [sys.executable, "-c", RUN, "tiny.yaml", "--out", "out", "--runs", "50"]
    process = subprocess.Popen(words, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: count(folder, "step_started") >= 1)
    return process


def count(folder: Path, kind: str) -> int:
    if not (folder / "out" / "ledger.sqlite").exists():
        return 0
    try:
        with Ledger.open(folder / "out" / "ledger.sqlite") as ledger:
            return sum(e.kind == kind for e in ledger.events())
    except Exception:  # noqa: BLE001 - just being made
        return 0


def wait_for(condition: object) -> None:
    for _ in range(600):
        if condition():  # type: ignore[operator]  # a plain callable
            return
        time.sleep(0.05)
    pytest.fail("it did not happen within 30 s")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_cli_interrupt_ends_the_step_and_says_how_to_resume(tmp_path: Path, number: signal.Signals) -> None:
    """The running step is finished and recorded, nothing new starts, exit 3; the same command goes on."""
    process = begin_slow(tmp_path)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 3, err
    assert f"notice: stopped by {number.name}; nothing new starts; waiting for step 1.1.1 oven.bake" in out
    assert f"paused: stopped by {number.name}" in out
    assert "to go on: run-campaign tiny.yaml --runs 50 --out out" in out
    assert count(tmp_path, "step_started") == count(tmp_path, "step_finished")
    assert (tmp_path / "out" / "report.html").is_file()


def test_cli_second_interrupt_halts_the_instruments(tmp_path: Path) -> None:
    """What was cut short is recorded as halted."""
    process = begin_slow(tmp_path)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 3
    assert count(tmp_path, "step_failed") == 1


def test_cli_interrupt_while_instruments_are_closed_costs_no_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The campaign is over by then: every instrument is closed, the report written, and nothing false is said."""
    write_config(tmp_path)
    monkeypatch.setattr(Oven, "close", lambda _: signal.raise_signal(signal.SIGINT))
    closed: list[str] = []
    monkeypatch.setattr(Scale, "close", lambda scale: closed.append(scale.name))
    assert run(tmp_path) == 0
    assert closed == ["scale"]
    assert (tmp_path / "out" / "report.html").is_file()
    assert capsys.readouterr().err == ""


def test_cli_second_interrupt_does_not_wait_for_a_phase_that_was_cut_short(tmp_path: Path) -> None:
    """A played instrument on the wall clock ends at once too, and the pause is recorded."""
    write_config(tmp_path, CONFIG.replace("bottleneck: oven", "clock: wall"))
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent)])}
    words = [sys.executable, "-c", RUN, "tiny.yaml", "--out", "out"]
    process = subprocess.Popen(words, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: count(tmp_path, "step_started") >= 1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)  # the phase would have lasted a minute
    assert process.returncode == 3
    assert "paused: halted by a second SIGINT" in out
    assert (count(tmp_path, "step_failed"), count(tmp_path, "paused")) == (1, 1)
