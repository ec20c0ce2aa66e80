"""The command that connects instruments and examines their drivers."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from worlds import CONFIG, write_config

from orchestrator.cli import check

TESTS = Path(__file__).parent.parent
REAL = CONFIG.replace('scale: {driver: "worlds:Scale"}', "").replace("bake_and_weigh", "bake_only")
REAL = REAL.replace("bottleneck: oven", "clock: wall").replace("worlds:Oven", "worlds:BlockingOven")


def test_check_instruments_examines_simulated_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """Who answers, limits with units, and every question answered with yes; nothing is written anywhere."""
    assert check([str(TESTS.parent / "configs" / "lipon.yaml"), "evaporator", "analyzer"]) == 0
    said = capsys.readouterr().out
    for expected in (
        "answers: simulated, thermal evaporator with shadow masks, evaporator SIMULATED",
        "electrode: usually 2.5 h, in doubt after 15 h",
        "diameter_mm  0.2 to 10 mm",
        "amplitude_v        0.005 to 1 V, may be left out",
        "passed  ends when it is halted between two phases",
        "2 instruments: 18 passed, none failed",
    ):
        assert expected in said
    assert "not asked" not in said


def test_check_instruments_moves_nothing_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A blocking driver, real for all one knows, is connected, halted at rest and closed."""
    assert check([str(write_config(tmp_path, REAL))]) == 0
    said = capsys.readouterr().out
    assert "not asked  4: would perform a step; --move oven asks" in said
    assert "1 instrument: 4 passed, none failed, 6 not asked" in said


def test_check_instruments_finds_a_driver_that_checks_no_limits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asked to move it, the command says what it did beyond its limits, and exits with 4."""
    assert check([str(write_config(tmp_path, REAL)), "--move", "oven"]) == 4
    assert "failed  refuses what is out of limits before it moves: it performed bake" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["stove"], "stove: is no instrument of tiny.yaml; it has oven"),
        (["--move", "oven", "--with", "heat"], "--with heat: is not NAME=VALUE"),
        (["--move", "oven", "--with", "heat=200"], "--move oven: oven.bake: heat=200 K is above the tool's limit"),
        (["--set", "laboratory.instruments.oven.driver=stove"], "no driver 'stove' is installed"),
    ],
)
def test_check_instruments_refuses_words(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    expected: str,
) -> None:
    """Exit 2, and the way out."""
    write_config(tmp_path, REAL)
    monkeypatch.chdir(tmp_path)
    assert check(["tiny.yaml", *words]) == 2
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_check_instruments_halts_what_it_moves_when_interrupted(tmp_path: Path, number: signal.Signals) -> None:
    """Any end in mid-step sends the instrument to its safe state first, also where a shell has had Ctrl-C ignored.

    The same signal once more, as a closed window may send it, does not end what is being done about it.
    """
    write_config(tmp_path, REAL.replace("worlds:BlockingOven", "slow:SlowOven"))
    (tmp_path / "slow.py").write_text(
        "import dataclasses, pathlib, time\n"
        "from worlds import BlockingOven\n"
        "class SlowOven(BlockingOven):\n"
        "    def __init__(self, *, name):\n"
        "        super().__init__(name=name)\n"
        "        self.actions = {'bake': dataclasses.replace(self.actions['bake'], timeout_s=60)}\n"
        "    def perform(self, command, report):\n"
        "        pathlib.Path('begun').touch()\n"
        "        time.sleep(60)\n"
        "    def halt(self):\n"
        "        if pathlib.Path('begun').exists():\n"
        "            pathlib.Path('halting').touch()\n"
        "            time.sleep(0.5)\n"
        "            pathlib.Path('halted').touch()\n"
    )
    run = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    run += "from orchestrator.cli import check; sys.exit(check())"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
    words = [sys.executable, "-c", run, "tiny.yaml", "--move", "oven"]
    with subprocess.Popen(words, cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "begun").exists():
            time.sleep(0.05)
        process.send_signal(number)
        while not (tmp_path / "halting").exists():
            time.sleep(0.01)
        process.send_signal(number)
        said, _ = process.communicate(timeout=30)
    assert (process.returncode, "interrupted; oven was halted" in said) == (3, True), said
    assert (tmp_path / "halted").exists()
