"""Make the synthetic source and initial data of the study: `python -m campaigns.lipon.make_designs`.

Rule of this file: every row comes out of the simulated tools through the study's own recipe, on the levels that the
CORAL-SVR paper published for its two data sets. They are not the rows of the paper, which are not public.
"""

import csv
import io
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Literal

import numpy as np

from campaigns.lipon.recipe import measure_conductivity
from instruments.driver import Command, FailureClass, InstrumentError, Phase, PhasedInstrument, Reading
from instruments.evaporator import SimulatedEvaporator
from instruments.impedance.simulated import SimulatedAnalyzer
from instruments.sputter.film import Film
from instruments.sputter.simulated import SimulatedSputter
from orchestrator.recipe import Lab, Measured, Recipe

SEED = 20260105
FOLDER = Path(__file__).parent
COLUMNS = ("distance", "power", "pressure", "conductivity", "conductivity_sd", "origin")
SWEEPS = 3


@dataclass(frozen=True)
class Design:
    """A set of rows to be made.

    Args:
        file: Its file beside this script.
        tool: The simulated tool that makes it.
        levels: The published levels of distance in cm, power in W and pressure in Pa.
        n_rows: How many rows.
        included: A point that must be among them, or none.
    """

    file: str
    tool: Literal["target", "source"]
    levels: tuple[Sequence[float], Sequence[float], Sequence[float]]
    n_rows: int
    included: tuple[float, float, float] | None = None


DESIGNS = (
    Design(
        "synthetic_source.csv",
        "source",
        ((7.5, 9.0, 11.6), (100.0, 150.0, 200.0), (0.5, 1.0, 1.5)),
        n_rows=14,
    ),
    Design(
        "synthetic_initial.csv",
        "target",
        ((4.0, 5.0, 6.0, 7.0, 8.0), (100.0, 150.0, 200.0, 250.0), (0.5, 1.0, 1.5, 2.0, 3.0)),
        n_rows=18,
        included=(6.0, 100.0, 0.5),
    ),
)


def balanced_points(design: Design, rng: np.random.Generator) -> list[tuple[float, ...]]:
    """Return distinct points in which each level of each parameter occurs equally often, give or take one."""
    while True:
        columns = [_balanced(levels, design.n_rows, rng) for levels in design.levels]
        for column, value in zip(columns, design.included or (), strict=False):
            there = column.index(value)
            column[0], column[there] = column[there], column[0]
        points = list(zip(*columns, strict=True))
        if len(set(points)) == len(points):
            return points


def _balanced(levels: Sequence[float], n_rows: int, rng: np.random.Generator) -> list[float]:
    whole, rest = divmod(n_rows, len(levels))
    column = [*levels] * whole + [levels[i] for i in rng.permutation(len(levels))[:rest]]
    return [column[i] for i in rng.permutation(n_rows)]


def simulated_laboratory(tool: Literal["target", "source"]) -> dict[str, PhasedInstrument]:
    """Return the three instruments of the recipe around one shelf."""
    shelf: dict[str, Film] = {}
    return {
        "sputter": SimulatedSputter(name="sputter", shelf=shelf, tool=tool),
        "evaporator": SimulatedEvaporator(name="evaporator", shelf=shelf),
        "analyzer": SimulatedAnalyzer(name="analyzer", shelf=shelf),
    }


def play(phases: Generator[Phase, None, Reading]) -> Reading:
    """Run through the phases of a command without a clock and return its reading; raises what they raise."""
    while True:
        try:
            next(phases)
        except StopIteration as done:
            reading: Reading = done.value
            return reading


def perform(
    recipe: Recipe,
    point: Mapping[str, float],
    laboratory: Mapping[str, PhasedInstrument],
    run: str,
    rng: np.random.Generator,
) -> Measured:
    """Perform one run without a clock; a failed measurement is repeated on the same film.

    Raises:
        InstrumentError: The run has failed.
    """
    steps = recipe(point, Lab(laboratory))
    step = 1
    try:
        command = next(steps)
        while True:
            command = steps.send(_accepted(command, laboratory, f"{run}.{step}", rng))
            step += 1
    except StopIteration as done:
        measured: Measured = done.value
        return measured


def _accepted(
    command: Command, laboratory: Mapping[str, PhasedInstrument], step: str, rng: np.random.Generator, attempt: int = 1
) -> Reading:
    """Return the reading of a command that passed its own test."""
    try:
        reading = play(laboratory[command.instrument].phases(replace(command, id=f"{step}.{attempt}"), rng))
        if command.accept:
            command.accept(reading)
    except InstrumentError as error:
        if error.failure is not FailureClass.MEASUREMENT or attempt == SWEEPS:
            raise
        return _accepted(command, laboratory, step, rng, attempt + 1)
    return reading


def make(design: Design, seed: int = SEED) -> str:
    """Return the text of a design's file: comments that say what it is, the header, the rows.

    A run that fails is performed again on the same tool with the next stream, and the file says so.
    """
    stream = DESIGNS.index(design)
    points = balanced_points(design, np.random.default_rng([seed, stream]))
    laboratory = simulated_laboratory(design.tool)
    rows, failures = [], []
    for number, point in enumerate(points, start=1):
        named = dict(zip(COLUMNS, point, strict=False))
        for attempt in count(1):
            rng = np.random.default_rng([seed, stream, number, attempt])
            try:
                measured = perform(measure_conductivity, named, laboratory, f"{number}.{attempt}", rng)
            except InstrumentError as error:
                failures.append(f"row {number}, attempt {attempt}: {error}")
            else:
                rows.append([*point, f"{measured.value:.4g}", f"{measured.sd:.2g}", "simulated"])
                break
    return _text(design, seed, rows, failures)


def _text(design: Design, seed: int, rows: list[list[object]], failures: list[str]) -> str:
    comments = [
        f"SYNTHETIC: simulated by this project on its {design.tool} tool; not the rows of any paper",
        f"made by `python -m campaigns.lipon.make_designs`, seed {seed}, {len(rows)} rows on the published levels",
        "distance in cm, power in W, pressure in Pa, conductivity and its standard uncertainty in uS/cm",
        *(f"performed again after a failure: {failure}" for failure in failures),
    ]
    text = io.StringIO("".join(f"# {comment}\n" for comment in comments))
    text.seek(0, io.SEEK_END)
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    return text.getvalue()


def main() -> None:
    """Write both files beside this script."""
    for design in DESIGNS:
        (FOLDER / design.file).write_text(make(design), encoding="utf-8")


if __name__ == "__main__":
    main()
