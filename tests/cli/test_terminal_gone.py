"""A campaign whose terminal goes, or whoever reads its output: it goes on to its end, and says no more."""

import io
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from worlds import CONFIG, write_config

from orchestrator.cli import main, replay
from orchestrator.display.streams import unfailing
from orchestrator.ledger import Ledger, LedgerError

PATIENCE_S = 90  # the machine may be busy; nothing waits so long where it is not
TESTS = Path(__file__).parent.parent
ENV = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)]), "TERM": "xterm"}
ENV["PYTHONUNBUFFERED"] = ""  # what cannot be written is to lie in a buffer, too
RUN = "import sys; from orchestrator.cli import main; sys.exit(main())"
NOHUP = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); {RUN}"
CONTROLLED = f"import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); {RUN}"
TIMED = CONFIG.replace("bottleneck: oven", "clock: wall\n  rate: 200").replace("initial_runs: 3", "initial_runs: 4")


def begin(folder: Path, *words: str, run: str = RUN, **options: Any) -> subprocess.Popen[bytes]:
    """Begin a campaign whose runs take about a second each, and return it when the first of four is finished."""
    write_config(folder, TIMED)
    command = [sys.executable, "-c", run, "tiny.yaml", "--out", "out", *words]
    process = subprocess.Popen(command, cwd=folder, env=ENV, **options)
    until_s = time.monotonic() + PATIENCE_S
    while not kinds(folder).count("run_finished"):
        assert process.poll() is None
        assert time.monotonic() < until_s
        time.sleep(0.02)
    return process


def begin_in_terminal(folder: Path, *words: str, **options: Any) -> tuple[subprocess.Popen[bytes], int]:
    terminal, inside = pty.openpty()
    process = begin(folder, *words, stdin=inside, stdout=inside, stderr=inside, **options)
    os.close(inside)
    return process, terminal


def kinds(folder: Path) -> list[str]:
    try:
        with Ledger.open(folder / "out" / "ledger.sqlite") as ledger:
            return [str(event.kind) for event in ledger.events()]
    except LedgerError:  # not there yet
        return []


def shown(terminal: int) -> str:
    """Return what a terminal has shown, after everybody has left it."""
    text = b""
    try:
        while chunk := os.read(terminal, 4096):
            text += chunk
    except OSError:  # how a terminal says that nobody writes any more
        pass
    os.close(terminal)
    return text.decode()


def check_whole(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """See a campaign end as if nothing had been: four runs, every step once, chain and suggestions sound, a report."""
    assert process.wait(PATIENCE_S) == 0
    with Ledger.open(folder / "out" / "ledger.sqlite") as ledger:
        events = list(ledger.events())
    begun, ended = ([e.body["id"] for e in events if e.kind == kind] for kind in ("step_started", "step_finished"))
    assert begun == ended == [f"{run}.{step}.1" for run in (1, 2, 3, 4) for step in (1, 2)]
    assert replay([str(folder / "out"), "--verify"]) == 0
    assert {"report.html", "runs.csv"} <= {path.name for path in (folder / "out").iterdir()}


@pytest.mark.parametrize("words", [[], ["--quiet"]])
@pytest.mark.parametrize("run", [RUN, CONTROLLED])
def test_campaign_outlives_its_terminal(tmp_path: Path, run: str, words: list[str]) -> None:
    """The window is closed: every write fails, and who has it as its own terminal is sent SIGHUP as well."""
    process, terminal = begin_in_terminal(tmp_path, *words, run=run, start_new_session=True)
    os.close(terminal)
    check_whole(tmp_path, process)


@pytest.mark.parametrize("words", [[], ["--quiet"]])
def test_campaign_says_nothing_after_sighup(tmp_path: Path, words: list[str]) -> None:
    """The terminal is still there, and yet it is left alone; the ledger has the rest."""
    process, terminal = begin_in_terminal(tmp_path, *words)
    process.send_signal(signal.SIGHUP)
    check_whole(tmp_path, process)
    text = shown(terminal)
    assert text
    assert "chain" not in text


def test_campaign_under_nohup_stays_under_nohup(tmp_path: Path) -> None:
    """SIGHUP that is ignored from the beginning is nothing at all: the closing words are said."""
    process, terminal = begin_in_terminal(tmp_path, "--quiet", run=NOHUP)
    process.send_signal(signal.SIGHUP)
    check_whole(tmp_path, process)
    assert "chain" in shown(terminal)


def test_campaign_outlives_who_reads_its_output(tmp_path: Path) -> None:
    """`run-campaign ... 2>&1 | tee log`, and tee dies."""
    process = begin(tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    process.stdout.close()
    check_whole(tmp_path, process)


def test_campaign_goes_on_in_a_log_after_sighup(tmp_path: Path) -> None:
    """What does not go to the terminal is written as ever."""
    with (tmp_path / "log").open("wb") as log:
        process = begin(tmp_path, stdout=log)
    process.send_signal(signal.SIGHUP)
    check_whole(tmp_path, process)
    assert "chain" in (tmp_path / "log").read_text()


def test_refusal_that_nobody_reads_has_its_exit_status(tmp_path: Path) -> None:
    """A message that cannot be written is no other failure."""
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, "-c", RUN, "none.yaml"]
    process = subprocess.run(words, cwd=tmp_path, env=ENV, stderr=write, check=False)
    os.close(write)
    assert process.returncode == 2


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_refusal_without_a_stream_has_its_exit_status(tmp_path: Path, closed: str) -> None:
    """A shell may have closed what would be written to; Python then has no stream at all."""
    words = ["sh", "-c", f'exec "$0" -c "$1" none.yaml {closed}', sys.executable, RUN]
    assert subprocess.run(words, cwd=tmp_path, env=ENV, check=False).returncode == 2


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_campaign_without_a_stream_runs(tmp_path: Path, closed: str) -> None:
    """What it would say is in the ledger and the report."""
    write_config(tmp_path)
    words = ["sh", "-c", f'exec "$0" -c "$1" tiny.yaml --out out {closed}', sys.executable, RUN]
    assert subprocess.run(words, cwd=tmp_path, env=ENV, check=False).returncode == 0
    assert kinds(tmp_path)[-1] == "campaign_closed"


class Elsewhere(io.TextIOBase):
    """A stream that shows its text somewhere else than its file, as that of a notebook does."""

    def __init__(self) -> None:
        self.text = ""

    def fileno(self) -> int:
        """Tell of a file that it does not write to."""
        return 2

    def write(self, text: str) -> int:
        """Keep it."""
        self.text += text
        return len(text)


def test_words_reach_a_stream_that_is_not_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a notebook a refusal is read in the notebook, and a tee gets what it is to copy."""
    shown = Elsewhere()
    monkeypatch.setattr(sys, "stderr", shown)
    with unfailing():
        assert sys.stderr is shown
    assert main(["none.yaml"]) == 2
    assert "none.yaml: no such file" in shown.text
