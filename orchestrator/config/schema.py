"""What a configuration may say: every key of the YAML, its type, its bounds and its default."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from orchestrator.address import checked, without_password
from orchestrator.config.conduct import (
    AttemptsConfig,
    BreakerConfig,
    BudgetConfig,
    PoliciesConfig,
    ReferenceConfig,
    StopConfig,
)
from orchestrator.config.laboratory import InstrumentConfig, LaboratoryConfig, MaintenanceConfig, RecipeConfig
from orchestrator.config.quiet import QuietHoursConfig
from orchestrator.config.search import (
    DataConfig,
    FurtherObjectiveConfig,
    ObjectiveConfig,
    ParameterConfig,
    PlannerConfig,
)
from orchestrator.config.section import Dotted, Section, slug

__all__ = [
    "AttemptsConfig",
    "BreakerConfig",
    "BudgetConfig",
    "CampaignConfig",
    "DataConfig",
    "FurtherObjectiveConfig",
    "InstrumentConfig",
    "LaboratoryConfig",
    "MaintenanceConfig",
    "ObjectiveConfig",
    "ParameterConfig",
    "PlannerConfig",
    "PoliciesConfig",
    "QuietHoursConfig",
    "RecipeConfig",
    "ReferenceConfig",
    "ReportConfig",
    "ScreeningConfig",
    "StopConfig",
]


class ReportConfig(Section):
    """Figures the campaign adds to the report, as `package.module:function`."""

    figures: list[Dotted] = []


class ScreeningConfig(Section):
    """What `screen-surrogates` compares; no suggestion depends on it."""

    models: list[str] | None = Field(default=None, min_length=1)
    levels: int | None = Field(default=None, ge=2, le=1000)
    truth: Dotted | None = None
    published: Path | None = None
    defects: Path | None = None


def _recipe(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


class CampaignConfig(Section):
    """A whole configuration."""

    campaign: Annotated[str, AfterValidator(slug)]
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
    def _reference_is_a_point(self) -> "CampaignConfig":
        reference = self.policies.reference
        names = [name for name, p in self.parameters.items() if p.instrument is None]
        if reference is not None and set(reference.point) != set(names) and names:
            message = f"policies.reference.point needs a value for each of {', '.join(names)}, and no other"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _tells_instruments_apart(self) -> "CampaignConfig":
        for name, p in self.parameters.items():
            if p.instrument is None:
                continue
            if p.instrument != self.laboratory.bottleneck:
                message = (
                    f"parameters.{name}.instrument: {p.instrument!r} is not laboratory.bottleneck "
                    f"({self.laboratory.bottleneck}), and only of that is it known beforehand who performs a run"
                )
                raise ValueError(message)
            if len(self.laboratory.roles[p.instrument]) < 2:
                message = f"parameters.{name}.instrument: there is only one {p.instrument}; take {name} out"
                raise ValueError(message)
        return self

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
        twice = sorted(set(further) & set(self.parameters))
        if twice:
            message = f"{twice[0]!r} is a parameter and a further objective: rename one of them"
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
