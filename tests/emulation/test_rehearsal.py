"""A campaign through real sockets: the same points and films as the simulated one, and what is refused."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rehearsal import free_port, on_free_ports, served

from instruments.driver import Identity, Origin
from instruments.sputter.emulator import EmulatedSputter
from orchestrator.campaign import Campaign
from orchestrator.clock import WallClock
from orchestrator.config import ConfigError, Configuration, load
from orchestrator.laboratory import check_origins
from orchestrator.laboratory.emulation import emulated
from orchestrator.ledger import Kind, Ledger, Run

pytestmark = pytest.mark.extra

CONFIGS = Path(__file__).parent.parent.parent / "configs"
HARDWARE = CONFIGS / "lipon-hardware.yaml"
QUICK = {"recipe.low_hz": 20, "recipe.thickness_nm": 150, "budget.runs": 2}


def runs_of(config: Path, out: Path, settings: dict[str, object]) -> list[Run]:
    return list(Campaign.from_yaml(config, out=out, overrides=settings).run().state.runs.values())


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Run], Path]:
    """Two runs against the emulators, and their ledger."""
    out = tmp_path_factory.mktemp("rehearsal")
    with served(HARDWARE, QUICK) as (_, settings):
        runs = runs_of(HARDWARE, out, settings)
    return runs, out / "ledger.sqlite"


def test_rehearsal_differs_from_the_simulated_campaign_in_its_laboratory() -> None:
    """What is varied, measured, planned and spent is the same; only the analyzer's lowest frequency is another."""
    simulated, hardware = (load(CONFIGS / name).plain for name in ("lipon.yaml", "lipon-hardware.yaml"))
    assert hardware.pop("recipe") == simulated.pop("recipe") | {"low_hz": 20}
    for plain in (simulated, hardware):
        for section in ("campaign", "laboratory", "emulation"):
            plain.pop(section)
    assert hardware == simulated


def test_rehearsal_tries_the_points_of_the_simulated_campaign(
    rehearsed: tuple[list[Run], Path], tmp_path: Path
) -> None:
    """Another laboratory block, the same campaign: points, outcomes and values, to what a float32 can tell."""
    simulated = runs_of(CONFIGS / "lipon.yaml", tmp_path, QUICK)
    for run, expected in zip(rehearsed[0], simulated, strict=True):
        assert dict(run.point) == pytest.approx(dict(expected.point), rel=1e-6)
        assert (run.status, run.failure) == (expected.status, expected.failure)
        assert (run.value or 0.0) == pytest.approx(expected.value or 0.0, rel=1e-5)


def test_rehearsal_is_recorded_as_simulated(rehearsed: tuple[list[Run], Path]) -> None:
    """Emulated tools are simulated in every event, and the ledger keeps how fast the clock was."""
    with Ledger.open(rehearsed[1]) as ledger:
        events = list(ledger.events())
    assert {event.origin for event in events} == {"simulated"}
    assert events[0].body["configuration"]["laboratory"]["rate"] == 60000
    connected = [e.body for e in events if e.kind == Kind.INSTRUMENT_CONNECTED]
    assert all("mulat" in body["maker"] + body["model"] for body in connected)


def test_rehearsal_that_is_killed_waits_for_the_same_film(tmp_path: Path) -> None:
    """Killed in mid-deposition, it finds the tool still at it, and nothing is deposited twice."""
    slower = {"laboratory.rate": 20_000, "recipe.thickness_nm": 100, "budget.runs": 1}
    slower |= {"emulation.sputter.load_lock": True}
    with served(HARDWARE, slower) as (emulators, settings):
        command = [sys.executable, "-c", "from orchestrator.cli import main; raise SystemExit(main())", str(HARDWARE)]
        pairs = [f"{key}={value}" for key, value in settings.items()]
        with subprocess.Popen([*command, "--out", str(tmp_path), "--quiet", "--set", *pairs]) as doomed:
            sputter = emulators.emulators["sputter"]
            assert isinstance(sputter, EmulatedSputter)
            end = time.monotonic() + 60
            while sputter.memory.shown("forward_w") == 0 and time.monotonic() < end:
                time.sleep(0.01)
            doomed.kill()
        run = runs_of(HARDWARE, tmp_path, settings)[0]
        assert list(emulators.world.shelf) == ["film-1.1.1"]
    assert run.status == "measured"
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        events = [event for event in ledger.events() if event.step == 1]
    kinds = [event.kind for event in events if event.kind != Kind.TELEMETRY]
    assert kinds == [Kind.STEP_STARTED, Kind.STEP_IN_DOUBT, Kind.DOUBT_RESOLVED, Kind.STEP_FINISHED]
    assert next(e for e in events if e.kind == Kind.DOUBT_RESOLVED).body["how"] == "waited"


