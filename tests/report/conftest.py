"""A campaign written into a ledger by hand, for what people see of one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from instruments.driver import Reading
from orchestrator.config.schema import CampaignConfig
from orchestrator.data import Rows
from orchestrator.ledger import Ledger
from orchestrator.ledger.readings import encode_reading
from orchestrator.objective import Objective
from orchestrator.planner import Planner
from orchestrator.space import ParameterSpace

PARAMETERS = {
    "distance": {"unit": "cm", "low": 3.0, "high": 12.0},
    "power": {"unit": "W", "low": 50.0, "high": 300.0},
    "pressure": {"unit": "Pa", "low": 0.2, "high": 4.0},
}
ROLES = {"sputter": "deposit", "evaporator": "electrode", "analyzer": "sweep"}
HOURS = {"sputter": 16.0, "evaporator": 2.5, "analyzer": 0.3}
REASONS = {
    "infeasible": "the plasma did not strike at 0.21 Pa: reflected 58 W of 60 W, bias 2 V",
    "sample": "pinhole short: |Z| is flat at 21 ohm and the phase is 0 deg",
    "measurement": "Kramers-Kronig residual 4.1 % after 3 attempts",
    "instrument": "reflected power 14 W for 5 s; the matcher hunts",
    "safety": "cooling water interlock",
    "operator": "I dropped it",
    "halted": "halted with the others",
    "recipe": "KeyError: 'distance' (recipe.py:12, in measure)",
}


@dataclass
class Story:
    """Writes the events of a campaign, one run after the other."""

    path: Path
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: PARAMETERS)
    name: str = "conductivity"
    unit: str = "uS/cm"
    goal: str = "maximise"
    campaign: str = "lipon"
    origin: str = "simulated"
    roles: Mapping[str, str] = field(default_factory=lambda: ROLES)
    initial: list[tuple[dict[str, Any], float]] = field(default_factory=list)
    source: list[tuple[dict[str, Any], float]] = field(default_factory=list)
    candidates: list[dict[str, Any]] | None = None
    constraints: list[str] = field(default_factory=list)
    features: list[str] = field(default_factory=list)
    further: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    initial_further: Mapping[str, list[float | None]] = field(default_factory=dict)
    source_further: Mapping[str, list[float | None]] = field(default_factory=dict)

    def __post_init__(self):
        """Open the campaign and connect its instruments."""
        self.ledger = Ledger.write(self.path)
        self.lab_s = 0.0
        self.settings = CampaignConfig.model_validate(
            {
                "campaign": self.campaign,
                "parameters": self.parameters,
                "constraints": self.constraints,
                "objective": {"name": self.name, "unit": self.unit, "goal": self.goal},
                "further_objectives": self.further,
                "laboratory": {"instruments": {role: {"driver": f"simulated-{role}"} for role in self.roles}},
                "recipe": "campaigns.lipon:measure_conductivity",
                "planner": {"features": self.features},
                "budget": {"runs": 30, "failures": 10, "lab_hours": 720},
            }
        )
        self.planner = Planner(
            ParameterSpace.from_config(self.settings.parameters, self.candidates, self.constraints),
            Objective.from_config(self.settings.objective),
            self.settings.planner,
            further=Objective.further(self.settings.further_objectives),
            source=_past(self.source, self.source_further),
            initial=_past(self.initial, self.initial_further),
        )
        data = {
            "source": _rows(self.source, self.source_further),
            "initial": _rows(self.initial, self.initial_further),
        }
        body = {
            "format": 1,
            "campaign": self.campaign,
            "seed": 0,
            "epoch": "2026-01-05T08:00:00+00:00",
            "configuration": self.settings.model_dump(mode="json"),
            "versions": {"numpy": "2.0.0", "scipy": "1.14.0"},
            "data": data,
            "candidates": self.candidates,
        }
        self.tell("campaign_opened", body)
        for role in self.roles:
            identity = {"maker": "ACME", "model": role, "serial": "1", "origin": self.origin}
            self.tell("instrument_connected", {"instrument": role, **identity})

    def tell(self, kind, body, run=None, step=None, attachments=()):
        """Append an event at the lab time of now."""
        utc = f"lab {self.lab_s:.0f} s"
        return self.ledger.append(
            kind, body, lab_s=self.lab_s, utc=utc, origin=self.origin, run=run, step=step, attachments=attachments
        )

    def suggest(self, point, **why):
        """Suggest and start the next run; return its number."""
        run = len(self.ledger.state.runs) + 1
        said = {"number": run, "kind": "design", "why": f"point {run} of the initial design", "source_weight": None}
        body = {"point": point, "why": {**said, **why}, "prefix": 1, "pending": []}
        self.tell("suggested", body, run)
        self.tell("run_started", {}, run)
        return run

    def begin(self, run, number, role, attempt=1, phase="deposit"):
        """Start a step and play its one phase; return the step's id."""
        step_id = f"{run}.{number}.{attempt}"
        body = {"id": step_id, "instrument": role, "action": self.roles[role], "settings": {}, "attempt": attempt}
        self.tell("step_started", body, run, number)
        self.lab_s += 3600 * HOURS.get(role, 1.0)
        self.tell("telemetry", {"id": step_id, "phase": phase, "values": {}}, run, number)
        return step_id

    def step_done(self, run, number, role, attempt=1):
        """Perform a step that gives a reading."""
        step_id = self.begin(run, number, role, attempt)
        arrays = {"frequency_hz": np.geomspace(1e6, 0.1, 7)} if role == "analyzer" else {}
        body, attachments = encode_reading(Reading({"sample": f"film-{run}"}, arrays))
        self.tell("step_finished", {"id": step_id, "reading": body, "state": {}}, run, number, attachments)

    def step_failed(self, run, number, role, failure, *, decision="fail", attempt=1):
        """Perform a step that fails."""
        step_id = self.begin(run, number, role, attempt)
        reason = REASONS.get(failure, failure)
        body = {"id": step_id, "failure": failure, "reason": reason, "moved": "yes", "decision": decision, "state": {}}
        self.tell("step_failed", body, run, number)

    def measured(self, point, value, error=0.05, details=None, **why):
        """Perform a whole run that gives a value."""
        run = self.suggest(point, **why)
        for number, role in enumerate(self.roles, start=1):
            self.step_done(run, number, role)
        body = {"status": "measured", "value": value, "sd": error}
        body["details"] = {"thickness_nm": 800.0, **(details or {})}
        return self.tell("run_finished", {**body, "failure": None, "reason": ""}, run)

    def failed(self, point, failure, reason=None, **why):
        """Perform a run whose first step fails."""
        run = self.suggest(point, **why)
        self.step_failed(run, 1, next(iter(self.roles)), failure)
        body = {"status": "failed", "value": None, "sd": None, "details": {}}
        reason = REASONS.get(failure, failure) if reason is None else reason
        return self.tell("run_finished", {**body, "failure": failure, "reason": reason}, run)

    def closed(self, reason="the budget of 30 runs is spent"):
        """Close the campaign."""
        return self.tell("campaign_closed", {"reason": reason, "status": "finished"})


