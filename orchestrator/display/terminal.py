"""What people see while a campaign runs: a live table on a terminal, or one plain line a run.

Rule of this file: a watcher is told of thousands of events a second, so an event costs O(1); drawing has its own pace.
What it draws from is only ever replaced, never changed, because the drawing happens in another thread.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from orchestrator.config.schema import CampaignConfig
from orchestrator.display.wording import (
    asked,
    beside,
    clean,
    column,
    listed,
    named,
    number,
    plural,
    point_text,
    with_sd,
    with_unit,
)
from orchestrator.ledger import Event, Kind, Run, State
from orchestrator.objective.merit import Merit

_REDRAWS_PER_S = 4
_WIDTH_OF_A_PARAMETER = 12
_WIDTH_OF_THE_REST = 44
_LINES_OF_THE_REST = 14
_FEWEST_ROWS = 3
_MOST_ROWS = 15
_LONGEST_NOTICE = 1000


@dataclass(frozen=True)
class _Move:
    """A step under way."""

    run: int
    step: str
    attempt: str
    phase: str = ""
    waits: Mapping[str, Any] | None = None


class _Board:
    """What there is to show, kept up to date in O(1) an event.

    Args:
        merit: Decides which run is the best.
    """

    def __init__(self, merit: Merit) -> None:
        self.merit, self.objective = merit, merit.objective
        self.runs: list[Run] = []
        self.best: Run | None = None
        self.failures: Mapping[str, int] = {}
        self.moves: Mapping[int, _Move] = {}
        self.origin = "none"
        self.status = "new"
        self.reason = ""
        self.asked = ""
        self.lab_s = 0.0
        self._is_filled = False

    def take(self, event: Event, state: State) -> Run | None:
        """Take an event; return the run or the maintenance it finished, if it did."""
        if not self._is_filled:
            self._fill(state, event)
        self.lab_s, self.status, self.reason = state.lab_s, state.status, state.reason
        self.asked = _asked(state)
        if event.kind == Kind.INSTRUMENT_CONNECTED:
            self.origin = state.origin
        elif event.kind == Kind.STEP_STARTED:
            step = f"{event.body['instrument']}.{event.body['action']}"
            self._move(_Move(event.run or 0, step, str(event.body["id"]).rpartition(".")[2]))
        elif event.kind == Kind.RUN_WAITS:
            self._move(
                _Move(event.run or 0, f"{event.body['instrument']}.{event.body['action']}", "1", waits=event.body)
            )
        elif event.kind == Kind.TELEMETRY and (event.run or 0) in self.moves:
            before = self.moves[event.run or 0]
            self._move(_Move(before.run, before.step, before.attempt, str(event.body.get("phase", ""))))
        elif event.kind in (Kind.STEP_FINISHED, Kind.STEP_FAILED):
            self.moves = {number: move for number, move in self.moves.items() if number != event.run}
        elif event.kind == Kind.RUN_FINISHED:
            return self._finished(state.run(event.run))
        return None

    def _fill(self, state: State, event: Event) -> None:
        """Begin from a state that may already hold a campaign, a resumed one, without what the event itself brings."""
        self._is_filled, self.origin = True, state.origin
        for run in state.finished:
            if event.kind != Kind.RUN_FINISHED or run.number != event.run:
                self._finished(run)

    def _move(self, move: _Move) -> None:
        self.moves = {**self.moves, move.run: move}

    def _finished(self, run: Run) -> Run:
        self.moves = {number: move for number, move in self.moves.items() if number != run.number}
        if run.is_maintenance:
            return run
        self.runs.append(run)
        if run.value is None:
            failure = run.failure or run.status or "aborted"
            self.failures = {**self.failures, failure: self.failures.get(failure, 0) + 1}
        elif self.merit.better(run, self.best):
            self.best = run
        return run


def _waits(body: Mapping[str, Any]) -> str:
    return f"waits until lab {body['until_s'] / 3600:.1f} h"


def _asked(state: State) -> str:
    return asked(state.requests[-1], is_soon=state.is_asked_to_end_soon) if state.requests else ""


class PlainWatcher:
    """Writes one line for each finished run, for pipes and logs.

    Args:
        settings: The configuration.
        stream: Where the lines go.
    """

    def __init__(self, settings: CampaignConfig, stream: TextIO) -> None:
        self._board = _Board(Merit.from_config(settings))
        self._units = {name: p.unit for name, p in settings.parameters.items()}
        self._stream = stream

    def event(self, event: Event, state: State) -> None:
        """Write a line if a run was finished, or the campaign paused or resumed."""
        run = self._board.take(event, state)
        if run is not None:
            self._write(self._line(run))
        elif event.kind == Kind.REQUESTED:
            self._write(self._board.asked)
        elif event.kind == Kind.RUN_WAITS:
            step = f"{event.body['instrument']}.{event.body['action']}"
            self._write(f"run {event.run:>3} {clean(step)} {_waits(event.body)}: {clean(event.body['reason'])}")
        elif event.kind == Kind.PAUSED:
            self._write(f"paused {clean(event.body.get('reason', ''))}")
        elif event.kind == Kind.RESUMED:
            self._write(f"resumed by {clean(event.body.get('who', ''))}")

    def notice(self, text: str) -> None:
        """Write a line."""
        self._write(f"notice: {clean(text, _LONGEST_NOTICE)}")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing behind."""

    def _line(self, run: Run) -> str:
        lab = f"lab {self._board.lab_s / 3600:.1f} h"
        if run.is_maintenance:
            failed = f": {clean(run.reason)}" if run.reason else ""
            return f"run {run.number:>3} {run.status} {clean(run.why.get('why', ''), 200)}{failed} | {lab}"
        objective, best = self._board.objective, self._board.best
        value = f"{named(objective.name, objective.unit)} {with_unit(with_sd(run.value, run.sd, '+-'), objective.unit)}"
        others = beside(run.details, self._board.merit.further)
        value += f", {others}" if others else ""
        outcome = value if run.value is not None else f"{clean(run.failure or '')}: {clean(run.reason)}"
        so_far = "none" if best is None or best.value is None else f"{number(best.value)} (run {best.number})"
        purpose = "" if run.purpose == "search" else f" ({run.purpose})"
        point = point_text(run.point, self._units) + purpose
        return f"run {run.number:>3} {run.status or '':8} {point} | {outcome} | best {so_far} | {lab}"

    def _write(self, line: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        with suppress(OSError):  # a reader or a terminal that went away is no reason to stop a laboratory
            print(line.encode(encoding, "replace").decode(encoding), file=self._stream, flush=True)


class LiveWatcher:
    """Shows the campaign on a terminal and keeps it up to date.

    Args:
        settings: The configuration.
        console: Where to draw.
    """

    def __init__(self, settings: CampaignConfig, console: Console) -> None:
        self._settings = settings
        self._console = console
        self._board = _Board(Merit.from_config(settings))
        self._objective = self._board.objective
        self._told_at = time.monotonic()
        self._live = Live(
            console=console, get_renderable=self.picture, refresh_per_second=_REDRAWS_PER_S, vertical_overflow="crop"
        )

    def event(self, event: Event, state: State) -> None:
        """Take notice; the screen follows at its own pace."""
        self._board.take(event, state)
        self._told_at = time.monotonic()

    def notice(self, text: str) -> None:
        """Write a line above the picture."""
        self._console.print(Text(clean(text, _LONGEST_NOTICE), style="bold red"))

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Draw the last state and leave it on the screen."""
        self._live.stop()

    def picture(self) -> RenderableType:
        """Return the whole picture as of now."""
        board = self._board
        parts: list[RenderableType] = [self._header(), self._progress(), self._table(list(board.runs))]
        parts += self._foot()
        if board.asked:
            parts.append(Panel(Text(board.asked), title="ending", style="bold yellow"))
        if board.status == "paused":
            parts.append(Panel(Text(clean(board.reason)), title="paused", style="bold red"))
        return Group(*parts)

    def _lab_s(self) -> float:
        is_live = self._settings.laboratory.clock == "wall" and self._board.status == "running"
        passed_s = (time.monotonic() - self._told_at) * self._settings.laboratory.rate
        return self._board.lab_s + (passed_s if is_live else 0.0)

    def _header(self) -> RenderableType:
        grid = Table.grid(expand=True)
        grid.add_column()
        grid.add_column(justify="right")
        origin = {"none": "nothing connected yet", "simulated": "SIMULATED data"}.get(
            self._board.origin, f"{clean(self._board.origin)} data"
        )
        title = Text.assemble((clean(self._settings.campaign), "bold"), "  ", (origin, "black on yellow"))
        grid.add_row(title, Text(f"lab day {self._lab_s() / 86400:.1f}"))
        return grid

    def _progress(self) -> RenderableType:
        budget, n_runs = self._settings.budget, len(self._board.runs)
        n_failed = sum(self._board.failures.values())
        parts = [f"{n_runs} of {plural(budget.runs, 'run')}"]
        parts += [f"{n_failed} of {plural(budget.failures, 'failure')}"] if budget.failures else []
        parts += [f"{self._lab_s() / 3600:.0f} of {budget.lab_hours:.0f} lab hours"] if budget.lab_hours else []
        grid = Table.grid(expand=True, padding=(0, 1))
        grid.add_column(ratio=1)
        grid.add_column(justify="right", no_wrap=True)
        grid.add_row(ProgressBar(total=budget.runs, completed=n_runs), Text("  ".join(parts)))
        return grid

    def _table(self, runs: Sequence[Run]) -> RenderableType:
        names = self._names()
        unit = "" if self._objective.unit == "1" else clean(self._objective.unit)
        table = Table(box=None, expand=True, header_style="dim", padding=(0, 1))
        table.add_column("\nrun", justify="right", no_wrap=True)
        for name in names:
            p_unit = self._settings.parameters[name].unit
            heading = Text(f"{named(name, p_unit)}\n{'' if p_unit == '1' else clean(p_unit)}")
            table.add_column(
                heading, justify="right", overflow="ellipsis", no_wrap=True, max_width=_WIDTH_OF_A_PARAMETER
            )
        table.add_column(Text(f"predicted\n{unit}"), justify="right", no_wrap=True)
        value = Text(f"{named(self._objective.name, self._objective.unit)}\n{unit}")
        table.add_column(value, ratio=1, overflow="ellipsis", no_wrap=True)
        shown = runs[-self._n_rows() :]
        columns = [column([run.point[name] for run in shown]) for name in names]
        for i, run in enumerate(shown):
            cells = self._row(run, [texts[i] for texts in columns])
            table.add_row(*cells, style="bold green" if run is self._board.best else "")
        return table

    def _names(self) -> list[str]:
        """Return the parameters that fit beside the rest."""
        n_fit = max(1, (self._console.width - _WIDTH_OF_THE_REST) // _WIDTH_OF_A_PARAMETER)
        return list(self._settings.parameters)[:n_fit]

    def _n_rows(self) -> int:
        return min(_MOST_ROWS, max(_FEWEST_ROWS, self._console.height - _LINES_OF_THE_REST))

    def _row(self, run: Run, settings: Sequence[str]) -> list[Text]:
        mark = "★ " if run is self._board.best else ""
        cells = [Text(f"{mark}{run.number}"), *map(Text, settings)]
        predicted = Text(with_sd(run.why.get("mean"), run.why.get("sd")), style="dim")
        if run.value is not None:
            return [*cells, predicted, Text(self._with_others(with_sd(run.value, run.sd), run))]
        failure = Text.assemble((clean(run.failure or run.status or ""), "red"), ": ", (clean(run.reason, 200), "dim"))
        return [*cells, predicted, failure]

    def _with_others(self, value: str, run: Run) -> str:
        others = beside(run.details, self._board.merit.further)
        return f"{value}, {others}" if others else value

    def _foot(self) -> list[RenderableType]:
        board = self._board
        hidden = [clean(name) for name in self._settings.parameters if name not in self._names()]
        too_narrow = f"not shown for want of width: {', '.join(hidden)}" if hidden else ""
        found: list[RenderableType] = [Text(too_narrow, style="dim", overflow="ellipsis", no_wrap=True)]
        is_live = self._settings.laboratory.clock == "wall"  # a driver that blocks tells what it is at
        ended = "" if is_live else " done"
        for move in board.moves.values():
            attempt = "" if move.attempt == "1" else f", attempt {clean(move.attempt, 4)}"
            phase = f": {clean(move.phase, 40)}{ended}" if move.phase else ""
            phase = f" {_waits(move.waits)}" if move.waits else phase
            found.append(Text(f"run {move.run}  {clean(move.step, 40)}{attempt}{phase}", style="cyan"))
        best = "nothing measured yet"
        if board.best is not None:
            value = with_unit(with_sd(board.best.value, board.best.sd), self._objective.unit)
            best = f"best {self._with_others(value, board.best)} (run {board.best.number})"
        failures = f"   failed: {listed(board.failures)}" if board.failures else ""
        found.append(Text.assemble((best, "bold"), (failures, "red"), overflow="ellipsis", no_wrap=True))
        return found
