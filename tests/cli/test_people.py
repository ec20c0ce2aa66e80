"""A campaign that asks a person in its terminal: killed, interrupted and answered, it asks the same question again."""

import codecs
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from people import Filler
from worlds import CONFIG, write_config

from orchestrator.ledger import Ledger

PATIENCE_S = 90  # the machine may be busy; nothing waits so long where it is not
TESTS = Path(__file__).parent.parent
RUN = "import sys; from orchestrator.cli import main; sys.exit(main(['tiny.yaml', '--out', 'out']))"
OVEN = """oven:
      driver: operator
      actions:
        bake:
          instructions: Bake at {heat}, and name the cake.
          settings: {heat: {unit: K, low: 0, high: 100}}
          enter: {sample: {text: true}}"""
SCALE = """scale:
      driver: drop-folder
      folder: bench
      look_s: 0.1
      actions:
        weigh:
          instructions: Weigh {sample}.
          settings: {sample: {text: true}}
          enter: {mass: {unit: g, low: 0, high: 1000}}"""
ASKED = CONFIG.replace('scale: {driver: "worlds:Scale"}', SCALE).replace("bake_and_weigh", "bake_then_weigh")
ASKED = ASKED.replace("bottleneck: oven", "clock: wall").replace('oven: {driver: "worlds:Oven"}', OVEN)
ASKED = ASKED.replace("budget: {runs: 4}", "budget: {runs: 1}")


def attended(folder: Path, answers: list[str | signal.Signals | None]) -> tuple[int, str]:
    """Run the campaign in a terminal; type, send or, with None, close the terminal at each prompt.

    Returns its exit code and what it showed.
    """
    terminal, inside = pty.openpty()
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
    words = [sys.executable, "-c", RUN]
    process = subprocess.Popen(words, cwd=folder, env=env, stdin=inside, stdout=inside, stderr=inside)
    os.close(inside)
    shown = seen = ""
    until_s = time.monotonic() + PATIENCE_S
    decoder = codecs.getincrementaldecoder("utf-8")()
    while time.monotonic() < until_s:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            chunk = decoder.decode(os.read(terminal, 4096))
        except OSError:  # how a terminal says that nobody writes any more
            break
        shown, seen = shown + chunk, seen + chunk
        if seen.endswith(": ") and answers:
            seen, answer = "", answers.pop(0)
            if answer is None:
                break
            if isinstance(answer, signal.Signals):
                process.send_signal(answer)
            else:
                os.write(terminal, answer.encode())
    is_over = time.monotonic() < until_s
    os.close(terminal)
    code = process.wait(PATIENCE_S)
    assert is_over, "it waited for somebody until the terminal was closed"
    return code, shown


@pytest.mark.timeout(6 * PATIENCE_S)
def test_person_is_asked_again_after_a_kill_and_after_ctrl_c(tmp_path: Path) -> None:
    """One question, one id, three processes; the display keeps still, and nothing is repeated without a word.

    Another person then weighs the cake, by an order in a folder.
    """
    write_config(tmp_path, ASKED)
    assert attended(tmp_path, [signal.SIGKILL])[0] == -signal.SIGKILL
    code, shown = attended(tmp_path, [signal.SIGINT])
    assert (code, "(asked before: if it is done already" in shown) == (3, True), shown
    assert "to go on: run-campaign" in shown
    with Filler(tmp_path / "bench", lambda _id: (".csv", "name,value,unit\nmass,12.5,g\n")):
        code, shown = attended(tmp_path, ["sponge\n", "yes\n"])
    assert (code, "\x1b[" in shown) == (0, False), shown
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        events = [e for e in ledger.events() if e.step is not None]
        run = ledger.state.runs[1]
    assert (run.value, run.origin) == (12.5, "human")
    assert [e.body["id"] for e in events if e.kind == "step_started"] == ["1.1.1", "1.2.1"]
    assert [e.body["how"] for e in events if e.kind == "doubt_resolved"] == ["waited", "waited"]


@pytest.mark.parametrize("end", [None, signal.SIGHUP])
def test_person_whose_terminal_goes_is_asked_another_day(tmp_path: Path, end: signal.Signals | None) -> None:
    """The question is put off, in the ledger with its reason, and the campaign pauses; nobody waits for an answer."""
    write_config(tmp_path, ASKED)
    code, shown = attended(tmp_path, [end])
    assert (code, "to go on: run-campaign" in shown) == (4, False)
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        events = list(ledger.events())
    failed = next(e for e in events if e.kind == "step_failed")
    assert (failed.body["failure"], failed.body["moved"], failed.body["decision"]) == ("halted", "no", "retry")
    assert "oven: the terminal is gone; it will be asked again" in failed.body["reason"]
    assert events[-1].kind == "paused"


def test_person_who_cannot_be_shown_a_question_is_not_waited_for(tmp_path: Path) -> None:
    """The keyboard is there, but whoever reads the output has gone."""
    write_config(tmp_path, ASKED)
    terminal, inside = pty.openpty()
    read, write = os.pipe()
    os.close(read)
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)]), "PYTHONUNBUFFERED": ""}
    process = subprocess.Popen([sys.executable, "-c", RUN], cwd=tmp_path, env=env, stdin=inside, stdout=write)
    os.close(inside)
    os.close(write)
    code = process.wait(PATIENCE_S)
    os.close(terminal)
    assert code == 4
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        assert "oven: the terminal is gone; it will be asked again" in ledger.state.reason
