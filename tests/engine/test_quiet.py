"""Quiet hours: when nobody is there, what waits for people, and that nothing ends which needs one."""

import io
import signal
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console
from worlds import CONFIG, Oven, write_config

from instruments.driver import Action, Command
from instruments.sputter.faults import SputterFaults
from instruments.sputter.simulated import SimulatedSputter
from orchestrator.campaign import Campaign
from orchestrator.config import ConfigError
from orchestrator.config.quiet import DAYS
from orchestrator.config.schema import QuietHoursConfig
from orchestrator.control.status import status_lines
from orchestrator.display.terminal import LiveWatcher, PlainWatcher
from orchestrator.display.watcher import Silent
from orchestrator.laboratory import Laboratory
from orchestrator.laboratory.quiet import begins_at, end_of_quiet, is_quiet, needs_person
from orchestrator.ledger import Event, Kind, Ledger, Run, State

NIGHTS = {"from": "22:00", "to": "06:00", "zone": "Europe/Berlin"}
SLOW = "laboratory.instruments.oven.driver"
MINUTES = st.integers(0, 24 * 60 - 1).map(lambda n: f"{n // 60:02}:{n % 60:02}")


class SlowOven(Oven):
    """Takes as many minutes for two phases as it is told kelvin, and says so."""

    def expected_s(self, command: Command) -> float:
        """Two phases of `heat` minutes."""
        return 120.0 * float(command.settings["heat"])

    def phases(self, command: Command, rng: np.random.Generator) -> Any:
        """Bake slowly."""
        self._minutes = float(command.settings["heat"])
        return super().phases(command, rng)

    def _duration(self, rng: np.random.Generator) -> float:  # noqa: ARG002 - it takes what it says
        return 60.0 * self._minutes


def hours(**changes: Any) -> QuietHoursConfig:
    return QuietHoursConfig.model_validate(NIGHTS | changes)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def campaign(folder: Path, overrides: dict[str, Any] | None = None) -> Campaign:
    slow = {SLOW: "test_quiet:SlowOven", "budget.runs": 8, "policies.quiet_hours": NIGHTS, "planner.initial_runs": 9}
    overrides = slow | {"parameters.heat.low": 60} | (overrides or {})
    made = Campaign.from_yaml(write_config(folder), out=folder / "out", overrides=overrides)
    made.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    return made


def bakes(state: State) -> list[tuple[datetime, datetime]]:
    """When each bake began and ended."""
    epoch = datetime(2026, 1, 5, 8, tzinfo=UTC)
    attempts = [run.steps[0].last for run in state.runs.values()]
    return [(epoch + timedelta(seconds=a.start_s), epoch + timedelta(seconds=a.end_s or 0.0)) for a in attempts]


# ---- when it is quiet ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [
        ("2026-01-05T21:59:59+01:00", False),
        ("2026-01-05T22:00:00+01:00", True),
        ("2026-01-06T05:59:59+01:00", True),
        ("2026-01-06T06:00:00+01:00", False),
        ("2026-07-05T20:30:00+00:00", True),  # it is 22:30 in Berlin, in summer
    ],
)
def test_quiet_is_what_the_clock_on_the_wall_says(moment: str, quiet: bool) -> None:  # noqa: FBT001
    """The first moment counts, the last does not, in the time of the laboratory."""
    assert is_quiet(hours(), at(moment)) == quiet


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-01-05T23:10:00+01:00", "2026-01-06T06:00:00+01:00"),
        ("2026-01-05T12:00:00.123+01:00", "2026-01-05T12:00:00.123+01:00"),
        ("2026-01-09T22:30:00+01:00", "2026-01-12T06:00:00+01:00"),  # a Friday: the weekend is off
        ("2026-03-28T23:00:00+01:00", "2026-03-30T06:00:00+02:00"),  # over the shortest day
    ],
)
def test_quiet_ends_when_somebody_comes(moment: str, end: str) -> None:
    """In the morning, after days off, and at once where it is not quiet."""
    assert end_of_quiet(hours(days_off=["sat", "sun"]), at(moment)) == at(end)


@pytest.mark.parametrize(("night", "zone_h"), [("2026-03-28", 2), ("2026-10-24", 1), ("2026-01-05", 1)])
def test_quiet_ends_at_the_hour_in_short_and_long_nights(night: str, zone_h: int) -> None:
    """Seven, nine or eight hours after they begin, it is six in the morning."""
    end = end_of_quiet(hours(), at(f"{night}T23:00:00+{'02' if night == '2026-10-24' else '01'}:00"))
    assert (end + timedelta(hours=zone_h)).strftime("%H:%M") == "06:00"
    assert not is_quiet(hours(), end)
    assert is_quiet(hours(), end - timedelta(seconds=1))


