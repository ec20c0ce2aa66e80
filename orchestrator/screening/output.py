"""The files of a screening: `screening.json`, and one CSV file a table.

Rule of this file: no time, no path, no duration, so that the same rows give the same bytes.
"""

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.data import Rows
from orchestrator.files.spreadsheet import harmless
from orchestrator.screening.influence import Influence, influence
from orchestrator.screening.recommendation import sentences
from orchestrator.screening.result import Kind, ModelResult, Predictions, Screening
from orchestrator.sensitivity.variance import Decomposition


def to_json(screening: Screening, found: Influence) -> dict[str, Any]:
    """Return a screening as JSON data; numbers that are not finite are null.

    Args:
        screening: All models on the same rows.
        found: What each parameter does for the recommended one.
    """
    space, objective = screening.space, screening.objective
    plain = {
        "campaign": screening.campaign,
        "objective": asdict(objective),
        "parameters": {p.name: {"unit": p.unit, "levels": len(screening.axes[p.name])} for p in space.parameters},
        "target": _rows(screening.target),
        "source": None if screening.source is None else _rows(screening.source),
        "folds": screening.folds.tolist(),
        "recommended": screening.recommended.key,
        "recommendation": sentences(screening),
        "influence": asdict(found),
        "models": [_model(model) for model in screening.models],
        "left_out": dict(screening.failed),
        "published": [asdict(printed) for printed in screening.published],
        "defects": [{"defect": defect, "handled": handled} for defect, handled in screening.defects],
        "truth": _truth(screening),
        "notes": list(screening.notes),
    }
    finite: dict[str, Any] = _finite(plain)
    return finite


def write(screening: Screening, folder: Path) -> dict[str, Path]:
    """Write JSON, tables and page into a folder and return their paths by what they are.

    Raises:
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {
        "everything": folder / "screening.json",
        "models": folder / "models.csv",
        "predictions": folder / "predictions.csv",
    }
    from orchestrator.screening.page import write_page  # noqa: PLC0415 - matplotlib only when there is something to draw

    found = influence(screening, screening.recommended)
    text = json.dumps(to_json(screening, found), indent=1, ensure_ascii=False, allow_nan=False)
    paths["everything"].write_text(text + "\n", encoding="utf-8", newline="\n")
    _write_csv(paths["models"], _model_rows(screening))
    _write_csv(paths["predictions"], _prediction_rows(screening))
    return paths | {"page": write_page(screening, found, folder)}


def _rows(rows: Rows) -> dict[str, Any]:
    return {
        "file": rows.path.name,
        "sha256": rows.sha256,
        "n": len(rows),
        "origins": sorted(set(rows.origins)),
        "comments": list(rows.comments),
    }


def _model(model: ModelResult) -> dict[str, Any]:
    return {
        "model": model.key,
        "label": model.label,
        "mode": model.mode,
        "scores": {str(kind): asdict(found) for kind, found in model.scores.items()},
        "coverage": [asdict(found) for found in model.coverage],
        "optimum": asdict(model.optimum),
        "variance": _variance(model.variance),
        "region": None if model.region is None else asdict(model.region),
        "candidate": None if model.candidate is None else asdict(model.candidate),
        "borrows": model.borrows,
        "source_weight": model.source_weight,
        "source_evidence": dict(model.source_evidence),
        "fold_weights": list(model.fold_weights),
        "hyperparameters": dict(model.hyperparameters),
        "in_sample": _predictions(model.in_sample),
        "out_of_fold": _predictions(model.out_of_fold),
    }


def _variance(found: Decomposition) -> dict[str, Any]:
    return {
        "mean": found.mean,
        "variance": found.variance,
        "first_order": found.first_order.tolist(),
        "total": found.total.tolist(),
        "pairs": [{"parameters": list(subset), "share": share} for subset, share in found.pairs.items()],
    }


def _predictions(found: Predictions) -> dict[str, list[float]]:
    return {"mean": found.mean.tolist(), "sd": found.sd.tolist()}


def _truth(screening: Screening) -> dict[str, Any]:
    if screening.truth is None:
        return {"known": False, "why": screening.no_truth}
    truth = screening.truth
    return {
        "known": True,
        "function": truth.name,
        "n": len(truth.values),
        "best_point": dict(truth.best_point),
        "best": truth.best,
    }


def _model_rows(screening: Screening) -> list[dict[str, Any]]:
    """Return one row a model, and one for each published model, marked as such."""
    rows = []
    for model in screening.models:
        row: dict[str, Any] = {"model": model.key, "label": model.label, "whose": "ours"}
        for kind in Kind:
            found = model.scores.get(kind)
            row |= {f"{n} {kind}": getattr(found, n) if found else None for n in ("mae", "rmse", "r2", "mape")}
        best = model.optimum
        row |= {f"optimum {name}": value for name, value in best.point.items()}
        row |= {"predicted": best.value, "predicted_sd": best.sd, "true": best.true}
        row |= {"extrapolating": best.extrapolating, "nearest": best.nearest, "source_weight": model.source_weight}
        row |= {f"coverage {c.nominal:.0%} {c.kind}": c.observed for c in model.coverage}
        rows.append(row)
    for printed in screening.published:
        row = {"model": printed.key, "label": printed.label, "whose": f"PUBLISHED: {printed.source}"}
        row |= {f"{name} published": getattr(printed, name) for name in ("mae", "r2", "mape")}
        row |= {f"optimum {name}": value for name, value in printed.point.items()}
        rows.append(row | {"predicted": printed.value})
    return rows


def _prediction_rows(screening: Screening) -> list[dict[str, Any]]:
    """Return one row for each target row and model."""
    target = screening.target
    return [
        {"row": i + 1, "fold": int(screening.folds[i]) + 1}
        | dict(target.points[i])
        | {screening.objective.name: float(target.values[i]), "model": model.key}
        | {"in-sample": float(model.in_sample.mean[i]), "in-sample sd": float(model.in_sample.sd[i])}
        | {"out-of-fold": float(model.out_of_fold.mean[i]), "out-of-fold sd": float(model.out_of_fold.sd[i])}
        for model in screening.models
        for i in range(len(target))
    ]


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(map(harmless, names))
        writer.writerows([[_cell(row.get(name)) for name in names] for row in rows])


def _cell(value: Any) -> Any:  # noqa: ANN401 - any cell
    """Return what a cell holds; text that a spreadsheet would take for a formula stands behind an apostrophe."""
    if isinstance(value, str):
        return harmless(value)
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value


def _finite(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, np.generic | np.ndarray):
        return _finite(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value
