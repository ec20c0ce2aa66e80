"""Ways to spoil a table: as spreadsheets, other countries, broken copies and people in a hurry do.

Each takes a generator and the text of a table and returns the bytes of a file.
"""

from collections.abc import Callable
from random import Random

Spoil = Callable[[Random, str], bytes]

CELLS = (
    "", " ", "nan", "NaN", "inf", "-inf", "1e400", "1e308", "-1e308", "1e-320", "0", "-0", "-1", "1,5", "1.5.2",
    "1_000", "1 000", "1\u2009000", "0x10", "five", "=1+1", "+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t5",
    "'5", '"', '""', "'", '"a\nb"', '"unclosed', "5 cm", "5\u00b0", "\u0665", "\uff15", "\ufeff5", "\x00",
    "\x1b[31m5", "\u202e5", "\U0001f4a5", "true", "None", "9" * 400, "x" * 200_000, "<script>", "2026-01-01", "1;2",
    "1/2", "50%", "~5", "#5", "#DIV/0!", "\x855", "5\r",
)  # fmt: skip
"""What cells hold that should hold a number."""

NAMES = (
    "", " ", "power", "conductivity", "Power", "power [kW]", "power (W)", "power [W", "power []", "=power", "<b>",
    "x" * 5000, "note", "origin", "conductivity_sd", "\ufeffpower", "power\x00", "po\u200bwer", "1", "distance [mm]",
    "unit", "#power",
)  # fmt: skip
"""What columns are called that should be called otherwise."""


def _rows(text: str) -> tuple[str, list[list[str]]]:
    """Return the comments, and the cells of header and rows."""
    lines = text.splitlines()
    comments = "".join(f"{line}\n" for line in lines if line.startswith("#"))
    return comments, [line.split(",") for line in lines if not line.startswith("#")]


def _joined(comments: str, rows: list[list[str]], separator: str = ",") -> bytes:
    return (comments + "".join(f"{separator.join(row)}\n" for row in rows)).encode("utf-8", "surrogatepass")


def cell_replaced(rng: Random, text: str) -> bytes:
    comments, rows = _rows(text)
    for _ in range(rng.choice([1, 1, 1, 4])):
        row = rows[rng.randrange(1, len(rows))]
        row[rng.randrange(len(row))] = rng.choice(CELLS)
    return _joined(comments, rows)


def header_changed(rng: Random, text: str) -> bytes:
    comments, rows = _rows(text)
    rows[0][rng.randrange(len(rows[0]))] = rng.choice(NAMES)
    return _joined(comments, rows)


def ragged(rng: Random, text: str) -> bytes:
    comments, rows = _rows(text)
    for _ in range(rng.randrange(1, 5)):
        row = rng.choice(rows)
        if rng.random() < 0.5 and row:
            del row[rng.randrange(len(row))]
        else:
            row.insert(rng.randrange(len(row) + 1), rng.choice(CELLS))
    return _joined(comments, rows)


def column_dropped(rng: Random, text: str) -> bytes:
    comments, rows = _rows(text)
    i = rng.randrange(len(rows[0]))
    return _joined(comments, [row[:i] + row[i + 1 :] for row in rows])


def column_doubled(rng: Random, text: str) -> bytes:
    comments, rows = _rows(text)
    i = rng.randrange(len(rows[0]))
    return _joined(comments, [[*row, row[i]] for row in rows])


def header_missing(rng: Random, text: str) -> bytes:
    comments, rows = _rows(text)
    return _joined(comments, rows[1:] if rng.random() < 0.5 else [*rows[1:], rows[0]])


def columns_swapped(rng: Random, text: str) -> bytes:
    comments, rows = _rows(text)
    rng.shuffle(rows[0])
    return _joined(comments, rows)


def transposed(_rng: Random, text: str) -> bytes:
    comments, rows = _rows(text)
    return _joined(comments, [list(column) for column in zip(*rows, strict=False)])


def separated_otherwise(rng: Random, text: str) -> bytes:
    """As a German spreadsheet saves it, with decimal commas or without."""
    comments, rows = _rows(text)
    separator = rng.choice([";", "\t", "|", " ", ", ", ";\t"])
    point = rng.choice([".", ","])
    return _joined(comments, [rows[0]] + [[cell.replace(".", point) for cell in row] for row in rows[1:]], separator)


def decimal_commas(_rng: Random, text: str) -> bytes:
    comments, rows = _rows(text)
    return _joined(comments, [[f'"{cell}"'.replace(".", ",") for cell in row] for row in rows])


def rows_few(rng: Random, text: str) -> bytes:
    comments, rows = _rows(text)
    kept = rng.choice([0, 1, 2, 3])
    return _joined(comments, rows[:kept]) if rng.random() < 0.8 else rng.choice([b"", b"\n\n", b",,,\n", b"#\n"])


def rows_doubled(rng: Random, text: str) -> bytes:
    comments, rows = _rows(text)
    row = rng.choice(rows)
    return _joined(comments, [*rows, *[row] * rng.randrange(1, 5)])


def encoded_otherwise(rng: Random, text: str) -> bytes:
    return rng.choice(
        [
            lambda: text.encode("utf-16"),
            lambda: text.encode("utf-16-le"),
            lambda: b"\xef\xbb\xbf" + text.encode(),
            lambda: b"\xef\xbb\xbf" * 2 + text.encode(),
            lambda: text.replace("power", "p\u00f6wer").encode("latin-1", "replace"),
            lambda: text.replace("\n", "\r\n").encode(),
            lambda: text.replace("\n", "\r").encode(),
            lambda: text.replace("\n", "\u2028").encode(),
            lambda: text.replace("\n", "\x0b").encode(),
            lambda: b"PK\x03\x04" + rng.randbytes(300),
            lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + rng.randbytes(300),
            lambda: rng.randbytes(1000),
            lambda: bytes(1000),
            lambda: b"<html><table><tr><td>1</td></tr></table></html>",
            lambda: b'{"power": [1, 2]}',
        ]
    )()


def byte_changed(rng: Random, text: str) -> bytes:
    content = bytearray(text.encode())
    for _ in range(rng.choice([1, 1, 3])):
        content[rng.randrange(len(content))] = rng.choice(b',;"\n\r\t #-=.\x00\xff0' + rng.randbytes(1))
    return bytes(content)


def cut_off(rng: Random, text: str) -> bytes:
    return text.encode()[: rng.randrange(len(text))]


def quotes_put_in(rng: Random, text: str) -> bytes:
    for _ in range(rng.randrange(1, 4)):
        i = rng.randrange(len(text))
        text = text[:i] + rng.choice(['"', '""', "'", '"\n', '",', "\\"]) + text[i:]
    return text.encode()


def comments_put_in(rng: Random, text: str) -> bytes:
    lines = text.splitlines(keepends=True)
    lines.insert(
        rng.randrange(len(lines) + 1), rng.choice(["# \x1b[2J <script>\n", "  # late\n", "\n", ",,,\n", ";;\n"])
    )
    return "".join(lines).encode()


SPOILS: tuple[Spoil, ...] = (
    cell_replaced,
    header_changed,
    ragged,
    column_dropped,
    column_doubled,
    header_missing,
    columns_swapped,
    transposed,
    separated_otherwise,
    decimal_commas,
    rows_few,
    rows_doubled,
    encoded_otherwise,
    byte_changed,
    cut_off,
    quotes_put_in,
    comments_put_in,
)
