"""What a campaign came to: the answer, what it is compared with, what failed and what it took.

Rule of this file: everything is read from the ledger's state, so the live end, a replay and the report agree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from orchestrator.display.wording import (
    beside,
    clean,
    lasting,
    listed,
    named,
    number,
    plural,
    point_text,
    with_sd,
    with_unit,
)
from orchestrator.ledger import Run, State
from orchestrator.ledger.run import join_origins
from orchestrator.objective import Objective
from orchestrator.objective.merit import Merit

if TYPE_CHECKING:
    from rich.panel import Panel


@dataclass(frozen=True)
class PastRows:
    """The rows a campaign began with.

    Args:
        n_rows: How many there are.
        n_counted: How many of them are known to keep the limits of further objectives: all, without limits.
        best: The best value of those; None where there are none.
        limits: The limits in words.
        origin: Where they come from; "" where the file does not say.
        is_source: Whether they are of another tool.
    """

    n_rows: int
    n_counted: int
    best: float | None
    limits: str
    origin: str
    is_source: bool

    @property
    def words(self) -> str:
        """Which of them count, in words."""
        rows = plural(self.n_rows, "source row" if self.is_source else "initial row")
        if self.n_counted == self.n_rows:
            return f"the {rows}" if self.n_rows > 1 else "the only " + rows.removeprefix("1 ")
        which = (
            f"the {self.n_counted} of {rows} that keep" if self.n_counted > 1 else f"the only one of {rows} that keeps"
        )
        return f"{which} {self.limits}"

    @property
    def unknown(self) -> str:
        """That none of them counts, in words."""
        rows = "source row" if self.is_source else "initial row"
        whose = f"none of the {self.n_rows} {rows}s is" if self.n_rows > 1 else f"the only {rows} is not"
        return f"{whose} known to keep {self.limits}"


@dataclass(frozen=True)
class Summary:
    """A campaign in a few facts.

    Args:
        campaign: Its name.
        objective: What it measures.
        further: What it measures beside.
        unmeasured: Which of those no measured run has told, by name.
        units: The unit of each parameter, by name, in the order of the configuration as recorded.
        origins: Where its readings come from, one or several.
        status: running, paused or closed.
        reason: Why it is paused or closed.
        limits: What the best run must keep, in words; "" where there are no limits.
        best: The measured run with the best value, of those that keep the limits.
        initial: Rows of this tool that it began with.
        source: Rows of another tool that it could learn from.
        n_measured: Runs with a value.
        n_open: Runs under way.
        failures: Runs without a value, by failure class, the most frequent class first.
        lab_days: How long the laboratory took.
        n_events: Events in the ledger.
        head: Hash of the last one.
    """

    campaign: str
    objective: Objective
    further: tuple[Objective, ...]
    unmeasured: tuple[str, ...]
    units: Mapping[str, str]
    origins: tuple[str, ...]
    status: str
    reason: str
    limits: str
    best: Run | None
    initial: PastRows | None
    source: PastRows | None
    n_measured: int
    n_open: int
    failures: Mapping[str, tuple[Run, ...]]
    lab_days: float
    n_events: int
    head: str

    @property
    def origin(self) -> str:
        """The one origin of its readings, `mixed`, or `none` while nothing is connected."""
        return join_origins(self.origins)

    @property
    def n_failed(self) -> int:
        """How many runs ended without a value."""
        return sum(len(runs) for runs in self.failures.values())

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.status == "closed"

    def compared(self, past: PastRows) -> str:
        """Return how the best run compares with past rows, in words: `9 % better than the best of ...`.

        Where none of them counts, that is said instead.
        """
        if self.best is None or self.best.value is None:
            return ""
        if past.best is None:
            return past.unknown
        return f"{_gain(self.best.value, past.best, self.objective)} the best of {past.words}"


def summary(state: State) -> Summary:
    """Return what the ledger's state says the campaign came to."""
    opened: Mapping[str, Any] = state.opened or {}
    configuration = opened.get("configuration", {})
    merit = Merit.recorded(configuration)
    measured = [run for run in state.finished if run.value is not None]
    return Summary(
        campaign=clean(opened.get("campaign", "")),
        objective=merit.objective,
        further=merit.further,
        unmeasured=_unmeasured(merit, measured),
        units={name: p.get("unit", "1") for name, p in configuration.get("parameters", {}).items()},
        origins=tuple(sorted({str(identity["origin"]) for identity in state.identities.values()})),
        status=state.status,
        reason=clean(state.reason),
        limits=clean(merit.limits),
        best=merit.best(measured),
        initial=_past(opened, "initial", merit),
        source=_past(opened, "source", merit),
        n_measured=len(measured),
        n_open=len(state.open_runs),
        failures=_failures([run for run in state.finished if run.value is None]),
        lab_days=state.lab_s / 86400,
        n_events=state.n_events,
        head=state.head,
    )


