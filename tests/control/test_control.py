"""Pausing, stopping and looking from another process: what becomes of a request, wherever the campaign stands."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from worlds import CONFIG, write_config

from orchestrator.address import Address
from orchestrator.campaign import Campaign, Outcome
from orchestrator.cli import main
from orchestrator.control.status import Calendar
from orchestrator.display.watcher import Silent
from orchestrator.ledger import Event, Kind, Ledger, State, leave
from orchestrator.ledger.opening import open_store
from orchestrator.ledger.person import person

TESTS = Path(__file__).parent.parent
DATE = r"\d{4}-\d\d-\d\d \d\d:\d\d"
RUN = "import sys; from orchestrator.cli import main; sys.exit(main(sys.argv[1:]))"
# A bake of two minutes has two phases of three seconds on the wall, longer than it takes the campaign to look up.
SLOW = CONFIG.replace("bottleneck: oven", "clock: wall\n  rate: 20").replace(
    'driver: "worlds:Oven"', 'driver: "worlds:Oven", durations: tied'
)


class Whisperer(Silent):
    """Does something once, just after an event of a kind about a run was recorded."""

    def __init__(self, kind: Kind, run: int | None, act: Callable[[], object]) -> None:
        self._wanted, self._acts = (kind, run), [act]

    def event(self, event: Event, _state: State) -> None:
        """Do it, if this is the event."""
        if (event.kind, event.run) == self._wanted and self._acts:
            self._acts.pop()()


class Killed(BaseException):
    """The process is gone."""


def campaign(folder: Path, **overrides: Any) -> Campaign:
    keys = {key.replace("__", "."): value for key, value in overrides.items()}
    made = Campaign.from_yaml(write_config(folder), out=folder, overrides=keys)
    made.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    return made


def asked(folder: Path, *asks: str, at: tuple[Kind, int | None] = (Kind.STEP_STARTED, 2), **overrides: Any) -> Outcome:
    """Run a campaign and leave requests just as a step of run 2 was started."""

    def act() -> None:
        for ask in asks:
            leave(folder / "ledger.sqlite", Kind.REQUESTED, {"ask": ask, "who": "ada@lab1", "note": "the gas is empty"})

    return campaign(folder, **overrides).run(Whisperer(*at, act))


def events(folder: Path) -> list[Event]:
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        return list(ledger.events())


def test_control_pause_ends_the_step_and_is_in_the_chain_with_who_and_why(tmp_path: Path) -> None:
    """The step under way is finished, no other begins; the request and the pause are of human origin."""
    stop = asked(tmp_path, "pause").stop
    assert (stop.reason, stop.status, stop.exit_code) == ("paused by ada@lab1: the gas is empty", "paused", 3)
    told = [(e.kind, e.origin, e.body.get("who")) for e in events(tmp_path) if e.origin == "human"]
    assert told == [("requested", "human", "ada@lab1"), ("paused", "human", "ada@lab1")]
    assert [e.kind for e in events(tmp_path) if e.run == 2][-1] == "step_finished"


def test_control_resuming_says_who_and_why_and_forgets_the_request(tmp_path: Path) -> None:
    """The same command goes on to the end, as if nothing had been asked."""
    asked(tmp_path, "pause")
    outcome = campaign(tmp_path).run(note="new bottle")
    assert (outcome.stop.status, len(outcome.state.finished)) == ("finished", 4)
    resumed = next(e for e in events(tmp_path) if e.kind == "resumed")
    why = {"who": person(), "after": "paused by ada@lab1: the gas is empty", "note": "new bottle"}
    assert (resumed.body, resumed.origin) == (why, "human")
    (tmp_path / "whole").mkdir()
    uninterrupted = campaign(tmp_path / "whole").run().state
    assert [r.value for r in outcome.state.finished] == [r.value for r in uninterrupted.finished]


def test_control_stop_lets_the_run_finish_and_closes(tmp_path: Path) -> None:
    """A cake that is baked is weighed; nothing new is suggested; the campaign has ended."""
    outcome = asked(tmp_path, "stop")
    assert (outcome.stop.status, outcome.stop.exit_code, outcome.stop.who) == ("finished", 0, "ada@lab1")
    assert [run.status for run in outcome.state.runs.values()] == ["measured", "measured"]
    assert outcome.state.status == "closed"
    assert not campaign(tmp_path).run().is_new


def test_control_second_stop_closes_after_the_step(tmp_path: Path) -> None:
    """The run stays unfinished, and the summary says so."""
    outcome = asked(tmp_path, "stop", "stop")
    assert (outcome.stop.status, outcome.state.status) == ("finished", "closed")
    assert [run.number for run in outcome.state.open_runs] == [2]


@pytest.mark.parametrize(("asks", "status"), [(("pause", "stop"), "finished"), (("stop", "pause"), "paused")])
def test_control_last_request_counts(tmp_path: Path, asks: tuple[str, ...], status: str) -> None:
    """Two people, two opinions: the later one, and soon."""
    outcome = asked(tmp_path, *asks)
    assert outcome.stop.status == status
    assert len(outcome.state.open_runs) == 1


def test_control_request_outlives_a_kill(tmp_path: Path) -> None:
    """Killed right after it was copied into the chain, the campaign pauses when it is begun again."""

    def act() -> None:
        raise Killed

    leave_and_die = campaign(tmp_path)
    with pytest.raises(Killed):
        leave_and_die.run(Whisperer(Kind.STEP_STARTED, 2, act))
    leave(tmp_path / "ledger.sqlite", Kind.REQUESTED, {"ask": "pause", "who": "ada@lab1"})
    with pytest.raises(Killed):
        campaign(tmp_path).run(Whisperer(Kind.REQUESTED, None, act))
    assert campaign(tmp_path).run().stop.reason == "paused by ada@lab1"
    assert campaign(tmp_path).run().stop.status == "finished"


def test_control_request_that_came_too_late_does_not_pause_who_goes_on(tmp_path: Path) -> None:
    """It was left for a process that had just paused; resuming is the later word."""
    asked(tmp_path, "pause")
    leave(tmp_path / "ledger.sqlite", Kind.REQUESTED, {"ask": "pause", "who": "ada@lab1"})
    assert campaign(tmp_path).run().stop.status == "finished"
    assert [e.kind for e in events(tmp_path)].count("requested") == 2


@pytest.mark.parametrize(
    "message",
    [
        {"ask": "explode", "who": "x"},
        {"ask": "pause"},
        {"ask": ["pause"], "who": "x"},
    ],
)
def test_control_nonsense_in_the_inbox_becomes_a_note(tmp_path: Path, message: dict[str, Any]) -> None:
    """It is kept, and changes nothing."""

    def act() -> None:
        leave(tmp_path / "ledger.sqlite", Kind.REQUESTED, message)
        leave(tmp_path / "ledger.sqlite", Kind.PAUSED, {"reason": "an engine's word, not a person's"})

    assert campaign(tmp_path).run(Whisperer(Kind.STEP_STARTED, 2, act)).stop.status == "finished"
    notes = [e.body["text"] for e in events(tmp_path) if e.kind == "note"]
    assert len(notes) == 2
    assert all("cannot be followed" in note for note in notes)


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[" * 5000,
        "[]",
        '{"kind": "note"}',
        '{"kind": "note", "run": null, "body": {"x": NaN}}',
        '{"kind": "note", "run": "one", "body": {}}',
        '{"kind": "note", "run": null, "body": [1]}',
        '{"kind": "verdict_changed", "run": 1, "body": {"verdict": {}}}',
        '{"kind": "verdict_changed", "run": 99, "body": {"verdict": "invalid"}}',
        '{"kind": "campaign_closed", "run": null, "body": {}}',
    ],
)
def test_control_any_text_in_the_inbox_is_survived(tmp_path: Path, text: str) -> None:
    """Whatever another program wrote there: the campaign goes on, and the ledger can be read again."""

    def act() -> None:
        store = open_store(tmp_path / "ledger.sqlite", post=True)
        store.post(text)
        store.close()

    assert campaign(tmp_path).run(Whisperer(Kind.STEP_STARTED, 2, act)).stop.status == "finished"
    assert [e.kind for e in events(tmp_path)].count("note") == 1


# ---- from the command line, where nothing runs -----------------------------------------------------------------------


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """The folder of a campaign whose process died in run 2."""

    def act() -> None:
        raise Killed

    with pytest.raises(Killed):
        campaign(tmp_path).run(Whisperer(Kind.STEP_STARTED, 2, act))
    return tmp_path


def test_control_pausing_a_campaign_that_does_not_run_says_so_and_records_it(
    killed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At once, with who and why; asked again, nothing changes; the campaign goes on from there."""
    assert main(["--pause", str(killed), "--note", "holidays"]) == 0
    assert (
        f"no process runs this campaign; it is paused now, and its ledger says so (paused by {person()}: holidays)"
        in (capsys.readouterr().out)
    )
    assert main(["--pause", str(killed)]) == 0
    assert "it is paused already" in capsys.readouterr().out
    assert [e.kind for e in events(killed)].count("paused") == 1
    assert campaign(killed).run().stop.status == "finished"


