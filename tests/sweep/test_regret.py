from pathlib import Path

import numpy as np
import pytest

from orchestrator.report.drawing import style
from orchestrator.sweep.closing import notes, table
from orchestrator.sweep.outcome import sweep_of
from orchestrator.sweep.picture import figure
from orchestrator.sweep.plan import make
from orchestrator.sweep.regret import yardstick
from orchestrator.sweep.tables import campaign_rows, run_rows, write
from orchestrator.sweep.words import Asked, Seeds, axes_of


@pytest.fixture
def planned(folder):
    """Makes the plan of a sweep of the tiny campaign."""

    def make_plan(*vary: str, seeds: int = 2, **settings: object):
        dotted = {key.replace("__", "."): value for key, value in settings.items()}
        return make(Asked(str(folder.config), dotted, axes_of(vary, ()), Seeds(seeds), folder.out))

    return make_plan


def result(planned, *runs, status="finished", end_h=None):
    """A result whose runs, (heat, value or None, hours at the end), are made up."""
    plain = [
        {
            "run": n,
            "purpose": "search",
            "point": {"heat": heat},
            "status": "failed" if value is None else "measured",
            "failure": "sample" if value is None else None,
            "value": value,
            "counts": value is not None,
            "end_h": hours,
        }
        for n, (heat, value, hours) in enumerate(runs, start=1)
    ]
    lab_h = end_h or max((hours for *_, hours in runs), default=0.0)
    kept = {"key": planned.key, "status": status, "reason": "r", "runs": plain, "lab_h": lab_h, "cpu_s": 1.0}
    return {planned.key: {**kept, "where": "here:1"}}


def test_regret_is_counted_in_noiseless_values(planned):
    """A lucky measurement counts with the truth of its point, a failed run not at all."""
    plan = planned(seeds=1)
    stick = yardstick(plan)
    found = result(plan.campaigns[0], (30, -90.0, 1.0), (40, None, 2.0), (60, 1000.0, 3.0), (38, -4.5, 5.0))
    curve = sweep_of(plan, stick, found).ended[0].curve
    assert curve is not None
    assert stick.best == pytest.approx(0, abs=1e-4)
    np.testing.assert_allclose(curve.regret, [np.nan, 100, 100, 100, 4], atol=1e-3)
    np.testing.assert_allclose(curve.hours, [0, 1, 2, 3, 5])


def test_regret_without_a_truth_is_against_the_best_value_of_the_sweep(planned):
    """The best measured value of any variation has regret 0."""
    plan = planned("laboratory.in_flight=1,2", seeds=1, screening__truth=None)
    first, second = plan.campaigns
    found = result(first, (30, -90.0, 1.0)) | result(second, (60, -40.0, 1.0), (61, -50.0, 2.0))
    sweep = sweep_of(plan, yardstick(plan), found)
    assert [one.curve.regret.tolist()[1:] for one in sweep.ended if one.curve] == [[50.0], [0.0, 0.0]]
    assert "the best value measured in the whole sweep, for want of a truth" in notes(sweep)[0]


def test_regret_of_a_recorded_laboratory_is_against_its_table(tmp_path):
    """The best value that can be found at all is known."""
    (tmp_path / "table.csv").write_text("a [1],b [1],strength [N]\n1,1,3.5\n1,2,7.5\n2,1,5\n2,2,1\n")
    recorded = Path(__file__).parents[2] / "configs" / "recorded.yaml"
    settings = {"laboratory.table": str(tmp_path / "table.csv"), "budget.runs": 2}
    stick = yardstick(make(Asked(str(recorded), settings, [], Seeds(1), tmp_path)))
    assert (stick.best, stick.words) == (7.5, "the best value of the table")


