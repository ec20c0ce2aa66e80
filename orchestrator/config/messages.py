"""Say what is wrong with a configuration: place, value, rule and way out, for every problem at once."""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from orchestrator.address import without_password
from orchestrator.config.yaml_source import Path, Problem, Source

_LONGEST_VALUE = 120

_MAPPING = "it must be a mapping of keys to values"
_WHOLE, _NUMBER = "it must be a whole number", "it must be a number"
_RULES: Mapping[str, str] = {
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dict_type": _MAPPING,
    "list_type": "it must be a list",
    "path_type": "it must be the path of a file",
    "string_type": "it must be text; write it in quotes",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
}
"""Rules in the words of a YAML file, by pydantic's type of error; all others speak for themselves."""


def problems_of(error: ValidationError, source: Source, model: type[BaseModel], at: Path = ()) -> list[Problem]:
    """Translate pydantic's errors into problems with places.

    Args:
        error: What pydantic found.
        source: The data with its places.
        model: The model that was asked.
        at: Where in the data the model stands.
    """
    found: dict[str, Problem] = {}
    for detail in error.errors():
        path = _known_path(source, (*at, *detail["loc"]), missing=detail["type"] == "missing")
        problem = Problem(source.where(path), f"{_dotted(path)}: {_sentence(dict(detail), model)}")
        found.setdefault(str(problem), problem)  # a union reports the same value once a member
    return list(found.values())


def _known_path(source: Source, path: Path, *, missing: bool) -> Path:
    """Cut what pydantic appends for the members of a union, which no file has."""
    known = path[:-1] if missing else path
    while known and known not in source.marks:
        known = known[:-1]
    return (*known, path[-1]) if missing else known


def _dotted(path: Path) -> str:
    keys = (str(p) if str(p).strip() else repr(p) for p in path)
    return ".".join(without_password(key) for key in keys) or "the configuration"


def _sentence(detail: dict[str, Any], model: type[BaseModel]) -> str:
    if detail["type"] == "missing":
        return "is missing; add it"
    if detail["type"] == "extra_forbidden":
        return _unknown_key(detail["loc"], model)
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    rule = _RULES.get(detail["type"], detail["msg"][0].lower() + detail["msg"][1:])
    return f"{shown(detail['input'])} is refused: {rule}"


def shown(value: object) -> str:
    """Return a value as text; of a long one its beginning."""
    text = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
    text = without_password(text)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}... ({len(text)} characters)"


def _unknown_key(loc: Path, model: type[BaseModel]) -> str:
    known = _keys_at(loc[:-1], model)
    near = nearest(str(loc[-1]), known)
    homes = [] if near else list(dict.fromkeys(_homes(str(loc[-1]), model)))
    if homes:
        return f"unknown key here; it belongs to {' or '.join(homes)}: is it indented rightly?"
    way_out = f"did you mean {near!r}?" if near else f"known keys are {', '.join(known)}"
    return f"unknown key; {way_out}"


def nearest(word: str, known: Sequence[str]) -> str | None:
    """Return the known word that a misspelt one may mean, or None."""
    return next(iter(get_close_matches(word, known, n=1)), None)


def _homes(key: str, model: type[BaseModel], at: str = "") -> Iterator[str]:
    """Yield the sections that know a key, as the file's paths."""
    if key in model.model_fields:
        yield at or "the top of the file"
    for name, info in model.model_fields.items():
        for inner in _members(info.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from _homes(key, inner, f"{at}.{name}" if at else name)


def _keys_at(loc: Path, model: type[BaseModel]) -> list[str]:
    """Return the keys known at a place, by walking the models along it."""
    here: Any = model
    for step in loc:
        members = [m for m in _members(here) if isinstance(m, type) and issubclass(m, BaseModel)]
        if members and step in members[0].model_fields:
            here = members[0].model_fields[str(step)].annotation
        elif get_origin(here) is dict:
            here = get_args(here)[1]
    models = [m for m in _members(here) if isinstance(m, type) and issubclass(m, BaseModel)]
    return [info.alias or name for name, info in models[0].model_fields.items()] if models else []


def _members(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401 - an annotation can be anything
    if get_origin(annotation) in (Union, UnionType):
        return get_args(annotation)
    return (annotation,)
