"""Ways to spoil a ledger: its file, as disks and copies do; its rows, as people do; its story, its chain made to fit.

Those of the file take a generator and its bytes and return others; those of rows take a generator and the rows.
"""

import copy
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from orchestrator.ledger.events import GENESIS, chain

Row = list[Any]
COLUMNS = ("seq", "kind", "version", "lab_s", "utc", "origin", "run", "step", "body", "hash")
KIND, BODY, HASH = 1, 8, 9

VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1, 7, 1.5, 1e308, 10**30, "", "x", "1", "NaN", "\x00", "\ud800", "\x1b[2J",
    "<script>alert(1)</script>", "=1+1", "../../etc/passwd", "/etc/passwd", "\U0001f4a5", "x" * 20_000, [], {}, [1],
    {"a": 1}, [[[]]], {"heat": "hot"}, "simulated", "measured", "failed", "os:system", "campaign_opened",
    "2026-01-05", "2026-01-05T08:00:00+00:00", "0" * 64,
)  # fmt: skip
"""What may stand where something else should."""

TEXTS = (
    "", "null", "[]", "1", '"text"', "{", "{}", '{"a":NaN}', '{"a":1e999}', '{"a":1,"a":2}', "[" * 3000, "\x00",
    "{'a': 1}", "not JSON", '{"a":' * 3000 + "1" + "}" * 3000, '{"values":{}}', '{"__proto__":{"x":1}}',
    '{"message":"1"}', '{"message":1e30}', "\ufeff{}",
)  # fmt: skip
"""Bodies that are none."""


def rows_of(ledger: Path) -> list[Row]:
    """Return every event of a ledger."""
    with sqlite3.connect(ledger) as connection:
        return [list(row) for row in connection.execute(f"SELECT {', '.join(COLUMNS)} FROM events ORDER BY seq")]


def write_rows(ledger: Path, rows: list[Row], copied_from: Path) -> None:
    """Make a ledger of such rows, its attachments those of another one; nothing guards it."""
    ledger.unlink(missing_ok=True)
    connection = sqlite3.connect(ledger)
    connection.text_factory = bytes
    connection.execute(f"CREATE TABLE events ({', '.join(COLUMNS)})")
    connection.execute("CREATE TABLE attachments (sha256 TEXT PRIMARY KEY, content BLOB)")
    connection.execute("CREATE TABLE inbox (id INTEGER PRIMARY KEY, body TEXT)")
    connection.executemany(f"INSERT INTO events VALUES ({', '.join('?' * 10)})", [_storable(row) for row in rows])
    with sqlite3.connect(copied_from) as source:
        connection.executemany("INSERT INTO attachments VALUES (?, ?)", source.execute("SELECT * FROM attachments"))
    connection.commit()
    connection.close()


def _storable(row: Row) -> Row:
    """Return a row that SQLite takes: what is none of its types becomes text, what is too large a float."""
    return [_cell(value) for value in row]


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and abs(value) > 2**62:
        return float(value)
    return value if value is None or isinstance(value, int | float | bytes) else json.dumps(value)


def chained(rows: list[Row]) -> list[Row]:
    """Return the rows with hashes that fit, as somebody would who writes another history."""
    previous = GENESIS
    for row in rows:
        row[:] = _storable(row)
        try:
            row[HASH] = previous = chain(previous, tuple(row[:HASH]))
        except (TypeError, ValueError):
            row[HASH] = previous = GENESIS
    return rows


# ---- the file --------------------------------------------------------------------------------------------------------


def bits_flipped(rng: Random, content: bytes) -> bytes:
    found = bytearray(content)
    for _ in range(rng.choice([1, 1, 3, 50])):
        found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
    return bytes(found)


def header_flipped(rng: Random, content: bytes) -> bytes:
    found = bytearray(content)
    found[rng.randrange(100)] = rng.randrange(256)
    return bytes(found)


def truncated(rng: Random, content: bytes) -> bytes:
    return content[: rng.choice([0, 1, 16, 99, 100, 512, 4096, rng.randrange(len(content)), len(content) - 1])]