def test_regret_of_a_minimised_objective_is_above_zero(planned):
    """The best is the least."""
    plan = planned(seeds=1, screening__truth=None, objective__goal="minimise")
    sweep = sweep_of(plan, yardstick(plan), result(plan.campaigns[0], (30, 9.0, 1.0), (31, 4.0, 2.0), (32, 6.0, 3.0)))
    assert sweep.yardstick.best == 4.0
    assert sweep.ended[0].curve is not None
    np.testing.assert_allclose(sweep.ended[0].curve.regret, [np.nan, 5, 0, 0])


def test_regret_begins_with_the_initial_rows(planned, tmp_path):
    """What is known before the first run is in hand."""
    (tmp_path / "past.csv").write_text("heat,mass\n30,-100\n90,-2500\n")
    plan = planned(seeds=1, data__initial=str(tmp_path / "past.csv"))
    sweep = sweep_of(plan, yardstick(plan), result(plan.campaigns[0], (60, -400.0, 1.0)))
    assert sweep.ended[0].curve is not None
    np.testing.assert_allclose(sweep.ended[0].curve.regret, [100, 100], atol=1e-3)


@pytest.mark.parametrize("constraint", ["heat <= 25", "heat >= 20"])
def test_yardstick_is_the_best_of_what_is_allowed(planned, constraint):
    """A constraint moves the best point to its edge, or leaves it where it is."""
    best = yardstick(planned(seeds=1, constraints=[constraint])).best
    assert best == pytest.approx(-225 if "<=" in constraint else 0, abs=0.05)


def test_quartiles_keep_what_a_stopped_campaign_has(planned):
    """A campaign that paused early stays at its regret, and one that measured nothing is worse than any."""
    plan = planned(seeds=3)
    a, b, c = plan.campaigns
    found = result(a, (30, -100.0, 1.0), (40, 0.0, 9.0)) | result(b, (50, -100.0, 2.0), status="paused")
    group = sweep_of(plan, yardstick(plan), found | result(c, (40, None, 4.0))).groups[0]
    low, median, high = group.by_runs(np.array([0, 1, 2]))
    np.testing.assert_allclose(low, [np.nan, 100, 0], atol=1e-3)
    np.testing.assert_allclose(median, [np.nan, 100, 100], atol=1e-3)
    assert np.isnan(high).all()
    np.testing.assert_allclose(group.by_hours(np.array([0.5, 1.0, 2.0, 100.0]))[0], [np.nan, 100, 100, 0], atol=1e-3)
    assert group.n_stopped == 1


