"""What a forecast says of a campaign, and that it touches neither tools nor ledgers."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from worlds import CONFIG, write_config

from instruments.driver import Action, Quantity
from orchestrator.address import Address
from orchestrator.campaign import Campaign, OtherConfigurationError
from orchestrator.cli import main
from orchestrator.forecast import Forecast, forecast
from orchestrator.forecast.course import Course, Reader
from orchestrator.forecast.night import Night
from orchestrator.ledger import Event

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HARDWARE = Path(__file__).parent.parent.parent / "configs" / "lipon-hardware.yaml"
TIMID = (
    CONFIG.replace("bottleneck: oven", "clock: wall")
    .replace("worlds:Oven", "timid:Untouchable")
    .replace("worlds:Scale", "timid:UntouchableScale")
    .replace("high: 100", "high: 60")
)
EMULATED = (
    TIMID + 'emulation: {oven: {simulated: "worlds:Oven", durations: tied}, scale: {simulated: "worlds:Scale"}}\n'
)
OVEN = "laboratory__instruments__oven__"


@pytest.fixture(autouse=True)
def _own_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


def campaign(folder: Path, text: str = CONFIG, **overrides: Any) -> Campaign:
    keys = {key.replace("__", "."): value for key, value in overrides.items()}
    made = Campaign.from_yaml(write_config(folder, text), out=folder / "out", overrides=keys)
    made.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    return made


def foretold(folder: Path, n: int = 4, text: str = CONFIG, **overrides: Any) -> Forecast:
    return forecast(campaign(folder, text, **overrides), n, now=NOW, n_processes=1)


def test_forecast_performs_whole_campaigns_each_with_another_chance(tmp_path: Path) -> None:
    """All runs of the budget, other durations each time, and the same again when asked again."""
    found = foretold(tmp_path)
    assert [course.outcomes["measured"] for course in found.courses] == [4] * 4
    assert len({course.end_s for course in found.courses}) == 4
    assert found.courses == foretold(tmp_path).courses
    span = found.span(lambda course: course.end_s)
    assert 0 < span.low < span.likely < span.high
    for course in found.courses:
        assert course.busy_s["oven"] + course.busy_s["scale"] == pytest.approx(course.end_s)
        assert (course.person_steps, course.ending) == (4, "all 4 runs of the budget are done")
    assert not (tmp_path / "out").exists()


def test_forecast_knows_no_more_of_the_chance_than_anyone(tmp_path: Path) -> None:
    """A simulated campaign's own chance is that of its seed; a forecast has none of it."""
    lengths = {round(course.end_s, 6) for course in foretold(tmp_path).courses}
    assert round(campaign(tmp_path).run().state.lab_s, 6) not in lengths


def test_forecast_in_several_processes_is_the_same(tmp_path: Path) -> None:
    """Who performs which changes no figure."""
    made = campaign(tmp_path)
    alone, shared = (forecast(made, 6, now=NOW, n_processes=n) for n in (1, 2))

    def sorted_ends(found: Forecast) -> list[float]:
        return sorted(course.end_s for course in found.courses)

    assert sorted_ends(alone) == sorted_ends(shared)


def test_forecast_goes_on_from_where_the_ledger_stands(tmp_path: Path) -> None:
    """What is done is done; hours, runs and pauses of what is left are told, and the ledger is not touched."""
    done = campaign(tmp_path, budget__runs=3).run().state
    before = (tmp_path / "out" / "ledger.sqlite").read_bytes()
    found = foretold(tmp_path, budget__runs=5)
    assert found.n_done == 3
    assert found.plan.start_s == done.lab_s
    for course in found.courses:
        assert course.outcomes.total() == 2
        assert sum(course.busy_s.values()) == pytest.approx(course.end_s - done.lab_s)
    assert (tmp_path / "out" / "ledger.sqlite").read_bytes() == before


