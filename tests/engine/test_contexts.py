"""A parameter that names the instrument: points are suggested for the one that is free, and bound to it."""

from pathlib import Path
from typing import Any

import pytest
from worlds import CONFIG, write_config

from orchestrator.campaign import Campaign
from orchestrator.config import ConfigError
from orchestrator.engine import observations
from orchestrator.ledger import Ledger
from orchestrator.planner import Planner
from orchestrator.replay.verify import verify

LIPON = Path(__file__).parents[2] / "configs" / "lipon.yaml"
HEAT = "  heat: {unit: K, low: 0, high: 100}"
TOLD_APART = CONFIG.replace(HEAT, HEAT + "\n  which: {instrument: oven}")
WORLD = {
    "laboratory.instruments.oven": {"driver": "worlds:DriftingOven", "loss": 0},
    "laboratory.instruments.stove": {"driver": "worlds:DriftingOven", "loss": 0, "factor": 0.8, "role": "oven"},
    "laboratory.in_flight": 3,
    "planner.surrogate": "joint-gp",
    "budget.runs": 14,
}


def campaign(folder: Path, text: str = TOLD_APART, **changes: Any) -> Campaign:
    overrides = WORLD | {key.replace("__", "."): value for key, value in changes.items()}
    made = Campaign.from_yaml(write_config(folder, text), out=folder / "out", overrides=overrides)
    made.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    return made


def test_every_run_is_performed_by_the_instrument_its_point_names(tmp_path: Path) -> None:
    """Both take part, and every suggestion comes out the same again."""
    runs = list(campaign(tmp_path).run().state.runs.values())
    assert {r.point["which"] for r in runs} == {"oven", "stove"}
    assert all(r.steps[0].instrument == r.point["which"] for r in runs)
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        assert verify(ledger).holds


def test_the_surrogate_learns_what_tells_them_apart(tmp_path: Path) -> None:
    """The same heat gives four fifths in the stove."""
    made = campaign(tmp_path)
    state = made.run().state
    points = [{"heat": 45.0, "which": which} for which in ("oven", "stove")]
    means, _ = made.planner.predict(observations(state), points)
    assert means[1] / means[0] == pytest.approx(0.8, abs=0.05)


def test_references_and_repeats_keep_to_their_instrument(tmp_path: Path) -> None:
    """The point of a reference names who performs it."""
    reference = {"point": {"heat": 50}, "every": 3}
    runs = list(campaign(tmp_path, policies__reference=reference).run().state.runs.values())
    references = [r for r in runs if r.purpose == "reference"]
    assert {r.point["which"] for r in references} == {"oven", "stove"}
    assert all(r.steps[0].instrument == r.point["which"] for r in runs)


def test_rows_that_do_not_say_who_made_them_are_the_first_instruments(tmp_path: Path) -> None:
    """Rows from before there were two need no further column."""
    (tmp_path / "old.csv").write_text("heat,mass\n10,8\n30,9.5\n70,8.8\n", encoding="utf-8")
    initial = campaign(tmp_path, data__initial=str(tmp_path / "old.csv")).planner.initial
    assert initial is not None
    assert [p["which"] for p in initial.points] == ["oven"] * 3


def test_a_notebook_may_say_for_which_instrument_it_asks(tmp_path: Path) -> None:
    """`context` fixes what the point must have; without it the planner chooses."""
    planner = Planner.from_config(campaign(tmp_path).settings)
    for heat, which, value in ((10, "oven", 8.0), (40, "stove", 8.1), (90, "oven", 7.0), (50, "stove", 7.9)):
        planner.tell({"heat": heat, "which": which}, value)
    asked = planner.ask(planner.observations, number=5, context={"which": "stove"})
    assert asked.point["which"] == "stove"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TOLD_APART.replace("instrument: oven", "instrument: scale"), "'scale' is not laboratory.bottleneck (oven)"),
        (
            TOLD_APART.replace("instrument: oven", "instrument: oven, low: 1, high: 2"),
            "no bounds, levels or fixed value",
        ),
    ],
)
def test_a_parameter_that_names_no_instrument_of_the_bottleneck_is_refused(
    tmp_path: Path, text: str, words: str
) -> None:
    """With the reason."""
    with pytest.raises(ConfigError) as refused:
        campaign(tmp_path, text)
    assert words in str(refused.value)


def test_one_instrument_alone_needs_no_parameter(tmp_path: Path) -> None:
    """There is nothing to tell apart."""
    with pytest.raises(ConfigError, match="there is only one oven; take which out"):
        campaign(tmp_path, laboratory__instruments__stove={"driver": "worlds:Oven"})


def test_a_space_that_exceeds_one_of_the_chambers_is_refused_with_both_numbers(tmp_path: Path) -> None:
    """A second chamber with a smaller target has limits of its own."""
    second = {"driver": "simulated-sputter", "role": "sputter", "max_power_w": 141}
    chamber = {"laboratory.instruments.sputter-b": second, "parameters.chamber": {"instrument": "sputter"}}
    with pytest.raises(ConfigError) as refused:
        Campaign.from_yaml(LIPON, out=tmp_path, overrides=chamber)
    assert "power_w=300 W is above the tool's limit of 141 W" in str(refused.value)
    without = Campaign.from_yaml(LIPON, out=tmp_path, overrides={"laboratory.instruments.sputter-b": second})
    assert without.laboratory.roles["sputter"] == ("sputter", "sputter-b")
