"""Who was at work when: a laboratory's steps as stretches of time on its instruments, and what they add up to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from orchestrator.ledger import Run, State
from orchestrator.ledger.attempted import Attempted, attempts


@dataclass(frozen=True)
class Stretch:
    """A stretch of time in which an instrument is taken: by an attempt, by a load, or by its maintenance.

    Args:
        instrument: The one that is taken.
        parts: The attempts that take it, several where they are a load.
        start_s: Lab time, s.
        end_s: Lab time, s; of what is still under way that of the last event.
    """

    instrument: str
    parts: tuple[Attempted, ...]
    start_s: float
    end_s: float

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs that it belongs to."""
        return tuple(part.run for part in self.parts)

    @property
    def is_maintenance(self) -> bool:
        """Whether the instrument is not there for samples."""
        return self.parts[0].run.is_maintenance

    @property
    def failed_at_s(self) -> list[float]:
        """When an attempt of it failed, s."""
        return [part.attempt.end_s or self.end_s for part in self.parts if part.attempt.failure]


@dataclass(frozen=True)
class Use:
    """How an instrument spent the campaign, as shares of its time.

    Args:
        instrument: Its name.
        working: With samples.
        maintained: In maintenance, by itself or by others.
    """

    instrument: str
    working: float
    maintained: float

    @property
    def waiting(self) -> float:
        """Neither."""
        return max(0.0, 1.0 - self.working - self.maintained)


def stretches(state: State) -> list[Stretch]:
    """Return every stretch, by instrument and time; a load is one, and what others maintain is taken meanwhile."""
    found = [
        Stretch(instrument, parts, parts[0].attempt.start_s, max(_end_s(state, part) for part in parts))
        for instrument, parts in [*_loads(state), *_maintained_by_others(state)]
    ]
    return sorted(found, key=lambda s: (s.instrument, s.start_s, s.runs[0].number))


def _loads(state: State) -> list[tuple[str, tuple[Attempted, ...]]]:
    def together(one: Attempted) -> tuple[str, str]:
        return one.step.instrument, (one.attempt.load or (one.attempt.id,))[0]

    return [(key[0], tuple(parts)) for key, parts in groupby(sorted(attempts(state), key=together), key=together)]


def _maintained_by_others(state: State) -> list[tuple[str, tuple[Attempted, ...]]]:
    return [
        (str(one.run.concerns["instrument"]), (one,))
        for one in attempts(state)
        if one.run.is_maintenance and one.step.instrument != one.run.concerns["instrument"]
    ]


def _end_s(state: State, one: Attempted) -> float:
    return state.lab_s if one.attempt.end_s is None else one.attempt.end_s


def uses(state: State, found: Sequence[Stretch]) -> list[Use]:
    """Return how each instrument spent its time, in the order of `lanes`."""
    taken: dict[tuple[str, bool], float] = {}
    for stretch in found:
        key = stretch.instrument, stretch.is_maintenance
        taken[key] = taken.get(key, 0.0) + stretch.end_s - stretch.start_s
    whole_s = state.lab_s or 1.0
    return [
        Use(name, *(min(1.0, taken.get((name, is_maintenance), 0.0) / whole_s) for is_maintenance in (False, True)))
        for names in lanes(state).values()
        for name in names
    ]


def lanes(state: State) -> Mapping[str, Sequence[str]]:
    """Return the connected instruments by the role that they fill, as in the configuration."""
    wanted = (state.opened or {})["configuration"].get("laboratory", {}).get("instruments", {})
    found: dict[str, list[str]] = {}
    for name in state.identities:
        found.setdefault(wanted.get(name, {}).get("role") or name, []).append(name)
    return found


def hours_alone(state: State) -> float:
    """Return how long all attempts would have taken one after another, h: each sample of a load by itself."""
    return sum(_end_s(state, one) - one.attempt.start_s for one in attempts(state)) / 3600


def n_in_flight(state: State) -> float:
    """Return how many runs were in flight on average, maintenance apart."""
    spans = [
        (state.lab_s if run.end_s is None else run.end_s) - run.start_s
        for run in state.runs.values()
        if run.start_s is not None
    ]
    return sum(spans) / state.lab_s if state.lab_s else 0.0
