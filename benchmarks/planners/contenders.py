"""The one way every planner is asked and told, and the planners that need no extra library."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import yaml

from benchmarks.planners.laboratory import FloatArray, Laboratory, Row
from orchestrator.chance import stream
from orchestrator.config.schema import PlannerConfig
from orchestrator.data import Rows
from orchestrator.objective import Objective
from orchestrator.planner import Planner, Suggestion
from orchestrator.recipe import Point
from orchestrator.surrogates.kernels import squared_distance

_ROOT = Path(__file__).parents[2] / "orchestrator"
_PARTS = ("planner", "surrogates", "space", "grid", "objective", "chance")  # what a suggestion is made by


class Contender(Protocol):
    """A planner in one laboratory; it knows the laboratory's space, initial rows and source, and nothing else."""

    def ask(self) -> Point:
        """Return the next point."""

    def tell(self, point: Point, value: float | None, failure: str | None) -> None:
        """Hear what came of a point: a measured value, or the class of the failure."""


@dataclass(frozen=True)
class Entry:
    """A planner on the list.

    Args:
        spec: Its name and settings as given, `name:key=value+key=value`.
        name: Its name.
        settings: Its settings.
    """

    spec: str
    name: str
    settings: Mapping[str, Any]

    @classmethod
    def parse(cls, spec: str) -> "Entry":
        """Read `ours:surrogate=gp+source_weight=0`; values are YAML.

        Raises:
            KeyError: No planner of this name.
        """
        name, _, rest = spec.partition(":")
        if name not in _MAKERS:
            message = f"no planner {name!r}; there are {', '.join(_MAKERS)}"
            raise KeyError(message)
        pairs = (pair.partition("=") for pair in rest.split("+") if pair)
        return cls(spec, name, {key: yaml.safe_load(value) for key, _, value in pairs})

    @property
    def version(self) -> str:
        """What its results depend on: the library's version, or a hash of our own code."""
        return _MAKERS[self.name][1]()

    def enter(self, laboratory: Laboratory) -> Contender:
        """Return the planner, told the initial rows of the laboratory."""
        return _MAKERS[self.name][0](laboratory, **self.settings)


class Ours:
    """The project's own planner, with the settings of the YAML's section `planner`.

    Args:
        laboratory: Where.
        source: False leaves the source out altogether.
        scale: That of the objective, as in the YAML.
        settings: Any key of the YAML's section.
    """

    def __init__(self, laboratory: Laboratory, *, source: bool = True, scale: str = "linear", **settings: Any) -> None:
        self.planner = Planner(
            laboratory.space,
            Objective("value", scale=scale),
            PlannerConfig(**settings),
            seed=laboratory.seed,
            source=_rows(laboratory.source) if source and laboratory.source else None,
            initial=_rows(laboratory.initial),
        )
        self.suggestion: Suggestion | None = None

    def ask(self) -> Point:
        """Return the next point."""
        self.suggestion = self.planner.suggest()
        return self.suggestion.point

    def tell(self, point: Point, value: float | None, failure: str | None) -> None:
        """Hear what came of a point."""
        self.planner.tell(point, value, failure=failure)


def _rows(rows: tuple[Row, ...]) -> Rows:
    points, values = zip(*rows, strict=True)
    blank = ("",) * len(rows)
    return Rows(Path("simulated"), "", tuple(map(dict, points)), np.array(values), None, blank, blank)


class Untaught:
    """A planner that learns nothing: random points, or a Sobol sequence.

    Args:
        laboratory: Where.
        points: From a number of points and a generator to rows of the unit cube.
    """

    def __init__(self, laboratory: Laboratory, points: Callable[[int, np.random.Generator], FloatArray]) -> None:
        self._picker = Picker(laboratory)
        rng = stream(laboratory.seed, "untaught")
        self._rows = iter(points(256, rng))

    def ask(self) -> Point:
        """Return the next point."""
        return self._picker.pick(next(self._rows))

    def tell(self, point: Point, value: float | None, failure: str | None) -> None:
        """Learn nothing."""


class Picker:
    """From a row of the unit cube to a point that can be performed: with a pool, the nearest that was not used."""

    def __init__(self, laboratory: Laboratory) -> None:
        self._space = laboratory.space
        self._pool = None if self._space.candidates is None else self._space.encode(self._space.candidates)
        self._used = np.zeros(0 if self._pool is None else len(self._pool))
        if self._pool is not None:
            for point, _ in laboratory.initial:
                self.pick(self._space.encode([point])[0])

    def pick(self, row: FloatArray) -> Point:
        """Return the point, and remember that it was used."""
        if self._pool is None or self._space.candidates is None:
            return self._space.decode(row[None])[0]
        distance = squared_distance(row[None], self._pool)[0]
        i = int(np.lexsort((distance, self._used))[0])
        self._used[i] += 1
        return dict(self._space.candidates[i])


def _random(laboratory: Laboratory) -> Contender:
    n = laboratory.space.n_columns
    return Untaught(laboratory, lambda m, rng: rng.random((m, n)))


def _sobol(laboratory: Laboratory) -> Contender:
    from scipy.stats import qmc  # noqa: PLC0415 - used by this planner alone

    n = laboratory.space.n_columns
    return Untaught(laboratory, lambda m, rng: qmc.Sobol(n, rng=rng).random(m))


def _own_version() -> str:
    files = [path for part in _PARTS for path in (*_ROOT.glob(f"{part}.py"), *_ROOT.glob(f"{part}/**/*.py"))]
    code = b"".join(path.read_bytes() for path in sorted(files))
    return hashlib.sha256(code + PlannerConfig().model_dump_json().encode()).hexdigest()[:10]


def _imported(module: str, maker: str, **fixed: Any) -> Callable[..., Contender]:
    """Return what makes a planner that needs a library of its own, importing it only then."""

    def make(laboratory: Laboratory, **settings: Any) -> Contender:
        home = import_module(f"benchmarks.planners.{module}")
        contender: Contender = getattr(home, maker)(laboratory, **fixed, **settings)
        return contender

    return make


def _library(name: str) -> Callable[[], str]:
    return lambda: f"{name} {version(name)}"


_MAKERS: Mapping[str, tuple[Callable[..., Contender], Callable[[], str]]] = {
    "ours": (Ours, _own_version),
    "random": (_random, lambda: "1"),
    "sobol": (_sobol, lambda: "1"),
    "informed": (_imported("informed.planner", "Informed"), _library("torch")),
    "skopt-gp": (_imported("peers.skopt_gp", "SkoptGP"), _library("scikit-optimize")),
    "optuna-tpe": (_imported("peers.optuna_samplers", "OptunaSampler", sampler="tpe"), _library("optuna")),
    "optuna-gp": (_imported("peers.optuna_samplers", "OptunaSampler", sampler="gp"), _library("optuna")),
    "baybe": (_imported("peers.baybe_campaign", "BaybeCampaign"), _library("baybe")),
    "baybe-task": (_imported("peers.baybe_campaign", "BaybeCampaign", transfer=True), _library("baybe")),
    "ax": (_imported("peers.ax_client", "AxClient"), _library("ax-platform")),
}
NAMES = tuple(_MAKERS)
