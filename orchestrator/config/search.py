"""What is searched, for what, on which past rows, and how the next point is chosen."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from orchestrator.config.section import Section

_MOST_LEVELS = 100_000


Number = Annotated[float, Field(ge=-1e100, le=1e100)]
"""A number whose cube is still one."""


class ParameterConfig(Section):
    """One named input: bounds, or levels, or choices. With `laboratory.table`, what is left out is read from it.

    A `fixed` value is a context: every suggested point has it. With bounds, levels or choices beside it, past rows may
    have other values, and the surrogate learns from them across contexts. With `instrument`, the bottleneck's role, the
    value is the name of the instrument that performs the run: each suggestion is made for the one that is free, and the
    surrogate learns what tells them apart.
    """

    unit: str = "1"
    low: Number | None = None
    high: Number | None = None
    scale: Literal["linear", "log"] = "linear"
    levels: list[Number] | None = Field(default=None, min_length=2)
    choices: list[str] | None = Field(default=None, min_length=2)
    integer: bool = False
    step: Number | None = Field(default=None, gt=0)
    fixed: Number | str | None = None
    instrument: str | None = None

    @model_serializer(mode="wrap")
    def _written(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is not used, so that ledgers begun before there was such a key stay the same campaign."""
        unused = {"integer": False, "step": None, "fixed": None, "instrument": None}
        return {key: value for key, value in serialise(self).items() if key not in unused or value != unused[key]}

    @property
    def lattice(self) -> tuple[float, ...]:
        """The levels: as given, or whole numbers (of type int), or steps from low to high; else empty."""
        if self.levels is not None:
            return tuple(sorted(self.levels))
        if self.low is None or self.high is None:
            return ()
        if self.integer:
            return tuple(range(int(self.low), int(self.high) + 1, int(self.step or 1)))
        if self.step is None:
            return ()
        low, step = Decimal(str(self.low)), Decimal(str(self.step))
        return tuple(float(low + i * step) for i in range(int((Decimal(str(self.high)) - low) / step) + 1))

    @model_validator(mode="after")
    def _one_kind(self) -> "ParameterConfig":
        bounds = self.low is not None or self.high is not None
        kinds = [bounds, self.levels is not None, self.choices is not None]
        if sum(kinds) > 1:
            message = "a parameter has low and high, or levels, or choices: give one of the three"
            raise ValueError(message)
        if bounds and (self.low is None or self.high is None):
            message = "low and high go together: give both"
            raise ValueError(message)
        if self.low is not None and self.high is not None and self.low >= self.high:
            message = f"low {self.low:g} must be below high {self.high:g}: are the bounds crossed?"
            raise ValueError(message)
        for values in (self.levels, self.choices):
            if values is not None and len(set(values)) < len(values):
                message = "levels and choices must differ from one another"
                raise ValueError(message)
        lowest = min(self.levels) if self.levels else self.low
        if self.scale == "log" and lowest is not None and lowest <= 0:
            message = f"a log scale needs values above 0, not {lowest:g}"
            raise ValueError(message)
        if self.instrument is not None and (bounds or self.levels or self.fixed is not None):
            message = "with instrument, the values are the names of the instruments: no bounds, levels or fixed value"
            raise ValueError(message)
        self._check_lattice()
        self._check_fixed()
        return self

    def _check_lattice(self) -> None:
        if (self.integer or self.step is not None) and (self.levels is not None or self.choices is not None):
            message = "integer and step go with low and high; levels and choices say every value themselves"
            raise ValueError(message)
        if self.integer:
            for key in ("low", "high", "step"):
                number = getattr(self, key)
                if number is not None and not float(number).is_integer():
                    message = f"an integer parameter has whole numbers as bounds and step, not {key} {number:g}"
                    raise ValueError(message)
        if self.low is None or self.high is None or not (self.integer or self.step is not None):
            return
        low, high, step = (Decimal(str(v)) for v in (self.low, self.high, self.step or 1))
        n_steps = int((high - low) / step)
        if n_steps > _MOST_LEVELS:
            message = f"{n_steps + 1} levels are more than {_MOST_LEVELS}; take a wider step, or none"
            raise ValueError(message)
        if low + n_steps * step != high:
            below, above = float(low + n_steps * step), float(low + (n_steps + 1) * step)
            message = (
                f"high {self.high:g} is not reached from low {self.low:g} in steps of {float(step):g}; "
                f"take {below:g} or {above:g}"
            )
            raise ValueError(message)

    def _check_fixed(self) -> None:
        if self.fixed is None:
            return
        if isinstance(self.fixed, str) != (self.choices is not None) and self._has_values:
            message = f"fixed {self.fixed!r} is not one of its values; give one of them"
            raise ValueError(message)
        is_outside = self.low is not None and self.high is not None and not self.low <= float(self.fixed) <= self.high
        options: Sequence[float | str] = self.choices or self.lattice
        if is_outside or (options and self.fixed not in options):
            message = f"fixed {self.fixed} is outside what the parameter can take; widen it, or correct the value"
            raise ValueError(message)

    @property
    def _has_values(self) -> bool:
        return self.low is not None or self.levels is not None or self.choices is not None


