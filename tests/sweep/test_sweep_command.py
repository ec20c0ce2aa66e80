import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.campaign import Campaign
from orchestrator.cli import sweep
from orchestrator.ledger import Ledger
from orchestrator.sweep.results import opened

OVEN = "laboratory.instruments.oven"
SLOWLY = ("--seeds", "3", "--set", f"{OVEN}.slow_s=0.3")


def test_sweep_performs_every_variation_with_every_seed(folder, capsys):
    """Two alternatives of one key and two of another, two seeds: eight campaigns, a table row each, and a picture."""
    words = ["--seeds", "2", "--vary", "planner.acquisition=ei,[ucb, mean]", "--vary", "laboratory.in_flight=1,2"]
    assert folder.sweep(*words) == 0
    rows = folder.rows("campaigns")
    labels = [(row["planner.acquisition"], row["laboratory.in_flight"], row["seed"]) for row in rows]
    kinds = [("ei", "1"), ("ei", "2"), ('["ucb", "mean"]', "1"), ('["ucb", "mean"]', "2")]
    assert labels == [(*kind, seed) for seed in ("3", "4") for kind in kinds]
    assert {row["status"] for row in rows} == {"finished"}
    assert {row["runs"] for row in rows} == {"4"}
    assert len(folder.rows("runs")) == 8 * 4
    assert (folder.out / "regret.png").read_bytes().startswith(b"\x89PNG")
    shown = capsys.readouterr().out
    assert "acquisition ucb+mean, in_flight 2" in shown
    assert "all values are simulated" in shown
    assert "the best noiseless value of the simulated tool (fields:true_mass)" in shown


def test_sweep_performs_the_very_campaign_of_run_campaign(folder, tmp_path):
    """Same seed, same points and values, though its ledger lives in memory and its files in another folder."""
    past = tmp_path / "past.csv"
    past.write_text("heat,mass\n10,-900\n90,-2500\n")
    assert folder.sweep("--seeds", "7-7", "--set", f"data.initial={past}") == 0
    overrides = {"seed": 7, "data.initial": str(past)}
    outcome = Campaign.from_yaml(folder.config, out=tmp_path / "alone", overrides=overrides).run()
    with Ledger.open(outcome.ledger) as ledger:
        alone = [(run.number, run.point["heat"], run.value) for run in ledger.runs()]
    rows = folder.rows("runs")
    assert [(int(row["run"]), float(row["heat"]), float(row["mass"])) for row in rows] == alone


def test_sweep_does_not_repeat_what_is_finished(folder, nobody, capsys):
    """The same command again performs nothing and shows the same; one more seed performs one more campaign."""
    assert folder.sweep("--seeds", "2") == 0
    first = capsys.readouterr().out
    assert folder.sweep("--seeds", "3") == 0
    assert "2 of 3 campaigns were performed before" in capsys.readouterr().err
    assert len(folder.results) == 3
    nobody()
    assert folder.sweep("--seeds", "2") == 0
    assert capsys.readouterr().out == first


def test_sweep_begins_again_when_told_to(folder, capsys):
    """`--new` forgets."""
    assert folder.sweep("--seeds", "1") == folder.sweep("--seeds", "1", "--new") == 0
    assert "before" not in capsys.readouterr().err
    assert len(folder.results) == 1


def test_sweep_shows_what_it_would_perform(folder, nobody, capsys):
    """`--check` performs nothing and leaves nothing behind."""
    nobody()
    assert folder.sweep("--seeds", "5", "--vary", "laboratory.in_flight=1,2", "--check") == 0
    assert "2 x 5 seeds (3 to 7) = 10 campaigns" in capsys.readouterr().out
    assert not folder.out.exists()


def test_sweep_compares_cases_of_several_keys(folder):
    """A case with a name alone is the configuration as it stands."""
    quick = ["two at once", "laboratory.in_flight=2", "laboratory.bottleneck=null"]
    words = ["--case", "today", "--case", *quick, "--set", f"{OVEN}.durations=tied"]
    assert folder.sweep("--seeds", "1", *words) == 0
    today, two = folder.rows("campaigns")
    assert (today["case"], two["case"]) == ("today", "two at once")
    assert float(two["lab_days"]) < float(today["lab_days"])


def test_sweep_tells_of_campaigns_that_break(folder, capsys):
    """A broken one is a row with its error, counts nowhere and is tried again; the others are whole."""
    words = ["--seeds", "2", "--vary", f"{OVEN}.broken=false,true"]
    assert folder.sweep(*words) == 3
    rows = folder.rows("campaigns")
    assert [row["status"] for row in rows] == ["finished", "error"] * 2
    assert "laboratory.instruments.oven: no licence for this oven in a worker" in rows[1]["reason"]
    told = capsys.readouterr()
    assert "2 campaigns broke:" in told.out
    assert "2 of 4 campaigns broke; to go on: sweep-campaigns" in told.err
    assert folder.sweep(*words) == 3
    assert len(folder.results) == 6


