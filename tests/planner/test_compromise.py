"""Several objectives: worth, limits and the front, on a line where one objective rises as the other falls."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worlds import CONFIG, write_config

from orchestrator.campaign import Campaign
from orchestrator.cli import replay
from orchestrator.config.schema import PlannerConfig
from orchestrator.data import DataError, Rows, read_rows
from orchestrator.ledger import Ledger
from orchestrator.objective import Objective
from orchestrator.planner import Observation, Planner
from orchestrator.space import Parameter, ParameterSpace

SPACE = ParameterSpace([Parameter("x")])
GAIN = Objective("gain", "g")
XS = np.linspace(0, 1, 9)


def cost(**preference: float) -> Objective:
    return Objective("cost", "h", "minimise", **preference)


def rows(*, hours: float | None = None) -> list[Observation]:
    """Gain x, cost 10 x squared: the front is the whole line."""
    return [Observation({"x": float(x)}, float(x), further={"cost": 10 * float(x) ** 2}, hours=hours) for x in XS]


def planner(*further: Objective, **settings: Any) -> Planner:
    settings = {"surrogate": "gp", "initial_runs": 1, "samples": 512} | settings
    return Planner(SPACE, GAIN, PlannerConfig(**settings), seed=3, further=further)


@pytest.mark.parametrize(("worth", "x"), [(0.2, 0.25), (0.05, 1.0)])
def test_worth_moves_the_best_point_to_where_the_trade_is_best(worth: float, x: float) -> None:
    """X - worth 10 x^2 is highest at x = 1 / (20 worth), or at the end of the line."""
    found = planner(cost(worth=worth), acquisition="ucb", kappa=1e-3).ask(rows(), number=1)
    assert found.point["x"] == pytest.approx(x, abs=0.05)
    assert f"weighing {worth:g} g for each h of cost" in found.why


def test_limit_is_kept_with_the_best_gain() -> None:
    """Cost at most 4 leaves x up to 0.63; the prediction of both is told."""
    found = planner(cost(limit=4.0), acquisition="ucb", kappa=1e-3).ask(rows(), number=1)
    assert 0.5 < float(found.point["x"]) < 0.66
    mean, sd = found.further["cost"]
    assert mean == pytest.approx(10 * float(found.point["x"]) ** 2, abs=0.3)
    assert sd > 0
    assert "weighing cost at most 4 h" in found.why
    assert "with all limits kept" in found.why


def test_limit_that_nothing_keeps_is_sought_first() -> None:
    """Where every measured row breaks the limit, the point most likely to keep it comes next."""
    known = [o for o in rows() if float(o.point["x"]) >= 0.5]
    found = planner(cost(limit=1.0)).ask(known, number=1)
    assert float(found.point["x"]) < 0.45
    assert "no measured row keeps the limits yet" in found.why


def test_objectives_without_preference_are_explored_along_the_front() -> None:
    """Other suggestions, other directions; the same suggestion twice is the same point."""
    asked = planner(cost(), acquisition="ucb", kappa=1e-3)
    points = [float(asked.ask(rows(), number=n).point["x"]) for n in range(1, 13)]
    assert points == [float(asked.ask(rows(), number=n).point["x"]) for n in range(1, 13)]
    assert max(points) - min(points) > 0.5


def test_objective_that_no_run_has_measured_is_left_out() -> None:
    """A missing metric does not stop a campaign: the first objective goes on alone, and says so."""
    known = [Observation({"x": float(x)}, float(x)) for x in XS[:-1]]
    found = planner(cost(limit=1.0), acquisition="ucb", kappa=1e-3).ask(known, number=1)
    assert found.point["x"] == pytest.approx(1.0, abs=0.05)
    assert "of the one objective that is measured yet" in found.why


@pytest.mark.parametrize("costs", [[6.0], [6.0, 5.5], [6.0] * 9])
@pytest.mark.parametrize("surrogate", ["gp", "coral-svr"])
def test_limit_is_left_out_while_its_model_could_not_doubt(costs: list[float], surrogate: str) -> None:
    """One value, or the same again and again: a model of it would be certain that nothing anywhere keeps the limit."""
    told = [*({"cost": cost} for cost in costs), *({} for _ in XS[len(costs) :])]
    known = [Observation({"x": float(x)}, float(x), further=more) for x, more in zip(XS, told, strict=True)][:-1]
    found = planner(cost(limit=5.0), surrogate=surrogate, acquisition="ucb", kappa=1e-3).ask(known, number=1)
    assert found.point["x"] == pytest.approx(1.0, abs=0.05)
    assert "without cost, of which too few different values are measured" in found.why


def test_past_rows_tell_of_further_objectives(tmp_path: Path) -> None:
    """As far as the file has them, and the ledger keeps them."""
    (tmp_path / "past.csv").write_text("x,gain [g],cost [h]\n0.1,1,5\n0.2,2,\n0.3,3,7\n0.4,4,2\n", encoding="utf-8")
    rows = read_rows(tmp_path / "past.csv", SPACE, GAIN, [cost(limit=5.0)])
    again = Rows.from_json(json.loads(json.dumps(rows.to_json())))
    for one in (rows, again):
        assert [one.further_of(i) for i in range(4)] == [{"cost": 5.0}, {}, {"cost": 7.0}, {"cost": 2.0}]
    settings = PlannerConfig(surrogate="gp", samples=64, initial_runs=1)
    found = Planner(SPACE, GAIN, settings, initial=rows, further=[cost(limit=5.0)]).suggest()
    assert set(found.further) == {"cost"}
    assert "weighing cost at most 5 h" in found.why


def test_campaign_plans_on_what_its_ledger_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger from before rows told of further objectives has none; what is suggested since can be asked again."""
    rows = "".join(f"{heat},{mass},{cost}\n" for heat, mass, cost in ((10, -900, 1), (50, -100, 7), (90, -2500, 9)))
    (tmp_path / "past.csv").write_text(f"heat,mass,trace_mean\n{rows}", encoding="utf-8")
    config = write_config(tmp_path, CONFIG + "further_objectives: {trace_mean: {goal: minimise, limit: 5}}\n")
    past = {"data.initial": str(tmp_path / "past.csv"), "planner.initial_runs": 2}

    def perform(n_runs: int) -> None:
        campaign = Campaign.from_yaml(config, out=tmp_path / "out", overrides={**past, "budget.runs": n_runs})
        campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
        assert campaign.run().stop.status == "finished"

    with monkeypatch.context() as before:
        whole = Rows.to_json
        before.setattr(Rows, "to_json", lambda rows: {k: v for k, v in whole(rows).items() if k != "further"})
        perform(1)
    perform(3)
    with Ledger.open(tmp_path / "out") as ledger:
        assert "further" not in ledger.state.opened["data"]["initial"]
    assert replay(["--verify", str(tmp_path / "out")]) == 0


