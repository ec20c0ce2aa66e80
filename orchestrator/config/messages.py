"""Say what is wrong with a configuration: place, value, rule and way out, for every problem at once."""

from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from orchestrator.config.yaml_source import Path, Problem, Source


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
    return ".".join(str(p) for p in path) or "the configuration"


def _sentence(detail: dict[str, Any], model: type[BaseModel]) -> str:
    if detail["type"] == "missing":
        return "is missing; add it"
    if detail["type"] == "extra_forbidden":
        return _unknown_key(detail["loc"], model)
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    rule = detail["msg"][0].lower() + detail["msg"][1:]
    return f"{detail['input']!r} is refused: {rule}"


def _unknown_key(loc: Path, model: type[BaseModel]) -> str:
    known = _keys_at(loc[:-1], model)
    near = get_close_matches(str(loc[-1]), known, n=1)
    way_out = f"did you mean {near[0]!r}?" if near else f"known keys are {', '.join(known)}"
    return f"unknown key; {way_out}"


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
    return list(models[0].model_fields) if models else []


def _members(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401 - an annotation can be anything
    if get_origin(annotation) in (Union, UnionType):
        return get_args(annotation)
    return (annotation,)