@given(
    st.tuples(MINUTES, MINUTES).filter(lambda pair: pair[0] != pair[1]),
    st.integers(0, 400 * 24 * 60),
    st.floats(1, 3e6),
    st.booleans(),
    st.sets(st.sampled_from(DAYS), max_size=6),
)
@example(("03:57", "00:00"), 0, 414181.0, True, {"mon", "tue"})  # noqa: FBT003 - all are positional
def test_no_step_is_planned_to_end_when_nobody_is_there(
    between: tuple[str, str],
    minute: int,
    expected_s: float,
    is_work: bool,  # noqa: FBT001
    off: set[str],
) -> None:
    """Whatever the hours, the season and the step; it waits at most from one presence of people to the next."""
    quiet = hours(**{"from": between[0], "to": between[1], "days_off": sorted(off)})
    now, expected = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute), timedelta(seconds=expected_s)
    first = begins_at(quiet, now, expected, is_work=is_work)
    assert now <= first <= now + timedelta(days=16 if is_work else 8)
    if not is_work:
        assert not is_quiet(quiet, first + expected)
        assert first == now or is_quiet(quiet, first + expected - timedelta(minutes=1))
    else:
        assert not is_quiet(quiet, first)
    assert begins_at(quiet, first, expected, is_work=is_work) == first


def test_work_of_people_neither_begins_nor_ends_in_quiet_hours() -> None:
    """A tool may be started at three to end at six; nobody is asked at three."""
    now, three_hours = at("2026-01-05T21:00:00+01:00"), timedelta(hours=3)
    assert begins_at(hours(), now, three_hours) == at("2026-01-06T03:00:00+01:00")
    assert begins_at(hours(), now, three_hours, is_work=True) == at("2026-01-06T06:00:00+01:00")
    assert begins_at(hours(), at("2026-01-06T05:00:00+01:00"), timedelta(hours=20), is_work=True) == at(
        "2026-01-06T10:00:00+01:00"
    )


def test_work_that_is_longer_than_people_are_there_begins_when_they_come() -> None:
    """There is no begin at which it would end before they leave, or after they come."""
    short = hours(**{"from": "18:00", "to": "08:00"})
    assert begins_at(short, at("2026-01-05T21:00:00+01:00"), timedelta(hours=12), is_work=True) == at(
        "2026-01-06T08:00:00+01:00"
    )


# ---- what waits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_flight", [1, 3])
def test_no_bake_ends_in_quiet_hours_and_weighing_goes_on(tmp_path: Path, in_flight: int) -> None:
    """Bakes of two to three hours, one after the other, over days; the ledger says which waited until when."""
    state = campaign(tmp_path, {"laboratory.in_flight": in_flight, "budget.runs": 20}).run().state
    found = bakes(state)
    assert len(found) == 20
    assert not any(is_quiet(hours(), end) for _, end in found)
    assert {end.astimezone(UTC).strftime("%H:%M:%S") for _, end in found} & {"05:00:00"}  # six in Berlin
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        waits = {e.run: e.body for e in ledger.events() if e.kind == "run_waits"}
    assert len(waits) >= 2
    for number, body in waits.items():
        assert state.runs[number or 0].steps[0].attempts[0].start_s == body["until_s"]
        assert body["reason"] == ("it needs a person and is not to end in quiet hours (22:00 to 06:00, Europe/Berlin)")


def test_no_point_is_chosen_for_an_oven_that_a_run_waits_to_take(tmp_path: Path) -> None:
    """Three may be in flight, and yet the next point is chosen when the oven is free, on all that is known then."""
    state = campaign(tmp_path, {"laboratory.in_flight": 3, "budget.runs": 12}).run().state
    runs: list[Run] = list(state.runs.values())
    assert max(run.steps[0].attempts[0].start_s - run.suggested_s for run in runs) > 3600
    for before, after in pairwise(runs):
        assert after.suggested_s >= (before.steps[0].last.end_s or 0.0)


def test_quiet_hours_taken_out_let_the_waiting_step_begin(tmp_path: Path) -> None:
    """They are policies: a campaign that was stopped while it waited goes on at once without them."""
    first = campaign(tmp_path).run(Impatient())
    assert first.stop.status == "paused"
    waiting = next(run for run in first.state.open_runs if run.waits is not None)
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        told = dict(status_lines(ledger.state, "", datetime(2026, 2, 1, tzinfo=UTC)))["now"]
    assert told.startswith(f"run {waiting.number} waits until 2026-01-0")
    assert "to begin oven.bake: it needs a person" in told
    again = campaign(tmp_path, {"policies.quiet_hours": None}).run().state
    assert again.runs[waiting.number].steps[0].attempts[0].start_s == first.state.lab_s
    assert again.runs[waiting.number].waits is None


