"""A tiny laboratory for tests: an oven that wears, a scale that reads, and a recipe that joins them."""

import os
import signal
from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from instruments.driver import (
    Action,
    Command,
    FailureClass,
    Identity,
    InstrumentError,
    Memory,
    Moved,
    Origin,
    Phase,
    Quantity,
    Reading,
    Recollection,
)
from orchestrator.recipe import Lab, Measured, Point, Steps

NUMBER = Quantity("1")


class Oven:
    """Bakes a sample in two phases; wears a little every time. Fails in the class and at the rate it is told."""

    def __init__(
        self,
        *,
        name: str,
        shelf: dict[str, float],
        durations: Literal["random", "tied", "long"] = "random",
        failure: str = "infeasible",
        failure_rate: float = 0.0,
        moved: str = "yes",
    ) -> None:
        self.name = name
        bake = Action({"heat": Quantity("K", 0, 100)}, {"sample": Quantity(text=True)}, 60, 600, attended=True)
        self.actions = {"bake": bake}
        self._shelf, self._durations = shelf, durations
        self._failure, self._failure_rate, self._moved = FailureClass(failure), failure_rate, Moved(moved)
        self._wear, self._latest = 0, ("", 0.0)

    @property
    def state(self) -> Mapping[str, Any]:
        """Wear, and the sample made last."""
        return {"wear": self._wear, "sample": self._latest[0], "truth": self._latest[1]}

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        self._wear, self._latest = state["wear"], (state["sample"], state["truth"])
        self._shelf[self._latest[0]] = self._latest[1]

    def connect(self) -> Identity:
        """Tell who answers."""
        return Identity("tests", "oven", "1", Origin.SIMULATED)

    def phases(self, command: Command, rng: np.random.Generator) -> Generator[Phase, None, Reading]:
        """Heat and hold."""
        heat = float(command.settings["heat"])
        yield Phase("heat", self._duration(rng), {"heat": heat})
        self._wear += 1
        if rng.random() < self._failure_rate:
            raise InstrumentError(self._failure, "the oven was told to fail", self._moved)
        yield Phase("hold", self._duration(rng), {"wear": self._wear})
        self._latest = (f"cake-{command.id}", -((heat - 40.0) ** 2) - 0.01 * self._wear + float(rng.normal(0, 0.1)))
        self._shelf[self._latest[0]] = self._latest[1]
        return Reading({"sample": self._latest[0]})

    def _duration(self, rng: np.random.Generator) -> float:
        return {"tied": 60.0, "long": 100.0}.get(self._durations) or float(rng.uniform(10, 100))

    def halt(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


class WornOven(Oven):
    """Shows its wear, and can be cleaned; a test may forbid the cleaning."""

    def __init__(self, *, name: str, shelf: dict[str, float], failure_rate: float = 0.0) -> None:
        super().__init__(name=name, shelf=shelf, failure="sample", failure_rate=failure_rate)
        bake, brush = self.actions["bake"], {"brush_mm": Quantity("mm", 1, 50, required=False)}
        self.actions["bake"] = replace(bake, outputs={**bake.outputs, "wear": NUMBER})
        self.actions |= {"clean": Action(brush, {"wear": NUMBER}, 60, 600), "rinse": Action({}, {}, 60, 600)}
        self.is_rusty = False

    def phases(self, command: Command, rng: np.random.Generator) -> Generator[Phase, None, Reading]:
        """Bake, or clean."""
        if command.action == "rinse":
            yield Phase("rinse", 60.0)
            return Reading({})
        if command.action == "clean":
            yield Phase("brush", 600.0)
            if self.is_rusty:
                raise InstrumentError(FailureClass.INSTRUMENT, "the rust stays", Moved.YES)
            self._wear = 0
            return Reading({"wear": 0})
        baked = yield from super().phases(command, rng)
        return Reading({**baked.values, "wear": self._wear})


class DriftingOven(Oven):
    """Loses a share of every cake's mass for each bake so far, and is another oven's equal but for a factor."""

    def __init__(self, *, name: str, shelf: dict[str, float], loss: float = 0.05, factor: float = 1.0) -> None:
        super().__init__(name=name, shelf=shelf)
        self._loss, self._factor = loss, factor

    def phases(self, command: Command, rng: np.random.Generator) -> Generator[Phase, None, Reading]:
        """Bake something of about ten grams."""
        heat = float(command.settings["heat"])
        yield Phase("heat", 600 * self._duration(rng), {"heat": heat})
        self._wear += 1
        truth = (10 - (heat - 40.0) ** 2 / 1000) * self._factor * (1 - self._loss) ** self._wear
        self._latest = (f"cake-{command.id}", truth * (1 + 0.01 * float(rng.normal())))
        self._shelf[self._latest[0]] = self._latest[1]
        return Reading({"sample": self._latest[0]})


class EndlessOven(Oven):
    """Begins a phase of a thousand years."""

    def phases(self, command: Command, rng: np.random.Generator) -> Generator[Phase, None, Reading]:  # noqa: ARG002
        """Heat."""
        yield Phase("heat", 3.2e10)
        return Reading({"sample": "ashes"})


class Scale:
    """Weighs a sample, sometimes with a shaky hand."""

    def __init__(self, *, name: str, shelf: dict[str, float], shaky_rate: float = 0.0) -> None:
        self.name = name
        self.actions = {"weigh": Action({"sample": Quantity(text=True)}, {"mass": NUMBER}, 30, 300, repeatable=True)}
        self._shelf, self._shaky_rate = shelf, shaky_rate
        self.state: Mapping[str, Any] = {}

    def connect(self) -> Identity:
        """Tell who answers."""
        return Identity("tests", "scale", "2", Origin.SIMULATED)

    def phases(self, command: Command, rng: np.random.Generator) -> Generator[Phase, None, Reading]:
        """Settle and read."""
        yield Phase("settle", 60.0)
        if rng.random() < self._shaky_rate:
            raise InstrumentError(FailureClass.MEASUREMENT, "a shaky hand", Moved.NO)
        return Reading(
            {"mass": self._shelf[str(command.settings["sample"])]}, {"trace": rng.normal(size=4), "n": np.arange(3)}
        )

    def halt(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


class Kiln:
    """Fires several samples together: they share the time it takes, and each loses its own mass."""

    def __init__(self, *, name: str, shelf: dict[str, float], capacity: int = 3, failure_rate: float = 0.0) -> None:
        self.name = name
        settings = {"sample": Quantity(text=True), "heat": Quantity("K", 0, 2000)}
        self.actions = {"fire": Action(settings, {"lost": NUMBER}, 60, 600, repeatable=True, capacity=capacity)}
        self._shelf, self._failure_rate = shelf, failure_rate
        self.state: Mapping[str, Any] = {}

    def connect(self) -> Identity:
        """Tell who answers."""
        return Identity("tests", "kiln", "1", Origin.SIMULATED)

    def phases(self, command: Command, rng: np.random.Generator) -> Generator[Phase, None, Reading]:
        """Heat and hold."""
        n, place = (len(command.load.members), command.load.place) if command.load else (1, 0)
        yield Phase("heat", float(rng.uniform(100, 200)))
        yield Phase("hold", float(rng.uniform(100, 200)))
        if rng.random(n)[place] < self._failure_rate:
            raise InstrumentError(FailureClass.MEASUREMENT, "this one cracked a little", Moved.NO)
        return Reading({"lost": float(rng.normal(size=n)[place])})

    def halt(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


class BlockingOven:
    """An oven as a vendor's library has it: `perform` blocks."""

    def __init__(self, *, name: str) -> None:
        self.name = name
        self.actions = {"bake": Action({"heat": Quantity("K", 0, 100)}, {"sample": Quantity(text=True)}, 0.01, 1)}

    def connect(self) -> Identity:
        """Tell who answers."""
        return Identity("tests", "blocking oven", "3", Origin.REAL)

    def perform(self, command: Command, report: Any) -> Reading:
        """Bake at once; the sample's name carries its truth."""
        report("heat", {"heat": float("nan")})
        return Reading({"sample": str(-((float(command.settings["heat"]) - 40.0) ** 2))})

    def halt(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


class ForgetfulOven(BlockingOven):
    """Loses its link in mid-bake, as a pulled plug does: the process dies while the oven performs."""

    def perform(self, command: Command, report: Any) -> Reading:
        """Die on the first bake of a process that was told to."""
        if os.environ.get("TINY_DIES") == command.id:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().perform(command, report)


class RememberingOven(ForgetfulOven):
    """Knows what became of its last command, and of which campaign it was."""

    def __init__(self, *, name: str, campaign: str = "", plug: str = "") -> None:
        super().__init__(name=name)
        self.campaign, self.plug = campaign, plug

    def connect(self) -> Identity:
        """Tell who answers: for a test another oven, or the campaign it was told."""
        serial = os.environ.get("TINY_SERIAL", "3").replace("CAMPAIGN", self.campaign)
        return Identity("tests", "blocking oven", serial, Origin.REAL)

    def recall(self, command_id: str) -> Recollection:  # noqa: ARG002 - it remembers one command only
        """Tell what the environment says it remembers."""
        memory = Memory(os.environ.get("TINY_MEMORY", "unknown"))
        return Recollection(memory, Reading({"sample": "-7.0"}) if memory == Memory.DONE else None)


def bake_and_weigh(point: Point, lab: Lab) -> Steps:
    """Bake at the point's heat and return the mass."""
    cake = yield lab.oven.bake(heat=point["heat"])
    weighed = yield lab.scale.weigh(sample=cake.sample)
    return Measured(weighed.mass, sd=0.1, details={"trace_mean": float(weighed.trace.mean())})


def bake_fire_and_weigh(point: Point, lab: Lab) -> Steps:
    """Bake, fire and weigh."""
    cake = yield lab.oven.bake(heat=point["heat"])
    fired = yield lab.kiln.fire(sample=cake.sample, heat=900)
    weighed = yield lab.scale.weigh(sample=cake.sample)
    return Measured(weighed.mass, sd=0.1, details={"lost": fired.lost})


def bake_only(point: Point, lab: Lab) -> Steps:
    """Bake, and read the value off the sample's name."""
    cake = yield lab.oven.bake(heat=point["heat"])
    return float(cake.sample)


def bake_and_return(point: Point, lab: Lab, *, text: str) -> Steps:
    """Bake, and return a number that has nothing to do with it."""
    yield lab.oven.bake(heat=point["heat"])
    return int(text) if text.isdecimal() else float(text)


def bake_then_weigh(point: Point, lab: Lab) -> Steps:
    """Bake, and weigh on a scale that reads the mass alone."""
    cake = yield lab.oven.bake(heat=point["heat"])
    weighed = yield lab.scale.weigh(sample=cake.sample)
    return float(weighed.mass)


def undecided(point: Point, lab: Lab, *, where: str) -> Steps:
    """Bake, and fail with an exception in the place of words: in the command's check, or in the recipe."""

    def refuse(_reading: Reading) -> None:
        raise InstrumentError(FailureClass.SAMPLE, ValueError("no fit"))  # type: ignore[arg-type]  # the slip under test

    bake = lab.oven.bake(heat=point["heat"])
    cake = yield bake.accepting(refuse) if where == "check" else bake
    refuse(cake)


def broken_after_baking(point: Point, lab: Lab) -> Steps:
    """Bake, then trip over a key that is not there."""
    cake = yield lab.oven.bake(heat=point["heat"])
    return {"sample": cake.sample}["mass"]  # type: ignore[return-value]  # the fault under test


CONFIG = """\
campaign: tiny
seed: 3
parameters:
  heat: {unit: K, low: 0, high: 100}
objective: {name: mass, unit: g}
planner: {surrogate: gp, initial_runs: 3, samples: 64}
laboratory:
  bottleneck: oven
  instruments:
    oven: {driver: "worlds:Oven"}
    scale: {driver: "worlds:Scale"}
recipe: worlds:bake_and_weigh
policies: {after_instrument_failure: continue, backoff_min: 1, breaker: {failed: 8, of_last: 8}}
budget: {runs: 4}
"""


def write_config(folder: Path, text: str = CONFIG) -> Path:
    """Write a configuration into a folder and return its path."""
    path = folder / "tiny.yaml"
    path.write_text(text, encoding="utf-8")
    return path
