"""Several objectives: which runs no other run beats, and what they have reached together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from orchestrator.ledger import Run
from orchestrator.objective import Objective
from orchestrator.objective.pareto import front, hypervolume
from orchestrator.report.drawing import BEST, HALF, HUES, MEASURED, blank, label
from orchestrator.report.material import Material, with_bracket

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Tradeoff:
    """The runs that gave every objective.

    Args:
        objectives: The first objective, then the others.
        runs: The runs.
        values: Shape (n_runs, n_objectives).
        on_front: Which runs no other run beats.
    """

    objectives: tuple[Objective, ...]
    runs: tuple[Run, ...]
    values: FloatArray
    on_front: NDArray[np.bool_]

    @property
    def hypervolume(self) -> float:
        """The share of the box between the worst and the best value of each objective that the front beats."""
        scores = self.values * [o.sign for o in self.objectives]
        spans = np.ptp(scores, axis=0)
        return hypervolume(scores, scores.min(axis=0).tolist()) / float(np.prod(spans)) if spans.all() else 0.0

    def drawn(self, other: int) -> Figure:
        """Draw the first objective over another one, with the front and the limit of the other if it has one."""
        x, y = self.objectives[other], self.objectives[0]
        figure, ax = blank(HALF)
        ax.scatter(self.values[:, other], self.values[:, 0], s=22, marker=MEASURED.marker, color=HUES["soft"], zorder=3)
        best = self.values[self.on_front]
        best = best[np.argsort(best[:, other], kind="stable")]
        ax.plot(best[:, other], best[:, 0], color=HUES[BEST.hue], lw=1, ls=(0, (2, 2)), zorder=4)
        ax.scatter(best[:, other], best[:, 0], s=34, marker="D", color=HUES[BEST.hue], zorder=5)
        if x.limit is not None:
            ax.axvline(x.limit, color=HUES["red"], linestyle=(0, (4, 3)), linewidth=1)
        ax.grid(visible=True)
        label(ax, with_bracket(x.name, x.unit), with_bracket(y.name, y.unit))
        return figure


def tradeoff(material: Material) -> Tradeoff | None:
    """Return the runs that gave every objective; None where there is one objective, or no such run."""
    further = material.planner.further
    if not further:
        return None
    objectives = (material.objective, *further)
    found = [(run, _values(run, further)) for run in material.measured]
    complete = [(run, values) for run, values in found if values is not None]
    if not complete:
        return None
    values = np.array([values for _, values in complete])
    scores = values * [o.sign for o in objectives]
    return Tradeoff(objectives, tuple(run for run, _ in complete), values, front(scores))


def _values(run: Run, further: Sequence[Objective]) -> list[float] | None:
    found = [o.among(run.details) for o in further]
    numbers = [value for value in found if value is not None]
    return [float(run.value or 0.0), *numbers] if len(numbers) == len(found) else None
