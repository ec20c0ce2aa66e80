"""Which models are screened, under which names, and what is stated of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from orchestrator import surrogates
from orchestrator.config.schema import PlannerConfig
from orchestrator.surrogates import Rows


@dataclass(frozen=True)
class Entry:
    """One model in one mode.

    Args:
        name: As in `planner.surrogate`.
        mode: As in `planner.mode`.
        label: What people read.
        source_weight: As in `planner.source_weight`.
        borrows: Whether it needs source rows to be more than a model that is screened anyway.
    """

    name: str
    label: str
    mode: str = "scaled"
    source_weight: str | float = "guarded"
    borrows: bool = False

    @property
    def key(self) -> str:
        """Name and mode as on the command line."""
        return self.name if self.mode == "scaled" else f"{self.name}:{self.mode}"

    @property
    def settings(self) -> PlannerConfig:
        """The planner's settings that build it."""
        return PlannerConfig.model_validate(
            {"surrogate": self.name, "mode": self.mode, "source_weight": self.source_weight}
        )

    @property
    def is_natural(self) -> bool:
        """Whether it takes features in their own units."""
        return self.settings.is_natural

    def build(self, source: Rows | None) -> Any:  # noqa: ANN401 - sklearn has no stubs
        """Return a fresh, unfitted estimator."""
        return surrogates.build(self.settings, source)


# The published CORAL-SVR has no guard: its source always counts in full.
CATALOGUE = (
    Entry("svr", "SVR, paper", "paper"),
    Entry("coral-svr", "CORAL-SVR, paper", "paper", 1.0, borrows=True),
    Entry("svr", "SVR, searched", "paper-search"),
    Entry("coral-svr", "CORAL-SVR, searched", "paper-search", 1.0, borrows=True),
    Entry("svr", "SVR, scaled"),
    Entry("coral-svr", "CORAL-SVR, scaled", borrows=True),
    Entry("coral-svr", "CORAL-SVR, averaged", "averaged", borrows=True),
    Entry("ratio", "ratio + residual", borrows=True),
    Entry("tradaboost", "TrAdaBoost.R2", borrows=True),
    Entry("gp", "Gaussian process"),
    Entry("joint-gp", "joint process", borrows=True),
    Entry("ann", "ANN"),
    Entry("random-forest", "random forest"),
    Entry("extra-trees", "extra trees"),
    Entry("gradient-boosting", "gradient boosting"),
)
KEYS = tuple(entry.key for entry in CATALOGUE)


def chosen(words: Sequence[str] | None) -> tuple[Entry, ...]:
    """Return the models that are asked for: all without words; a name alone means all its modes.

    Raises:
        ValueError: A word that names no model.
    """
    if words is None:
        return CATALOGUE
    names = [entry.name for entry in CATALOGUE]
    for word in words:
        if word not in (*names, *KEYS) and word.removesuffix(":scaled") not in KEYS:
            near = get_close_matches(word, KEYS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            message = f"no model is called {word!r}{hint} There are {', '.join(KEYS)}"
            raise ValueError(message)
    wanted = set(words)
    return tuple(e for e in CATALOGUE if {e.name, e.key, f"{e.name}:{e.mode}"} & wanted)
