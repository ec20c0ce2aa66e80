"""Plays the phases of a simulated action at instants on the wall, and waits where the tool waits for a command.

Rule of this file: no clock of its own; it is told every instant, so that a test can let a day pass in a line.
"""

import math
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from instruments.driver import FailureClass, InstrumentError, Moved, Phase, Reading


@dataclass(frozen=True)
class Script:
    """How phases look from outside.

    Args:
        states: The state word of each phase, by its name.
        gates: The coil that must be set to go from one state to another.
        done: The state word that shows while a state waits for its coil, where it has one of its own.
        otherwise: The state word of every other phase.
    """

    states: Mapping[str, str]
    gates: Mapping[tuple[str, str], str]
    done: Mapping[str, str]
    otherwise: str


class Player:
    """One action under way.

    Args:
        phases: Its phases, or those of winding down.
        script: How they look from outside.
        wall_of: From seconds of lab time to seconds on the wall.
        at: The instant at which it begins, s on the wall.
        state: The state word it begins from.
    """

    def __init__(
        self,
        phases: Generator[Phase, None, Reading | None],
        script: Script,
        wall_of: Callable[[float], float],
        *,
        at: float,
        state: str = "",
    ) -> None:
        self._phases, self._script, self._wall_of = phases, script, wall_of
        self.state, self.phase, self.gate = state, Phase("", 0.0), ""
        self.began, self.due = at, math.inf
        self.ending: Reading | InstrumentError | None = None
        self.is_over = False
        self._next(at)

    @property
    def shown(self) -> str:
        """The state word that shows."""
        return self._script.done.get(self.state, self.state) if self.gate else self.state

    def end_phase(self) -> Phase:
        """End the phase that is due, go on to the next one, and return the one that ended."""
        ended = self.phase
        self._next(self.due)
        return ended

    def open(self, coil: str, at: float) -> None:
        """Go on through the gate that waits for this coil."""
        if self.gate == coil:
            self.gate = ""
            self._begin(self.phase, at)

    def halt(self, reason: str) -> None:
        """Break off."""
        error = InstrumentError(FailureClass.HALTED, reason, Moved.YES)
        with suppress(InstrumentError, StopIteration):
            self._phases.throw(error)
        self._phases.close()
        self._end(error)

    def _next(self, at: float) -> None:
        try:
            phase = next(self._phases)
        except StopIteration as stop:
            self._end(stop.value)
        except InstrumentError as error:
            self._end(error)
        else:
            state = self._script.states.get(phase.name, self._script.otherwise)
            self.gate = self._script.gates.get((self.state, state), "")
            self.phase, self.due = phase, math.inf
            if not self.gate:
                self._begin(phase, at)

    def _begin(self, phase: Phase, at: float) -> None:
        self.state = self._script.states.get(phase.name, self._script.otherwise)
        self.began, self.due = at, at + self._wall_of(phase.duration_s)

    def _end(self, ending: Reading | InstrumentError | None) -> None:
        self.ending, self.is_over, self.due, self.gate = ending, True, math.inf, ""
