"""What if: which points another planner would have chosen on the same history."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from orchestrator.config import ConfigError, Problem
from orchestrator.ledger import Ledger
from orchestrator.recipe import Point
from orchestrator.replay.decisions import Decision, Respondent, decisions

_SAME = 1e-6  # points closer than this in the unit cube are equal


@dataclass(frozen=True)
class Prediction:
    """A point and what its planner expected there.

    Args:
        point: The point.
        by: The acquisition that chose it, or design.
        mean: Predicted objective in its unit, None without a model.
        sd: Standard deviation of that prediction, None without a model.
    """

    point: Point
    by: str
    mean: float | None
    sd: float | None


@dataclass(frozen=True)
class Alternative:
    """One decision with what was chosen and what would have been.

    Args:
        run: The run it began.
        chosen: By the campaign's planner, as recorded.
        other: By the other planner.
        distance: Between the two, in the unit cube.
    """

    run: int
    chosen: Prediction
    other: Prediction
    distance: float

    @property
    def is_same(self) -> bool:
        """Whether both chose the same point."""
        return self.distance < _SAME


def what_if(ledger: Ledger, overrides: Mapping[str, Any], *, option: str = "--what-if") -> Iterator[Alternative]:
    """Yield every decision of a campaign with what another planner would have chosen there.

    The history stays what it was: the other planner is asked on what the campaign's own choices had taught.

    Args:
        ledger: The campaign.
        overrides: Settings by dotted path: of `planner`, `seed`, or `data.source` and `data.initial` as None.
        option: What the command line calls them.

    Raises:
        ConfigError: A setting that no suggestion depends on, an unknown key, or a refused value.
    """
    _check(overrides, option)
    respondent = Respondent(overrides, option=option)
    for decision in decisions(ledger):
        yield _alternative(respondent, decision)


def _check(overrides: Mapping[str, Any], option: str) -> None:
    rule = "only planner settings, seed, and data.source=null or data.initial=null change what is chosen on a history"
    problems = [
        Problem(f"{option} {key}", f"is not asked here: {rule}")
        for key, value in overrides.items()
        if not (key.startswith("planner.") or key == "seed" or (key in ("data.source", "data.initial") and not value))
    ]
    if problems:
        raise ConfigError(problems)


def _alternative(respondent: Respondent, decision: Decision) -> Alternative:
    again = respondent.ask(decision)
    one, other = respondent.space_at(decision).encode([decision.point, again.point])
    why = decision.why
    return Alternative(
        decision.run,
        Prediction(decision.point, _by(why.get("kind"), why.get("acquisition_name")), why.get("mean"), why.get("sd")),
        Prediction(again.point, _by(again.kind, again.acquisition_name), again.mean, again.sd),
        float(np.linalg.norm(one - other)),
    )


def _by(kind: str | None, acquisition: str | None) -> str:
    return (acquisition if kind == "model" else kind) or ""
