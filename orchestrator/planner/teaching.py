"""Which rows a model learns from, where there are more than it could in the time that people wait for a suggestion.

Rule of this file: a pure function of the rows, in their order and without linear algebra, so that a replayed campaign
chooses the same ones.
"""

from collections.abc import Sequence

from orchestrator.objective import Objective
from orchestrator.planner.feasibility import EVIDENCE
from orchestrator.planner.suggestion import Observation
from orchestrator.space import ParameterSpace
from orchestrator.space.spread import farthest

_SHARE = 0.2  # of the best rows, and of the latest


def taught(
    known: Sequence[Observation], most: int | None, space: ParameterSpace, objectives: Sequence[Objective]
) -> Sequence[Observation]:
    """Return the rows to learn from: all, or a fifth each of the best and the latest, and the others spread widely.

    The best say where the optimum is, the latest what the search is at and how the tool has drifted, the others what
    the rest of the space is like, failures included.

    Args:
        known: All observations; at most `most` of those that say something of their point are returned, in their order.
        most: How many, or None for all.
        space: The parameters.
        objectives: The first one and those beside it, each of which has best rows.
    """
    if most is None or len(known) <= most:
        return known
    telling = [o for o in known if o.value is not None or o.failure in EVIDENCE]
    if len(telling) <= most:
        return known
    n = int(_SHARE * most)
    values = [[o.value for o in telling], *([o.further.get(f.name) for o in telling] for f in objectives[1:])]
    each = max(n // len(objectives), 1)
    chosen = dict.fromkeys(i for f, v in zip(objectives, values, strict=True) for i in _best(f, v, each))
    chosen |= dict.fromkeys(range(len(telling) - n, len(telling)))
    spread = farthest(space.encode([o.point for o in telling]), list(chosen), most)
    replicates = (i for i in reversed(range(len(telling))) if i not in set(spread))
    filled = [*spread, *(i for i, _ in zip(replicates, range(most - len(spread)), strict=False))]
    return [telling[i] for i in sorted(filled)]


def _best(objective: Objective, values: Sequence[float | None], n: int) -> list[int]:
    """Return where the best values are, the best one first."""
    scores = {i: objective.score(value) for i, value in enumerate(values) if value is not None}
    return sorted(scores, key=lambda i: (-scores[i], i))[:n]
