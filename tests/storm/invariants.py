"""What must be true of every campaign, whatever its instruments did: read off the ledger alone, by a person's rules.

Rule of this file: nothing is asked of the engine. The chain is counted again from the raw rows, and the rules on steps
and samples are written from what a laboratory expects, not from how the loop goes about it.
"""

import hashlib
import json
import math
import sqlite3
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from instruments.driver import Action, FailureClass, Moved
from orchestrator.engine.history import observation
from orchestrator.ledger import Event, Kind, Ledger, Run, State, Step

Actions = Mapping[str, Mapping[str, Action]]
"""What each instrument can do, by its name."""

EXIT_CODES = {"finished": {0}, "halted": {4}, "paused": {3, 4}}

CALLING = {"safety", "halted", "recipe"}
"""Classes of failure that call for a person whatever the policy."""


class BrokenRuleError(AssertionError):
    """A rule that a campaign broke."""


def check(place: Path, actions: Actions) -> State:
    """Hold a ledger against every rule, and return its state.

    Raises:
        BrokenRuleError: With all rules that do not hold.
    """
    check_chain(place)
    with Ledger.open(place) as ledger:
        state, events = ledger.state, list(ledger.events())
    found = [
        *ends_declared(state, events[-1].kind, events[-1].body),
        *rests_when_it_must(events),
        *loses_no_run(state),
        *(wrong for run in state.runs.values() for wrong in run_is_sound(run, actions)),
        *treats_failures_by_class(state, events, actions),
        *bears_each_sample_once(state, actions),
        *performs_one_at_a_time(state),
    ]
    if found:
        raise BrokenRuleError("; ".join(found))
    return state


def check_chain(place: Path) -> None:
    """Count the hashes again from the raw rows, from the first byte.

    Raises:
        BrokenRuleError: A row does not follow from the one before it.
    """
    columns = "seq, kind, version, lab_s, utc, origin, run, step, body, hash"
    with sqlite3.connect(place) as connection:
        rows = connection.execute(f"SELECT {columns} FROM events ORDER BY seq").fetchall()
    previous = "0" * 64
    for expected, (*content, digest) in enumerate(rows, start=1):
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
        previous = hashlib.sha256((previous + text).encode()).hexdigest()
        if content[0] != expected or digest != previous:
            message = f"row {expected} is not what the chain says"
            raise BrokenRuleError(message)


def ends_declared(state: State, kind: str, body: Mapping[str, object]) -> Iterator[str]:
    """It is closed or paused, with a reason in words and an exit code that the README names."""
    if kind not in (Kind.CAMPAIGN_CLOSED, Kind.PAUSED):
        yield f"the last event is {kind}"
        return
    if body["exit_code"] not in EXIT_CODES[str(body["status"])] or len(str(body["reason"])) < 10:
        yield f"it ended with {body}"
    if kind == Kind.CAMPAIGN_CLOSED and state.unfinished:
        yield f"it is closed with runs {list(state.unfinished)} unfinished"
    playing = [s.last.id for run in state.open_runs for s in run.steps if s.status == "performing"]
    if playing:
        yield f"it ended while steps {playing} were under way"


def loses_no_run(state: State) -> Iterator[str]:
    """Runs have numbers without gaps, and each is finished, or open in a campaign that is paused."""
    if list(state.runs) != list(range(1, len(state.runs) + 1)):
        yield f"runs are numbered {list(state.runs)}"
    lost = [run.number for run in state.runs.values() if run.stage == "running" and state.status != "paused"]
    if lost:
        yield f"runs {lost} were started and never finished"


def rests_when_it_must(events: list[Event]) -> Iterator[str]:
    """After a failure that calls for a person nothing new begins before the campaign has paused."""
    called = None
    for event in events:
        if event.kind == Kind.PAUSED:
            called = None
        elif event.kind == Kind.STEP_FAILED and event.body.get("pause"):
            called = called or event.body["id"]
        elif event.kind in (Kind.STEP_STARTED, Kind.RUN_STARTED, Kind.SUGGESTED) and called:
            yield f"{event.kind} of run {event.run} though {called} called for a person"


def treats_failures_by_class(state: State, events: list[Event], actions: Actions) -> Iterator[str]:
    """What was decided after every failed attempt is what its class says, and so is whether a person was called."""
    policies = (state.opened or {})["configuration"]["policies"]
    attempts = {"measurement": policies["measurement_attempts"], "instrument": policies["instrument_attempts"]}
    attempts |= dict.fromkeys(CALLING, math.inf)
    for event in (e for e in events if e.kind == Kind.STEP_FAILED and e.body["failure"] != "operator"):
        step = state.runs[event.run].steps[event.step - 1]
        failure, moved = event.body["failure"], event.body["moved"]
        may = actions[step.instrument][step.action].repeatable or moved == Moved.NO
        number = int(event.body["id"].rsplit(".", 1)[1])
        decision = "retry" if may and number < attempts.get(failure, 0) else "fail"
        is_final = failure == "instrument" and decision == "fail"
        is_calling = failure in CALLING or (is_final and policies["after_instrument_failure"] == "pause")
        if (event.body["decision"], event.body.get("pause", False)) != (decision, is_calling):
            yield f"{event.body} is not treated by {decision}, pause {is_calling}"


