"""Which run is the best one: by the first objective, among those that keep the limits of the others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.config.schema import CampaignConfig
from orchestrator.ledger import Run
from orchestrator.objective import Objective


@dataclass(frozen=True)
class Merit:
    """What runs are compared by.

    Args:
        objective: The first objective.
        further: The others.
    """

    objective: Objective
    further: tuple[Objective, ...] = ()

    @classmethod
    def from_config(cls, settings: CampaignConfig) -> "Merit":
        """Return what a configuration compares by."""
        return cls(Objective.from_config(settings.objective), Objective.further(settings.further_objectives))

    @classmethod
    def recorded(cls, configuration: Mapping[str, Any]) -> "Merit":
        """Return what a ledger's configuration compares by, be it of an older version."""
        asked, others = configuration.get("objective", {}), configuration.get("further_objectives", {})
        first = Objective(asked.get("name") or "objective", asked.get("unit") or "1", asked.get("goal") or "maximise")
        return cls(first, tuple(Objective(name, **settings) for name, settings in others.items()))

    @property
    def limits(self) -> str:
        """The limits in words; "" where there are none."""
        limited = [o for o in self.further if o.limit is not None]
        return ", ".join(f"{o.name} {o.bound} {o.unit}".removesuffix(" 1") for o in limited)

    def counts(self, run: Run) -> bool:
        """Whether a run has a value and keeps every limit; what it did not measure it does not keep."""
        return run.value is not None and self.keeps(run.details)

    def keeps(self, details: Mapping[str, Any]) -> bool:
        """Whether what a recipe measured beside the first objective keeps every limit."""
        return all(o.is_kept(details.get(o.name)) for o in self.further)

    def missing(self, details: Mapping[str, Any]) -> list[str]:
        """Return the names of further objectives that a recipe has returned no number for."""
        return [o.name for o in self.further if o.among(details) is None]

    def kept(
        self, further: Mapping[str, Sequence[float | None] | NDArray[np.float64]], n_rows: int
    ) -> NDArray[np.bool_]:
        """Return which past rows are known to keep every limit: all, where there are no limits.

        Args:
            further: What the rows have of further objectives, by name; None or NaN where it is not known.
            n_rows: How many rows there are.
        """
        kept = np.ones(n_rows, dtype=bool)
        for o in self.further:
            if o.limit is not None:
                values = np.array(further.get(o.name, [None] * n_rows), dtype=float)  # None becomes NaN
                kept &= o.sign * values >= o.score(o.limit)
        return kept

    def better(self, run: Run, other: Run | None) -> bool:
        """Whether a run counts and is better than another one that does."""
        return self.counts(run) and (other is None or self.objective.better(run.value or 0.0, other.value or 0.0))

    def best(self, runs: Iterable[Run]) -> Run | None:
        """Return the best run, or None where none counts."""
        found = None
        for run in runs:
            if self.better(run, found):
                found = run
        return found
