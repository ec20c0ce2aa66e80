"""A blocking driver that does not answer in time: its step is in doubt, never failed, and never hangs the campaign."""

import math
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hanging import HangingScale
from worlds import CONFIG, bake_only, write_config

from instruments.driver import Action, Command, FailureClass, Identity, InstrumentError, Moved, Phase, Reading
from orchestrator.campaign import Campaign, Outcome
from orchestrator.chance import stream
from orchestrator.clock import WallClock, wall
from orchestrator.clock.hearing import Overdue
from orchestrator.clock.patience import within
from orchestrator.config import ConfigError
from orchestrator.config.schema import PoliciesConfig
from orchestrator.engine import Word
from orchestrator.engine.policies import decide
from orchestrator.laboratory import laboratory as laboratory_module
from orchestrator.ledger import Event, Ledger

OVEN = CONFIG.replace('scale: {driver: "worlds:Scale"}', "").replace("bake_and_weigh", "bake_only")
OVEN = OVEN.replace("bottleneck: oven", "clock: wall").replace("worlds:Oven", "hanging:HangingOven")
OVEN = OVEN.replace("budget: {runs: 4}", "budget: {runs: 1}")


def run(folder: Path, text: str, words: list[Word] | None = None, **overrides: Any) -> Outcome:
    overrides = {key.replace("__", "."): value for key, value in overrides.items()}
    campaign = Campaign.from_yaml(write_config(folder, text), out=folder / "out", overrides=overrides)
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    return campaign.run(words=words or [])


def events(folder: Path) -> list[Event]:
    with Ledger.open(folder / "out" / "ledger.sqlite") as ledger:
        return [e for e in ledger.events() if e.run is not None]


@pytest.mark.parametrize(("fails", "ending"), [(False, "step_finished"), (True, "step_failed")])
def test_timeout_is_doubt_and_the_late_answer_is_recorded(tmp_path: Path, fails: bool, ending: str) -> None:  # noqa: FBT001
    """Overdue at 0.2 s, answered at 0.6 s: the run goes on with what came late, be it a reading or a failure."""
    oven = {"driver": "hanging:HangingOven", "late_s": 0.6, "fails": fails}
    outcome = run(tmp_path, OVEN, laboratory__instruments__oven=oven)
    assert outcome.stop.status == "finished"
    kinds = [(e.kind, e.body.get("how")) for e in events(tmp_path)][2:-1]
    assert kinds[:2] == [("step_started", None), ("step_in_doubt", None)]
    assert kinds[2] == ("telemetry", None)
    assert ("doubt_resolved", "late") in kinds
    assert kinds[-1][0] == ending
    doubt = next(e for e in events(tmp_path) if e.kind == "step_in_doubt")
    assert doubt.body["reason"] == "no answer within 0.2 s"


def test_timeout_without_an_answer_pauses_and_asks(tmp_path: Path) -> None:
    """When nothing else can go on and patience is spent, a person is asked; their word settles it."""
    stop = run(tmp_path, OVEN, policies__late_answer_min=0.005).stop
    assert (stop.status, stop.exit_code) == ("paused", 4)
    assert "step 1.1.1, oven.bake, is in doubt" in stop.reason
    assert "--resolve 1.1=done|failed|repeat" in stop.reason
    words = [Word(1, 1, "done", "I looked: it had ended", {"sample": "-3.5"})]
    again = run(tmp_path, OVEN, words, policies__late_answer_min=0.005)
    assert (again.stop.status, again.state.runs[1].value) == ("finished", -3.5)
    assert [e.body["id"] for e in events(tmp_path) if e.kind == "step_started"] == ["1.1.1"]


SIMULATED = CONFIG.replace("budget: {runs: 4}", "budget: {runs: 1}")
TIMEOUT = {"policies__instruments": {"oven": {"timeout_min": 1}}}


