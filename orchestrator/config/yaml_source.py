"""Read YAML as plain data that remembers where each key stands.

Rules: no tag runs code, no key is given twice, numbers and booleans are those of YAML 1.2: `1e-3` is a number and
`no` is text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

Path = tuple[str | int, ...]
_MOST_NODES = 20_000
_MOST_SHOWN = 20

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]{1,400}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class _Composer(Reader, Scanner, Parser, Composer, BaseResolver):
    """PyYAML's reader up to nodes: nothing is constructed, so nothing can run."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where it stands."""

    where: str
    message: str

    def __str__(self) -> str:
        """Return `where: message`."""
        return f"{self.where}: {self.message}"


class ConfigError(Exception):
    """Everything that is wrong with a configuration, at once."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        """Return one problem a line, each once; where there are very many, the first of them."""
        lines = list(dict.fromkeys(str(p) for p in self.problems))
        rest = len(lines) - _MOST_SHOWN
        more = [f"... and {rest} more problem{'s' if rest > 1 else ''}"] if rest > 0 else []
        return "\n".join([*lines[:_MOST_SHOWN], *more])


@dataclass
class Source:
    """Plain data with the place of every key.

    Args:
        name: The file as the user wrote it.
        data: Mappings, lists and scalars.
        marks: Place (`file:line:column`) of each path.
    """

    name: str
    data: Any = None
    marks: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _n_nodes: int = 0

    def where(self, path: Path) -> str:
        """Return the place of the path, or of the nearest thing around it that the file has."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, self.name)

    def _build(self, node: yaml.Node, path: Path, around: tuple[int, ...]) -> Any:  # noqa: ANN401 - YAML is untyped
        self.marks.setdefault(path, _place(self.name, node))
        self._n_nodes += 1
        if self._n_nodes > _MOST_NODES:
            message = f"more than {_MOST_NODES} values, counting each alias; a configuration has a few hundred"
            raise ConfigError([Problem(_place(self.name, node), message)])
        if id(node) in around:
            self._refuse(node, "an alias that contains itself; write the values out")
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if node.tag not in (BaseResolver.DEFAULT_MAPPING_TAG, BaseResolver.DEFAULT_SEQUENCE_TAG):
            self._refuse(node, f"the tag {node.tag!r} is not allowed; a configuration is plain data")
            return None
        inner = (*around, id(node))
        if isinstance(node, yaml.SequenceNode):
            return [self._build(child, (*path, i), inner) for i, child in enumerate(node.value)]
        return self._mapping(node, path, inner)

    def _mapping(self, node: yaml.Node, path: Path, around: tuple[int, ...]) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.value == "<<":
                self._refuse(key_node, "a key must be plain text, and merge keys are not supported")
                continue
            key = key_node.value
            if key in built:
                first = self.marks[(*path, key)]
                self._refuse(key_node, f"the key {key!r} is given twice (first at {first}); delete one")
                continue
            self.marks[(*path, key)] = _place(self.name, key_node)
            built[key] = self._build(value_node, (*path, key), around)
        return built

    def _scalar(self, node: yaml.ScalarNode) -> Any:  # noqa: ANN401 - YAML is untyped
        if node.tag != BaseResolver.DEFAULT_SCALAR_TAG:
            self._refuse(node, f"the tag {node.tag!r} is not allowed; a configuration is plain data")
            return None
        return node.value if node.style else _resolve(node.value)

    def _refuse(self, node: yaml.Node, message: str) -> None:
        self.problems.append(Problem(_place(self.name, node), message))


def read_yaml(text: str, name: str) -> Source:
    """Read YAML text into plain data with places.

    Args:
        text: The YAML.
        name: What to call it in messages.

    Raises:
        ConfigError: Malformed YAML, duplicate keys, tags, runaway aliases; every one of them at once where possible.
    """
    source = Source(name)
    try:
        node = _Composer(text).get_single_node()
        source.data = source._build(node, (), ()) if node is not None else None  # noqa: SLF001 - its own class
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise ConfigError([Problem(place, f"not valid YAML: {error.problem or error.context}")]) from error
    except yaml.reader.ReaderError as error:
        raise ConfigError([Problem(name, f"not a text file: {error.reason} at position {error.position}")]) from error
    except RecursionError as error:
        raise ConfigError([Problem(name, "nested too deeply; a configuration is at most a few levels deep")]) from error
    if source.problems:
        raise ConfigError(source.problems)
    return source


def read_scalar(text: str) -> Any:  # noqa: ANN401 - YAML is untyped
    """Read one value given on the command line: a YAML scalar, list or mapping.

    Raises:
        ConfigError: It is not valid YAML.
    """
    return read_yaml(text, "--set").data


def read_pairs(texts: Sequence[str], option: str = "--set", form: str = "KEY=VALUE") -> dict[str, Any]:
    """Read values given on the command line with their keys.

    Args:
        texts: As they were given.
        option: By which option.
        form: What each of them has to look like, as that option's help says.

    Raises:
        ConfigError: Each one without a key, or a value that is not valid YAML.
    """
    loose = [Problem(f"{option} {text}", f"is not {form}") for text in texts if "=" not in text]
    if loose:
        raise ConfigError(loose)
    return {key: read_scalar(value) for key, value in (text.split("=", 1) for text in texts)}


def read_list(text: str, place: str) -> list[Any]:
    """Read several values given on the command line, separated by commas.

    Raises:
        ConfigError: They are not valid YAML.
    """
    values: list[Any] = read_yaml(f"[{text}]", place).data
    return values


def _place(name: str, node: yaml.Node) -> str:
    return f"{name}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def _resolve(text: str) -> Any:  # noqa: ANN401 - YAML is untyped
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
