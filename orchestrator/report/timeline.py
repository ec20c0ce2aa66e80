"""Who was busy when: the laboratory's steps in lab days, one lane for each instrument, lanes of a role side by side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

from orchestrator.display.wording import clean, number_ranges
from orchestrator.report.drawing import BEST, HUES, WIDE, Mark, blank, label
from orchestrator.report.material import Material
from orchestrator.report.occupancy import Stretch, lanes, stretches, uses

FAILED, MAINTENANCE = "red", "orange"
PURPOSES: Mapping[str, Mark] = {"reference": Mark("D", "◆", "violet"), "repeat": Mark("^", "▲", "rose")}
"""What stands below the first step of a run that the planner did not choose."""

_DAY_S = 86400.0
_SHORTEST = 1e-6  # days
_LANE_IN = 0.62
_BETWEEN_ROLES = 0.3  # lanes
_NARROWEST = 0.0018  # share of the axis at which a bar can still be seen
_ROOM_FOR_A_NUMBER = 0.016  # share of the axis that a run's number needs
_ROOM_FOR_A_LETTER = 0.0056  # the same of a letter of what stands above a bar


@dataclass(frozen=True)
class _Bar:
    """One stretch, in lab days."""

    stretch: Stretch
    lane: float
    hue: str
    start: float
    width: float

    @property
    def middle(self) -> float:
        """The middle, in lab days."""
        return self.start + self.width / 2


def timeline(material: Material) -> Figure:
    """Draw a bar for each attempt at each step and each load, and a cross where one failed.

    The best run has its own colour and so has maintenance, which is named; references and repeats are marked.
    """
    state, found = material.state, stretches(material.state)
    places = _places(lanes(state))
    height = 1 + max(places.values(), default=0.0)
    figure, ax = blank((WIDE[0], 0.7 + _LANE_IN * height), left=1.3)
    end = max(material.summary.lab_days, _SHORTEST)
    bars = [_bar(material, stretch, places[stretch.instrument]) for stretch in found if stretch.instrument in places]
    _draw(ax, bars)
    _mark(ax, bars)
    _write(ax, bars, end)
    ax.set_xlim(0, end * 1.005)
    ax.set_ylim(height - 0.4, -0.6)
    shares = {use.instrument: use.working + use.maintained for use in uses(state, found)}
    ax.set_yticks(list(places.values()), [f"{clean(lane, 18)}\n{shares[lane]:.0%} busy" for lane in places])
    ax.tick_params(axis="y", length=0, labelcolor=HUES["ink"])
    ax.spines["left"].set_visible(False)
    ax.xaxis.grid(visible=True)
    _name_roles(ax, lanes(state), places)
    label(ax, "lab days", "")
    return figure


def _places(roles: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Return where each instrument's lane is, from the top; roles stand apart where one has several instruments."""
    gap = _BETWEEN_ROLES if any(len(names) > 1 for names in roles.values()) else 0.0
    order = [(i, name) for i, names in enumerate(roles.values()) for name in names]
    return {name: n + gap * i for n, (i, name) in enumerate(order)}


def _name_roles(ax: Axes, roles: Mapping[str, Sequence[str]], places: Mapping[str, float]) -> None:
    """Join the lanes of a role by a line, with its name."""
    place = blended_transform_factory(ax.transAxes, ax.transData)
    for role, names in roles.items():
        if len(names) > 1:
            first, last = places[names[0]] - 0.3, places[names[-1]] + 0.3
            ax.plot([-0.104] * 2, [first, last], color=HUES["muted"], linewidth=0.8, transform=place, clip_on=False)
            name = ax.text(-0.108, (first + last) / 2, clean(role, 18), fontsize=7.5, color=HUES["muted"])
            name.set(transform=place, rotation=90, ha="right", va="center", clip_on=False)


