"""What can go wrong under a ledger in a file: it is said, nothing acknowledged is lost, and the campaign goes on."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from worlds import write_config

from orchestrator.campaign import Campaign
from orchestrator.clock import SimulatedClock, WallClock
from orchestrator.display.watcher import Silent
from orchestrator.engine.recorder import Recorder
from orchestrator.ledger import Event, Kind, Ledger, LedgerError, LedgerRefused, State
from orchestrator.ledger.sqlite import SqliteStore, network_kind

WHEN: dict[str, Any] = {"lab_s": 0.0, "utc": "2026-01-01T00:00:00+00:00", "origin": "simulated"}
CONFIGURATION = {"parameters": {"x": {}}, "objective": {"name": "y"}, "laboratory": {"clock": "simulated"}}
OPENED = {"format": 1, "epoch": "2026-01-01T00:00:00+00:00", "configuration": CONFIGURATION}
TESTS = Path(__file__).parent.parent


def begun(path: Path) -> Ledger:
    ledger = Ledger.write(path)
    ledger.append(Kind.CAMPAIGN_OPENED, OPENED, **WHEN)
    return ledger


class Limited:
    """A disk that can be full."""

    def __init__(self) -> None:
        self.before = resource.getrlimit(resource.RLIMIT_FSIZE)
        self.action = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def fill(self, n_bytes: int = 1) -> None:
        """Let no file grow beyond a size: the system refuses the write as it does on a full disk."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, self.before[1]))

    def free(self) -> None:
        """Make room."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self.before)

    def restore(self) -> None:
        """Leave everything as it was."""
        self.free()
        signal.signal(signal.SIGXFSZ, self.action)


@pytest.fixture
def disk() -> Iterator[Limited]:
    """A disk that can be full."""
    made = Limited()
    yield made
    made.restore()


def test_full_disk_refuses_an_append_and_loses_nothing(tmp_path: Path, disk: Limited) -> None:
    """What was acknowledged stays, what was refused is not there, and with room again the same ledger goes on."""
    path = tmp_path / "l.sqlite"
    with begun(path) as ledger:
        disk.fill(200_000)
        with pytest.raises(LedgerRefused, match=r"append of event \d+ was refused: the disk"):
            append_without_end(ledger)
        n_events = ledger.state.n_events
        disk.free()
        ledger.append(Kind.NOTE, {"n": n_events}, **WHEN)
    with Ledger.open(path) as again:
        assert [e.body.get("n") for e in again.events()] == [None, *range(1, n_events + 1)]


def append_without_end(ledger: Ledger) -> None:
    for n in range(1, 1000):
        ledger.append(Kind.NOTE, {"n": n, "text": "x" * 5000}, **WHEN)


class Listener(Silent):
    """Notes what is said of the record, and may act on it."""

    def __init__(self, act: Any = None) -> None:
        self.said: list[str] = []
        self.kinds: list[str] = []
        self.act = act

    def event(self, event: Event, state: State) -> None:  # noqa: ARG002 - the protocol's
        """Note the kind."""
        self.kinds.append(str(event.kind))

    def notice(self, text: str) -> None:
        """Note the text."""
        self.said.append(text)
        if self.act is not None:
            self.act(len(self.said))


def recorder(ledger: Ledger, watcher: Silent, patience_s: tuple[float, ...]) -> Recorder:
    return Recorder(ledger, SimulatedClock(datetime(2026, 1, 1, tzinfo=UTC)), watcher, patience_s=patience_s)


def test_refused_append_is_tried_again_aloud_until_there_is_room(tmp_path: Path, disk: Limited) -> None:
    """Two attempts are refused and said; the third is written, once."""
    listener = Listener(lambda n_said: disk.free() if n_said == 2 else None)
    with begun(tmp_path / "l.sqlite") as ledger:
        pen = recorder(ledger, listener, (0.01,) * 5)
        disk.fill()
        pen.record(Kind.NOTE, {"text": "kept"}, origin="real")
        assert [e.body.get("text") for e in ledger.events()] == [None, "kept"]
    assert len(listener.said) == 2
    assert "tried again in 0.01 s" in listener.said[0]
    assert listener.kinds == ["note"]


def test_refused_append_is_given_up_when_patience_ends(tmp_path: Path, disk: Limited) -> None:
    """The event is not there, nothing was told of it, and the ledger can go on."""
    listener = Listener()
    with begun(tmp_path / "l.sqlite") as ledger:
        pen = recorder(ledger, listener, (0.01,) * 3)
        disk.fill()
        with pytest.raises(LedgerRefused, match="the disk"):
            pen.record(Kind.NOTE, {"text": "lost"}, origin="real")
        disk.free()
        pen.record(Kind.NOTE, {"text": "next"}, origin="real")
        assert [e.body.get("text") for e in ledger.events()] == [None, "next"]
    assert (len(listener.said), listener.kinds) == (3, ["note"])


def at_work(path: Path) -> Ledger:
    """Return a ledger in which a real oven bakes."""
    ledger = Ledger.write(path)
    real = {**WHEN, "origin": "real"}
    ledger.append(Kind.CAMPAIGN_OPENED, OPENED, **real)
    ledger.append(Kind.SUGGESTED, {"point": {"x": 1.0}, "why": {}}, run=1, **real)
    ledger.append(Kind.RUN_STARTED, {}, run=1, **real)
    step = {"id": "1.1.1", "instrument": "oven", "action": "bake", "settings": {}}
    ledger.append(Kind.STEP_STARTED, step, run=1, step=1, **real)
    return ledger


def test_refused_telemetry_of_a_real_step_never_costs_its_outcome(tmp_path: Path, disk: Limited) -> None:
    """It stands before the outcome, and so is tried as long; once there is room both are written."""
    with at_work(tmp_path / "l.sqlite") as ledger:
        listener = Listener(lambda n_said: disk.free() if n_said == 20 else None)
        pen, run = recorder(ledger, listener, (0.001,) * 2), ledger.state.runs[1]
        disk.fill()
        pen.record_step(Kind.TELEMETRY, {"id": "1.1.1", "phase": "hot", "values": {}}, run, run.steps[0])
        pen.record_step(Kind.STEP_FINISHED, {"id": "1.1.1", "reading": {"values": {}}}, run, run.steps[0])
        assert run.steps[0].status == "done"
    assert len(listener.said) == 20


def test_refused_outcome_of_a_real_step_is_kept_until_a_person_gives_up(tmp_path: Path, disk: Limited) -> None:
    """Patience has no end for what nothing can bring back; giving up shows it, so that it can be written down."""
    with at_work(tmp_path / "l.sqlite") as ledger:
        listener = Listener(lambda n_said: pen.give_up() if n_said == 20 else None)
        pen = recorder(ledger, listener, (0.001,) * 2)
        run = ledger.state.runs[1]
        outcome = {"id": "1.1.1", "reading": {"values": {"mass": 41.5}, "arrays": {}}}
        disk.fill()
        with pytest.raises(LedgerRefused, match=r"write it down: .*41\.5"):
            pen.record_step(Kind.STEP_FINISHED, outcome, run, run.steps[0])
        assert len(listener.said) == 20
        disk.free()
        pen.record_step(Kind.STEP_FINISHED, outcome, run, run.steps[0])
        assert ledger.state.runs[1].steps[0].status == "done"


CAMPAIGN = """
import resource, signal, sys
from orchestrator import campaign, cli
from orchestrator.engine import recorder
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
recorder.Recorder.__init__.__defaults__ = ((0.01, 0.01), *recorder.Recorder.__init__.__defaults__[1:])
campaign.Campaign.write_results = lambda *_: None
sys.exit(cli.main(sys.argv[2:]))
"""


def test_campaign_on_a_full_disk_stops_with_3_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """The same command, with room again, ends as the campaign that always had room."""
    config = write_config(tmp_path)
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}

    words = [sys.executable, "-c", CAMPAIGN, "75000", str(config), "--out", str(tmp_path / "full")]
    stopped = subprocess.run(words, capture_output=True, text=True, check=False, env=env)
    assert stopped.returncode == 3, stopped.stderr
    assert "the disk" in stopped.stderr
    assert "when the cause is gone, the same command goes on" in stopped.stderr
    assert "tried again" in stopped.stdout
    with Ledger.open(tmp_path / "full" / "ledger.sqlite") as ledger:
        assert ledger.state.n_events > 0
        assert ledger.state.status == "running"
    for out in ("full", "whole"):
        campaign = Campaign.from_yaml(config, out=tmp_path / out)
        campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
        assert campaign.run().stop.status == "finished"
    assert values(tmp_path / "full") == values(tmp_path / "whole")


def values(folder: Path) -> list[tuple[float | None, float | None]]:
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        return [(run.value, run.end_s) for run in ledger.runs()]


def test_locked_file_is_waited_for_and_then_named(tmp_path: Path) -> None:
    """Another program's transaction is no damage: it is waited for, then said, and when it ends the ledger goes on."""
    path = tmp_path / "l.sqlite"
    begun(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerRefused, match="another program holds the file locked"):
        SqliteStore(path, write=True, busy_s=0.1)
    with Ledger.open(path) as reader:
        assert reader.state.n_events == 1
    other.execute("ROLLBACK")
    store = SqliteStore(path, write=True, busy_s=0.1)
    other.execute("BEGIN IMMEDIATE")
    ledger = Ledger(store)
    with pytest.raises(LedgerRefused, match="append of event 2 was refused: another program"):
        ledger.append(Kind.NOTE, {}, **WHEN)
    other.execute("ROLLBACK")
    ledger.append(Kind.NOTE, {}, **WHEN)
    ledger.close()
    other.close()