class ObjectiveConfig(Section):
    """What is measured. With `laboratory.table`, a name left out is the table's last column."""

    name: str | None = Field(default=None, min_length=1)
    unit: str | None = None
    goal: Literal["maximise", "minimise"] = "maximise"
    scale: Literal["linear", "log"] = "linear"


class FurtherObjectiveConfig(Section):
    """What else is wanted much or little of: a number among the details that the recipe returns.

    With a worth or a limit its goal must be said: nobody should have to guess whether a limit is the least or the most.
    """

    unit: str = "1"
    goal: Literal["maximise", "minimise"] = "maximise"
    worth: float | None = Field(default=None, gt=0)
    limit: float | None = None

    @model_validator(mode="after")
    def _one_preference(self) -> "FurtherObjectiveConfig":
        if self.worth is not None and self.limit is not None:
            message = "worth and limit are two ways to weigh an objective: give one of them, or none to explore both"
            raise ValueError(message)
        if "goal" not in self.model_fields_set and self.limit is not None:
            limit = f"{self.limit:g}"
            message = (
                f"with goal: minimise the limit is at most {limit}, with goal: maximise at least {limit}; say which"
            )
            raise ValueError(message)
        if "goal" not in self.model_fields_set and self.worth is not None:
            message = "goal is missing: with a worth, say goal: minimise or goal: maximise"
            raise ValueError(message)
        return self


class DataConfig(Section):
    """Past rows: of another tool (source) and of this one (initial)."""

    source: Path | None = None
    initial: Path | None = None


AcquisitionName = Literal["ei", "ucb", "pi", "mean", "random"]


class PlannerConfig(Section):
    """How the next point is chosen.

    `features` are formulas over the parameters, as `pressure * distance`: the models see them beside the parameters.
    """

    surrogate: Literal[
        "coral-svr",
        "svr",
        "gp",
        "joint-gp",
        "ann",
        "random-forest",
        "extra-trees",
        "gradient-boosting",
        "tradaboost",
        "ratio",
    ] = "coral-svr"
    mode: Literal["scaled", "averaged", "paper", "paper-search"] = "scaled"
    source_weight: Literal["guarded"] | Annotated[float, Field(ge=0, le=1)] = "guarded"
    acquisition: AcquisitionName | Annotated[list[AcquisitionName], Field(min_length=1)] = "ei"
    kappa: float = Field(default=1.96, gt=0)
    xi: float = Field(default=0.01, ge=0)
    per_hour: bool = False
    failures: Literal["worst", "feasibility", "avoid"] = "worst"
    initial_runs: int = Field(default=8, ge=1, le=100_000)
    levels: int | None = Field(default=201, ge=2, le=400)
    samples: int = Field(default=4096, ge=16, le=1_000_000)
    most_rows: int | None = Field(default=500, ge=20)
    features: list[str] = Field(default=[], max_length=16)

    @model_serializer(mode="wrap")
    def _written(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out features where there are none, so that ledgers begun before there were any stay the same."""
        return {key: value for key, value in serialise(self).items() if key != "features" or value}

    @property
    def acquisitions(self) -> list[AcquisitionName]:
        """The acquisitions that take turns, one of them or more."""
        return self.acquisition if isinstance(self.acquisition, list) else [self.acquisition]

    @property
    def is_natural(self) -> bool:
        """Whether the surrogate takes features in their own units, as the paper did; else in the unit cube."""
        return _is_natural(self.surrogate, self.mode)

    def turn(self, number: int) -> "PlannerConfig":
        """Return the settings with the one acquisition whose turn it is at a suggestion, from 1."""
        return self.model_copy(update={"acquisition": self.acquisitions[(number - 1) % len(self.acquisitions)]})

    @model_validator(mode="after")
    def _gain_by_the_hour(self) -> "PlannerConfig":
        no_gain = {"ucb", "mean", "random"}.intersection(self.acquisitions)
        if self.per_hour and no_gain:
            message = f"per_hour divides a gain by hours, and {min(no_gain)} is no gain: use ei or pi with it"
            raise ValueError(message)
        return self

    @field_validator("features")
    @classmethod
    def _beside_the_unit_cube(cls, features: list[str], others: ValidationInfo) -> list[str]:
        mode = others.data.get("mode")
        if features and _is_natural(others.data.get("surrogate"), mode):
            message = f"mode {mode} has the published features; take these out, or mode: scaled or averaged"
            raise ValueError(message)
        return features


def _is_natural(surrogate: str | None, mode: str | None) -> bool:
    return surrogate in ("coral-svr", "svr") and mode in ("paper", "paper-search")