@pytest.mark.parametrize(("durations", "n_before"), [("tied", 1), ("long", 0)])
def test_simulated_step_is_in_doubt_when_a_real_one_would_be(tmp_path: Path, durations: str, n_before: int) -> None:
    """Two phases of 60 or 100 s with a timeout of 60 s: a rehearsal shows the doubt, and then the late answer."""
    oven = {"driver": "worlds:Oven", "durations": durations}
    assert run(tmp_path, SIMULATED, laboratory__instruments__oven=oven, **TIMEOUT).stop.status == "finished"
    baked = [e for e in events(tmp_path) if e.body.get("id") == "1.1.1"]
    before, after = ["telemetry"] * n_before, ["telemetry"] * (2 - n_before)
    assert [e.kind for e in baked] == [
        "step_started",
        *before,
        "step_in_doubt",
        *after,
        "doubt_resolved",
        "step_finished",
    ]
    doubt, resolved = (next(e for e in baked if e.kind == kind) for kind in ("step_in_doubt", "doubt_resolved"))
    assert (doubt.lab_s - baked[0].lab_s, doubt.body["reason"]) == (60.0, "no answer within 60 s")
    assert resolved.body["how"] == "late"


def test_simulated_step_within_its_timeout_is_never_in_doubt(tmp_path: Path) -> None:
    """An answer at the very second at which it is due is in time."""
    oven = {"driver": "worlds:Oven", "durations": "tied"}
    timeout = {"policies__instruments": {"oven": {"timeout_min": 2}}}
    run(tmp_path, SIMULATED, laboratory__instruments__oven=oven, **timeout)
    assert "step_in_doubt" not in [e.kind for e in events(tmp_path)]


BOTH = CONFIG.replace("worlds:Oven", "worlds:BlockingOven").replace("worlds:Scale", "hanging:HangingScale")
BOTH = BOTH.replace("bottleneck: oven", "clock: wall\n  in_flight: 2").replace("budget: {runs: 4}", "budget: {runs: 2}")
BOTH = BOTH.replace("recipe: worlds:bake_and_weigh", "recipe: {name: 'worlds:bake_then_weigh'}")


def both(folder: Path, **overrides: Any) -> Outcome:
    overrides |= {"laboratory.instruments.scale.folder": str(folder), "policies.late_answer_min": 0.005}
    campaign = Campaign.from_yaml(write_config(folder, BOTH), out=folder / "out", overrides=overrides)
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    return campaign.run()


def test_timeout_quarantines_one_instrument_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second run bakes while the scale hangs, and is not weighed on it; after resuming both are weighed again."""
    monkeypatch.setattr(laboratory_module, "CLOSE_S", 0.1)
    stop = both(tmp_path).stop
    assert "step 1.2.1, scale.weigh, is in doubt" in stop.reason
    ids = [e.body["id"] for e in events(tmp_path) if e.kind == "step_started"]
    assert ids == ["1.1.1", "1.2.1", "2.1.1"]
    (tmp_path / "go").touch()
    again = both(tmp_path)
    assert again.stop.status == "finished"
    assert [r.status for r in again.state.runs.values()] == ["measured"] * 2
    resolved = [(e.body["how"], e.body["note"]) for e in events(tmp_path) if e.kind == "doubt_resolved"]
    assert resolved == [("repeat", "weigh may be repeated on the same sample")]
    assert [e.body["id"] for e in events(tmp_path) if e.kind == "step_started"].count("1.1.1") == 1


def test_halt_of_a_driver_that_hangs_ends_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its step is in doubt after a short while, and nobody waits for its thread."""
    monkeypatch.setattr(wall, "HALT_S", 0.1)
    clock = WallClock(wall.datetime.now(wall.UTC))
    scale = HangingScale(name="scale", folder=tmp_path)
    clock.perform((1, 1), scale, Command("scale", "weigh", {"sample": "1"}, "1.1.1"), stream(0, "x"), start_s=0.0)
    clock.hurry()
    news = []
    while not clock.is_idle:
        assert clock.advance()
        news += [post.news for post in clock.due()]
    assert news == [Overdue("no answer within 0.1 s of being halted")]
    assert not clock.advance()


class PatientScale(HangingScale):
    """Declares a timeout that never comes."""

    def __init__(self, *, name: str, folder: Path) -> None:
        super().__init__(name=name, folder=folder)
        self.actions = {"weigh": replace(self.actions["weigh"], timeout_s=math.inf)}