@pytest.mark.postgres
def test_forecast_goes_on_from_a_ledger_in_a_database(tmp_path: Path, campaign_address: Address) -> None:
    """The ledger is copied into a file, and no room is told: the disk is the server's."""
    ledger = f"{campaign_address.url}#{campaign_address.campaign}"
    campaign(tmp_path, ledger=ledger, budget__runs=3).run()
    found = foretold(tmp_path, 2, ledger=ledger, budget__runs=5)
    assert (found.n_done, found.free_bytes) == (3, None)
    assert [course.outcomes.total() for course in found.courses] == [2, 2]


def test_forecast_of_a_campaign_under_another_configuration_is_refused(tmp_path: Path) -> None:
    """As running it would be."""
    campaign(tmp_path).run()
    with pytest.raises(OtherConfigurationError, match="seed is 4, but the ledger has 3"):
        foretold(tmp_path, seed=4)


def test_forecast_counts_pauses_and_goes_on(tmp_path: Path) -> None:
    """As if somebody came each time; the reason is kept."""
    found = foretold(tmp_path, **{f"{OVEN}failure": "safety", f"{OVEN}failure_rate": 0.5, "budget__runs": 8})
    assert all(course.outcomes.total() == 8 for course in found.courses)
    assert any(course.pauses for course in found.courses)
    assert not found.stuck


def test_forecast_tells_the_chance_of_the_target(tmp_path: Path) -> None:
    """A value anyone reaches, and one that nobody does."""
    for target, n_reached in ((-1e4, 4), (1e4, 0)):
        found = foretold(tmp_path, stop__target=target)
        assert found.n_reached == n_reached
        assert found.plan.target is not None
        assert found.plan.target.words == "stop.target"


@pytest.mark.parametrize(
    ("traces", "target"),
    [
        (("9", "1", ""), (-100.0, "better than the initial rows that keep trace_mean at most 5")),
        (("1", "2", "3"), (0.0, "better than the initial rows")),
        (("9", "", "8"), None),
    ],
)
def test_forecast_aims_at_past_rows_that_keep_the_limits(
    tmp_path: Path, traces: tuple[str, ...], target: tuple[float, str] | None
) -> None:
    """A row that breaks one, or of which nobody knows, is nothing to surpass."""
    rows = zip(("40,0", "30,-100", "41,-1"), traces, strict=True)
    table = "heat,mass,trace_mean\n" + "".join(f"{row},{trace}\n" for row, trace in rows)
    (tmp_path / "past.csv").write_text(table, encoding="utf-8")
    limit = {"trace_mean": {"goal": "minimise", "limit": 5.0}}
    found = foretold(tmp_path, 1, data__initial=str(tmp_path / "past.csv"), further_objectives=limit)
    plan = found.plan
    assert (plan.target and (plan.target.value, plan.target.words)) == target


def test_forecast_reaches_a_target_only_within_the_limits(tmp_path: Path) -> None:
    """What breaks a limit is no success."""
    limit = {"trace_mean": {"goal": "minimise", "limit": -1e6}}
    assert foretold(tmp_path, 1, stop__target=-1e4).n_reached == 1
    assert foretold(tmp_path, 1, stop__target=-1e4, further_objectives=limit).n_reached == 0


# ---- real tools ------------------------------------------------------------------------------------------------------


def test_forecast_of_real_tools_without_counterparts_knows_durations_alone(tmp_path: Path) -> None:
    """About what the drivers expect, spread; nothing is connected; no value, no failure, no target."""
    found = foretold(tmp_path, 8, TIMID, stop__target=0.0)
    assert found.players.lacking == ("oven", "scale")
    hours = found.span(lambda course: course.end_s / 3600)
    assert 4.5 < hours.low < 6.0 < hours.high < 8.0
    assert hours.low < hours.likely < hours.high
    assert all(course.best is None for course in found.courses)
    assert found.courses[0].performed == {"oven.bake": None, "scale.weigh": None}
    assert (found.plan.epoch, found.plan.target, found.n_reached) == (NOW, None, 0)


