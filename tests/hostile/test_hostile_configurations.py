"""Spoilt configurations: the shipped ones and a tiny one, some thousand times wrong."""

import shutil
from pathlib import Path

import pytest
from hostile_yaml import SPOILS, Spoil
from trial import MORE, REFUSED, ask, chance, contents, faults
from worlds import CONFIG, write_config

from orchestrator.campaign import Campaign
from orchestrator.cli import check, emulate, main, screen
from orchestrator.config import ConfigError, load

ROOT = Path(__file__).parents[2]
CASES = 12 * MORE
RUNS = 3 * MORE
RECORDED = """\
campaign: recorded
parameters: {distance: {}, power: {}, pressure: {}}
objective: {name: conductivity, goal: maximise}
laboratory:
  table: ../campaigns/lipon/synthetic_source.csv
  instruments: {bench: {driver: recorded, minutes: 60}}
recipe: campaigns.recorded:look_up
budget: {runs: 40}
"""
TEXTS = {
    "lipon.yaml": (ROOT / "configs" / "lipon.yaml").read_text(encoding="utf-8"),
    "recorded.yaml": RECORDED,
    "tiny.yaml": CONFIG,
}
PAST = "heat,mass\n10,-900\n50,-100\n60,-400\n"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the shipped data, in which commands are typed."""
    shutil.copytree(ROOT / "campaigns" / "lipon", tmp_path / "campaigns" / "lipon", ignore=lambda *_: {"__pycache__"})
    (tmp_path / "configs").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_configuration_spoilt_anyhow_is_taken_or_refused_with_its_place(bench: Path, spoil: Spoil, name: str) -> None:
    """684 cases: status 0 or 2, `file:line:column` first, no traceback, nothing written, nothing run by a tag."""
    path = Path("configs") / name
    for case in range(CASES):
        path.write_bytes(spoil(chance(name, spoil.__name__, case), TEXTS[name]))
        before = contents(bench)
        answer = ask(main, path, "--check")
        assert not faults(answer, rf"^configs/{name}(:\d+:\d+)?: "), (case, answer)
        assert contents(bench) == before, case


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_configuration_that_is_taken_runs_and_one_that_is_not_leaves_nothing(
    tmp_path: Path, spoil: Spoil, monkeypatch: pytest.MonkeyPatch
) -> None:
    """57 cases: two runs are performed, paused or halted by a rule; a refusal leaves neither ledger nor folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Campaign, "write_results", lambda *_: None)  # pictures take half a second
    (tmp_path / "past.csv").write_text(PAST)
    text = CONFIG + "data: {initial: past.csv}\nstop: {target: null}\n"
    for case in range(RUNS):
        (tmp_path / "tiny.yaml").write_bytes(spoil(chance("run", spoil.__name__, case), text))
        before = contents(tmp_path)
        words = ("--out", "out", "--runs", "2", "--set", "laboratory.clock=simulated")
        answer = ask(main, "tiny.yaml", *words)
        assert not faults(answer, r"^(tiny.yaml|--set|--runs)", (0, 2, 3, 4)), (case, answer)
        if answer.status == REFUSED:
            assert contents(tmp_path) == before, (case, answer)
        shutil.rmtree("out", ignore_errors=True)


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_configuration_is_refused_alike_by_every_command(bench: Path, spoil: Spoil) -> None:
    """Screening, checking and emulating say what running says, and leave nothing either."""
    path = Path("configs") / "lipon.yaml"
    for case in range(2 * MORE):
        path.write_bytes(spoil(chance("all", spoil.__name__, case), TEXTS["lipon.yaml"]))
        try:
            load(path)
        except ConfigError:
            before, wanted = contents(bench), ask(main, path)
            assert [ask(command, path) for command in (screen, check, emulate)] == [wanted] * 3, case
            assert contents(bench) == before


@pytest.mark.parametrize(
    "setting",
    [
        "laboratory.epoch=9999-12-31T23:59:59Z",
        "laboratory.epoch=0001-01-01T00:00:00+14:00",
        "policies.backoff_min=1e308",
        "planner.samples=1000000000000",
        "planner.initial_runs=1000000000000",
        "laboratory.instruments.oven.driver=builtins:dict",
        "laboratory.instruments.oven.driver=builtins:type",
        "ledger=.",
        "ledger=..",
        "ledger=sub/",
        "ledger=runs.csv",
        "ledger=Report.html",
        "ledger=" + "a" * 300,
        "data.initial=/dev/zero",
        "data.initial=.",
        "data.initial=" + "a" * 300,
    ],
)
def test_configuration_with_an_extreme_value_is_refused_before_there_is_a_ledger(
    tmp_path: Path, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would fail in the middle of a campaign, or write over its ledger, is told at its beginning."""
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path)
    before = contents(tmp_path)
    answer = ask(main, "tiny.yaml", "--out", "out", "--set", setting)
    assert answer.status == REFUSED, answer
    assert not faults(answer, r"^(tiny.yaml|--set)"), answer
    assert contents(tmp_path) == before


@pytest.mark.extra
def test_configuration_whose_instrument_does_not_answer_leaves_no_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plug that is out is no campaign that has begun."""
    pytest.importorskip("pymodbus")
    pytest.importorskip("pyvisa")
    monkeypatch.chdir(tmp_path)
    answer = ask(main, ROOT / "configs" / "lipon-hardware.yaml", "--out", "out", "--set",
                 "laboratory.instruments.sputter.port=1")  # fmt: skip
    assert answer.status == REFUSED, answer
    assert not faults(answer, "^instrument sputter: does not answer"), answer
    assert not contents(tmp_path)


def test_word_about_no_step_leaves_no_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistyped folder is told, not begun."""
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path)
    before = contents(tmp_path)
    answer = ask(main, "tiny.yaml", "--out", "out", "--resolve", "1.1=repeat", "--note", "x")
    assert answer.status == REFUSED, answer
    assert not faults(answer, r"^--resolve 1.1: this step is not in doubt"), answer
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("budget: null", "null is refused: it must be a mapping of keys to values"),
        ("budget: {runs: four}", "'four' is refused: it must be a whole number"),
        ("budget: {runs: 4}\nruns: 3", "runs: unknown key here; it belongs to budget: is it indented rightly?"),
        ("budget: {runs: 4, rate: 3}", "budget.rate: unknown key here; it belongs to laboratory"),
    ],
)
def test_configuration_rules_are_said_in_words_of_the_file(tmp_path: Path, value: str, rule: str) -> None:
    """Neither a Python type nor a library's model, and where a key belongs."""
    write_config(tmp_path, CONFIG.replace("budget: {runs: 4}", value))
    assert rule in ask(main, tmp_path / "tiny.yaml", "--check").err