def test_driver_that_is_never_overdue_is_waited_for(tmp_path: Path) -> None:
    """That nothing is due does not mean that nothing is under way; its answer is heard when it comes."""
    clock = WallClock(wall.datetime.now(wall.UTC))
    scale = PatientScale(name="scale", folder=tmp_path)
    clock.perform((1, 1), scale, Command("scale", "weigh", {"sample": "1"}, "1.1.1"), stream(0, "x"), start_s=0.0)
    threading.Timer(0.1, (tmp_path / "go").touch).start()
    assert clock.advance()
    assert [post.news for post in clock.due()] == [Reading({"mass": 1.0})]
    assert not clock.advance()


class ChattyScale(HangingScale):
    """Tells what it does as fast as it can, until the file lies there; many names of phases, or one and another."""

    def __init__(self, *, name: str, folder: Path, is_inventive: bool) -> None:
        super().__init__(name=name, folder=folder)
        self._is_inventive = is_inventive

    def perform(self, command: Command, report: Any) -> Reading:
        """Flood."""
        n = 0
        while not (self._folder / "go").exists():
            report(f"look {n}" if self._is_inventive else "look", {"n": n})
            n += 1
        report("done", {})
        return super().perform(command, report)


def heard(scale: ChattyScale, until_s: float) -> list[Any]:
    """What a slow listener hears of a flood in some seconds, and of its end."""
    clock = WallClock(wall.datetime.now(wall.UTC))
    clock.perform((1, 1), scale, Command("scale", "weigh", {"sample": "1"}, "1.1.1"), stream(0, "x"), start_s=0.0)
    news: list[Any] = []
    threading.Timer(until_s, (scale._folder / "go").touch).start()
    while not (news and isinstance(news[-1], Reading)):
        clock.advance()
        news += [post.news for post in clock.due()]
        time.sleep(0.002)  # as a ledger that writes
    return news


def test_flood_of_telemetry_hides_no_timeout(tmp_path: Path) -> None:
    """A driver that reports faster than anybody writes is overdue when it is due, not when it falls silent."""
    news = heard(ChattyScale(name="scale", folder=tmp_path, is_inventive=True), until_s=1.0)
    overdue = news.index(Overdue("no answer within 0.2 s"))
    assert 0 < overdue < 200
    assert isinstance(news[overdue + 1], Phase)


def test_same_phase_is_heard_a_few_times_a_second(tmp_path: Path) -> None:
    """What is reported faster is dropped; another phase is heard at once."""
    news = heard(ChattyScale(name="scale", folder=tmp_path, is_inventive=False), until_s=0.5)
    names = [n.name for n in news if isinstance(n, Phase)]
    assert names in (["look"] * 5 + ["done"], ["look"] * 10 + ["done"])  # one second began, or two


def test_within_hands_on_what_is_returned_and_raised() -> None:
    """In time a call is as if it were made here."""
    assert within(5, lambda: Reading({"mass": 1.0})).mass == 1.0
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 / 0)
    with pytest.raises(TimeoutError, match=r"no answer within 0\.05 s"):
        within(0.05, lambda: time.sleep(1))


class DeafScale(HangingScale):
    """Does not even connect."""

    def connect(self) -> Identity:
        """Hang."""
        time.sleep(60)
        return super().connect()


def test_connecting_that_hangs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead link costs two minutes at most, and nothing has begun."""
    monkeypatch.setattr(laboratory_module, "CONNECT_S", 0.1)
    laboratory = laboratory_module.Laboratory({"scale": DeafScale(name="scale", folder=tmp_path)}, bake_only)
    with pytest.raises(ConfigError, match=r"instrument scale: does not answer: TimeoutError: no answer within 0\.1 s"):
        laboratory.connect()


def test_halted_step_pauses_the_campaign() -> None:
    """A halt that nobody here asked for, at the tool's own button, is not answered by trying again at once."""
    action = Action({}, {}, 1, 1)
    decision = decide(InstrumentError(FailureClass.HALTED, "stop button", Moved.NO), action, 1, PoliciesConfig())
    assert (decision.pause, decision.retry, decision.halt) == (True, True, False)