def test_forecast_of_real_tools_with_counterparts_knows_outcomes(tmp_path: Path) -> None:
    """They are named in the section of emulation, with their options, and have the durations of their own phases."""
    found = foretold(tmp_path, text=EMULATED)
    assert dict(found.players.replaced) == {"oven": "worlds:Oven", "scale": "worlds:Scale"}
    assert {course.busy_s["oven"] for course in found.courses} == {4 * 120.0}
    assert all(course.best is not None for course in found.courses)


def test_forecast_finds_a_command_that_the_real_tool_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counterpart could do it; the limit is the real oven's, and it hangs on a reading. Exit 2, with the reason."""
    monkeypatch.chdir(tmp_path)
    text = EMULATED.replace("worlds:bake_and_weigh", "timid:bake_again_hotter")
    found = foretold(tmp_path, text=text)
    assert len(found.stuck) == 4
    assert main(["tiny.yaml", "--forecasts", "2"]) == 2
    out = " ".join(capsys.readouterr().out.split())
    assert "cannot go on in 2 of 2: recipe: run 1: oven.bake: heat=65 K is above the tool's limit of 60 K" in out


def test_forecast_of_a_counterpart_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """With its place in the YAML."""
    with pytest.raises(Exception, match=r"tiny\.yaml.*Oven2 cannot be imported"):
        foretold(tmp_path, text=EMULATED.replace("worlds:Oven", "worlds:Oven2"))


