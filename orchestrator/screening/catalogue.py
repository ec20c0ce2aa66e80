"""Which models are screened, under which names, and what is stated of them: a list, and the campaign's own one."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from orchestrator import surrogates
from orchestrator.config.schema import CampaignConfig, PlannerConfig
from orchestrator.data import Rows
from orchestrator.objective import Objective
from orchestrator.screening.planned import Planned
from orchestrator.space import ParameterSpace


@dataclass(frozen=True)
class Entry:
    """One model in one mode.

    Args:
        name: As in `planner.surrogate`; "planner" is the campaign's own.
        mode: As in `planner.mode`.
        label: What people read.
        source_weight: As in `planner.source_weight`.
        borrows: Whether it needs source rows to be more than a model that is screened anyway.
        planner: The settings of the campaign's own, features included; None of every other one.
    """

    name: str
    label: str
    mode: str = "scaled"
    source_weight: str | float = "guarded"
    borrows: bool = False
    planner: PlannerConfig | None = None

    @property
    def key(self) -> str:
        """Name and mode as on the command line."""
        return self.name if self.mode == "scaled" else f"{self.name}:{self.mode}"

    @property
    def settings(self) -> PlannerConfig:
        """The planner's settings that build it."""
        return self.planner or PlannerConfig.model_validate(
            {"surrogate": self.name, "mode": self.mode, "source_weight": self.source_weight}
        )

    @property
    def is_natural(self) -> bool:
        """Whether it takes features in their own units."""
        return self.settings.is_natural

    def build(self, space: ParameterSpace, objective: Objective, source: Rows | None) -> Any:  # noqa: ANN401 - sklearn has no stubs
        """Return a fresh, unfitted estimator of encoded points, which may borrow from source rows."""
        borrowed = None
        if source is not None:
            borrowed = space.encode(source.points, natural=self.is_natural), source.values
        if self.planner is None:
            return surrogates.build(self.settings, borrowed)
        return Planned(self.planner, space, objective, *(borrowed or (None, None)))


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


def own(settings: CampaignConfig) -> Entry:
    """Return the surrogate that a campaign's planner uses, features, scale and all."""
    planner = settings.planner
    may_borrow = any(entry.borrows for entry in CATALOGUE if entry.name == planner.surrogate)
    return Entry(
        "planner",
        "planner's model",
        planner.mode,
        planner.source_weight,
        borrows=may_borrow and settings.data.source is not None,
        planner=planner,
    )


def chosen(words: Sequence[str] | None, planner: Entry | None = None) -> tuple[Entry, ...]:
    """Return the models that are asked for: all without words; a name alone means all its modes.

    Args:
        words: What is asked for.
        planner: The campaign's own model, or None.

    Raises:
        ValueError: A word that names no model.
    """
    entries = CATALOGUE if planner is None else (*CATALOGUE, planner)
    if words is None:
        return entries
    names, keys = [entry.name for entry in entries], [entry.key for entry in entries]
    for word in words:
        if word not in (*names, *keys) and word.removesuffix(":scaled") not in keys:
            near = get_close_matches(word, keys, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            message = f"no model is called {word!r}{hint} There are {', '.join(keys)}"
            raise ValueError(message)
    wanted = set(words)
    return tuple(e for e in entries if {e.name, e.key, f"{e.name}:{e.mode}"} & wanted)
