"""Ways to spoil a configuration: its text, as an editor or a bad copy does, and its data, as a tired person does.

Each takes a generator and a YAML text and returns the bytes of a file.
"""

import copy
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import yaml

Spoil = Callable[[Random, str], bytes]
Path = tuple[str | int, ...]

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 1e-320, -1e308, 1e308, 10**30, -(10**30), 10**400, float("nan"), float("inf"),
    -float("inf"), "", " ", "nan", "inf", "1e400", "1,5", "0x10", "1_000", "yes", "null", [], {}, [[]], [None], [0, 0],
    [float("nan"), 1], ["a", "a"], {"a": {}}, {"low": 1}, {"": 0}, [1, "a"], "x" * 20_000, "\x00", "\x1b[31mred\x1b[0m",
    "\u202egnitset",
    "\ufeff", "\u2028", "\U0001f4a5", "\x7f", "a\nb", "<script>alert(1)</script>", "{{ 7 * 7 }}",
    "=1+1", "../../../etc/passwd", "/dev/zero", "/", "~", "~nobody/x", "$HOME", "file\x00name", "a" * 300 + ".csv",
    "os:path", "nowhere.at.all:thing", "builtins:len", "json:dumps", "sys:exit", ":", "a:b:c", "postgresql://",
    "postgresql://u:secret@127.0.0.1:1/x", "mysql://u:secret@h/d", "2026-13-45", "-0", "ei", "gp", "simulated-sputter",
    "campaigns.lipon:measure_conductivity", "worlds:Oven",
)  # fmt: skip
"""What nobody expects where it stands; some of it is even right in some places."""

FRAGMENTS = (
    "\t", "  ", "\x00", "\x07", "\x1b[2J", "\x85", "\u2028", "\ufeff", "\u202e", "\U0001f4a5", "&a ", "*a", "&a *a",
    "!!python/object/apply:os.system ['touch pwned']", "!!python/name:os.system", "!!binary aGFsbG8=", "!!set {a, b}",
    "!!timestamp 2020-01-01", "!!float 1", "!!null", "!local", "!<tag:yaml.org,2002:str>", "%YAML 9.9\n---\n", "---\n",
    "...\n", "<<: *a", "<<: {a: 1}", "? ", "? [a]\n: b", "- ", ": ", "{", "}", "[", "]", "'", '"', "|", ">", "#",
    "@", "`",
    "=", "<", ",", "|9\n", '"\\ud800"', '"\\x00"', "~", ".nan", "-.inf", "0o17", "0b1", "1:30", "9" * 5000, "\r",
)  # fmt: skip
"""What may slip into a text."""

BOMB = "\n".join(
    ["bomb0: &b0 [x, x, x, x, x, x, x, x, x]"]
    + [f"bomb{i}: &b{i} [{', '.join([f'*b{i - 1}'] * 9)}]" for i in range(1, 10)]
)


# ---- of the text -----------------------------------------------------------------------------------------------------


def line_dropped(rng: Random, text: str) -> bytes:
    lines = text.splitlines(keepends=True)
    del lines[rng.randrange(len(lines))]
    return "".join(lines).encode()


def lines_dropped(rng: Random, text: str) -> bytes:
    lines = text.splitlines(keepends=True)
    start = rng.randrange(len(lines))
    del lines[start : start + rng.randrange(2, 20)]
    return "".join(lines).encode()


def line_doubled(rng: Random, text: str) -> bytes:
    lines = text.splitlines(keepends=True)
    i = rng.randrange(len(lines))
    lines.insert(rng.choice([i, rng.randrange(len(lines))]), lines[i])
    return "".join(lines).encode()


def lines_swapped(rng: Random, text: str) -> bytes:
    lines = text.splitlines(keepends=True)
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]
    return "".join(lines).encode()


def indented(rng: Random, text: str) -> bytes:
    lines = text.splitlines(keepends=True)
    i = rng.randrange(len(lines))
    lines[i] = rng.choice(["\t", " ", "  ", "    "]) + lines[i] if rng.random() < 0.6 else lines[i].lstrip()
    return "".join(lines).encode()


def fragment_put_in(rng: Random, text: str) -> bytes:
    i = rng.randrange(len(text))
    return (text[:i] + rng.choice(FRAGMENTS) + text[i:]).encode()


def value_written_over(rng: Random, text: str) -> bytes:
    """Write a fragment where a value stands."""
    lines = text.splitlines(keepends=True)
    i = rng.choice([i for i, line in enumerate(lines) if ": " in line and not line.lstrip().startswith("#")])
    lines[i] = f"{lines[i].partition(':')[0]}: {rng.choice(FRAGMENTS)}\n"
    return "".join(lines).encode()


def character_changed(rng: Random, text: str) -> bytes:
    i = rng.randrange(len(text))
    return (text[:i] + rng.choice("\t:,-{}[]#'\"&*!|>%@\\ 0aZ\x00é") + text[i + 1 :]).encode()


