"""Runs as columns, one value a run, for frames and tables."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.ledger.run import Run
from orchestrator.ledger.state import State
from orchestrator.ledger.store import LedgerError

if TYPE_CHECKING:
    from pandas import DataFrame

FIRST: Mapping[str, Callable[[Run], Any]] = {
    "run": lambda run: run.number,
    "status": lambda run: run.status or run.stage,
    "failure": lambda run: run.failure,
    "reason": lambda run: run.reason,
}
LAST: Mapping[str, Callable[[Run], Any]] = {
    "lab_start_h": lambda run: hours(run.start_s),
    "lab_end_h": lambda run: hours(run.end_s),
    "origin": lambda run: run.origin,
    "predicted_mean": lambda run: run.why.get("mean"),
    "predicted_sd": lambda run: run.why.get("sd"),
}


def run_columns(state: State) -> dict[str, list[Any]]:
    """Return the runs by column: those of `runs.csv`, the prediction, and `details.<name>` of the recipe.

    Further objectives are among the details. What a run does not have is None. A parameter that is called like another
    column gets `point.` before its name.
    """
    runs = list(state.runs.values())
    columns = {name: [take(run) for run in runs] for name, take in FIRST.items()}
    for name in parameters(state):
        columns[_free(name, "point")] = [run.point[name] for run in runs]
    objective = _free(objective_name(state), "objective")
    columns[objective] = [run.value for run in runs]
    columns[f"{objective}_sd"] = [run.sd for run in runs]
    columns |= {name: [take(run) for run in runs] for name, take in LAST.items()}
    details = dict.fromkeys([*(name for run in runs for name in run.details), *further_objectives(state)])
    return columns | {f"details.{name}": [run.details.get(name) for run in runs] for name in details}


def run_units(state: State) -> dict[str, str]:
    """Return the units of the columns that have one."""
    configuration = (state.opened or {})["configuration"]
    units = {_free(name, "point"): str(p.get("unit", "")) for name, p in configuration["parameters"].items()}
    objective, unit = _free(objective_name(state), "objective"), str(configuration["objective"].get("unit", ""))
    units |= dict.fromkeys((objective, f"{objective}_sd", "predicted_mean", "predicted_sd"), unit)
    units |= {f"details.{name}": str(o.get("unit", "")) for name, o in further_objectives(state).items()}
    return {name: unit for name, unit in (units | {"lab_start_h": "h", "lab_end_h": "h"}).items() if unit}


def runs_frame(state: State) -> "DataFrame":
    """Return the columns as a pandas frame; missing numbers are NaN.

    Raises:
        LedgerError: pandas is not installed.
    """
    try:
        import pandas as pd  # noqa: PLC0415 - only when it is asked for
    except ImportError as error:
        message = (
            'a frame of the runs needs pandas, which is not installed: pip install "closed-loop-campaign[analysis]"'
        )
        raise LedgerError(message) from error
    columns = run_columns(state)
    frame = pd.DataFrame(columns)
    numbers = [name for name, values in columns.items() if all(v is None for v in values)]
    frame = frame.astype(dict.fromkeys((n for n in numbers if n != "failure"), float))
    frame.attrs["units"] = run_units(state)
    return frame


def parameters(state: State) -> list[str]:
    """Return the names of the parameters, in the order of the configuration."""
    return list((state.opened or {})["configuration"]["parameters"])


def objective_name(state: State) -> str:
    """Return the name of the objective."""
    return str((state.opened or {})["configuration"]["objective"]["name"])


def further_objectives(state: State) -> Mapping[str, Mapping[str, Any]]:
    """Return the settings of each further objective, by name."""
    found: Mapping[str, Mapping[str, Any]] = (state.opened or {})["configuration"].get("further_objectives", {})
    return found


def hours(seconds: float | None) -> float | None:
    """Return seconds as hours."""
    return None if seconds is None else seconds / 3600


def _free(name: str, prefix: str) -> str:
    return f"{prefix}.{name}" if name in FIRST or name in LAST else name