@pytest.fixture
def somebody() -> Iterator[Path]:
    """A folder, and no more rights than its permissions give: root may write everywhere."""
    folder = Path(tempfile.mkdtemp(prefix="ledger-"))
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    yield folder
    if is_root:
        os.seteuid(0)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o700)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def test_read_only_folder_is_named_and_can_still_be_read(somebody: Path) -> None:
    """A ledger on an archive disk opens for reading; writing says what is in the way."""
    path = somebody / "l.sqlite"
    begun(path).close()
    Path(f"{path}.lock").unlink(missing_ok=True)
    somebody.chmod(0o500)
    with Ledger.open(path) as reader:
        assert reader.state.n_events == 1
    with pytest.raises(LedgerError, match=r"cannot be written \(Permission denied\); choose another folder"):
        Ledger.write(path)
    somebody.chmod(0o700)
    Ledger.write(path).close()


def test_read_only_file_is_named(somebody: Path) -> None:
    """Found when the ledger is opened, not at the first append."""
    path = somebody / "l.sqlite"
    begun(path).close()
    path.chmod(0o400)
    with pytest.raises(LedgerRefused, match="read-only"):
        Ledger.write(path)
    path.chmod(0o600)
    Ledger.write(path).close()


def test_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """A file that SQLite can read is not yet a ledger."""
    path = tmp_path / "l.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE music (title)")
    other.close()
    with pytest.raises(LedgerError, match="without the table attachments, which is no ledger"):
        Ledger.write(path)
    other = sqlite3.connect(path)
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("music",)]
    other.close()


