"""A load before a blocking driver, in threads of its own as the engine has it: performed once, answered each."""

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from worlds import NUMBER, BlockingOven, write_config

from instruments.conformance import Subject, Verdict, examine
from instruments.driver import (
    Action,
    Command,
    FailureClass,
    Identity,
    InstrumentError,
    Load,
    Moved,
    Origin,
    Quantity,
    Reading,
    Report,
    Scalar,
)
from instruments.faults import refuse_forbidden
from instruments.together import Together
from orchestrator.campaign import Campaign

IDS = ("4.2.1", "5.2.1", "6.2.1")
FIRINGS: list[tuple[str, ...]] = []
"""What the furnaces of this process have fired; the engine builds its own."""


class Furnace:
    """Fires up to three samples; one that is named `wet` bursts, and `cold` cannot be fired at all."""

    def __init__(self, *, name: str = "kiln", patience_s: float = 60.0, lasts_s: float = 0.02) -> None:
        self.name, self._lasts_s = name, lasts_s
        settings = {"sample": Quantity(text=True), "heat": Quantity("K", 0, 2000)}
        self.actions = {"fire": Action(settings, {"lost": NUMBER}, 0.1, 60, capacity=3)}
        self.together, self.halted, self.fired = Together(name, patience_s), threading.Event(), list[tuple[str, ...]]()

    def connect(self) -> Identity:
        """Tell who answers."""
        return Identity("tests", "furnace", "1", Origin.REAL)

    def perform(self, command: Command, report: Report) -> Reading:
        """Fire the load of the command."""
        refuse_forbidden(command, self.actions)
        return self.together.perform(command, report, self._fired)

    def _fired(self, commands: Sequence[Command], report: Report) -> list[Reading | InstrumentError]:
        self.halted.clear()
        self.fired.append(tuple(command.id for command in commands))
        FIRINGS.append(self.fired[-1])
        report("heat", {"samples": len(commands)})
        if self.halted.wait(self._lasts_s):
            raise InstrumentError(FailureClass.HALTED, "halted while hot", Moved.YES)
        names = [str(command.settings["sample"]) for command in commands]
        if "cold" in names:
            raise InstrumentError(FailureClass.INFEASIBLE, "it stays cold", Moved.YES)
        wet = InstrumentError(FailureClass.SAMPLE, "it burst", Moved.YES)
        number = len(FIRINGS)  # no two firings are alike
        return [wet if n == "wet" else Reading({"lost": number + place / 10}) for place, n in enumerate(names)]

    def halt(self) -> None:
        """Stop heating, and waiting."""
        self.halted.set()
        self.together.halt()

    def close(self) -> None:
        """Release nothing."""


class QuickScale(BlockingOven):
    """Reads the mass off the sample's name, which is where a blocking oven writes it."""

    def __init__(self, *, name: str) -> None:
        super().__init__(name=name)
        self.actions = {"weigh": Action({"sample": Quantity(text=True)}, {"mass": NUMBER}, 0.01, 60)}

    def perform(self, command: Command, report: Report) -> Reading:  # noqa: ARG002 - it is over at once
        """Read."""
        return Reading({"mass": float(str(command.settings["sample"]))})


def loaded(*samples: str, ids: tuple[str, ...] = IDS) -> list[Command]:
    """Return the commands of a load, in the order of their places."""
    return [
        Command("kiln", "fire", {"sample": sample, "heat": 900}, command_id, load=Load(ids, place))
        for place, (sample, command_id) in enumerate(zip(samples, ids, strict=True))
    ]


def unheard(_phase: str, _values: Mapping[str, Scalar]) -> None:
    """Report to nobody."""


def begun(furnace: Furnace, *commands: Command) -> list[Future[Reading]]:
    """Perform each in a thread of its own, one beginning after the other."""
    with ThreadPoolExecutor(len(commands)) as threads:
        futures = []
        for command in commands:
            futures.append(threads.submit(furnace.perform, command, unheard))
            time.sleep(0.01)
    return futures


def failure(future: Future[Reading]) -> InstrumentError:
    error = future.exception()
    assert isinstance(error, InstrumentError)
    return error


def test_load_is_fired_once_in_the_order_of_its_places_and_each_reads_its_own() -> None:
    """Whoever comes first; and the same commands again move nothing."""
    furnace, commands = Furnace(), loaded("a", "b", "c")
    first, again = ([f.result() for f in begun(furnace, *reversed(commands))] for _ in range(2))
    assert furnace.fired == [IDS]
    assert first == again
    tenths = [round(reading.lost % 1, 6) for reading in first]
    assert tenths == [0.2, 0.1, 0.0]


def test_load_asked_for_again_while_it_is_fired_is_waited_for() -> None:
    """It is fired once, and the second asking is told the same."""
    furnace, commands = Furnace(lasts_s=0.3), loaded("a", "b", "c")
    *first, again = [future.result() for future in begun(furnace, *commands, commands[0])]
    assert furnace.fired == [IDS]
    assert again == first[0]


def test_load_tells_every_member_what_it_reports() -> None:
    """Each sample has its own step in the ledger."""
    furnace, heard = Furnace(), dict[str, list[str]]()
    commands = loaded("a", "b", "c")
    with ThreadPoolExecutor(3) as threads:
        for command in commands:
            heard[command.id] = []
            threads.submit(furnace.perform, command, lambda phase, _, to=heard[command.id]: to.append(phase))
    assert heard == {command_id: ["heat"] for command_id in IDS}