@pytest.mark.extra
def test_forecast_of_the_shipped_hardware_needs_no_tool(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No emulator is served, and everything is forecast all the same."""
    pytest.importorskip("pymodbus")
    pytest.importorskip("pyvisa_py")
    words = [str(HARDWARE), "--check", "--forecast", "--forecasts", "2", "--runs", "2", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    out = capsys.readouterr().out
    for told in (
        "lipon-hardware: SIMULATED, 2 forecasts of 2 runs, from",
        "not asked",
        "no tool was touched: sputter by SimulatedSputter",
        "wear of sputter",
        "steps with a person",
        "best conductivity",
    ):
        assert told in out


# ---- reading a course ------------------------------------------------------------------------------------------------


@pytest.fixture
def read() -> Callable[..., Course]:
    """Reads a course off `(kind, lab hours, body)` of steps of run 1, or of the run that stands behind."""
    actions = {"tool": {"grow": Action({}, {"target_kwh": Quantity("kWh")}, 1, 1)}}

    def make(*told: tuple[Any, ...], n_before: int = 0, start_h: float = 0.0) -> Course:
        night = Night(datetime(2026, 1, 5, 8, tzinfo=UTC), UTC)
        reader = Reader(
            start_s=start_h * 3600,
            n_before=n_before,
            actions=actions,
            needs_person=lambda _instrument, action: action == "grow",
            is_night=night.holds,
            is_reached=lambda value, _details: value > 5,
        )
        for seq, (kind, hour, body, *run) in enumerate(told, start=1):
            reader.take(Event(seq, kind, hour * 3600, "", "simulated", *(run or [1]), 1, body, ""))
        return reader.course

    return make


def grown(begin_h: float, end_h: float, kwh: float) -> list[tuple[str, float, dict[str, Any]]]:
    return [
        ("step_started", begin_h, {"id": f"1.1.{begin_h}", "instrument": "tool", "action": "grow"}),
        ("step_finished", end_h, {"reading": {"values": {"target_kwh": kwh}}}),
    ]


def test_course_adds_wear_up_and_sees_a_new_part(read: Callable[..., Course]) -> None:
    """What falls was changed: the new part's wear counts from nothing."""
    course = read(*grown(0, 2, 20.0), *grown(2, 4, 41.0), *grown(4, 6, 3.0))
    assert (course.worn, course.changes["tool", "target_kwh"]) == ({("tool", "target_kwh"): 44.0}, 1)


def test_course_counts_from_the_forecast_on(read: Callable[..., Course]) -> None:
    """Of a step that was under way only the rest; of wear only the growth."""
    course = read(*grown(0, 2, 20.0), *grown(2, 6, 25.0), n_before=3, start_h=5.0)
    assert (course.busy_s, course.worn, course.person_steps) == ({"tool": 3600.0}, {("tool", "target_kwh"): 5.0}, 0)


def test_course_counts_steps_that_outlast_their_timeout(read: Callable[..., Course]) -> None:
    """One that was found in doubt where the forecast begins is not one of them."""
    (began, ended), late = grown(0, 3, 1.0), ("step_in_doubt", 2.0, {"id": "1.1.0", "reason": "no answer within 2 h"})
    assert read(began, late, ended).overdue == {"tool.grow": 1}
    assert not read(began, late, ended, n_before=1, start_h=2.0).overdue


def test_course_counts_a_load_once(read: Callable[..., Course]) -> None:
    """Two samples go through together: one person loads them, and the tool is busy until the last has ended."""
    one, other = grown(0, 3, 1.0), grown(0, 4, 1.0)
    for event, number in ((one[0], "1.1.1"), (other[0], "2.1.1")):
        event[2].update(id=number, load=["1.1.1", "2.1.1"])
    course = read((*one[0], 1), (*other[0], 2), (*one[1], 1), (*other[1], 2))
    assert (course.person_steps, course.busy_s) == (1, {"tool": 4 * 3600.0})


def test_course_knows_which_steps_begin_at_night(read: Callable[..., Course]) -> None:
    """The epoch is at eight in the morning: fourteen hours later is ten in the evening."""
    course = read(*grown(13.9, 14, 1.0), *grown(14, 20, 2.0), *grown(22, 23, 3.0))
    assert (course.person_steps, course.night_steps) == (3, 1)


def test_night_is_that_of_the_laboratory() -> None:
    """Where the laboratory is, not where it is written down."""
    epoch = datetime(2026, 1, 5, 8, tzinfo=UTC)
    assert not Night(epoch, UTC).holds(0)
    assert Night(epoch, timezone(timedelta(hours=-9))).holds(0)


# ---- the table -------------------------------------------------------------------------------------------------------


def test_forecast_command_shows_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """End, hours, people, disk, the best value, all called simulated; nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path)
    assert main(["tiny.yaml", "--check", "--forecast", "--forecasts", "2"]) == 0
    out = capsys.readouterr().out
    for told in (
        "tiny: SIMULATED, 2 forecasts of 4 runs, from Mon 05 Jan 2026 08:00 UTC",
        "all 4 runs of the budget are done",
        "oven at work",
        "steps with a person",
        "of them begin at night, 22:00 to 06:00",
        "GB are free",
        "best mass",
    ):
        assert told in out
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


def test_forecast_command_tells_of_a_timeout_that_is_too_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every baking takes twice as long as it may; where none does, nothing is said of it."""
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path)
    words = ["tiny.yaml", "--forecasts", "2", "--set", "laboratory.instruments.oven.durations=tied"]
    assert main(words) == 0
    assert "overdue" not in capsys.readouterr().out
    assert main([*words, "--set", "policies.instruments={oven: {timeout_min: 1}}"]) == 0
    out = capsys.readouterr()
    assert re.search(r"oven.bake overdue +4 times +4 +longer than its timeout: in doubt until it answers", out.out)
    assert "no answer" not in out.err


def test_forecast_command_tells_of_a_full_disk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a month of events needs is more than there is: exit 2."""
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=4096))
    assert main([str(write_config(tmp_path)), "--forecasts", "1", "--out", str(tmp_path / "out")]) == 2
    assert "the disk has no room for the ledger" in capsys.readouterr().out


def test_forecast_command_refuses_no_forecasts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the option and the rule."""
    assert main([str(write_config(tmp_path)), "--forecasts", "0"]) == 2
    assert "--forecasts 0: must be at least 1" in capsys.readouterr().err
