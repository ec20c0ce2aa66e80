"""What a performed campaign came to, read off its ledger: hours, wear, people, pauses, the best value.

Rule of this file: everything is a fold over events, so that whatever the engine learns to do shows up here by itself.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from instruments.driver import Action
from orchestrator.ledger import Event, Kind

WEAR_UNIT = "kWh"
"""Outputs in this unit tell how much a part has worn, and fall when it is changed."""


@dataclass
class Course:
    """What is read off one forecast campaign, from the moment of the forecast on.

    Args:
        end_s: Lab time of its last event.
        busy_s: How long each instrument was at work, s.
        worn: How much each part wore, by instrument and output, in the output's unit.
        changes: How often each part was new again.
        maintenance: How often each maintenance was done, by instrument and action.
        person_steps: How many steps needed a person.
        night_steps: How many of these began at night.
        outcomes: How many runs came to what: `measured`, or a failure class.
        overdue: How many steps took longer than their timeout, as `instrument.action`.
        pauses: Why it had to wait for a person, in the order of the pauses.
        ending: Why it ended.
        is_stuck: Whether it could not go on: what was asked for is refused, or a recipe has a fault.
        best: Its best value, or None.
        reached_s: Lab time at which the target was reached, or None.
        n_bytes: How large its ledger is.
        performed: The steps that were performed, as `instrument.action`.
    """

    end_s: float = 0.0
    busy_s: dict[str, float] = field(default_factory=dict)
    worn: dict[tuple[str, str], float] = field(default_factory=dict)
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    maintenance: Counter[tuple[str, str]] = field(default_factory=Counter)
    person_steps: int = 0
    night_steps: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    overdue: Counter[str] = field(default_factory=Counter)
    pauses: list[str] = field(default_factory=list)
    ending: str = ""
    is_stuck: bool = False
    best: float | None = None
    reached_s: float | None = None
    n_bytes: int = 0
    performed: dict[str, None] = field(default_factory=dict)


class Reader:
    """Reads a course off events, one after the other.

    Args:
        start_s: Lab time of the forecast; what was before counts only as far as it lasts.
        n_before: How many events there were before.
        actions: What the instruments can do, by name and action.
        needs_person: Whether a step of an instrument and action needs a person.
        is_night: Whether it is night at a lab time.
        is_reached: Whether a value reaches the target, and the details beside it keep the limits.
    """

    def __init__(
        self,
        *,
        start_s: float,
        n_before: int,
        actions: Mapping[str, Mapping[str, Action]],
        needs_person: Callable[[str, str], bool],
        is_night: Callable[[float], bool],
        is_reached: Callable[[float, Mapping[str, Any]], bool],
    ) -> None:
        self.course = Course(end_s=start_s)
        self._start_s, self._n_before = start_s, n_before
        self._actions, self._needs_person, self._is_night = actions, needs_person, is_night
        self._is_reached = is_reached
        self._doing: dict[tuple[int | None, int | None], tuple[str, str]] = {}
        self._busy_since: dict[str, float] = {}
        self._wear: dict[tuple[str, str], float] = {}
        self._purposes: dict[int | None, str] = {}

    def take(self, event: Event) -> None:
        """Take one event into account."""
        is_new = event.seq > self._n_before
        if is_new:
            self.course.end_s = max(self.course.end_s, event.lab_s)
        if event.kind == Kind.SUGGESTED:
            self._purposes[event.run] = event.body.get("purpose", "search")
        elif event.kind == Kind.STEP_STARTED:
            self._begin(event, is_new=is_new)
        elif event.kind in (Kind.STEP_FINISHED, Kind.STEP_FAILED):
            self._end(event, is_new=is_new)
        elif event.kind == Kind.STEP_IN_DOUBT and event.lab_s > self._start_s:  # before, the forecast found it so
            self.course.overdue[".".join(self._doing[event.run, event.step])] += 1
        elif event.kind == Kind.RUN_FINISHED:
            self._conclude(event, is_new=is_new)
        elif event.kind == Kind.PAUSED and is_new:
            self.course.pauses.append(event.body["reason"])

    def _begin(self, event: Event, *, is_new: bool) -> None:
        instrument, action = event.body["instrument"], event.body["action"]
        if not self._is_at_work(instrument):
            self._busy_since[instrument] = event.lab_s
        self._doing[event.run, event.step] = instrument, action
        if not is_new or event.body["id"] not in event.body.get("load", [event.body["id"]])[:1]:
            return  # who loads one sample of a load, loads all
        self.course.performed[f"{instrument}.{action}"] = None
        if self._purposes.get(event.run) == "maintenance":
            self.course.maintenance[instrument, action] += 1
        if self._needs_person(instrument, action):
            self.course.person_steps += 1
            self.course.night_steps += self._is_night(event.lab_s)

    def _end(self, event: Event, *, is_new: bool) -> None:
        instrument, _ = self._doing.pop((event.run, event.step))
        if is_new and not self._is_at_work(instrument):
            spent_s = event.lab_s - max(self._busy_since[instrument], self._start_s)
            self.course.busy_s[instrument] = self.course.busy_s.get(instrument, 0.0) + spent_s
        for name, value in self._wear_in(instrument, event.body):
            key, before = (instrument, name), self._wear.get((instrument, name), 0.0)
            self._wear[key] = value
            if is_new:
                grown = value - before if value >= before else value
                self.course.worn[key] = self.course.worn.get(key, 0.0) + grown
                self.course.changes[key] += value < before

    def _is_at_work(self, instrument: str) -> bool:
        return any(instrument == name for name, _ in self._doing.values())

    def _wear_in(self, instrument: str, body: Mapping[str, Any]) -> list[tuple[str, float]]:
        """Return what tells of wear: outputs in its unit, or where there is none, numbers of the state named for it."""
        outputs = {
            n for action in self._actions[instrument].values() for n, q in action.outputs.items() if q.unit == WEAR_UNIT
        }
        if outputs:
            values = ((body.get("reading") or {}).get("values") or {}).items()
            return [(name, float(value)) for name, value in values if name in outputs]
        ending = f"_{WEAR_UNIT.lower()}"
        return [(n, float(v)) for n, v in (body.get("state") or {}).items() if n.endswith(ending)]

    def _conclude(self, event: Event, *, is_new: bool) -> None:
        body = event.body
        if is_new and self._purposes.get(event.run) != "maintenance":
            self.course.outcomes[body["status"] if body["status"] == "measured" else str(body.get("failure"))] += 1
        value = body.get("value")
        if (
            is_new
            and value is not None
            and self.course.reached_s is None
            and self._is_reached(value, body.get("details") or {})
        ):
            self.course.reached_s = event.lab_s
