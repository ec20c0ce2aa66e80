"""Blocking drivers that misbehave, each in one named way, and the bench behind them, which keeps its own truthful log.

The bench is what a person would find on looking: what was moved by which command, what lies there, what is still on.
It outlives the drivers, as a tool outlives a process.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from unshowable import ClosedBuffer, Unshowable, UnshowableError, unshowable_failure

from instruments.driver import (
    Action,
    Command,
    FailureClass,
    Identity,
    InstrumentError,
    Memory,
    Moved,
    Origin,
    Quantity,
    Reading,
    Recollection,
    Report,
)
from orchestrator.chance import stream
from orchestrator.recipe import Lab, Measured, Point, Steps

TIMEOUT_S = 0.15
LATE_S = 0.4
FOR_EVER_S = 600.0

MAKE = Action(
    settings={"heat": Quantity("K", 0, 100)},
    outputs={"sample": Quantity(text=True), "peak": Quantity("K", 0, 200)},
    expected_s=0.01,
    timeout_s=TIMEOUT_S,
)
WEIGH = Action(
    settings={"sample": Quantity(text=True)},
    outputs={
        "sample": Quantity(text=True, required=False),
        "mass": Quantity("g", 0, 1000),
        "time_s": Quantity("s"),
        "trace": Quantity("g"),
    },
    expected_s=0.01,
    timeout_s=TIMEOUT_S,
    repeatable=True,
)


@dataclass
class Bench:
    """The tools as they are: truth, whatever drivers say."""

    moved: Counter[str] = field(default_factory=Counter)
    done: dict[str, Reading] = field(default_factory=dict)
    mass_g: dict[str, float] = field(default_factory=dict)
    on: dict[str, str] = field(default_factory=dict)
    overlaps: list[tuple[str, str]] = field(default_factory=list)
    latest: dict[str, Reading] = field(default_factory=dict)
    halted: list[str] = field(default_factory=list)
    freed: threading.Event = field(default_factory=threading.Event)


BENCHES: dict[str, Bench] = {}
"""By the name that the option `bench` gives."""


@dataclass
class Work:
    """One command that a driver performs: the honest parts of it, which a habit leaves out or spoils."""

    bench: Bench
    command: Command
    report: Report

    def begin(self) -> None:
        """Set the tool in motion."""
        still_on = self.bench.on.get(self.command.instrument)
        if still_on is not None and self.command.action == "make":  # to weigh again is harmless
            self.bench.overlaps.append((still_on, self.command.id))
        self.bench.moved[self.command.id] += 1
        self.bench.on[self.command.instrument] = self.command.id
        self.report("begun", {"on": True})

    def end(self) -> Reading:
        """Bring the motion to its end and read."""
        reading = self._made() if self.command.action == "make" else self._weighed()
        self.bench.on.pop(self.command.instrument, None)
        self.bench.done[self.command.id] = reading
        return reading

    def whole(self) -> Reading:
        """Do all of it."""
        self.begin()
        return self.end()

    def hang(self, seconds: float) -> None:
        """Do nothing for a while, or until the test is over."""
        self.bench.freed.wait(seconds)

    def _made(self) -> Reading:
        heat, sample = float(self.command.settings["heat"]), f"cake-{self.command.id}"
        self.bench.mass_g[sample] = 500.0 - 0.1 * (heat - 40.0) ** 2
        return Reading({"sample": sample, "peak": heat})

    def _weighed(self) -> Reading:
        sample = str(self.command.settings["sample"])
        noise = stream(0, self.command.id).normal(size=8)
        mass = self.bench.mass_g[sample]
        return Reading({"sample": sample, "mass": mass}, {"time_s": np.arange(8.0), "trace": mass + noise})


class NamelessError(InstrumentError):
    """A failure whose author forgot the base class."""

    def __init__(self) -> None:
        Exception.__init__(self, "nameless")


class Strange(BaseException):
    """No `Exception` at all."""


Habit = Callable[[Work], Any]
HABITS: dict[str, Habit] = {}
"""Every way to misbehave in `perform`, by name."""


def habit(ill: Habit) -> Habit:
    HABITS[ill.__name__] = ill
    return ill


def spoiled(**values: Any) -> Habit:
    """Return the habit of doing the work and answering other values; `...` leaves one out, `0.0` is always the mass."""

    def ill(work: Work) -> Reading:
        read = work.whole()
        main = "mass" if "mass" in read.values else "peak"
        changed = {main if name == "main" else name: value for name, value in values.items()}
        kept = {**read.values, **changed}
        return Reading({name: value for name, value in kept.items() if value is not ...}, read.arrays)

    return ill


def raising(error: Callable[[], BaseException], when: str) -> Habit:
    """Return the habit of raising before the motion, during it, or when all is done."""

    def ill(work: Work) -> Reading:
        if when != "before":
            work.begin()
        if when == "after":
            work.end()
        raise error()

    return ill


def lost_link() -> BaseException:
    return ConnectionResetError("the line went dead")


HABITS |= {
    "answers NaN": spoiled(main=float("nan")),
    "answers infinity": spoiled(main=float("inf")),
    "answers minus infinity": spoiled(main=np.float64("-inf")),
    "answers text for a number": spoiled(main="12.5 g"),
    "answers a truth value for a number": spoiled(main=True),
    "answers nothing for a number": spoiled(main=None),
    "answers a list for a number": spoiled(main=[1.0, 2.0]),
    "answers an endless number": spoiled(main=10**400),
    "answers a complex number": spoiled(main=1 + 2j),
    "answers another unit": spoiled(main=1e6),
    "answers below what can be": spoiled(main=-1.0),
    "leaves out what it promised": spoiled(main=...),
    "answers for another sample": spoiled(sample="cake-of-yesterday"),
    "answers a number for a sample": spoiled(sample=7),
    "adds what nobody asked for": spoiled(mood="good", humidity=41.5),
    "adds what cannot be written": spoiled(mood={1, 2}),
    "answers a novel": spoiled(mood="m" * 100_000),
    "loses its link before it moves": raising(lost_link, "before"),
    "loses its link in motion": raising(lost_link, "during"),
    "succeeds and then raises": raising(lost_link, "after"),
    "trips over its own feet": raising(lambda: ZeroDivisionError("division by zero"), "during"),
    "raises a failure without a class": raising(NamelessError, "during"),
    "raises no exception at all": raising(lambda: Strange("strange"), "during"),
    "exits the thread": raising(lambda: SystemExit(3), "during"),
    "interrupts the keyboard": raising(KeyboardInterrupt, "during"),
    "exits a generator": raising(GeneratorExit, "after"),
    "stops an iteration": raising(lambda: StopIteration(3), "after"),
    "stops an iteration with an answer": raising(lambda: StopIteration(Reading({"mass": 1.0})), "before"),
    "raises bytes": raising(
        lambda: InstrumentError(FailureClass.MEASUREMENT, b"\xff\x00", Moved.YES),  # type: ignore[arg-type]
        "after",
    ),
    "raises a surrogate": raising(lambda: ValueError("\ud800 and \x00"), "after"),
    "raises a novel": raising(lambda: ValueError("n" * 1_000_000), "after"),
    "returns nothing": lambda work: (work.whole(), None)[1],
    "returns a dict": lambda work: dict(work.whole().values),
    "returns a reading of nothing": lambda work: (work.whole(), Reading(None, None))[1],  # type: ignore[arg-type]
    "returns the class": lambda work: (work.whole(), Reading)[1],
    "raises what cannot be shown": raising(UnshowableError, "during"),
    "fails for a reason that cannot be shown": raising(unshowable_failure, "after"),
    "returns what cannot be shown": lambda work: (work.whole(), Unshowable())[1],
    "answers what cannot be shown": spoiled(main=Unshowable()),
    "answers from a closed buffer": lambda work: (work.begin(), Reading(ClosedBuffer()))[1],
    "meets an open door": raising(lambda: InstrumentError(FailureClass.SAFETY, "a door stands open"), "before"),
    "says it did not move and did not": raising(
        lambda: InstrumentError(FailureClass.INSTRUMENT, "the door is open", Moved.NO), "before"
    ),
}


@habit
def hangs_before_it_moves(work: Work) -> Reading:
    work.hang(FOR_EVER_S)
    raise lost_link()


@habit
def hangs_in_motion(work: Work) -> Reading:
    work.begin()
    work.hang(FOR_EVER_S)
    raise lost_link()


@habit
def hangs_when_all_is_done(work: Work) -> Reading:
    read = work.whole()
    work.hang(FOR_EVER_S)
    return read


@habit
def answers_late(work: Work) -> Reading:
    work.begin()
    work.hang(LATE_S)
    return work.end()


@habit
def answers_what_it_answered_before(work: Work) -> Reading:
    before = work.bench.latest.get(work.command.instrument)
    read = work.whole()
    return before or read


@habit
def answers_old_numbers_for_the_new_sample(work: Work) -> Reading:
    before = work.bench.latest.get(work.command.instrument)
    read = work.whole()
    if before is None or not before.arrays:
        return read
    return Reading({**before.values, "sample": read.values["sample"]}, before.arrays)


@habit
def reports_after_it_returned(work: Work) -> Reading:
    threading.Timer(0.002, work.report, ("too late", {"x": 1.0})).start()
    threading.Timer(0.05, work.report, ("much too late", {"x": 1.0})).start()
    return work.whole()


@habit
def reports_from_another_thread(work: Work) -> Reading:
    other = threading.Thread(target=work.report, args=("from elsewhere", {"x": 1.0}))
    other.start()
    read = work.whole()
    other.join()
    return read


@habit
def reports_nonsense(work: Work) -> Reading:
    for phase, values in (
        (None, None),
        (7, {"x": object()}),
        ("y", [1, 2]),
        (b"z", {3: float("nan"), "huge": np.zeros(3), "deep": {"a": {}}}),
        ("\ud800", {"\ud800": "\ud800"}),
        ("n" * 100_000, {"n": "n" * 100_000}),
        (Unshowable(), {"x": 1.0}),
        ("x", Unshowable()),
        ("x", {"x": Unshowable(), Unshowable(): "x"}),
        ("x", ClosedBuffer()),
    ):
        work.report(phase, values)  # type: ignore[arg-type]  # nonsense is the point
    return work.whole()


@habit
def answers_a_huge_array(work: Work) -> Reading:
    return Reading(work.whole().values, {"time_s": np.arange(8.0), "trace": np.zeros(13_000_000)})


@habit
def answers_an_array_with_a_gap(work: Work) -> Reading:
    return Reading(work.whole().values, {"time_s": np.arange(2.0), "trace": np.array([1.0, np.nan])})


@habit
def answers_an_empty_array(work: Work) -> Reading:
    return Reading(work.whole().values, {"time_s": np.arange(0.0), "trace": np.arange(0.0)})


@habit
def answers_an_array_of_words(work: Work) -> Reading:
    return Reading(work.whole().values, {"time_s": np.arange(2.0), "trace": np.array(["OVLD", "OVLD"])})


@habit
def answers_ragged_lists(work: Work) -> Reading:
    return Reading(work.whole().values, {"time_s": [1.0], "trace": [[1.0], [2.0, 3.0]]})  # type: ignore[dict-item]


@habit
def answers_arrays_for_scalars(work: Work) -> Reading:
    return Reading({}, {name: np.zeros(3) for name in work.whole().values})


HALTS: dict[str, Callable[[Bench, str], None]] = {}
"""Every way to halt, by name."""


def halts(bench: Bench, name: str) -> None:
    bench.on.pop(name, None)


def halts_and_raises(bench: Bench, name: str) -> None:  # noqa: ARG001 - it is on still
    raise lost_link()


def halts_and_exits(bench: Bench, name: str) -> None:
    bench.on.pop(name, None)
    raise SystemExit(1)


def never_halts(bench: Bench, name: str) -> None:  # noqa: ARG001 - it is on still
    bench.freed.wait(FOR_EVER_S)


HALTS |= {f.__name__: f for f in (halts, halts_and_raises, halts_and_exits, never_halts)}


LINKS = ("raises", "raises what cannot be shown", "exits", "hangs", "lies")
"""Ways not to connect, at every second try, and not to close."""

MEMORIES = ("nothing", "raises", "exits", "hangs", "lies", "honest")
"""Ways to recall what became of a command."""


class Unruly:
    """A blocking driver with a habit.

    Args:
        name: Its role in the laboratory.
        bench: The bench it stands on.
        habits: What it does in `perform` instead of the work, drawn for each command.
        often: How often it does, from 0 to 1.
        seed: Of these draws.
        halt: How it halts.
        link: How it connects and closes: `well`, or `raises`, `hangs` or `lies` at every second connection.
        memory: How it recalls: `honest`, or `nothing`, `raises`, `exits`, `hangs`, `lies`.
    """

    def __init__(
        self,
        *,
        name: str,
        bench: str,
        habits: list[str],
        often: float = 0.5,
        seed: int = 0,
        halt: str = "halts",
        link: str = "well",
        memory: str = "nothing",
    ) -> None:
        self.name, self.actions = name, self.known
        self._bench, self._habits, self._often, self._seed = BENCHES[bench], habits, often, seed
        self._halt, self._link, self._memory = HALTS[halt], link, memory

    known: ClassVar[Mapping[str, Action]] = {}

    def connect(self) -> Identity:
        """Tell who answers, if all is well."""
        self._bench.moved[f"connection of {self.name}"] += 1
        if self._link != "well" and self._bench.moved[f"connection of {self.name}"] % 2:
            if self._link == "raises":
                raise lost_link()
            if self._link == "raises what cannot be shown":
                raise UnshowableError
            if self._link == "exits":
                raise SystemExit(2)
            if self._link == "lies":
                return Identity(b"\xff", 3, None, Origin.REAL)  # type: ignore[arg-type]  # what a careless driver gives
            self._bench.freed.wait(FOR_EVER_S)
        return Identity("tests", type(self).__name__, "1", Origin.REAL)

    def perform(self, command: Command, report: Report) -> Reading:
        """Work, or follow a habit."""
        work, dice = Work(self._bench, command, report), stream(self._seed, self.name, command.id)
        follow = HABITS[self._habits[int(dice.integers(len(self._habits)))]] if dice.random() < self._often else None
        began_s = time.monotonic()
        read = work.whole() if follow is None else follow(work)
        if follow is None and time.monotonic() - began_s < TIMEOUT_S / 2:
            self._bench.latest[self.name] = read  # heard: one that was not may be told as new
        return read  # type: ignore[no-any-return]  # whatever it is

    def halt(self) -> None:
        """Turn the tool off, or fail to."""
        self._bench.halted = sorted({*self._bench.halted, self.name})
        self._halt(self._bench, self.name)

    def close(self) -> None:
        """Let go, if all is well."""
        if self._link == "raises":
            raise lost_link()
        if self._link == "exits":
            raise SystemExit(2)
        if self._link == "hangs":
            self._bench.freed.wait(FOR_EVER_S)

    def recall(self, command_id: str) -> Recollection:
        """Tell what became of a command, or something else."""
        if self._memory == "raises":
            raise lost_link()
        if self._memory == "exits":
            raise SystemExit(2)
        if self._memory == "hangs":
            self._bench.freed.wait(FOR_EVER_S)
        if self._memory == "lies":
            return Recollection(Memory.DONE, Reading({"mass": float("nan")}))
        if self._memory == "honest":
            done = self._bench.done.get(command_id)
            never = command_id not in self._bench.moved
            return Recollection(Memory.DONE if done else Memory.NEVER if never else Memory.UNKNOWN, done)
        return None  # type: ignore[return-value]  # what a careless driver gives


class UnrulyOven(Unruly):
    """Makes a sample; that may not be repeated."""

    known: ClassVar = {"make": MAKE}


class UnrulyScale(Unruly):
    """Weighs a sample; that may be repeated."""

    known: ClassVar = {"weigh": WEIGH}


def make_and_weigh(point: Point, lab: Lab) -> Steps:
    """Make a sample at the point's heat, weigh it, and return its mass."""
    cake = yield lab.oven.make(heat=point["heat"])
    weighed = yield lab.scale.weigh(sample=cake.sample)
    return Measured(weighed.mass, details={"sample": cake.sample, "mean": float(weighed.trace.mean())})


@contextmanager
def bench_called(name: str) -> Iterator[Bench]:
    """Set up a bench; whatever hangs on it is let go in the end."""
    BENCHES[name] = bench = Bench()
    try:
        yield bench
    finally:
        bench.freed.set()
        del BENCHES[name]