def _rows(rows, further):
    if not rows:
        return None
    points, values = [dict(point) for point, _ in rows], [value for _, value in rows]
    origins = ["simulated"] * len(rows)
    said = {"origins": origins, "comments": [], **({"further": dict(further)} if further else {})}
    return {"file": "rows.csv", "sha256": "0" * 64, "points": points, "values": values, "sds": None, **said}


def _past(rows, further):
    if not rows:
        return None
    points, values = tuple(dict(point) for point, _ in rows), np.array([value for _, value in rows])
    texts = ("simulated",) * len(rows), ("",) * len(rows)
    others = {name: np.array(column, dtype=float) for name, column in further.items()}
    return Rows(Path("rows.csv"), "0" * 64, points, values, None, *texts, further=others)


@pytest.fixture
def story(tmp_path):
    """Return a maker of campaigns that are written by hand."""
    made = []

    def make(**options):
        made.append(Story(tmp_path / f"{len(made)}.sqlite", **options))
        return made[-1]

    yield make
    for one in made:
        one.ledger.close()


def conductivity(point):
    """A smooth made-up optimum, so that maps have something to show."""
    d, power, p = point["distance"], point["power"], point["pressure"]
    return float(2.05 * np.exp(-(((d - 6.5) / 3) ** 2) - ((power - 70) / 130) ** 2 - ((p - 3.2) / 3.5) ** 2))


@pytest.fixture(scope="session")
def long_story(tmp_path_factory):
    """Give a campaign of 20 runs with failures of every class, a source, initial rows, retries and a pause."""
    rng = np.random.default_rng(3)

    def point():
        low, high = np.array([3.0, 50.0, 0.2]), np.array([12.0, 300.0, 4.0])
        return dict(zip(PARAMETERS, (low + rng.random(3) ** 1.3 * (high - low)).tolist(), strict=True))

    past = [(p, conductivity(p) * 0.9) for p in (point() for _ in range(12))]
    one = Story(
        tmp_path_factory.mktemp("long") / "ledger.sqlite", initial=past, source=[(p, value * 0.7) for p, value in past]
    )
    failures = dict(zip((3, 5, 6, 9, 11, 12, 15, 17, 18), [*REASONS, "infeasible"], strict=True))
    for number in range(1, 21):
        here = point()
        value = conductivity(here) + rng.normal(0, 0.05)
        model = {"kind": "model", "mean": value + rng.normal(0, 0.1), "sd": 0.09, "acquisition_name": "ei"}
        model |= {"source_weight": 0.25 if number < 14 else 0.0, "extrapolating": number % 3 == 0, "nearest": 0.2}
        model |= {"p_feasible": 0.93, "acquisition": 0.04, "why": "expected improvement 0.041 uS/cm over the best"}
        rule = "the source is used where it lowers the left-out error by 5 %"
        model |= {"source_evidence": {"rule": rule, "rows": 12, "error": {"0": 0.31, "0.25": 0.28, "1": 0.35}}}
        why = model if number > 4 else {}
        if number in failures:
            one.failed(here, failures[number], **why)
        elif number == 13:
            _with_retries(one, here, value, why)
        else:
            one.measured(here, value, **why)
    one.closed()
    yield one
    one.ledger.close()


def _with_retries(one, point, value, why):
    run = one.suggest(point, **why)
    one.step_done(run, 1, "sputter")
    one.step_done(run, 2, "evaporator")
    one.step_failed(run, 3, "analyzer", "measurement", decision="retry")
    one.tell("paused", {"reason": "the matcher hunts; look at the cable", "who": "engine"})
    one.tell("resumed", {"who": "operator"})
    one.step_done(run, 3, "analyzer", attempt=2)
    body = {"status": "measured", "value": value, "sd": 0.05, "details": {}, "failure": None, "reason": ""}
    one.tell("run_finished", body, run)
