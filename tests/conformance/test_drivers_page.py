"""The worked example of docs/drivers.md is run as it stands: the driver, its recipe and its configuration."""

import re
import socketserver
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from instruments.conformance import Subject, Verdict, examine
from instruments.driver import Command, InstrumentError, Load, Scalar
from orchestrator.campaign import Campaign
from orchestrator.cli import main
from orchestrator.config import load
from orchestrator.laboratory import build

PAGE = (Path(__file__).parents[2] / "docs" / "drivers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
DRIVER, RECIPE, LOAD, SIMULATED = (text for kind, text in BLOCKS if kind == "python")
CAMPAIGN, QUIET, FORETOLD, ANALYZER, PEOPLE = (text for kind, text in BLOCKS if kind == "yaml")


class Plate(socketserver.ThreadingTCPServer):
    """What the hotplate does on its side of the wire."""

    daemon_threads = True

    def __init__(self) -> None:
        self.celsius, self.bad, self.words = 20.0, "", list[str]()
        self.next_bad: dict[str, str] = {}
        super().__init__(("127.0.0.1", 0), Line)


class Line(socketserver.StreamRequestHandler):
    """One line, one answer."""

    def handle(self) -> None:
        """Answer, unless told to be silent or to babble."""
        word, _, value = self.rfile.readline().decode().strip().partition(" ")
        plate = self.server
        assert isinstance(plate, Plate)
        plate.words.append(word)
        bad, plate.bad = plate.bad or plate.next_bad.pop(word, ""), ""
        if bad == "silent":
            time.sleep(4)
            return
        plate.celsius = float(value) if word == "SET" else 20.0 if word == "OFF" else plate.celsius
        answer = {"ID?": "Acme,HP-1,17", "T?": f"{plate.celsius}"}.get(word, "OK")
        told = (answer if bad in ("", "split", "cut") else "\x07 hot!").encode() + b"\n"
        self.wfile.write(told[:1])
        if bad == "cut":
            return
        time.sleep(0.05 if bad == "split" else 0)
        self.wfile.write(told[1:])


@pytest.fixture
def plate() -> Iterator[Plate]:
    with Plate() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the page, as a user has them."""
    for name, text in (("hotplate.py", DRIVER), ("annealing.py", RECIPE), ("annealing.yaml", CAMPAIGN)):
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("hotplate", "annealing", "simplate"):
        sys.modules.pop(name, None)
    return tmp_path


def unheard(_phase: str, _values: Mapping[str, Scalar]) -> None:
    """Report to nobody."""


def test_drivers_page_example_passes_the_suite(folder: Path, plate: Plate) -> None:
    """Every question, with a silent and a babbling hotplate; and it is as short as the page says."""
    driver = import_module("hotplate").Hotplate(name="plate", host="127.0.0.1", port=plate.server_address[1])
    command = Command("plate", "anneal", {"celsius": 150.0, "minutes": 0.01})
    silence, garbage = (lambda bad=bad: setattr(plate, "bad", bad) for bad in ("silent", "babbling"))
    found = list(examine(Subject(driver, command, silence, garbage, step_s=10)))
    assert {f.question: f.note for f in found if f.verdict != Verdict.PASSED} == {}
    assert len([line for line in (folder / "hotplate.py").read_text().splitlines() if line.strip()]) <= 66


@pytest.mark.parametrize(
    ("bad", "words"), [("split", ""), ("cut", "T? was answered in part: b'1'"), ("babbling", "T? was answered by")]
)
@pytest.mark.usefixtures("folder")
def test_drivers_page_example_believes_whole_answers_alone(plate: Plate, bad: str, words: str) -> None:
    """One in two packets is one; a part of one, or nonsense, is none, and leaves no plate hot."""
    driver = import_module("hotplate").Hotplate(name="plate", host="127.0.0.1", port=plate.server_address[1])
    command = Command("plate", "anneal", {"celsius": 187.5, "minutes": 0.0}, "1.1.1")
    plate.next_bad = {"T?": bad}
    if words:
        with pytest.raises(InstrumentError, match=re.escape(words)):
            driver.perform(command, unheard)
    else:
        assert driver.perform(command, unheard).reached_c == 187.5
    assert (plate.words[-1], plate.celsius) == ("OFF", 20.0)


def test_drivers_page_load_is_annealed_once(folder: Path, plate: Plate) -> None:
    """Two samples on the plate with six places, each in a thread of its own; alone it passes the suite."""
    (folder / "sixplate.py").write_text(LOAD)
    sys.modules.pop("sixplate", None)
    driver = import_module("sixplate").SixPlate(name="plate", host="127.0.0.1", port=plate.server_address[1])
    anneal, ids = Command("plate", "anneal", {"celsius": 150.0, "minutes": 0.01}), ("1.1.1", "2.1.1")
    commands = [replace(anneal, id=command_id, load=Load(ids, place)) for place, command_id in enumerate(ids)]
    with ThreadPoolExecutor(2) as threads:
        readings = list(threads.map(lambda command: driver.perform(command, unheard), commands))
    assert [reading.reached_c for reading in readings] == [150.0, 150.0]
    assert plate.words.count("SET") == 1
    found = list(examine(Subject(driver, anneal, step_s=10)))
    assert [f.question for f in found if f.verdict == Verdict.FAILED] == []


def test_drivers_page_campaign_runs(folder: Path, plate: Plate) -> None:
    """The configuration and the recipe of the page, with the hotplate where it really listens."""
    port = {"laboratory.instruments.plate.port": plate.server_address[1]}
    campaign = Campaign.from_yaml(folder / "annealing.yaml", out=folder / "out", overrides=port)
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    state = campaign.run().state
    assert [run.status for run in state.runs.values()] == ["measured"] * 2
    assert all(run.value == pytest.approx(run.point["celsius"], abs=0.05) for run in state.runs.values())
    assert state.origin == "real"


def test_drivers_page_forecast_needs_no_hotplate(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody listens at its address; durations are forecast, and with the named counterpart all else."""
    words = [str(folder / "annealing.yaml"), "--out", str(folder / "out"), "--check", "--forecast", "--forecasts", "2"]
    assert main(words) == 0
    assert "what was foreseen of the recipe: plate.anneal" in capsys.readouterr().out
    (folder / "annealing.yaml").write_text(CAMPAIGN + FORETOLD)
    assert main(words) == 2
    assert "simplate:SimulatedHotplate cannot be imported" in capsys.readouterr().err
    (folder / "simplate.py").write_text(SIMULATED)
    assert main(words) == 0
    assert "no tool was touched: plate by SimulatedHotplate" in capsys.readouterr().out


def test_drivers_page_simulated_hotplate_rehearses_a_campaign(folder: Path) -> None:
    """On the simulated clock, from the same recipe; the same seed has the same values, and what ages is recorded."""
    (folder / "simplate.py").write_text(SIMULATED)
    (folder / "annealing.yaml").write_text(CAMPAIGN.replace("clock: wall", "clock: simulated"))
    driver = {"driver": "simplate:SimulatedHotplate", "failure_rate": 0.0}
    rehearsed = []
    for out in ("one", "again"):
        campaign = Campaign.from_yaml(
            folder / "annealing.yaml", out=folder / out, overrides={"laboratory.instruments.plate": driver}
        )
        campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
        rehearsed.append(campaign.run().state)
    one, again = rehearsed
    assert one.origin == "simulated"
    assert [run.value for run in one.runs.values()] == [run.value for run in again.runs.values()]
    assert all(run.value == pytest.approx(run.point["celsius"], abs=3) for run in one.runs.values())
    assert one.runs[2].end_s > one.runs[1].end_s > 60


def test_drivers_page_quiet_hours_are_understood(folder: Path) -> None:
    """They stand as they are in a configuration."""
    (folder / "annealing.yaml").write_text(CAMPAIGN + QUIET)
    assert str(load(folder / "annealing.yaml").settings.policies.quiet_hours) == (
        "22:00 to 06:00 and on sat, sun, Europe/Berlin"
    )


def test_drivers_page_instruments_can_be_built(tmp_path: Path) -> None:
    """The blocks of the page have no key that their drivers do not know, and fit the recipe of the LiPON study."""
    shipped = yaml.safe_load((Path(__file__).parents[2] / "configs" / "lipon.yaml").read_text())
    for block in (ANALYZER, PEOPLE):
        shipped["laboratory"] |= {"clock": "wall", "mixed": True, "bottleneck": None}
        shipped["laboratory"]["instruments"] |= yaml.safe_load(block)
        shipped |= {"data": {}, "screening": {}}
        (tmp_path / "bench.yaml").write_text(yaml.safe_dump(shipped))
        laboratory = build(load(tmp_path / "bench.yaml"))
        assert {"sweep"} == set(laboratory.instruments["analyzer"].actions)
