"""On a Dask cluster of separate processes: a scheduler and two workers, in a folder of their own."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

Client = pytest.importorskip("distributed", reason="the extra cluster is not installed").Client
pytestmark = [pytest.mark.extra, pytest.mark.timeout(300)]

OVEN = "laboratory.instruments.oven"
HERE = Path(__file__)
PYTHONPATH = os.pathsep.join(str(folder) for folder in (HERE.parents[2], HERE.parents[1], HERE.parent))


class Cluster:
    """A scheduler and its workers, each a process without a guardian: a worker that is killed stays dead."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.workers = folder, []
        self.file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--no-dashboard", "--no-show")
        deadline = time.monotonic() + 60
        while not self.file.exists():
            assert time.monotonic() < deadline, (folder / "scheduler.log").read_text()
            time.sleep(0.05)

    @property
    def address(self) -> str:
        """Where the scheduler answers."""
        return str(json.loads(self.file.read_text())["address"])

    def add_worker(self, *, pythonpath: str = PYTHONPATH) -> subprocess.Popen[bytes]:
        """Start a worker of one thread."""
        words = ("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(self.folder))
        self.workers.append(self._start(*words, pythonpath=pythonpath))
        return self.workers[-1]

    def stop(self) -> None:
        """Kill every process that was started here."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _start(self, kind: str, *words: str, pythonpath: str = PYTHONPATH) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", kind, "--scheduler-file", str(self.file), *words]
        with (self.folder / f"{kind}.log").open("ab") as log:
            return subprocess.Popen(
                command, cwd=self.folder, env=os.environ | {"PYTHONPATH": pythonpath}, stdout=log, stderr=log
            )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.stop()


def after_results(folder, n: int) -> None:
    """Return when so many campaigns are finished."""
    results = folder.out / "results.jsonl"
    while not results.exists() or results.read_bytes().count(b"\n") < n:
        time.sleep(0.02)


def n_workers(cluster: Cluster) -> int:
    with Client(cluster.address, set_as_default=False) as client:
        return len(client.nthreads())


def wait_for_workers(cluster: Cluster, n: int) -> None:
    with Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(n, timeout=60)


def test_cluster_finishes_every_campaign_though_a_worker_is_killed(folder, cluster, capsys):
    """A worker dies in mid-campaign: what was finished is not performed again, and the rest is finished elsewhere."""
    past = folder.path / "past.csv"
    past.write_text("heat,mass\n10,-900\n90,-2500\n")
    victim, survivor = cluster.add_worker(), cluster.add_worker()
    wait_for_workers(cluster, 2)
    killer = threading.Thread(target=lambda: after_results(folder, 3) or victim.kill(), daemon=True)
    killer.start()
    diary = folder.path / "diary"
    settings = [f"{OVEN}.slow_s=0.15", f"{OVEN}.diary={diary}", f"data.initial={past}"]
    words = ["--seeds", "6", "--vary", "laboratory.in_flight=1,2", "--set", *settings]
    assert folder.swept("--cluster", cluster.address, *words) == 0
    killer.join()
    assert victim.wait() == -signal.SIGKILL
    rows = folder.rows("campaigns")
    assert [row["status"] for row in rows] == ["finished"] * 12
    assert len(folder.results) == 12
    assert diary.read_text().split().count("1.1.1") <= 13  # the one that died with its worker was begun twice
    pids = {int(row["worker"].rpartition(":")[2]) for row in rows}
    assert pids == {victim.pid, survivor.pid}
    capsys.readouterr()
    assert folder.swept(*words) == 0
    assert "12 of 12 campaigns were performed before" in capsys.readouterr().err


def test_cluster_finds_the_campaigns_that_this_computer_finds(folder, cluster):
    """Same seed, same points and values."""
    cluster.add_worker()
    wait_for_workers(cluster, 1)
    assert folder.swept("--cluster", cluster.address, "--seeds", "2") == 0
    there = folder.rows("runs")
    assert folder.swept("--new", "--seeds", "2", "--jobs", "1") == 0
    assert folder.rows("runs") == there


def test_cluster_with_other_code_is_refused(folder, cluster, tmp_path, capsys):
    """A worker without the recipe's package would find nothing, one with another version other campaigns."""
    (tmp_path / "fields.py").write_text("# another version\n")
    other = cluster.add_worker(pythonpath=os.pathsep.join([str(tmp_path), PYTHONPATH]))
    wait_for_workers(cluster, n_workers(cluster) + (other.poll() is None))
    assert folder.swept("--cluster", cluster.address, "--seeds", "2") == 2
    told = capsys.readouterr().err
    assert "has other code, and would find other campaigns: code of fields is" in told
    assert "install the same there" in told
    other.kill()
    other.wait()


def test_cluster_that_is_not_there_is_refused(folder, capsys, monkeypatch):
    """A scheduler that does not answer is told of before anything is performed."""
    monkeypatch.setattr("orchestrator.sweep.cluster.CONNECT_S", 1.0)
    assert folder.swept("--cluster", "tcp://127.0.0.1:1", "--seeds", "2") == 2
    assert "--cluster tcp://127.0.0.1:1: no scheduler answers there" in capsys.readouterr().err
    assert folder.swept("--cluster", "nonsense://x", "--seeds", "2") == 2
    assert "--cluster nonsense://x" in capsys.readouterr().err


def test_cluster_whose_scheduler_dies_keeps_what_is_finished(folder, tmp_path_factory, capsys):
    """The command says how to go on, which it does on this computer too."""
    cluster = Cluster(tmp_path_factory.mktemp("doomed"))
    cluster.add_worker()
    wait_for_workers(cluster, 1)
    killer = threading.Thread(target=lambda: after_results(folder, 2) or cluster.scheduler.kill(), daemon=True)
    killer.start()
    words = ["--seeds", "6", "--set", f"{OVEN}.slow_s=0.15"]
    assert folder.swept("--cluster", cluster.address, *words) == 3
    killer.join()
    cluster.stop()
    told = capsys.readouterr()
    assert "the scheduler is gone" in told.err
    assert "Traceback" not in told.err
    n_kept = len(folder.results)
    assert 2 <= n_kept < 6
    assert folder.swept(*words) == 0
    assert len(folder.results) == 6
