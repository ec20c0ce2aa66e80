"""Steps in doubt: a real process dies while a blocking driver performs; nothing is repeated without a word."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from worlds import CONFIG, write_config

from orchestrator.campaign import Campaign, OtherConfigurationError
from orchestrator.ledger import Event, Ledger

TESTS = Path(__file__).parent.parent
RUN = "import sys; from orchestrator.cli import main; sys.exit(main())"
REAL = CONFIG.replace('scale: {driver: "worlds:Scale"}', "").replace("bake_and_weigh", "bake_only")
REAL = REAL.replace("bottleneck: oven", "clock: wall")


def run(folder: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    words = [sys.executable, "-c", RUN, "tiny.yaml", "--out", "out", "--runs", "3", *args]
    env = {**os.environ, "PYTHONPATH": paths, **env}
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60)


def events(folder: Path) -> list[Event]:
    with Ledger.open(folder / "out" / "ledger.sqlite") as ledger:
        return list(ledger.events())


def begun(folder: Path) -> list[str]:
    return [e.body["id"] for e in events(folder) if e.kind == "step_started"]


@pytest.fixture(scope="module")
def remains(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a campaign whose process died in the second bake."""
    folder = tmp_path_factory.mktemp("remains")
    write_config(folder, REAL.replace("worlds:Oven", "worlds:RememberingOven"))
    assert run(folder, TINY_DIES="2.1.1").returncode == -9
    return folder


@pytest.fixture
def dead(remains: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(remains, tmp_path / "dead"))


def test_doubt_is_never_repeated_without_a_word(dead: Path) -> None:
    """The campaign pauses, asks, and moves nothing, however often it is run."""
    for _ in range(2):
        ended = run(dead)
        assert ended.returncode == 4
        assert "step 2.1.1, oven.bake, is in doubt" in ended.stdout
        assert "--resolve 2.1=done|failed|repeat" in ended.stdout
    assert begun(dead) == ["1.1.1", "2.1.1"]


@pytest.mark.parametrize(
    ("words", "status", "value", "ids"),
    [
        (["--resolve", "2.1=failed"], "failed", None, ["1.1.1", "2.1.1", "3.1.1"]),
        (["--resolve", "2.1=repeat"], "measured", "any", ["1.1.1", "2.1.1", "2.1.2", "3.1.1"]),
        (["--resolve", "2.1=done", "--reading", "sample='-3.5'"], "measured", -3.5, ["1.1.1", "2.1.1", "3.1.1"]),
    ],
)
def test_doubt_is_settled_by_a_persons_word(
    dead: Path, words: list[str], status: str, value: float | str | None, ids: list[str]
) -> None:
    """Done with its reading, failed, or repeated; the note is in the ledger."""
    ended = run(dead, *words, "--note", "I looked")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    with Ledger.open(dead / "out" / "ledger.sqlite") as ledger:
        second = ledger.state.runs[2]
    assert second.status == status
    assert second.value == value if value != "any" else second.value is not None
    assert begun(dead) == ids
    assert [e.body["note"] for e in events(dead) if e.kind == "doubt_resolved"] == ["I looked"]


@pytest.mark.parametrize(
    ("memory", "how", "ids"),
    [
        ("done", "recalled", ["1.1.1", "2.1.1", "3.1.1"]),
        ("running", "waited", ["1.1.1", "2.1.1", "3.1.1"]),
        ("never", "repeat", ["1.1.1", "2.1.1", "2.1.2", "3.1.1"]),
    ],
)
def test_doubt_is_settled_by_an_instrument_that_remembers(dead: Path, memory: str, how: str, ids: list[str]) -> None:
    """Its own answer needs no person."""
    assert run(dead, TINY_MEMORY=memory).returncode == 0
    assert [e.body["how"] for e in events(dead) if e.kind == "doubt_resolved"] == [how]
    assert begun(dead) == ids