def test_past_rows_refuse_a_further_objective_in_another_unit(tmp_path: Path) -> None:
    """As they do for the first one."""
    (tmp_path / "past.csv").write_text("x,gain,cost [min]\n0.1,1,5\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"column 'cost \[min\]' is in 'min' but cost is in 'h'"):
        read_rows(tmp_path / "past.csv", SPACE, GAIN, [cost()])


def test_gain_per_hour_prefers_the_shorter_of_two_equal_runs() -> None:
    """Two hills of one height; runs on the right one take ten times as long."""
    xs = np.linspace(0, 1, 21)
    height = np.exp(-(((xs - 0.25) / 0.1) ** 2)) + np.exp(-(((xs - 0.75) / 0.1) ** 2))
    far = (np.abs(xs - 0.25) > 0.08) & (np.abs(xs - 0.75) > 0.08)  # the tops are not measured yet
    known = [
        Observation({"x": float(x)}, float(y), hours=10.0 if x > 0.5 else 1.0)
        for x, y in zip(xs[far], height[far], strict=True)
    ]
    found = planner(per_hour=True).ask(known, number=1)
    assert float(found.point["x"]) < 0.5
    assert found.further["hours"][0] < 5
    assert "per hour" in found.why


def test_batch_points_differ_and_the_first_is_the_single_suggestion() -> None:
    """Each is chosen as if those before it were being performed; asked again, the batch is the same."""
    asked = planner(acquisition="ei")
    for row in rows():
        asked.tell(row.point, row.value)
    batch = asked.suggest_batch(3)
    assert [s.number for s in batch] == [10, 11, 12]
    assert len({s.point["x"] for s in batch}) == 3
    assert batch[0] == asked.suggest()
    assert asked.suggest_batch(3) == batch
    assert asked.suggest_batch(2, pending=[batch[0].point])[0] == batch[1]
    with pytest.raises(ValueError, match="a batch of 0 suggestions is none"):
        asked.suggest_batch(0)


def test_pending_point_that_is_incomplete_is_refused() -> None:
    """With the parameter it lacks."""
    with pytest.raises(ValueError, match="lacks x"):
        planner().suggest(pending=[{}])


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"further": {"cots": 1.0}}, "further objective 'cots' is unknown; there are cost"),
        ({"further": {"cost": float("nan")}}, "cost=nan is not a finite number"),
        ({"hours": 0.0}, "hours=0.0 is not above 0"),
    ],
)
def test_tell_refuses_what_is_no_objective(told: dict[str, Any], words: str) -> None:
    """By name and value."""
    with pytest.raises(ValueError, match=words):
        planner(cost()).tell({"x": 0.5}, 1.0, **told)


def test_best_keeps_the_limits() -> None:
    """The best observation of those that are of use."""
    asked = planner(cost(limit=4.0))
    for row in rows():
        asked.tell(row.point, row.value, further=row.further)
    best = asked.best()
    assert best is not None
    assert best.point["x"] == 0.625


def test_expected_gain_falls_to_nothing_where_all_is_known() -> None:
    """A dense noiseless line leaves nothing to gain; three rows do."""
    dense = [Observation({"x": float(x)}, float(1 - x**2)) for x in np.linspace(0, 1, 40)]
    sparse = [Observation({"x": x}, 1 - x**2) for x in (0.3, 0.6, 1.0)]
    little, much = (planner().ask(known, number=1).expected_gain for known in (dense, sparse))
    assert little is not None
    assert much is not None
    assert 0 <= little < 1e-3 < much