def test_sweep_tells_of_campaigns_that_pause(folder, capsys):
    """Nobody resumes them: they keep what they have, and their reason is shown once."""
    words = [f"{OVEN}.failure=instrument", f"{OVEN}.failure_rate=0.9", "policies.after_instrument_failure=pause"]
    assert folder.sweep("--seeds", "3", "--set", *words) == 0
    assert {row["status"] for row in folder.rows("campaigns")} == {"paused"}
    assert "3 campaigns ended before the budget did:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--vary", "planner.acquisitio=ei,ucb"], "--vary planner.acquisitio: planner.acquisitio: "),
        (["--vary", "planner.acquisition=ei,ucbb"], "--vary planner.acquisition: planner.acquisition: "),
        (["--vary", "planner.acquisition"], "--vary planner.acquisition: is not KEY=VALUE"),
        (["--vary", "planner.acquisition="], "has no values"),
        (["--vary", "laboratory.in_flight=1,1"], "has a value twice"),
        (["--vary", "laboratory.in_flight=1,2", "--set", "laboratory.in_flight=2"], "given by --set laboratory.in_f"),
        (["--vary", "laboratory.in_flight=1", "--vary", "laboratory.in_flight=2"], "give it once"),
        (["--vary", "seed=1,2"], "say how many with --seeds"),
        (["--vary", "objective.goal=maximise,minimise"], "cannot be varied"),
        (["--vary", "planner.kappa=1,1.0"], "(kappa 1) and (kappa 1.0): two variations are the same campaign"),
        (["--case", "a", "--case", "a"], "--case a: is given twice"),
        (["--case", "laboratory.in_flight=2"], "a case begins with its name"),
        (["--seeds", "0"], "--seeds 0: is neither"),
        (["--seeds", "9-3"], "--seeds 9-3: is neither"),
        (["--seeds", "4294967290-4294967299"], "a seed is below 4294967296"),
        (["--jobs", "0"], "--jobs 0: is fewer"),
        (["--jobs", "2", "--cluster", "tcp://127.0.0.1:1"], "on a cluster its workers decide"),
        (["--set", "laboratory.clock=wall"], "laboratory.clock: a sweep performs thousands of campaigns"),
        (["--vary", f"{OVEN}.real=false,true"], "oven is real; a sweep performs on simulated or recorded instruments"),
        (["--set", "screening.truth=fields:nothing"], "fields:nothing cannot be imported"),
        (["--set", "screening.truth=math:cos"], "screening.truth: math:cos raised TypeError"),
    ],
)  # fmt: skip
def test_sweep_refuses_before_anything_is_performed(folder, nobody, capsys, words, said):
    """Each mistake is told with its place, and leaves nothing behind."""
    nobody()
    asked = [str(folder.config), "--out", str(folder.out), "--seeds", "2", *words]
    assert sweep(asked) == 2
    assert said in capsys.readouterr().err
    assert not folder.out.exists()


def test_sweep_refuses_a_folder_that_another_sweep_writes(folder, capsys):
    """Two writers of one file would tear it."""
    with opened(folder.out):
        assert folder.sweep("--seeds", "1") == 2
    assert "another sweep writes there" in capsys.readouterr().err


def stopped(folder, stroke: int) -> subprocess.CompletedProcess[str]:
    """Sweep slowly in a process of its own and stop it after the first campaign; workers are gone when this returns."""
    here = Path(__file__)
    path = os.pathsep.join(str(place) for place in (here.parents[2], here.parents[1], here.parent))
    command = [str(Path(sys.executable).parent / "sweep-campaigns"), str(folder.config), "--out", str(folder.out)]
    process = subprocess.Popen(
        [*command, "--jobs", "1", *SLOWLY],
        env=os.environ | {"PYTHONPATH": path},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("1 of 3 campaigns")
    if stroke == signal.SIGINT:
        os.killpg(process.pid, stroke)  # as a terminal does
    else:
        process.send_signal(stroke)
    shown, told = process.communicate(timeout=60)  # ends when the last worker has let go of the pipes
    return subprocess.CompletedProcess(command, process.returncode, shown, told)


def test_sweep_goes_on_after_ctrl_c(folder):
    """What is finished is kept; the command that is told goes on, and performs only the rest."""
    ended = stopped(folder, signal.SIGINT)
    assert ended.returncode == 3
    assert "interrupted; to go on: sweep-campaigns" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "are still to be performed" in ended.stdout
    assert 1 <= len(folder.results) < 3
    assert folder.sweep(*SLOWLY) == 0
    assert len(folder.results) == len({result["key"] for result in folder.results}) == 3


@pytest.mark.parametrize(("stroke", "status"), [(signal.SIGTERM, 3), (signal.SIGKILL, -signal.SIGKILL)])
def test_sweep_takes_its_workers_with_it(folder, stroke, status):
    """Ended by a queue of jobs, or killed: what is finished is kept, and no worker lives on."""
    assert stopped(folder, stroke).returncode == status
    assert 1 <= len(folder.results) < 3
