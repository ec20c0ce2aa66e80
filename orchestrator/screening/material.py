"""What a screening is made of: space, objective, rows, published figures and truth, read from a configuration.

Rule of this file: what cannot be used is refused with its place; what is left out is told in a note.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instruments.driver import Origin
from orchestrator.chance import stream
from orchestrator.config import CampaignConfig, ConfigError, Configuration, Problem
from orchestrator.config.pool import read_pool
from orchestrator.data import DataError, Rows, read_csv, read_rows
from orchestrator.laboratory import build, imported
from orchestrator.laboratory.limits import check_limits
from orchestrator.objective import Objective
from orchestrator.screening.published import read_defects, read_published
from orchestrator.screening.result import FloatArray, Published
from orchestrator.space import ParameterSpace, SpaceError

FEWEST_ROWS = 3
MOST_ROWS = 300  # a fit costs the cube of their number, and there are dozens of fits

TruthFunction = Callable[[Mapping[str, NDArray[Any]]], FloatArray]


@dataclass(frozen=True)
class Material:
    """What models are screened on.

    Args:
        campaign: Name of the campaign.
        space: The parameters.
        objective: What is measured.
        target: The rows of this tool.
        source: The rows of another tool, or None.
        published: Printed figures.
        truth: The noiseless values of a simulated tool, as a function of columns by parameter name, or None.
        truth_name: Its name.
        no_truth: Why there is none, "" where there is.
        defects: Of the publication, each with how it is handled.
        remarks: Rows that were not used, and what the laboratory's tools refuse of the space; in sentences.
    """

    campaign: str
    space: ParameterSpace
    objective: Objective
    target: Rows
    source: Rows | None
    published: tuple[Published, ...]
    truth: TruthFunction | None
    truth_name: str
    no_truth: str
    defects: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()


def read(configuration: Configuration) -> Material:
    """Read what a configuration names for screening.

    The target rows are those of `data.initial`; without it, those of `laboratory.table`. Of more than 300 rows, random
    points with all their replicates are taken, and a remark says so.

    Raises:
        ConfigError: A space without a point or a searched parameter, no target rows or too few, a file that cannot be
            used, or a truth that cannot be imported.
    """
    settings = configuration.settings
    space, objective = _space(configuration), Objective.from_config(settings.objective)
    all_target, all_source = _target(configuration, space, objective), _source(configuration, space, objective)
    target = _few(all_target, space, settings.seed)
    source = None if all_source is None else _few(all_source, space, settings.seed)
    read_and_kept = [("target", all_target, target), ("source", all_source, source)]
    path = settings.screening.published
    try:
        published = () if path is None else read_published(path, space, objective, target.points)
    except DataError as error:
        raise configuration.error(("screening", "published"), str(error)) from error
    truth, why = _truth(configuration, target)
    return Material(
        settings.campaign,
        space,
        objective,
        target,
        source,
        published,
        truth,
        settings.screening.truth or "",
        why,
        _defects(configuration),
        (*_unused(read_and_kept), *_not_seen_by_all(settings), *_refused(configuration, space)),
    )


def _defects(configuration: Configuration) -> tuple[tuple[str, str], ...]:
    path = configuration.settings.screening.defects
    try:
        return () if path is None else read_defects(path)
    except DataError as error:
        raise configuration.error(("screening", "defects"), str(error)) from error


def _unused(read_and_kept: Sequence[tuple[str, Rows | None, Rows | None]]) -> Iterator[str]:
    for what, everything, kept in read_and_kept:
        if everything is not None and kept is not None and len(kept) < len(everything):
            yield (
                f"of {len(everything)} {what} rows {len(kept)} are used, random points with all their replicates "
                f"(drawn with the campaign's seed): fits of more than {MOST_ROWS} rows take too long"
            )


def _not_seen_by_all(settings: CampaignConfig) -> Iterator[str]:
    if settings.planner.features:
        yield f"only the planner's model sees {', '.join(settings.planner.features)} (planner.features)"
    if settings.objective.scale == "log":
        yield "only the planner's model learns the logarithm of the objective (objective.scale)"


def _refused(configuration: Configuration, space: ParameterSpace) -> Iterator[str]:
    """Yield what the tools refuse of the space. Nothing moves, and past rows can be screened without any tool."""
    try:
        laboratory = build(configuration)
    except ConfigError as error:
        yield f"the space was not held against the tools: {error}"
        return
    try:
        check_limits(configuration, laboratory, space.corners())
    except ConfigError as error:
        for problem in error.problems:
            yield f"part of the grid cannot be performed: {problem.message}"
    finally:
        laboratory.close()


def _space(configuration: Configuration) -> ParameterSpace:
    settings, candidates = configuration.settings, None
    if settings.laboratory.table is not None:
        with _placed(configuration, ("laboratory", "table")):
            _, _, candidates = read_pool(read_csv(settings.laboratory.table), settings.parameters, settings.objective)
    try:
        return ParameterSpace.from_config(settings.parameters, candidates, settings.constraints)
    except SpaceError as error:
        section = "constraints" if settings.constraints else "parameters"
        raise ConfigError([Problem(configuration.source.where((section,)), str(error))]) from error


@contextmanager
def _placed(configuration: Configuration, path: tuple[str, str]) -> Iterator[None]:
    """Give what is wrong with a file the place that names the file."""
    try:
        yield
    except DataError as error:
        raise ConfigError([Problem(configuration.source.where(path), str(error))]) from error


def _target(configuration: Configuration, space: ParameterSpace, objective: Objective) -> Rows:
    data, table = configuration.settings.data, configuration.settings.laboratory.table
    path = data.initial or table
    if path is None:
        message = "is missing; name the CSV file with this tool's rows, which models are trained on and judged by"
        raise configuration.error(("data", "initial"), message)
    with _placed(configuration, ("laboratory", "table") if data.initial is None else ("data", "initial")):
        rows = read_rows(path, space, objective)
        n_distinct = len(np.unique(space.encode(rows.points), axis=0))
        if n_distinct < FEWEST_ROWS:
            message = f"{path}: has {n_distinct} distinct points; at least {FEWEST_ROWS} are needed to leave one out"
            raise DataError(message)
    if data.initial is None:
        return replace(rows, origins=tuple(origin or Origin.RECORDED for origin in rows.origins))
    return rows


def _source(configuration: Configuration, space: ParameterSpace, objective: Objective) -> Rows | None:
    path = configuration.settings.data.source
    if path is None:
        return None
    with _placed(configuration, ("data", "source")):
        return read_rows(path, space, objective)


def _few(rows: Rows, space: ParameterSpace, seed: int) -> Rows:
    """Return at most the largest number of rows: random points with all their replicates."""
    if len(rows) <= MOST_ROWS:
        return rows
    _, group = np.unique(space.encode(rows.points), axis=0, return_inverse=True)
    group = group.reshape(-1)
    order = stream(seed, "screening rows").permutation(int(group.max()) + 1)
    n_rows = np.cumsum(np.bincount(group)[order])
    kept = np.flatnonzero(np.isin(group, order[n_rows <= MOST_ROWS]))
    return replace(
        rows,
        points=tuple(rows.points[i] for i in kept),
        values=rows.values[kept],
        sds=None if rows.sds is None else rows.sds[kept],
        origins=tuple(rows.origins[i] for i in kept),
        notes=tuple(rows.notes[i] for i in kept),
    )


def _truth(configuration: Configuration, target: Rows) -> tuple[TruthFunction | None, str]:
    name = configuration.settings.screening.truth
    if name is None:
        return None, "no truth: the configuration names none (screening.truth), as is right for a real tool"
    measured = sorted({origin or "of unsaid origin" for origin in target.origins} - {"simulated"})
    if measured:
        return None, f"no truth: target rows are {' and '.join(measured)}, and {name} tells of a simulated tool"
    function = imported(configuration, ("screening", "truth"), name)
    if not callable(function):
        raise configuration.error(
            ("screening", "truth"), f"{name} is of type {type(function).__name__}, not a function"
        )
    return function, ""