def page_lost(rng: Random, content: bytes) -> bytes:
    at = 4096 * rng.randrange(len(content) // 4096)
    other = content[4096 * rng.randrange(len(content) // 4096) :][:4096]
    return content[:at] + rng.choice([bytes(4096), rng.randbytes(4096), other]) + content[at + 4096 :]


def lengthened(rng: Random, content: bytes) -> bytes:
    return content + rng.choice([b"x", bytes(4096), rng.randbytes(5000)])


def something_else(rng: Random, content: bytes) -> bytes:
    return rng.choice(
        [
            b"",
            b"\n",
            b"SQLite format 3\x00",
            b"run,status\n1,measured\n",
            b"campaign: tiny\n",
            rng.randbytes(9000),
            content[::-1],
        ]
    )


FILE_SPOILS: tuple[Callable[[Random, bytes], bytes], ...] = (
    bits_flipped, header_flipped, truncated, page_lost, lengthened, something_else,
)  # fmt: skip


# ---- rows: the chain tells -------------------------------------------------------------------------------------------


def row_dropped(rng: Random, rows: list[Row]) -> list[Row]:
    del rows[rng.randrange(len(rows))]
    return rows


def tail_dropped(rng: Random, rows: list[Row]) -> list[Row]:
    return rows[: rng.randrange(len(rows))]


def row_doubled(rng: Random, rows: list[Row]) -> list[Row]:
    i = rng.randrange(len(rows))
    rows.insert(rng.choice([i, rng.randrange(len(rows))]), list(rows[i]))
    return rows


def rows_swapped(rng: Random, rows: list[Row]) -> list[Row]:
    i, j = rng.randrange(len(rows)), rng.randrange(len(rows))
    rows[i][1:], rows[j][1:] = rows[j][1:], rows[i][1:]
    return rows


def cell_replaced(rng: Random, rows: list[Row]) -> list[Row]:
    rng.choice(rows)[rng.randrange(len(COLUMNS))] = rng.choice(VALUES)
    return rows


def body_replaced(rng: Random, rows: list[Row]) -> list[Row]:
    rng.choice(rows)[BODY] = rng.choice(TEXTS)
    return rows


def kind_changed(rng: Random, rows: list[Row]) -> list[Row]:
    rng.choice(rows)[KIND] = rng.choice([rng.choice(rows)[KIND], "unheard_of", "", "NOTE", "campaign_opened"])
    return rows


# ---- the story: bodies that are JSON and yet not what they should be -------------------------------------------------


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _places(inner, (*path, key))


def _changed(rng: Random, rows: list[Row], change: Callable[[Any, Any], None]) -> list[Row]:
    """Change one place in one body; half of the time in the first one, which holds the configuration."""
    row = rows[0] if rng.random() < 0.4 else rng.choice(rows)
    body = json.loads(row[BODY])
    places = list(_places(body))
    if places:
        *around, key = rng.choice(places)
        here = body
        for step in around:
            here = here[step]
        change(here, key)
    row[BODY] = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace").decode()
    return rows


def value_in_body_replaced(rng: Random, rows: list[Row]) -> list[Row]:
    def change(here: Any, key: Any) -> None:
        here[key] = copy.deepcopy(rng.choice(VALUES))

    for _ in range(rng.choice([1, 1, 1, 5])):
        rows = _changed(rng, rows, change)
    return rows


def key_in_body_dropped(rng: Random, rows: list[Row]) -> list[Row]:
    def change(here: Any, key: Any) -> None:
        del here[key]

    return _changed(rng, rows, change)


def key_in_body_renamed(rng: Random, rows: list[Row]) -> list[Row]:
    def change(here: Any, key: Any) -> None:
        if isinstance(here, dict):
            here[rng.choice([f"{key}s", "", "=x", "<b>", "\x1b[31m", "heat"])] = here.pop(key)

    return _changed(rng, rows, change)


ROW_SPOILS: tuple[Callable[[Random, list[Row]], list[Row]], ...] = (
    row_dropped, tail_dropped, row_doubled, rows_swapped, cell_replaced, body_replaced, kind_changed,
    value_in_body_replaced, key_in_body_dropped, key_in_body_renamed,
)  # fmt: skip


def renumbered(rows: list[Row]) -> list[Row]:
    """Return the rows numbered without gaps."""
    for seq, row in enumerate(rows, start=1):
        row[0] = seq
    return rows