@pytest.fixture
def configuration() -> Configuration:
    return load(HARDWARE)


def identities(**origins: Origin) -> dict[str, Identity]:
    return {role: Identity("maker", "model", "1", origin) for role, origin in origins.items()}


def test_laboratory_refuses_emulators_among_real_tools() -> None:
    """A real campaign does not start with something simulated in it, unless that is said to be meant."""
    mixed = identities(sputter=Origin.REAL, evaporator=Origin.HUMAN, analyzer=Origin.SIMULATED)
    place = r"lipon-hardware\.yaml:\d+:\d+: laboratory\.instruments"
    with pytest.raises(ConfigError, match=place + r": sputter \(real\), evaporator \(human\) beside analyzer \(sim"):
        check_origins(load(HARDWARE, {"laboratory.rate": 1}), mixed)
    check_origins(load(HARDWARE, {"laboratory.rate": 1, "laboratory.mixed": True}), mixed)


@pytest.mark.parametrize("origin", [Origin.REAL, Origin.HUMAN])
def test_laboratory_refuses_a_fast_clock_for_real_tools(configuration: Configuration, origin: Origin) -> None:
    """Twelve hours of a real tool are twelve hours."""
    with pytest.raises(ConfigError, match=r"laboratory\.rate: lab time cannot pass 60000 times as fast for sputter"):
        check_origins(configuration, identities(sputter=origin))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"laboratory.clock": "simulated"}, "rate is for a rehearsal on the wall clock"),
        ({"emulation.oven": {}}, "emulation of oven, but the instruments are sputter, evaporator, analyzer"),
        ({"laboratory.rate": 0}, "greater than 0"),
    ],
)
def test_configuration_of_a_rehearsal_is_checked(settings: dict[str, object], message: str) -> None:
    """A rate without a wall clock, or an emulator of nothing, is refused with its place."""
    with pytest.raises(ConfigError, match=message):
        load(HARDWARE, settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"laboratory.instruments.sputter.host": "0.0.0.0"}, r"sputter: .*serves this computer alone"),  # noqa: S104
        ({"laboratory.instruments.sputter.host": "10.0.0.7"}, r"sputter: .*serves this computer alone"),
        ({"emulation.sputter.watchdgo_s": 1}, r"emulation\.sputter\.watchdgo_s: .*did you mean 'watchdog_s'"),
        (
            {"emulation.sputter.stick": ["tick"]},
            r"sputter: its emulator .*stick: the register map has no tick; it has state",
        ),
        ({"emulation.sputter.misbehaviour.drop": 2}, r"emulation\.sputter\.misbehaviour\.drop: 2 is refused"),
    ],
)
def test_emulators_refuse_with_the_place_in_the_file(settings: dict[str, object], message: str) -> None:
    """Everything wrong is told as it is for a campaign: file, line, value, way out."""
    with pytest.raises(ConfigError, match=message):
        emulated(load(HARDWARE, on_free_ports(HARDWARE) | settings))


def test_emulators_need_a_free_port() -> None:
    """A port that is taken is named, with the instrument it was for."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = {"laboratory.instruments.sputter.port": taken.getsockname()[1]}
        with pytest.raises(ConfigError, match=r"sputter: its emulator cannot be served: .*in use"):
            emulated(load(HARDWARE, on_free_ports(HARDWARE) | port))


def test_command_serves_until_it_is_interrupted() -> None:
    """It tells where, and that the data are simulated; Ctrl-C ends it without a word."""
    port = free_port()
    settings = [f"{key}={value}" for key, value in (on_free_ports(HARDWARE) | {"emulation": {}}).items()]
    settings[0] = f"laboratory.instruments.sputter.port={port}"
    command = [sys.executable, "-c", "from orchestrator.cli import emulate; raise SystemExit(emulate())"]
    process = subprocess.Popen([*command, str(HARDWARE), "--set", *settings], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert re.fullmatch(rf"sputter +modbus://127\.0\.0\.1:{port}  emulated, its data are simulated\n", first)
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            os.kill(process.pid, signal.SIGINT)
            assert process.wait(10) == 0


def test_wall_clock_of_a_rehearsal_runs_at_its_rate() -> None:
    """An hour of lab time passes in less than a second on the wall, and no earlier than an hour."""
    clock = WallClock(datetime.now(UTC), rate=36_000.0)
    clock.wake_at(3600.0)
    assert clock.advance()
    assert 3600.0 <= clock.now_s < 7200.0


def test_wall_clock_of_a_rehearsal_stands_still_between_runs() -> None:
    """A rehearsal that is resumed tomorrow goes on at its last event, not 60000 days later."""
    yesterday = datetime(2026, 1, 5, tzinfo=UTC)
    assert WallClock(yesterday, start_s=500.0, rate=60_000.0).now_s == 500.0
