"""What a configuration may say: every key of the YAML, its type, its bounds and its default."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from orchestrator.address import checked, without_password

_MOST_LEVELS = 100_000
_LONGEST_WAIT_MIN = 1e6
_YEARS = range(1970, 3000)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _OpenSection(_Section):
    """A section whose further keys are options of the thing it names."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    @property
    def options(self) -> dict[str, Any]:
        """The further keys, to be checked by the thing itself."""
        return dict(self.model_extra or {})


def _slug(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        message = "a campaign's name is a folder's name: letters, digits, '-', '_' and '.', at most 64"
        raise ValueError(message)
    return name


def _dotted(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", name):
        message = f"{name!r} names no function; write it as package.module:function"
        raise ValueError(message)
    return name


Dotted = Annotated[str, AfterValidator(_dotted)]


class ParameterConfig(_Section):
    """One named input: bounds, or levels, or choices. With `laboratory.table`, what is left out is read from it.

    A `fixed` value is a context: every suggested point has it. With bounds, levels or choices beside it, past rows may
    have other values, and the surrogate learns from them across contexts.
    """

    unit: str = "1"
    low: float | None = None
    high: float | None = None
    scale: Literal["linear", "log"] = "linear"
    levels: list[float] | None = Field(default=None, min_length=2)
    choices: list[str] | None = Field(default=None, min_length=2)
    integer: bool = False
    step: float | None = Field(default=None, gt=0)
    fixed: float | str | None = None

    @model_serializer(mode="wrap")
    def _written(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is not used, so that ledgers begun before there was such a key stay the same campaign."""
        unused = {"integer": False, "step": None, "fixed": None}
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


class ObjectiveConfig(_Section):
    """What is measured. With `laboratory.table`, a name left out is the table's last column."""

    name: str | None = Field(default=None, min_length=1)
    unit: str | None = None
    goal: Literal["maximise", "minimise"] = "maximise"
    scale: Literal["linear", "log"] = "linear"


class FurtherObjectiveConfig(_Section):
    """What else is wanted much or little of: a number among the details that the recipe returns."""

    unit: str = "1"
    goal: Literal["maximise", "minimise"] = "maximise"
    worth: float | None = Field(default=None, gt=0)
    limit: float | None = None

    @model_validator(mode="after")
    def _one_preference(self) -> "FurtherObjectiveConfig":
        if self.worth is not None and self.limit is not None:
            message = "worth and limit are two ways to weigh an objective: give one of them, or none to explore both"
            raise ValueError(message)
        return self


class DataConfig(_Section):
    """Past rows: of another tool (source) and of this one (initial)."""

    source: Path | None = None
    initial: Path | None = None


AcquisitionName = Literal["ei", "ucb", "pi", "mean", "random"]


class PlannerConfig(_Section):
    """How the next point is chosen."""

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
    mode: Literal["scaled", "paper", "paper-search"] = "scaled"
    source_weight: Literal["guarded"] | Annotated[float, Field(ge=0, le=1)] = "guarded"
    acquisition: AcquisitionName | Annotated[list[AcquisitionName], Field(min_length=1)] = "ei"
    kappa: float = Field(default=1.96, gt=0)
    xi: float = Field(default=0.01, ge=0)
    per_hour: bool = False
    failures: Literal["worst", "feasibility"] = "worst"
    initial_runs: int = Field(default=8, ge=1, le=100_000)
    levels: int | None = Field(default=201, ge=2, le=400)
    samples: int = Field(default=4096, ge=16, le=1_000_000)

    @property
    def acquisitions(self) -> list[AcquisitionName]:
        """The acquisitions that take turns, one of them or more."""
        return self.acquisition if isinstance(self.acquisition, list) else [self.acquisition]

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


class InstrumentConfig(_OpenSection):
    """One instrument of the laboratory; further keys are options of the driver.

    Recipes ask for a role. It is the instrument's own name, unless it stands beside others that can do the same.
    """

    driver: str
    role: Annotated[str, Field(min_length=1)] | None = None

    @model_serializer(mode="wrap")
    def _written(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is not used, so that ledgers begun before there was such a key stay the same campaign."""
        return {key: value for key, value in serialise(self).items() if key != "role" or value is not None}


class LaboratoryConfig(_Section):
    """The instruments and the time they live in."""

    clock: Literal["simulated", "wall"] = "simulated"
    rate: float = Field(default=1.0, gt=0, le=1e6)
    mixed: bool = False
    epoch: datetime = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
    in_flight: int = Field(default=1, ge=1)
    bottleneck: str | None = None
    table: Path | None = None
    instruments: dict[str, InstrumentConfig] = Field(min_length=1)

    @property
    def roles(self) -> dict[str, tuple[str, ...]]:
        """The names of the instruments that fill each role, in the order of the configuration."""
        found: dict[str, tuple[str, ...]] = {}
        for name, instrument in self.instruments.items():
            role = instrument.role or name
            found[role] = (*found.get(role, ()), name)
        return found

    @model_validator(mode="after")
    def _sound(self) -> "LaboratoryConfig":
        if self.bottleneck is not None and self.bottleneck not in self.roles:
            message = f"bottleneck {self.bottleneck!r} is not among the instruments {', '.join(self.roles)}"
            raise ValueError(message)
        if self.rate != 1 and self.clock != "wall":
            message = "rate is for a rehearsal on the wall clock; with clock: simulated, lab time needs none"
            raise ValueError(message)
        if self.epoch.tzinfo is None:
            message = "epoch needs a time zone, for example 2026-01-05T08:00:00Z"
            raise ValueError(message)
        if self.epoch.year not in _YEARS:
            message = f"epoch is in the year {self.epoch.year}; it must be in {_YEARS[0]} to {_YEARS[-1]}"
            raise ValueError(message)
        return self


class RecipeConfig(_OpenSection):
    """The generator that performs a run; further keys are its options."""

    name: Dotted


class BudgetConfig(_Section):
    """What the campaign may spend."""

    runs: int = Field(ge=1)
    failures: int | None = Field(default=None, ge=1)
    lab_hours: float | None = Field(default=None, gt=0)


class StopConfig(_Section):
    """When it is enough before the budget is spent."""

    target: float | None = None
    no_improvement_in: int | None = Field(default=None, ge=1)
    expected_gain: float | None = Field(default=None, gt=0)


class BreakerConfig(_Section):
    """Pause when so many of the last runs failed."""

    failed: int = Field(default=7, ge=1)
    of_last: int = Field(default=8, ge=1)

    @model_validator(mode="after")
    def _possible(self) -> "BreakerConfig":
        if self.failed > self.of_last:
            message = f"failed {self.failed} can never be reached in of_last {self.of_last} runs"
            raise ValueError(message)
        return self


class PoliciesConfig(_Section):
    """What is done after a failure."""

    measurement_attempts: int = Field(default=3, ge=1)
    instrument_attempts: int = Field(default=2, ge=1)
    backoff_min: float = Field(default=10, ge=0, le=_LONGEST_WAIT_MIN)
    late_answer_min: float = Field(default=30, ge=0, le=_LONGEST_WAIT_MIN)
    after_instrument_failure: Literal["pause", "continue"] = "pause"
    breaker: BreakerConfig = BreakerConfig()


class ReportConfig(_Section):
    """Figures the campaign adds to the report, as `package.module:function`."""

    figures: list[Dotted] = []


class ScreeningConfig(_Section):
    """What `screen-surrogates` compares; no suggestion depends on it."""

    models: list[str] | None = Field(default=None, min_length=1)
    levels: int | None = Field(default=None, ge=2, le=1000)
    truth: Dotted | None = None
    published: Path | None = None
    defects: Path | None = None


def _recipe(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


class CampaignConfig(_Section):
    """A whole configuration."""

    campaign: Annotated[str, AfterValidator(_slug)]
    seed: int = Field(default=0, ge=0, lt=2**32)
    parameters: dict[str, ParameterConfig] = {}
    constraints: list[str] = Field(default=[], max_length=200)
    objective: ObjectiveConfig = ObjectiveConfig()
    further_objectives: dict[str, FurtherObjectiveConfig] = {}
    data: DataConfig = DataConfig()
    planner: PlannerConfig = PlannerConfig()
    laboratory: LaboratoryConfig
    recipe: Annotated[RecipeConfig, BeforeValidator(_recipe)]
    budget: BudgetConfig
    stop: StopConfig = StopConfig()
    policies: PoliciesConfig = PoliciesConfig()
    report: ReportConfig = ReportConfig()
    screening: ScreeningConfig = ScreeningConfig()
    emulation: dict[str, dict[str, Any]] = {}
    ledger: Annotated[str, AfterValidator(checked), PlainSerializer(without_password)] = "ledger.sqlite"

    @model_validator(mode="after")
    def _emulates_what_there_is(self) -> "CampaignConfig":
        unknown = sorted(set(self.emulation) - set(self.laboratory.instruments))
        if unknown:
            message = (
                f"emulation of {', '.join(unknown)}, but the instruments are {', '.join(self.laboratory.instruments)}"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _objectives_fit_together(self) -> "CampaignConfig":
        further, worths = self.further_objectives, [o.worth for o in self.further_objectives.values() if o.worth]
        if self.objective.name in further:
            message = f"{self.objective.name!r} is the objective and a further objective: name it once"
            raise ValueError(message)
        if worths and self.objective.scale == "log":
            message = "a worth adds to the objective in its unit, which a log scale does not have: use a limit instead"
            raise ValueError(message)
        if self.stop.expected_gain is not None and (further or self.planner.per_hour):
            message = "stop.expected_gain is the gain in one objective, and not by the hour: use another stopping rule"
            raise ValueError(message)
        return self

    @model_serializer(mode="wrap")
    def _written(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out constraints where there are none, so that ledgers begun before there were any stay the same."""
        return {key: value for key, value in serialise(self).items() if key != "constraints" or value}