def test_doubt_is_not_settled_by_another_tool(dead: Path) -> None:
    """What answers at the old address knows nothing of the step; nothing is recorded until a person has looked."""
    n = len(events(dead))
    ended = run(dead, TINY_MEMORY="never", TINY_SERIAL="7777")
    assert (ended.returncode, len(events(dead))) == (2, n)
    assert "another tool answers: tests blocking oven 7777, where the ledger has tests blocking oven 3" in ended.stderr
    assert "step 2.1 was begun on that one; connect that one again" in ended.stderr
    words = ["--resolve", "2.1=failed", "--note", "I looked"]
    ended = run(dead, *words, TINY_MEMORY="never", TINY_SERIAL="7777")
    assert ended.returncode == 0, ended.stderr
    assert "another tool answers" in ended.stdout
    assert begun(dead) == ["1.1.1", "2.1.1", "3.1.1"]


def test_driver_is_told_a_campaign_that_is_no_other(tmp_path: Path) -> None:
    """Its name and its beginning: the same whenever it goes on, another with `--new`, where ids begin anew."""
    config = write_config(tmp_path, REAL.replace("worlds:Oven", "worlds:RememberingOven"))
    told = []
    for n_runs, is_new in ((1, False), (2, False), (1, True)):
        campaign = Campaign.from_yaml(config, out=tmp_path / "out", new=is_new, overrides={"budget.runs": n_runs})
        campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
        opened = campaign.run().state.opened
        told.append(campaign.laboratory.instruments["oven"].campaign)
        assert told[-1] == f"tiny {opened['epoch']}"
    assert told[0] == told[1] != told[2]


def test_option_of_a_real_tool_may_change_while_a_campaign_goes_on(tmp_path: Path) -> None:
    """Its address, say: the ledger records it. Which driver it is may not, nor an option of a simulated one."""
    blocking = "worlds:RememberingOven"
    config = write_config(tmp_path, REAL.replace("worlds:Oven", blocking))
    for n_runs, more in ((1, {}), (2, {"laboratory.instruments.oven": {"driver": blocking, "plug": "COM7"}})):
        campaign = Campaign.from_yaml(config, out=tmp_path / "out", overrides={"budget.runs": n_runs, **more})
        campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
        assert campaign.run().stop.status == "finished"
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        (changed,) = [e.body["changed"] for e in ledger.events() if e.kind == "configuration_changed"]
    assert "laboratory.instruments.oven.plug is 'COM7', but the ledger has null" in changed
    other = {"laboratory.instruments.oven": {"driver": "worlds:BlockingOven"}}
    with pytest.raises(OtherConfigurationError, match=r"laboratory\.instruments\.oven\.driver"):
        Campaign.from_yaml(config, out=tmp_path / "out", overrides=other).run()
    simulated = write_config(tmp_path)
    Campaign.from_yaml(simulated, out=tmp_path / "sim").run()
    worn = {"laboratory.instruments.oven.failure_rate": 0.5, "budget.runs": 5}
    with pytest.raises(OtherConfigurationError, match=r"oven\.failure_rate"):
        Campaign.from_yaml(simulated, out=tmp_path / "sim", overrides=worn).run()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--resolve", "1.1=done", "--note", "x"], "this step is not in doubt; in doubt: 2.1"),
        (["--resolve", "2.1=done", "--note", "x"], "done needs what it read: --reading sample as NAME=VALUE"),
        (["--resolve", "2.1=done", "--note", "x", "--reading", "sample=7"], "the reading cannot count: sample=7"),
        (["--resolve", "2.1=maybe", "--note", "x"], "is not RUN.STEP=done|failed|repeat"),
        (["--resolve", "2.1=failed"], "needs a --note that says why"),
        (["--resolve", "2.1=done", "--note", "x", "--reading", "sample"], "is not NAME=VALUE"),
    ],
)
def test_doubt_words_that_do_not_fit_are_refused(dead: Path, words: list[str], expected: str) -> None:
    """Exit 2, and nothing is recorded."""
    n = len(events(dead))
    ended = run(dead, *words)
    assert (ended.returncode, expected in ended.stderr) == (2, True), ended.stderr
    assert len(events(dead)) == n