def test_load_gives_a_failure_of_one_to_that_one() -> None:
    """The others have been fired."""
    one, other, third = begun(Furnace(), *loaded("a", "wet", "c"))
    assert failure(other).failure == FailureClass.SAMPLE
    assert one.result().lost < third.result().lost


def test_load_gives_a_failure_of_all_to_each_and_is_not_fired_again() -> None:
    """The same ids are told the same failure."""
    furnace = Furnace()
    for _ in range(2):
        assert {str(failure(f)) for f in begun(furnace, *loaded("a", "cold", "c"))} == {"infeasible: it stays cold"}
    assert furnace.fired == [IDS]


def test_load_with_answers_missing_fails_as_a_whole() -> None:
    """Nobody can tell whose the two are; nobody is left waiting."""
    together = Together("kiln")
    with ThreadPoolExecutor(3) as threads:
        futures = [
            threads.submit(together.perform, command, unheard, lambda _all, _report: [Reading(), Reading()])
            for command in loaded("a", "b", "c")
        ]
    assert {type(future.exception()) for future in futures} == {ValueError}


def test_load_that_is_not_complete_in_time_is_not_fired() -> None:
    """Not for one who comes too late either; nobody knows what an earlier process did with it."""
    furnace, commands = Furnace(patience_s=0.1), loaded("a", "b", "c")
    errors = [failure(f) for f in (*begun(furnace, *commands[:2]), *begun(furnace, commands[2]))]
    assert {(e.failure, e.moved) for e in errors} == {(FailureClass.INSTRUMENT, Moved.UNKNOWN)}
    assert {e.reason for e in errors} == {"kiln: 6.2.1 of its load did not come within 0.1 s; look at the tool"}
    assert furnace.fired == []
    after = loaded("a", "b", "c", ids=("4.2.2", "5.2.2", "6.2.2"))
    assert [f.exception() for f in begun(furnace, *after)] == [None] * 3


def test_load_may_take_longer_than_its_members_wait_for_one_another() -> None:
    """Patience is for the gathering alone."""
    futures = begun(Furnace(patience_s=0.1, lasts_s=0.5), *loaded("a", "b", "c"))
    assert [future.exception() for future in futures] == [None] * 3


def test_load_that_is_halted_while_it_gathers_is_not_fired() -> None:
    """At once, whatever its patience."""
    furnace, commands = Furnace(), loaded("a", "b", "c")
    threading.Timer(0.1, furnace.halt).start()
    began_s = time.monotonic()
    errors = [failure(future) for future in begun(furnace, *commands[:2])]
    assert time.monotonic() - began_s < 10
    assert {e.reason for e in errors} == {"kiln: halted before its load was complete"}
    assert furnace.fired == []


def test_load_that_is_halted_while_it_is_fired_ends_for_all() -> None:
    """The driver halts its tool; the waiting members hear of it."""
    furnace = Furnace(lasts_s=30)
    threading.Timer(0.3, furnace.halt).start()
    errors = [failure(future) for future in begun(furnace, *loaded("a", "b", "c"))]
    assert {(e.failure, e.moved) for e in errors} == {(FailureClass.HALTED, Moved.YES)}


def test_command_without_a_load_waits_for_nobody() -> None:
    """Nor does one without an id, which is performed each time."""
    furnace = Furnace()
    for command_id in ("1.2.1", "1.2.1", "", ""):
        furnace.perform(Command("kiln", "fire", {"sample": "a", "heat": 900}, command_id), unheard)
    assert furnace.fired == [("1.2.1",), ("",), ("",)]


def test_driver_for_loads_keeps_to_the_protocol() -> None:
    """Every question to a blocking driver that has no wire."""
    command = Command("kiln", "fire", {"sample": "a", "heat": 900.0})
    found = list(examine(Subject(Furnace(lasts_s=0.3), command)))
    assert {f.question: f.note for f in found if f.verdict == Verdict.FAILED} == {}
    assert sum(f.verdict == Verdict.PASSED for f in found) == 8


def test_campaign_fires_its_loads_in_a_blocking_driver(tmp_path: Path) -> None:
    """Each load of the ledger was one firing, and each run has a reading of its own."""
    FIRINGS.clear()
    overrides = {
        "recipe": "worlds:bake_fire_and_weigh",
        "budget.runs": 6,
        "planner.initial_runs": 7,
        "laboratory.in_flight": 3,
        "laboratory.clock": "wall",
        "laboratory.instruments.kiln": {"driver": "test_together:Furnace", "load_wait_h": 1},
        "laboratory.instruments.oven": {"driver": "worlds:BlockingOven"},
        "laboratory.instruments.scale": {"driver": "test_together:QuickScale"},
    }
    made = Campaign.from_yaml(write_config(tmp_path), out=tmp_path / "out", overrides=overrides)
    made.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    outcome = made.run()
    assert outcome.stop.status == "finished"
    fired = [s.last for r in outcome.state.runs.values() for s in r.steps if s.instrument == "kiln"]
    assert {attempt.load or (attempt.id,) for attempt in fired} == set(FIRINGS)
    assert len(FIRINGS) == len(set(FIRINGS)) < len(fired)
    lost = [run.details["lost"] for run in outcome.state.runs.values()]
    assert len(set(lost)) == len(lost) == 6