def test_the_terminal_tells_what_waits_until_when(tmp_path: Path) -> None:
    """A line in a log, and the foot of the live table."""
    made, log, console = campaign(tmp_path), io.StringIO(), Console(file=io.StringIO(), width=120)
    made.run()
    plain, live, state = PlainWatcher(made.settings, log), LiveWatcher(made.settings, console), State()
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        for event in ledger.events():
            state.apply(event)
            plain.event(event, state)
            live.event(event, state)
            if event.kind == Kind.RUN_WAITS:
                break
    console.print(live.picture())
    until = f"waits until lab {event.body['until_s'] / 3600:.1f} h"
    assert f"run {event.run:>3} oven.bake {until}: it needs a person" in log.getvalue()
    assert f"run {event.run}  oven.bake {until}" in console.file.getvalue()


class Impatient(Silent):
    """Interrupts a campaign as soon as a run waits for people."""

    def event(self, event: Event, state: State) -> None:  # noqa: ARG002 - the event says enough
        """Press Ctrl-C."""
        if event.kind == Kind.RUN_WAITS:
            signal.raise_signal(signal.SIGINT)


# ---- who needs a person ----------------------------------------------------------------------------------------------


def test_who_needs_a_person_is_said_by_the_driver_or_by_the_policies() -> None:
    """A load-lock spares the person at the end of a deposition; a list of steps stands in for all drivers."""
    opened, locked = (SimulatedSputter(name="sputter", shelf={}, load_lock=lock) for lock in (False, True))
    assert (needs_person(opened, "deposit"), needs_person(locked, "deposit")) == (True, False)
    assert needs_person(locked, "deposit", hours(steps=["sputter.deposit"]))
    assert not needs_person(opened, "deposit", hours(steps=[]))


def test_a_driver_that_cannot_foresee_is_expected_to_take_what_its_action_says() -> None:
    """A driver that trips over the question, or answers nonsense, keeps nobody from performing."""

    class Odd(Oven):
        def expected_s(self, command: Command) -> float:
            return {"heat": -1.0, "nan": float("nan")}[str(command.settings["say"])]

    odd = Odd(name="odd", shelf={})
    laboratory = Laboratory({"odd": odd}, lambda _point, _lab: iter(()))  # type: ignore[arg-type, return-value]
    told = [laboratory.expected_s("odd", Command("odd", "bake", {"say": say})) for say in ("heat", "nan", "what")]
    assert told == [60, 60, 60]


def test_a_simulated_deposition_lasts_about_as_long_as_was_expected() -> None:
    """Eighteen settings whose depositions are hours apart: wear and chance change little of what the tool foresees."""
    rng, nothing_fails = np.random.default_rng(1), SputterFaults(**dict.fromkeys(SputterFaults.model_fields, 0.0))
    for number in range(18):
        sputter = SimulatedSputter(name="sputter", shelf={}, faults=nothing_fails)
        settings = {"distance_cm": rng.uniform(3, 12), "power_w": rng.uniform(50, 300), "pressure_pa": 1.0}
        command = Command("sputter", "deposit", settings | {"thickness_nm": 800.0, "max_hours": 24.0}, f"{number}.1.1")
        phases = sputter.phases(command, rng)
        assert abs(sum(phase.duration_s for phase in phases) - sputter.expected_s(command)) < 2.5 * 3600


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"from": "10 pm"}, "quiet_hours.from: '10 pm' is no time of day; write it as 22:00"),
        ({"to": "24:00"}, "'24:00' is no time of day"),
        ({"to": 1320}, "quiet_hours.to: 1320 is refused: it must be text; write it in quotes"),
        ({"from": "06:00"}, "from and to are both 06:00; days without work are days_off"),
        ({"zone": "Berlin"}, "quiet_hours.zone: 'Berlin' is no time zone; write it as Europe/Berlin"),
        ({"zone": "../../etc"}, "is no time zone"),
        ({"zone": "Europe"}, "is no time zone"),
        ({"days_off": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}, "when does somebody come"),
        ({"days_off": ["Sunday"]}, "'Sunday' is refused"),
        ({"steps": ["oven.grill"]}, "there is no step 'oven.grill'; there are oven.bake, scale.weigh"),
        ({"until": "06:00"}, "until: unknown key; known keys are from, to, zone, days_off, steps"),
    ],
)
def test_quiet_hours_that_cannot_be_kept_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """With place and way out, before anything moves."""
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        campaign(tmp_path, {f"policies.quiet_hours.{key}": value for key, value in changes.items()})


def test_quiet_hours_are_the_same_in_a_ledger(tmp_path: Path) -> None:
    """Finished and run again: no difference is found, and nothing changes."""
    assert campaign(tmp_path, {"budget.runs": 2}).run().is_new
    assert not campaign(tmp_path, {"budget.runs": 2}).run().is_new


def test_an_action_needs_nobody_unless_it_says_so() -> None:
    """A driver of others that does not know the word is not held back."""
    assert not Action({}, {}, 1, 1).attended
    assert "quiet" not in CONFIG
