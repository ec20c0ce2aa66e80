"""How long a suggestion takes, by how much is known."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.planners.contenders import Entry
from benchmarks.planners.laboratory import Laboratory
from orchestrator.chance import stream

_REPEATS = 5


def crowded(laboratory: Laboratory, n_rows: int) -> Laboratory:
    """Return the laboratory with so many random initial rows instead of its own."""
    space, rng = laboratory.space, stream(laboratory.seed, laboratory.family, "crowd")
    points = space.sample(4 * n_rows, rng)
    answers = [(point, laboratory.answer(point, run).value) for run, point in enumerate(points)]
    rows = [(point, value) for point, value in answers if value is not None]
    return replace(laboratory, initial=tuple(rows[:n_rows]))


def seconds(entry: Entry, laboratory: Laboratory, n_rows: int) -> list[float]:
    """Return the CPU seconds of a few suggestions after so many rows, the first of a process left out.

    Asking and telling count together: some planners think when they are asked, some when they are told.
    """
    contender, spent = entry.enter(crowded(laboratory, n_rows)), []
    for run in range(_REPEATS + 1):
        before = time.process_time()
        point = contender.ask()
        answer = laboratory.answer(point, run)
        contender.tell(point, answer.value, answer.failure)
        spent.append(time.process_time() - before)
    return spent[1:]


def speeds(entries: Sequence[Entry], laboratory: Laboratory, numbers: Sequence[int]) -> str:
    """Return a table of the median CPU seconds a suggestion."""
    lines = [f"{'CPU s a suggestion, rows known':<38}" + "".join(f"{n:>9}" for n in numbers)]
    for entry in entries:
        cells = "".join(f"{np.median(seconds(entry, laboratory, n)):>9.3f}" for n in numbers)
        lines.append(f"{entry.spec:<38}{cells}")
    return "\n".join(lines)