def _bar(material: Material, stretch: Stretch, lane: float) -> _Bar:
    best, numbers = material.summary.best, [run.number for run in stretch.runs]
    hue = ("soft", "accent")[numbers[0] % 2]
    if stretch.is_maintenance:
        hue = MAINTENANCE
    elif best is not None and best.number in numbers:
        hue = BEST.hue
    if len(stretch.failed_at_s) == len(stretch.parts):
        hue = FAILED
    start = stretch.start_s / _DAY_S
    width = max(stretch.end_s / _DAY_S - start, _NARROWEST * material.summary.lab_days)
    return _Bar(stretch, lane, hue, start, width)


def _draw(ax: Axes, bars: Sequence[_Bar]) -> None:
    for lane, hue in sorted({(bar.lane, bar.hue) for bar in bars}):
        spans = [(bar.start, bar.width) for bar in bars if (bar.lane, bar.hue) == (lane, hue)]
        ax.broken_barh(spans, (lane - 0.26, 0.52), color=HUES[hue], edgecolor=HUES["paper"], linewidth=0.4)


def _mark(ax: Axes, bars: Sequence[_Bar]) -> None:
    """Set a cross where an attempt failed, and a mark below the first step of a reference or a repeat."""
    failed = [(at_s / _DAY_S, bar.lane - 0.36) for bar in bars for at_s in bar.stretch.failed_at_s]
    if failed:
        xs, ys = zip(*failed, strict=True)
        ax.scatter(xs, ys, marker="x", s=14, color=HUES[FAILED], linewidth=1.1, clip_on=False)
    for purpose, mark in PURPOSES.items():
        firsts = [(bar.middle, bar.lane + 0.37) for bar in bars if _begins(bar.stretch, purpose)]
        if firsts:
            xs, ys = zip(*firsts, strict=True)
            ax.scatter(xs, ys, marker=mark.marker, s=11, color=HUES[mark.hue], linewidth=0, clip_on=False)


def _begins(stretch: Stretch, purpose: str) -> bool:
    """Return whether a run of that purpose begins with it."""
    return any(
        part.run.purpose == purpose and part.step.number == 1 and part.attempt.number == 1 for part in stretch.parts
    )


def _write(ax: Axes, bars: Sequence[_Bar], end: float) -> None:
    """Number the runs of bars with room for it, and name loads and maintenance beside them."""
    for bar in bars:
        is_alone = len(bar.stretch.parts) == 1 and not bar.stretch.is_maintenance
        if is_alone and bar.width > _ROOM_FOR_A_NUMBER * end:
            ink = HUES["ink"] if bar.hue == "soft" else HUES["paper"]
            text = str(bar.stretch.runs[0].number)
            ax.text(bar.middle, bar.lane, text, ha="center", va="center", fontsize=7.5, color=ink)
    for bar, text, is_above in _headed(bars, end):
        ink = HUES[MAINTENANCE if bar.stretch.is_maintenance else "muted"]
        y, va = (bar.lane - 0.4, "bottom") if is_above else (bar.lane + 0.3, "top")
        ax.text(bar.middle, y, text, ha="center", va=va, fontsize=6.5, color=ink)


def _headed(bars: Sequence[_Bar], end: float) -> Iterator[tuple[_Bar, str, bool]]:
    """Yield bars with what is to be read beside them and whether above, from left to right on each lane.

    Maintenance is named, and on lanes with loads the runs are numbered: above where there is room, else below, else
    in the tables alone.
    """
    with_loads = {bar.lane for bar in bars if len(bar.stretch.parts) > 1}
    right: dict[tuple[float, bool], float] = {}
    for bar in sorted(bars, key=lambda bar: (bar.lane, bar.middle)):
        is_maintenance = bar.stretch.is_maintenance
        if not (is_maintenance or bar.lane in with_loads):
            continue
        numbers = number_ranges([run.number for run in bar.stretch.runs])
        text = clean(bar.stretch.parts[0].step.action, 24) if is_maintenance else numbers
        half = (len(text) + 1) * _ROOM_FOR_A_LETTER * end / 2
        for is_above in (True, False):
            if bar.middle - half >= right.get((bar.lane, is_above), -end):
                right[bar.lane, is_above] = bar.middle + half
                yield bar, text, is_above
                break