def test_clock_set_back_does_not_set_lab_time_back() -> None:
    """The wall may say what it likes: a resumed campaign begins at its last event, and time goes on from there."""
    future = datetime.now(UTC) + timedelta(days=1)
    clock = WallClock(future, start_s=500.0)
    assert clock.now_s == 500.0
    clock.wake_at(500.01)
    assert clock.advance()
    assert 500.0 < clock.now_s < 501.0


def test_network_file_system_is_warned_of(tmp_path: Path) -> None:
    """The kind of the mount that holds the ledger decides, not that of another."""
    mounts = tmp_path / "mounts"
    share = tmp_path / "my share"
    share.mkdir()
    shown = str(share).replace(" ", "\\040")
    mounts.write_text(f"/dev/a / ext4 rw 0 0\nserver:/x {shown} nfs4 rw 0 0\n//y /elsewhere cifs rw 0 0\n")
    assert network_kind(share / "l.sqlite", mounts) == "nfs4"
    assert network_kind(tmp_path / "l.sqlite", mounts) is None
    assert network_kind(tmp_path / "l.sqlite", tmp_path / "none") is None


def test_warning_about_the_place_reaches_whoever_watches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, before the campaign goes on."""
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/x {tmp_path} nfs rw 0 0\n")
    monkeypatch.setattr("orchestrator.ledger.sqlite._MOUNTS", mounts)
    campaign = Campaign.from_yaml(write_config(tmp_path), out=tmp_path / "out")
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    listener = Listener()
    campaign.run(listener)
    assert len(listener.said) == 1
    assert "is on a network file system (nfs)" in listener.said[0]