def _unmeasured(merit: Merit, measured: Sequence[Run]) -> tuple[str, ...]:
    """Return the further objectives that no measured run has told; none, while nothing is measured."""
    if not measured:
        return ()
    return tuple(clean(o.name) for o in merit.further if all(o.among(run.details) is None for run in measured))


def _past(opened: Mapping[str, Any], which: str, merit: Merit) -> PastRows | None:
    rows = opened.get("data", {}).get(which)
    if not rows or not rows["values"]:
        return None
    kept = merit.kept(rows.get("further") or {}, len(rows["values"]))
    counted = [value for value, is_kept in zip(rows["values"], kept, strict=True) if is_kept]
    origin = join_origins(origin for origin in rows.get("origins") or [] if origin)
    return PastRows(
        n_rows=len(rows["values"]),
        n_counted=len(counted),
        best=merit.objective.best(counted),
        limits=clean(merit.limits),
        origin="" if origin == "none" else clean(origin),
        is_source=which == "source",
    )


def _failures(runs: Sequence[Run]) -> dict[str, tuple[Run, ...]]:
    def of_class(run: Run) -> str:
        return clean(run.failure or run.status or "aborted")

    groups = [(failure, tuple(group)) for failure, group in groupby(sorted(runs, key=of_class), key=of_class)]
    return dict(sorted(groups, key=lambda group: (-len(group[1]), group[0])))


def _gain(value: float, past: float, objective: Objective) -> str:
    """Return how a value compares with a past one, so that "better" is better for either goal."""
    difference = objective.score(value) - objective.score(past)
    if past <= 0:
        amount = with_unit(number(abs(difference), 3), objective.unit)
        return f"{amount} {'better' if difference > 0 else 'worse'} than"
    percent = 100 * difference / past
    if abs(percent) < 0.5:
        return "level with"
    if percent >= 100:
        return f"{number(value / past, 2)} times"
    return f"{abs(percent):.0f} % {'better' if percent > 0 else 'worse'} than"


def lines(facts: Summary, files: Mapping[str, object] | None = None) -> list[tuple[str, str]]:
    """Return the closing words as pairs of a label and a line; a label is "" where the line before it goes on."""
    classes = {failure: len(runs) for failure, runs in facts.failures.items()}
    runs = f"{facts.n_measured} measured, {facts.n_failed} failed" + (f" ({listed(classes)})" if classes else "")
    runs += f", {facts.n_open} {'left unfinished' if facts.is_over else 'under way'}" if facts.n_open else ""
    never = [("", f"no run has measured {', '.join(facts.unmeasured)}")] if facts.unmeasured else []
    found = [*_answer(facts), *never, ("runs", runs)]
    found += [
        ("", f"{failure}: {clean(r[-1].reason, 160)} (run {r[-1].number})") for failure, r in facts.failures.items()
    ]
    found.append(("lab time", lasting(facts.lab_days)))
    if facts.status != "running":
        found.append((facts.status, facts.reason))
    found += [(name, str(path)) for name, path in (files or {}).items()]
    return [*found, ("chain", f"{facts.n_events} events, head {facts.head}")]


def _answer(facts: Summary) -> list[tuple[str, str]]:
    if facts.best is None:
        if not facts.n_measured:
            return [("best", "nothing was measured")]
        return [("best", f"{plural(facts.n_measured, 'run')} measured, none of which keeps {facts.limits}")]
    unit = facts.objective.unit
    value = with_unit(with_sd(facts.best.value, facts.best.sd), unit)
    found = [
        ("best", f"{named(facts.objective.name, unit)} {value} ({facts.origin} data), run {facts.best.number}"),
        *([("", f"with {others}")] if (others := beside(facts.best.details, facts.further)) else []),
        ("", f"at {point_text(facts.best.point, facts.units)}"),
    ]
    found += [("", f"the best of those that keep {facts.limits}")] if facts.limits else []
    for past in (facts.initial, facts.source):
        if past is not None and past.best is None:
            found.append(("", past.unknown))
        elif past is not None and past.best is not None:
            remarks = [with_unit(number(past.best), unit), past.origin, "another tool" if past.is_source else ""]
            found.append(("", f"{facts.compared(past)} ({', '.join(r for r in remarks if r)})"))
    return found


def plain_text(facts: Summary, files: Mapping[str, object] | None = None) -> str:
    """Return the closing words as plain lines."""
    return "\n".join(f"{label:9} {line}".rstrip() for label, line in lines(facts, files))


def closing_text(facts: Summary, files: Mapping[str, object] | None = None) -> "Panel":
    """Return the closing words for a rich console: what `plain_text` says, in a frame."""
    return framed(facts.campaign, lines(facts, files))


def framed(title: str, pairs: Sequence[tuple[str, str]]) -> "Panel":
    """Return pairs of a label and a line in a frame, for a rich console."""
    from rich import box  # noqa: PLC0415 - rich only where there is a console
    from rich.panel import Panel  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, line in pairs:
        grid.add_row(label, Text(line, style="bold" if label == "best" else ""))
    return Panel(grid, title=Text(title, style="bold"), title_align="left", box=box.ROUNDED, padding=(0, 1))
