"""The form of events: what the body of each kind must hold, so that everything can be told from it.

A chain of hashes says that nobody has changed an event, not that it was ever a sensible one: an import, another program
or a later version may have written it. So the form is looked at when a ledger is opened, and before each
event is written.

Rule of this file: only what is read somewhere is asked for. Further keys and unknown kinds are always welcome.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from orchestrator.ledger.events import LARGEST, Event, Kind
from orchestrator.ledger.state import State

_COMMAND = re.compile(r"\d+(\.\d+){1,2}")
_TEXT, _MAP, _LIST, _WHOLE = (str,), (dict,), (list,), (int,)
_NUMBER = (int, float)
_NOTHING = type(None)
_Field = tuple[str, tuple[type, ...], bool]


def _fields(needed: Mapping[str, tuple[type, ...]], others: Mapping[str, tuple[type, ...]]) -> tuple[_Field, ...]:
    return (*((name, types, True) for name, types in needed.items()), *((n, t, False) for n, t in others.items()))


_EVENT: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("seq", _WHOLE),
    ("kind", _TEXT),
    ("version", _WHOLE),
    ("lab_s", _NUMBER),
    ("utc", _TEXT),
    ("origin", _TEXT),
    ("run", (int, _NOTHING)),
    ("step", (int, _NOTHING)),
    ("body", _MAP),
)
_REASON = {"reason": _TEXT}
_WHO = {"who": _TEXT, "exit_code": _WHOLE}
_STATE = {"state": (dict, _NOTHING)}
_BODIES: Mapping[str, tuple[_Field, ...]] = {
    Kind.CAMPAIGN_OPENED: _fields(
        {"epoch": _TEXT, "configuration": _MAP},
        {"format": _WHOLE, "data": _MAP, "candidates": (list, _NOTHING), "versions": _MAP},
    ),
    Kind.CONFIGURATION_CHANGED: _fields({"configuration": _MAP}, {}),
    Kind.INSTRUMENT_CONNECTED: _fields(
        {"instrument": _TEXT, "origin": _TEXT}, {"maker": _TEXT, "model": _TEXT, "serial": _TEXT, **_STATE}
    ),
    Kind.SUGGESTED: _fields(
        {"point": _MAP, "why": _MAP},
        {"prefix": _WHOLE, "pending": _LIST, "purpose": _TEXT, "units": _MAP, "concerns": _MAP},
    ),
    Kind.RUN_FINISHED: _fields(
        {"status": _TEXT},
        {
            "value": (*_NUMBER, _NOTHING),
            "sd": (*_NUMBER, _NOTHING),
            "details": _MAP,
            "failure": (str, _NOTHING),
            **_REASON,
        },
    ),
    Kind.STEP_STARTED: _fields(
        {"id": _TEXT, "instrument": _TEXT, "action": _TEXT, "settings": _MAP},
        {"role": _TEXT, "expected_s": (*_NUMBER, _NOTHING), "load": _LIST},
    ),
    Kind.TELEMETRY: _fields({"id": _TEXT}, {"phase": _TEXT, "values": _MAP}),
    Kind.STEP_FINISHED: _fields({}, {"id": _TEXT, "reading": (dict, _NOTHING), **_STATE}),
    Kind.STEP_FAILED: _fields(
        {"failure": _TEXT},
        {
            "id": _TEXT,
            "moved": (str, _NOTHING),
            "decision": (str, _NOTHING),
            "not_before_s": _NUMBER,
            "reading": (dict, _NOTHING),
            **_REASON,
            **_STATE,
        },
    ),
    Kind.VERDICT_CHANGED: _fields({"verdict": _TEXT}, {"note": _TEXT}),
    Kind.REQUESTED: _fields({"ask": _TEXT}, {}),
    Kind.PAUSED: _fields(_REASON, _WHO),
    Kind.RESUMED: _fields({}, _WHO),
    Kind.CAMPAIGN_CLOSED: _fields(_REASON, _WHO),
}


def misfit_of(event: Event, state: State) -> str:
    """Return in words what in an event is not as its kind has it; "" where all is.

    Args:
        event: As it was stored.
        state: What the events before it say.
    """
    for name, types in _EVENT:
        if not isinstance(getattr(event, name), types):
            return _wrong(name, getattr(event, name))
    body = event.body
    for name, types, is_needed in _BODIES.get(event.kind, ()):
        if name in body:
            if not isinstance(body[name], types) or (body[name].__class__ is float and not _is_number(body[name])):
                return _wrong(name, body[name])
        elif is_needed:
            return f"{name} is missing"
    if not isinstance(body.get("message", 0), int) or not _is_number(event.lab_s):
        return _wrong("message or lab_s", (body.get("message"), event.lab_s))
    look = _LOOKS.get(event.kind)
    return "" if look is None else next(iter(look(event, state)), "")


def _wrong(name: str, value: object) -> str:
    text = repr(value)
    return f"{name} is {text if len(text) <= 60 else text[:60] + '...'}"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and -LARGEST < value < LARGEST


def _look_at_opening(event: Event, state: State) -> Iterable[str]:
    if state.opened is not None:
        yield "the campaign was opened before"
    try:
        datetime.fromisoformat(event.body["epoch"])
    except ValueError:
        yield _wrong("epoch", event.body["epoch"])
    yield from _look_at_configuration(event, state)
    data = event.body.get("data", {})
    for name in ("source", "initial", "table"):
        rows = data.get(name)
        if rows is not None and not (isinstance(rows, dict) and isinstance(rows.get("sha256"), str)):
            yield _wrong(f"data.{name}", rows)
        elif rows is not None and name != "table":
            yield from _look_at_rows(f"data.{name}", rows)
    candidates = event.body.get("candidates")
    if candidates is not None and not all(isinstance(point, dict) for point in candidates):
        yield _wrong("candidates", candidates)


def _look_at_rows(name: str, rows: Mapping[str, Any]) -> Iterable[str]:
    points, values = rows.get("points"), rows.get("values")
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        yield _wrong(f"{name}.points", points)
    elif not isinstance(values, list) or not all(map(_is_number, values)) or len(values) != len(points):
        yield _wrong(f"{name}.values", values)
    elif not isinstance(rows.get("file"), str):
        yield _wrong(f"{name}.file", rows.get("file"))
    for key in ("origins", "comments"):
        if not isinstance(rows.get(key), list) or not all(isinstance(text, str) for text in rows[key]):
            yield _wrong(f"{name}.{key}", rows.get(key))
    further = rows.get("further", {})
    if not isinstance(further, dict):
        yield _wrong(f"{name}.further", further)
        return
    columns = {f"{name}.sds": rows.get("sds"), **{f"{name}.further.{key}": column for key, column in further.items()}}
    for key, column in columns.items():
        if column is None and key == f"{name}.sds":
            continue
        has_numbers = isinstance(column, list) and all(cell is None or _is_number(cell) for cell in column)
        if not has_numbers or not isinstance(points, list) or len(column) != len(points):
            yield _wrong(key, column)


def _look_at_configuration(event: Event, _state: State) -> Iterable[str]:
    configuration = event.body["configuration"]
    yield from (f"configuration.{name} is missing" for name in ("parameters", "objective") if name not in configuration)
    for section in ("parameters", "objective", "laboratory", "further_objectives"):
        inner = configuration.get(section, {})
        if not isinstance(inner, dict):
            yield _wrong(f"configuration.{section}", inner)
            return
    for section in ("parameters", "further_objectives"):
        for name, inner in configuration.get(section, {}).items():
            if not isinstance(inner, dict) or not isinstance(inner.get("unit", ""), str):
                yield _wrong(f"configuration.{section}.{name}", inner)
    objective = configuration.get("objective", {})
    for key, types in (("name", str), ("unit", (str, _NOTHING)), ("goal", (str, _NOTHING))):
        if not isinstance(objective.get(key, None if key != "name" else key), types):
            yield _wrong(f"configuration.objective.{key}", objective[key])


def _look_at_suggestion(event: Event, state: State) -> Iterable[str]:
    body, why = event.body, event.body["why"]
    for name, value in body["point"].items():
        if not isinstance(value, str) and not _is_number(value):
            yield _wrong(f"point.{name}", value)
    if body.get("purpose") != "maintenance":
        parameters = ((state.opened or {}).get("configuration") or {}).get("parameters") or {}
        yield from (f"point.{name} is missing" for name in parameters if name not in body["point"])
    yield from _numbers("why", why, ("mean", "sd", "source_weight", "expected_gain", "nearest", "p_feasible"))
    yield from _texts("why", why, ("why", "kind", "acquisition_name"))
    if why.get("kind") == "model":
        yield from (f"why.{name} is missing" for name in ("mean", "sd") if why.get(name) is None)
    if not 0 <= body.get("prefix", 0) < event.seq:
        yield _wrong("prefix", body["prefix"])
    if not all(isinstance(number, int) and number in state.runs for number in body.get("pending", [])):
        yield _wrong("pending", body["pending"])


def _look_at_step(event: Event, _state: State) -> Iterable[str]:
    if not _COMMAND.fullmatch(event.body["id"]):
        yield _wrong("id", event.body["id"])
    for name, value in event.body["settings"].items():
        if not isinstance(value, str) and not _is_number(value):
            yield _wrong(f"settings.{name}", value)


def _look_at_reading(event: Event, _state: State) -> Iterable[str]:
    reading = event.body.get("reading") or {}
    for name in ("values", "arrays"):
        if not isinstance(reading.get(name, {}), dict):
            yield _wrong(f"reading.{name}", reading[name])
            return
    for name, value in reading.get("values", {}).items():
        if not isinstance(value, str) and not _is_number(value):
            yield _wrong(f"reading.values.{name}", value)
    yield from _texts("reading.arrays", reading.get("arrays", {}), reading.get("arrays", {}))


def _look_at_verdict(event: Event, _state: State) -> Iterable[str]:
    if event.run is None:
        yield "it is about no run"


def _numbers(where: str, found: Mapping[str, Any], names: Sequence[str]) -> Iterable[str]:
    return (_wrong(f"{where}.{n}", found[n]) for n in names if found.get(n) is not None and not _is_number(found[n]))


def _texts(where: str, found: Mapping[str, Any], names: Iterable[str]) -> Iterable[str]:
    return (_wrong(f"{where}.{n}", found[n]) for n in names if n in found and not isinstance(found[n], str))


_LOOKS: Mapping[str, Callable[[Event, State], Iterable[str]]] = {
    Kind.CAMPAIGN_OPENED: _look_at_opening,
    Kind.CONFIGURATION_CHANGED: _look_at_configuration,
    Kind.SUGGESTED: _look_at_suggestion,
    Kind.STEP_STARTED: _look_at_step,
    Kind.STEP_FINISHED: _look_at_reading,
    Kind.STEP_FAILED: _look_at_reading,
    Kind.VERDICT_CHANGED: _look_at_verdict,
}