def test_control_stopping_a_campaign_that_does_not_run_closes_it(
    killed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is unfinished is named; then there is nothing left to stop or to pause."""
    assert main(["--stop", str(killed / "ledger.sqlite")]) == 0
    out = capsys.readouterr().out
    assert "it is closed now" in out
    assert "left unfinished: run 2" in out
    for word in ("--stop", "--pause"):
        assert main([word, str(killed)]) == 0
        assert "it is closed already" in capsys.readouterr().out
    assert not campaign(killed).run().is_new


def test_control_status_of_a_campaign_that_died(killed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said that nobody runs it, what it was at, and how to go on; no byte is changed."""
    before = (killed / "ledger.sqlite").read_bytes()
    assert main(["--status", str(killed)]) == 0
    out = capsys.readouterr().out
    assert "not running: nobody writes its ledger" in out
    assert re.search(r"now +step 2\.1\.1 oven\.bake since 2026-01-05 .*; expected to end about 2026-01-05", out)
    assert "1 of 4 runs done" in out
    assert "best" in out
    assert (killed / "ledger.sqlite").read_bytes() == before
    assert not (killed / "ledger.sqlite.writer").exists()


def test_control_status_of_a_paused_a_closed_and_a_damaged_campaign(
    killed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Since when, by whom and why, not how long ago on a simulated clock; damage is named and exits 5."""
    main(["--pause", str(killed), "--note", "holidays"])
    capsys.readouterr()
    assert main(["--status", str(killed)]) == 0
    assert re.search(rf"paused since {DATE} by {person()}: paused by {person()}: holidays", capsys.readouterr().out)
    campaign(killed).run()
    assert main(["--status", str(killed)]) == 0
    assert re.search(rf"closed since {DATE} by engine: all 4 runs of the budget are done", capsys.readouterr().out)
    (killed / "ledger.sqlite").write_bytes((killed / "ledger.sqlite").read_bytes()[:5000])
    assert main(["--status", str(killed)]) == 5
    assert "not a readable ledger" in capsys.readouterr().err


def test_control_status_tells_how_long_ago_where_lab_time_is_that_on_the_wall() -> None:
    """On a simulated clock the date is all there is to tell."""
    epoch = datetime(2026, 1, 5, tzinfo=UTC)
    assert re.fullmatch(DATE, Calendar(epoch, 7200.0, is_real=False).since(3600.0))
    assert re.fullmatch(rf"{DATE} \(1 hours ago\)", Calendar(epoch, 7200.0, is_real=True).since(3600.0))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--pause", "out", "tiny.yaml"], "--pause out: says it all and takes no CONFIG"),
        (["--status", "out", "--runs", "3"], "takes no --runs"),
        (["--status", "nowhere"], "nowhere: no such ledger"),
        (["--status", "configs/lipon.yaml"], "is a configuration; give its ledger, or the campaign's folder"),
        (["--pause", "mysql://x"], "mysql:// is no ledger"),
    ],
)
def test_control_words_that_do_not_fit_exit_2(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    """With the place and the rule."""
    assert main(words) == 2
    assert message in capsys.readouterr().err


# ---- from the command line, on a campaign that runs ------------------------------------------------------------------


@pytest.fixture
def running(tmp_path: Path, place: Path | Address) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Begins a campaign on the wall clock in a process of its own, in a file and in PostgreSQL."""
    write_config(tmp_path, SLOW)
    words = [sys.executable, "-c", RUN, "tiny.yaml", "--out", "."]
    if isinstance(place, Address):
        words += ["--set", f"ledger={place.url}#{place.campaign}"]
    begun = []

    def begin(*more: str) -> subprocess.Popen[str]:
        begun.append(
            subprocess.Popen(
                [*words, *more],
                cwd=tmp_path,
                env=os.environ | {"PYTHONPATH": str(TESTS)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def in_time(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen within 30 s"
        time.sleep(0.1)


def kinds(place: Path | Address) -> list[str]:
    try:
        with Ledger.open(place) as ledger:
            return [e.kind for e in ledger.events()]
    except Exception:  # noqa: BLE001 - just being made
        return []


def test_control_of_a_running_campaign(
    running: Callable[..., subprocess.Popen[str]],
    place: Path | Address,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Looked at, paused in mid-step, resumed, and stopped, all from here: told at once, and every word is kept."""
    text = f"{place.url}#{place.campaign}" if isinstance(place, Address) else str(place)
    process = running()
    in_time(lambda: "step_started" in kinds(place))

    assert main(["--status", text]) == 0
    out = capsys.readouterr().out
    assert re.search(rf"state +running: .*@.* \(process {process.pid} since .*Z\) writes its ledger", out)
    assert re.search(r"now +step 1\.1\.1 oven\.bake since", out)

    assert main(["--pause", text, "--note", "fire drill"]) == 0
    assert f"(process {process.pid} since" in capsys.readouterr().out
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 3, out
    assert f"asked to pause by {person()}: fire drill; the steps under way end first" in out
    assert f"paused: paused by {person()}: fire drill" in out
    seen = kinds(place)
    assert seen.index("requested") < seen.index("step_finished") < seen.index("paused")

    process = running("--note", "all well")
    in_time(lambda: kinds(place).count("step_started") > 1)
    assert main(["--stop", text]) == 0
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0, out
    with Ledger.open(place) as ledger:
        told = [(e.kind, e.body["who"], e.origin) for e in ledger.events() if e.origin == "human"]
        assert [run.status for run in ledger.runs()] == ["measured"]
    assert [kind for kind, *_ in told] == ["requested", "paused", "resumed", "requested", "campaign_closed"]
    assert {who for _, who, _ in told} == {person()}
