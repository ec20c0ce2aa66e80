"""The errors of all models side by side, on rows that were seen, on rows that were not, and against the truth."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from orchestrator.display.wording import clean
from orchestrator.report.drawing import HUES, Mark
from orchestrator.report.material import with_bracket
from orchestrator.screening.result import Kind, Published, Screening

KINDS = {
    Kind.IN_SAMPLE: Mark("", "■", "soft"),
    Kind.OUT_OF_FOLD: Mark("", "■", "accent"),
    Kind.TRUTH: Mark("", "■", "best"),
}
PRINTED = Mark("D", "◆", "orange")

MEASURES = {
    "mae": "Mean absolute error.",
    "rmse": "Root of the mean squared error.",
    "mape": "Mean absolute error as a share of the value.",
}

_WIDTH, _ROW, _LABELS, _BOTTOM, _TOP = 3.9, 0.4, 1.42, 0.46, 0.3  # inches
_FILLED = 0.78  # of a row


def grouped(screening: Screening, name: str) -> Figure:
    """Draw one measure: a group of bars for each model; printed figures as marks, never as bars.

    Args:
        screening: All models on the same rows.
        name: One of `MEASURES`.
    """
    n, unit = len(screening.models), screening.objective.unit
    height = _BOTTOM + _TOP + _ROW * n
    figure = Figure(figsize=(_WIDTH, height), dpi=72)
    place = _LABELS / _WIDTH, _BOTTOM / height, (_WIDTH - _LABELS - 0.15) / _WIDTH, _ROW * n / height
    ax = figure.add_axes(place)
    _bars(ax, screening, name)
    _printed(ax, screening, name)
    ax.set_ylim(n - 0.5, -0.5)
    ax.set_yticks(range(n), [clean(model.label, 24) for model in screening.models])
    ax.tick_params(axis="y", length=0, labelcolor=HUES["ink"])
    ax.set_xlim(left=0)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5))
    ax.xaxis.grid(visible=True)
    is_share = name == "mape"
    ax.set_title(name.upper() if is_share else with_bracket(name.upper(), unit), loc="left", color=HUES["ink"])
    return figure


def _bars(ax: Axes, screening: Screening, name: str) -> None:
    kinds = [kind for kind in KINDS if any(kind in model.scores for model in screening.models)]
    thick = _FILLED / len(kinds)
    for j, kind in enumerate(kinds):
        values = [getattr(m.scores[kind], name) if kind in m.scores else math.nan for m in screening.models]
        at = np.arange(len(values)) + (j - (len(kinds) - 1) / 2) * thick
        ax.barh(at, np.nan_to_num(values), height=0.9 * thick, color=HUES[KINDS[kind].hue], linewidth=0)


def _printed(ax: Axes, screening: Screening, name: str) -> None:
    rows = {model.key: i for i, model in enumerate(screening.models)}
    found = [
        (value, rows[p.key]) for p in screening.published if p.key in rows and (value := _value(p, name)) is not None
    ]
    for value, row in found:
        ax.scatter(
            [value], [row], s=44, marker=PRINTED.marker, color=HUES[PRINTED.hue], edgecolor=HUES["paper"], zorder=4
        )


def _value(printed: Published, name: str) -> float | None:
    value = getattr(printed, name, None)
    return None if value is None or math.isnan(value) else float(value)