def byte_changed(rng: Random, text: str) -> bytes:
    content = bytearray(text.encode())
    content[rng.randrange(len(content))] = rng.randrange(256)
    return bytes(content)


def cut_off(rng: Random, text: str) -> bytes:
    return text.encode()[: rng.randrange(len(text))]


def encoded_otherwise(rng: Random, text: str) -> bytes:
    text = text.replace("cm", "µm") if rng.random() < 0.5 else text
    lone = text.replace("lipon", "\ud800", 1)
    return rng.choice(
        [
            lambda: text.encode("utf-16"),
            lambda: text.encode("utf-16-be"),
            lambda: text.encode("utf-32"),
            lambda: b"\xef\xbb\xbf" + text.encode(),
            lambda: text.encode("latin-1", "replace"),
            lambda: lone.encode("utf-8", "surrogatepass"),
            lambda: text.replace("\n", "\r\n").encode(),
            lambda: text.replace("\n", "\r").encode(),
            lambda: b"PK\x03\x04" + rng.randbytes(500),
            lambda: rng.randbytes(2000),
        ]
    )()


def bombed(rng: Random, text: str) -> bytes:
    return rng.choice(
        [
            f"{BOMB}\n{text}",
            f"{text}\n{BOMB}\n",
            f"{text}\nemulation: {{sputter: &a {{b: *a}}}}\n",
            f"{text}\nx: " + "[" * rng.randrange(50, 1000),
            f"{text}\nx: " + "{a: " * rng.randrange(50, 1000),
            f"{text}\n" + "".join(f"k{i}: {i}\n" for i in range(rng.choice([50, 1000]))),
            f"{text}\nseed: {'9' * rng.randrange(300, 50_000)}\n",
            f"{text}\nx: {'y' * rng.choice([1000, 50_000, 300_000])}\n",
        ]
    ).encode()


TEXT_SPOILS: tuple[Spoil, ...] = (
    line_dropped,
    lines_dropped,
    line_doubled,
    lines_swapped,
    indented,
    fragment_put_in,
    value_written_over,
    character_changed,
    byte_changed,
    cut_off,
    encoded_otherwise,
    bombed,
)


# ---- of the data -----------------------------------------------------------------------------------------------------


def _paths(data: Any, path: Path = ()) -> Iterator[Path]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from _paths(value, (*path, key))


def _drawn(rng: Random, text: str) -> tuple[Any, Any, Any]:
    """Return a copy of the data, and the container and the key of a random place in it."""
    data = yaml.safe_load(text)
    *around, key = rng.choice(list(_paths(data)))
    here = data
    for step in around:
        here = here[step]
    return data, here, key


def _dumped(data: Any) -> bytes:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=200).encode("utf-8", "surrogatepass")


def value_replaced(rng: Random, text: str) -> bytes:
    data, here, key = _drawn(rng, text)
    here[key] = rng.choice(VALUES)
    return _dumped(data)


def values_replaced(rng: Random, text: str) -> bytes:
    for _ in range(rng.randrange(2, 6)):
        text = value_replaced(rng, text).decode("utf-8", "surrogatepass")
    return text.encode("utf-8", "surrogatepass")


def number_scaled(rng: Random, text: str) -> bytes:
    data, here, key = _drawn(rng, text)
    while isinstance(here[key], bool) or not isinstance(here[key], int | float):
        data, here, key = _drawn(rng, text)
    here[key] = here[key] * rng.choice([-1, 0, 0.5, 1.0000001, 2, 10, 1e6, 1e12, -1e-12])
    return _dumped(data)


def key_dropped(rng: Random, text: str) -> bytes:
    data, here, key = _drawn(rng, text)
    del here[key]
    return _dumped(data)


def key_renamed(rng: Random, text: str) -> bytes:
    data, here, key = _drawn(rng, text)
    value = here.pop(key)
    name = rng.choice(
        [f"{key}s", str(key)[:-1], str(key).upper(), "", " ", "=x", "<b>", "\x1b[31m", "a.b", 7, True, None]
    )
    if isinstance(here, dict):
        here[name] = value
    return _dumped(data)


def nested(rng: Random, text: str) -> bytes:
    data, here, key = _drawn(rng, text)
    here[key] = rng.choice([[here[key]], {key: here[key]}, {"value": here[key]}, [here[key]] * 3])
    return _dumped(data)


def moved_elsewhere(rng: Random, text: str) -> bytes:
    data, here, key = _drawn(rng, text)
    value, there = copy.deepcopy(here[key]), data
    for step in rng.choice(list(_paths(data))):
        inner = there.get(step)
        there = inner if isinstance(inner, dict) else there
    there[str(key)] = value
    return _dumped(data)


DATA_SPOILS: tuple[Spoil, ...] = (
    value_replaced,
    values_replaced,
    number_scaled,
    key_dropped,
    key_renamed,
    nested,
    moved_elsewhere,
)
SPOILS = TEXT_SPOILS + DATA_SPOILS
