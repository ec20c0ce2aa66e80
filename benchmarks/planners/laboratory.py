"""A laboratory of the benchmark: what a planner may know of it, what it answers, and the truth it is judged by."""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from instruments.driver import FailureClass
from orchestrator.chance import stream
from orchestrator.recipe import Point
from orchestrator.space import ParameterSpace

FloatArray = NDArray[np.float64]
Row = tuple[Point, float]

NOISE = 0.05  # coefficient of variation of a measurement, lognormal
SAMPLE_FAILURES = 0.04  # chance that a film is lost wherever it was made


@dataclass(frozen=True)
class Answer:
    """What came of a run.

    Args:
        truth: The noiseless value there; no planner sees it.
        value: The measured value, None where the run failed.
        failure: The failure class, None where it was measured.
    """

    truth: float
    value: float | None = None
    failure: str | None = None


@dataclass(frozen=True)
class Laboratory:
    """One laboratory; larger values are better in all of them.

    Args:
        family: The family it is drawn from.
        seed: Which of the family.
        space: The parameters, with a pool of candidates where a table answers.
        truth: Noiseless values of points, array, shape (n_points,).
        fails: Whether points lie in a failing region, array, shape (n_points,).
        optimum: The largest noiseless value of the points that do not fail.
        floor: The smallest one.
        initial: Measured rows of this tool that every planner is told before its first suggestion.
        source: Measured rows of another tool, () where there is none.
        traits: What kind of laboratory it is, in plain words and numbers.
        replicates: Measured values by point where a table answers, instead of simulated noise.
        noise: Coefficient of variation of a simulated measurement.
    """

    family: str
    seed: int
    space: ParameterSpace
    truth: Callable[[Sequence[Point]], FloatArray]
    fails: Callable[[Sequence[Point]], NDArray[np.bool_]]
    optimum: float
    floor: float
    initial: tuple[Row, ...]
    source: tuple[Row, ...]
    traits: Mapping[str, str | float] = field(default_factory=dict)
    replicates: Callable[[Point], Sequence[float]] | None = None
    noise: float = NOISE

    @property
    def fingerprint(self) -> str:
        """A short hash of what the laboratory is, so that results of another laboratory are never taken for its own."""
        rows = [f"{value:.9g}" for _, value in (*self.initial, *self.source)]
        return hashlib.sha256(" ".join([*rows, f"{self.optimum:.6g}"]).encode()).hexdigest()[:12]

    def answer(self, point: Point, run: int) -> Answer:
        """Return what comes of a point in this run: the same chance for every planner in the same run."""
        truth, rng = float(self.truth([point])[0]), stream(self.seed, self.family, "run", run)
        lost, z, pick = rng.random(), rng.standard_normal(), rng.random()
        if self.fails([point])[0]:
            return Answer(truth, failure=FailureClass.INFEASIBLE)
        if self.replicates is not None:
            values = self.replicates(point)
            return Answer(truth, values[int(pick * len(values))])
        if lost < SAMPLE_FAILURES:
            return Answer(truth, failure=FailureClass.SAMPLE)
        return Answer(truth, noisy(truth, z, self.noise))

    def exact(self) -> "Laboratory":
        """Return the same laboratory with measurements that tell the truth, those of its own past rows too.

        Raises:
            ValueError: A table answers, which has the noise it has.
        """
        if self.replicates is not None:
            message = f"{self.family} is recorded: its noise cannot be taken out"
            raise ValueError(message)
        points = [point for point, _ in self.initial]
        values = self.truth(points).tolist()
        return replace(self, initial=tuple(zip(points, values, strict=True)), noise=0.0)


def noisy(truth: float, z: float, noise: float = NOISE) -> float:
    """Return a measurement of a true value, z being standard normal."""
    return float(truth * math.exp(noise * z))