def run_is_sound(run: Run, actions: Actions) -> Iterator[str]:
    """What a run came to follows from its steps, and is what the planner is told."""
    for step in run.steps:
        yield from step_is_sound(step, actions[step.instrument][step.action])
    if run.status == "measured":
        if run.value is None or not math.isfinite(run.value):
            yield f"run {run.number} measured {run.value}"
        if any(step.status != "done" for step in run.steps):
            yield f"run {run.number} is measured with steps {[s.status for s in run.steps]}"
    elif run.status is not None:
        last = run.steps[-1]
        if last.status != "failed" or (run.failure, run.reason) != (last.last.failure, last.last.reason):
            yield f"run {run.number} failed as {run.failure}, its last step as {last.last.failure}"
        if observation(run).failure != run.failure or not run.reason:
            yield f"run {run.number}: the planner is told {observation(run)}"


def step_is_sound(step: Step, action: Action) -> Iterator[str]:
    """Nothing that moved is repeated; a reading has what the action declares; a failure has a class and words."""
    ids = [attempt.id for attempt in step.attempts]
    if len(set(ids)) < len(ids):
        yield f"attempts {ids} are not told apart"
    for before, after in pairwise(step.attempts):
        may = action.repeatable or before.moved == Moved.NO
        if not may or (before.reading is not None and not action.repeatable):
            yield f"step {after.id} repeats {before.id}, which failed as {before.failure}, moved {before.moved}"
        if after.start_s < before.not_before_s:
            yield f"step {after.id} began before its back-off was over"
    for attempt in step.attempts:
        if attempt.failure is not None and (attempt.failure not in set(FailureClass) or len(attempt.reason) < 5):
            yield f"step {attempt.id} failed as {attempt.failure}: {attempt.reason!r}"
    if step.status == "done":
        yield from reading_is_sound(step, action)


def reading_is_sound(step: Step, action: Action) -> Iterator[str]:
    """Every declared output is there, of its kind, finite and within its bounds."""
    reading = step.last.reading or {}
    values, arrays = reading.get("values", {}), reading.get("arrays", {})
    for name, quantity in action.outputs.items():
        value = values.get(name)
        is_kind = isinstance(value, str) if quantity.text else isinstance(value, (int, float))
        is_there = is_kind or (name in arrays and not quantity.text)
        if not is_there and (quantity.required or value is not None):
            yield f"step {step.last.id} is done with {name}={value!r}"
        if is_kind and not quantity.text:
            low, high = quantity.low, quantity.high
            if not (math.isfinite(value) and (low is None or value >= low) and (high is None or value <= high)):
                yield f"step {step.last.id} is done with {name}={value!r}, outside {low} to {high}"


def bears_each_sample_once(state: State, actions: Actions) -> Iterator[str]:
    """A sample is made by one step, and every later step of the run is on that sample."""
    born: dict[str, str] = {}
    for run in state.runs.values():
        mine: set[str] = set()
        for step in run.steps:
            commanded = step.settings.get("sample")
            if commanded is not None and commanded not in mine:
                yield f"step {step.last.id} is on {commanded!r}, which run {run.number} did not make"
            read = (step.last.reading or {}).get("values", {}).get("sample") if step.status == "done" else None
            if read is None or "sample" not in actions[step.instrument][step.action].outputs:
                continue
            if commanded is None and read in born:
                yield f"sample {read!r} was made by {born[read]} and by {step.last.id}"
            if commanded is not None and read != commanded:
                yield f"step {step.last.id} on {commanded!r} answered for {read!r}"
            born.setdefault(str(read), step.last.id)
            mine.add(str(read))


def performs_one_at_a_time(state: State) -> Iterator[str]:
    """No instrument has two attempts at the same time."""
    spans: dict[str, list[tuple[float, float, str]]] = {}
    for run in state.runs.values():
        for step in run.steps:
            for a in step.attempts:
                end_s = math.inf if a.end_s is None else a.end_s
                spans.setdefault(step.instrument, []).append((a.start_s, end_s, a.id))
    for instrument, of_it in spans.items():
        for (_, end_s, before), (start_s, _, after) in pairwise(sorted(of_it)):
            if start_s < end_s:
                yield f"{instrument} began {after} while it performed {before}"
