"""How figures look, and how they become part of the page.

Rule of this file: a figure is drawn in the hues below; on the page each hue becomes a CSS variable, so that one drawing
serves light and dark screens and paper.
"""

import io
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import blended_transform_factory

from orchestrator.display.wording import number

HUES = {
    "ink": "#1c1d21",
    "muted": "#6c6e77",
    "faint": "#d9dae0",
    "paper": "#fefefc",
    "accent": "#2463ab",
    "soft": "#9dbbdd",
    "best": "#0b875a",
    "red": "#c3352b",
    "orange": "#c27306",
    "violet": "#7d4fc1",
    "rose": "#c2307f",
    "teal": "#14808f",
}
"""The colours of the light page; style.css has those of the dark one."""

WIDE = (11.5, 3.7)
HALF = (5.5, 4.0)
THIRD = (3.9, 3.5)
"""Sizes of figures, inches: over the whole page, two side by side, three side by side."""

_LOGARITHMIC = ((0.5, ()), (0.75, (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)), (2.0, (1.0, 2.0, 5.0)))
"""Which multiples of the powers of ten have a number on axes of less than so many decades; none: as on a linear one."""


@dataclass(frozen=True)
class Mark:
    """How one kind of point is drawn.

    Args:
        marker: The marker in a figure.
        glyph: The same in text.
        hue: Its colour.
    """

    marker: str
    glyph: str
    hue: str


MEASURED = Mark("o", "●", "accent")
BEST = Mark("*", "★", "best")
FAILURES: Mapping[str, Mark] = {
    "infeasible": Mark("X", "✖", "red"),
    "sample": Mark("v", "▼", "orange"),
    "measurement": Mark("s", "■", "violet"),
    "instrument": Mark("D", "◆", "teal"),
    "safety": Mark("P", "✚", "rose"),
    "operator": Mark("^", "▲", "ink"),
    "halted": Mark("h", "⬢", "muted"),
    "recipe": Mark("p", "⬟", "muted"),
}
OTHER = Mark("d", "⬧", "muted")


def mark_of(failure: str | None) -> Mark:
    """Return how a failure class is drawn."""
    return FAILURES.get(failure or "", OTHER)


_STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": HUES["muted"],
    "axes.facecolor": "none",
    "axes.formatter.limits": (-4, 5),
    "axes.grid": False,
    "axes.labelcolor": HUES["ink"],
    "axes.labelsize": 9,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "axes.titley": 1.0,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": HUES["faint"],
    "grid.linewidth": 0.6,
    "hatch.color": HUES["ink"],
    "hatch.linewidth": 0.35,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "text.color": HUES["ink"],
    "xtick.color": HUES["muted"],
    "xtick.labelsize": 8.5,
    "ytick.color": HUES["muted"],
    "ytick.labelsize": 8.5,
}


@contextmanager
def style(*, mathematics: bool = False) -> Iterator[None]:
    """Draw in the page's style.

    Args:
        mathematics: Whether text between dollar signs is a formula; names of instruments and columns never are.
    """
    with mpl.rc_context({**mpl.rcParamsDefault, **_STYLE, "text.parse_math": mathematics}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # the reader's browser has its own fonts
        yield


def blank(size: tuple[float, float], left: float = 0.55) -> tuple[Figure, Axes]:
    """Return a new figure and its axes. The margins are fixed, because fitting them takes as long as drawing.

    Args:
        size: Width and height, inches.
        left: Room for the labels of the vertical axis, inches.
    """
    figure, (width, height) = Figure(figsize=size, dpi=72), size
    bottom, right, top = 0.46, 0.1, 0.28
    place = left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height
    return figure, figure.add_axes(place)


def label(ax: Axes, x: str, y: str) -> None:
    """Label both axes; the vertical one above it, where it can be read and leaves room for the drawing.

    The places are given, because finding them takes as long as drawing.
    """
    ax.set_xlabel(x)
    figure = ax.get_figure()
    if figure is not None:
        place = blended_transform_factory(ax.transAxes, figure.transFigure)
        ax.xaxis.set_label_coords(0.5, 0.19 * figure.dpi / figure.bbox.height, transform=place)
    ax.set_title(y, loc="left", pad=7, color=HUES["ink"])


def logarithmic(axis: Axis) -> None:
    """Write numbers along a logarithmic axis whose limits are set: at least two, and no more than can be read.

    What matplotlib writes by itself is a formula, and text of the page never is one.
    """
    low, high = axis.get_view_interval()
    decades = math.log10(high / low)
    subs = next((subs for most, subs in _LOGARITHMIC if decades < most), (1.0,))
    if subs:
        axis.set_major_locator(LogLocator(subs=subs))
    else:
        axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
        axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda value, _: number(value, 6))
    axis.set_minor_formatter("")


def inline_svg(figure: Figure, name: str, description: str) -> Markup:
    """Return a figure as SVG to stand in the page.

    Args:
        figure: Any figure.
        name: Keeps its identifiers apart from those of other figures.
        description: What it shows, for those who cannot see it.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=nothing, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<g id=\"[^\"]*\"", "<g", text)
    text = re.sub(r"<svg .*?viewBox=\"([^\"]*)\".*?>", _opening(description), text, count=1, flags=re.DOTALL)
    for hue, colour in HUES.items():
        text = text.replace(colour, f"var(--{hue})")
    return Markup(text)  # noqa: S704 - matplotlib escapes every text it is given


def _opening(description: str) -> str:
    label = str(escape(description)).replace("\\", "\\\\")
    return (
        f'<svg viewBox="\\1" role="img" aria-label="{label}" '
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