def test_tables_group_by_what_is_varied(planned, tmp_path):
    """Parquet has the same rows as CSV, with numbers as numbers; lists are text."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra analysis is not installed")
    plan = planned("planner.acquisition=ei,[ucb, mean]", "laboratory.in_flight=1,2", seeds=1)
    found = {}
    for one in plan.campaigns:
        found |= result(one, (30, -90.0, 1.0), (40, None, 2.0))
    ended = sweep_of(plan, yardstick(plan), found).ended
    runs = parquet.read_table(write(run_rows(ended), tmp_path / "runs", "parquet")).to_pylist()
    assert len(runs) == 8
    assert runs[-1]["planner.acquisition"] == '["ucb", "mean"]'
    assert runs[-1]["laboratory.in_flight"] == 2
    assert runs[-1]["failure"] == "sample"
    assert runs[-1]["mass"] is None
    assert runs[-1]["regret"] == pytest.approx(100, abs=1e-3)
    csv = write(campaign_rows(ended), tmp_path / "campaigns", "csv").read_text().splitlines()
    assert csv[0].startswith("planner.acquisition,laboratory.in_flight,seed,status,reason,runs,failed_runs,lab_days")
    assert len(csv) == 5


@pytest.mark.parametrize(
    "vary", [(), ("planner.acquisition=ei,ucb",), ("laboratory.in_flight=1,2,3,4", "planner.kappa=1,2")]
)
def test_picture_says_what_it_shows(planned, vary):
    """Axes with units, the origin of the data, and what regret 0 is; many variations share rows by the first key."""
    plan = planned(*vary, seeds=1)
    found = {}
    for one in plan.campaigns:
        found |= result(one, (30, -90.0, 1.0), (40, None, 2.0))
    with style():
        drawn = figure(sweep_of(plan, yardstick(plan), found))
    texts = " / ".join(text.get_text() for text in drawn.texts)
    assert "SIMULATED DATA" in texts
    assert "regret 0 is" in texts
    by_runs, by_days = drawn.axes[-2:]
    assert (by_runs.get_ylabel(), by_runs.get_xlabel(), by_days.get_xlabel()) == (
        "regret of mass (g)",
        "runs ended",
        "lab days",
    )
    assert len(drawn.axes) == (8 if len(vary) == 2 else 2)


def test_terminal_table_tells_who_is_ahead(planned):
    """Against the first variation, seed by seed, after as many lab days; equal counts half."""
    plan = planned("laboratory.in_flight=1,2")
    ends = [[(30, -100.0, 2.0)], [(35, -25.0, 2.0)], [(36, -16.0, 2.0)], [(36, -16.0, 2.0)]]
    found = {}
    for one, runs in zip(plan.campaigns, ends, strict=True):
        found |= result(one, *runs)
    columns = {column.header: list(column.cells) for column in table(sweep_of(plan, yardstick(plan), found)).columns}
    assert columns["variation"] == ["in_flight 1", "in_flight 2"]
    assert columns["ahead"] == ["", "75 ± 35 %"]
    assert columns["n"] == ["2", "2"]


def test_plan_takes_the_seeds_of_a_whole_variation_last(planned):
    """All variations of one seed come before the next seed, so that a sweep that is stopped compares like with like."""
    plan = planned("laboratory.in_flight=1,2")
    assert [one.seed for one in plan.campaigns] == [3, 3, 4, 4]


def test_regret_knows_the_limits_of_initial_rows(planned, tmp_path):
    """Only rows known to keep them are in hand; that the truth knows no limits is said."""
    (tmp_path / "past.csv").write_text("heat,mass,trace_mean\n40,0,9\n30,-100,1\n42,-4,\n")
    limit = {"trace_mean": {"unit": "1", "goal": "minimise", "limit": 5.0}}
    plan = planned(seeds=1, data__initial=str(tmp_path / "past.csv"), further_objectives=limit)
    stick = yardstick(plan)
    sweep = sweep_of(plan, stick, result(plan.campaigns[0], (60, -400.0, 1.0)))
    assert sweep.ended[0].curve is not None
    np.testing.assert_allclose(sweep.ended[0].curve.regret, [100, 100], atol=1e-3)
    assert "which knows no limits" in notes(sweep)[0]
    assert "which knows no limits" not in yardstick(planned(seeds=1)).words


def test_regret_of_a_recorded_laboratory_is_against_the_rows_that_keep_the_limits(tmp_path):
    """Where the table has them; else it is said that it knows no limits."""
    (tmp_path / "table.csv").write_text("a [1],b [1],cost [h],strength [N]\n1,1,2,3.5\n1,2,9,7.5\n2,1,1,5\n2,2,1,1\n")
    recorded = Path(__file__).parents[2] / "configs" / "recorded.yaml"
    settings = {"laboratory.table": str(tmp_path / "table.csv"), "budget.runs": 2}
    settings |= {"parameters": {"a [1]": {}, "b [1]": {}}}
    for name, told in (
        ("cost", (5.0, "the best value of the table that keeps cost at most 5 h")),
        ("price", (7.5, "the best value of the table, which knows no limits")),
    ):
        limit = {"further_objectives": {name: {"unit": "h", "goal": "minimise", "limit": 5.0}}}
        stick = yardstick(make(Asked(str(recorded), settings | limit, [], Seeds(1), tmp_path)))
        assert (stick.best, stick.words) == told
