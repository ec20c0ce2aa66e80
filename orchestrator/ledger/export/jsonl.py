"""A whole ledger as JSON lines, and back: every event with its hash, the attachments, the messages.

The first line tells how many events follow and the hash of the last, so that a cut file is noticed. The body of an
event stands last in its line and exactly as it is stored, because that text is what was hashed. Attachments come
before events, so that reading from top to bottom never meets a hash whose bytes are unknown.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from orchestrator.ledger.attempted import attempts
from orchestrator.ledger.events import FORMAT, GENESIS, chain, compact
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.opening import open_store
from orchestrator.ledger.store import LedgerDamaged, LedgerError, Row

_NAMES = ("seq", "kind", "version", "lab_s", "utc", "origin", "run", "step", "hash")
_BODY = ',"body":'


def write_jsonl(ledger: Ledger, path: Path) -> None:
    """Write every row of a ledger; what is appended meanwhile is left out.

    Raises:
        LedgerDamaged: The ledger's bytes are not what was written.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        head = {"ledger": FORMAT, "events": ledger.state.n_events, "head": ledger.state.head}
        file.write(compact(head) + "\n")
        file.writelines(line + "\n" for line in _lines(ledger))


def _lines(ledger: Ledger) -> Iterator[str]:
    for table, row in ledger.others():
        yield _attachment(*row) if table == "attachments" else compact({"message": row[0], "text": row[1]})
    for row in ledger.rows():
        if row[0] > ledger.state.n_events:
            return
        *rest, body, digest = row
        yield compact(dict(zip(_NAMES, (*rest, digest), strict=True)))[:-1] + f"{_BODY}{body}}}"


def _attachment(sha256: str, content: bytes) -> str:
    return compact({"attachment": sha256, "base64": base64.b64encode(content).decode("ascii")})


def import_jsonl(source: Path, ledger_path: Path) -> None:
    """Make a ledger from JSON lines: the same rows, so the same chain.

    Args:
        source: What `write_jsonl` wrote.
        ledger_path: Where the ledger is to be; there must be none yet.

    Raises:
        LedgerError: There is a ledger already, or one of the two files cannot be used.
        LedgerDamaged: A line is not what was written; no ledger is made.
    """
    if ledger_path.exists():
        message = f"{ledger_path}: there is a ledger already; choose another place"
        raise LedgerError(message)
    partial = ledger_path.with_name(f"{ledger_path.name}.partial")
    try:
        _remove(partial)
        with source.open(encoding="utf-8", newline="\n") as file:
            _fill(partial, _rows(source, file))
        _check_whole(partial, source)
        partial.replace(ledger_path)
    except UnicodeDecodeError as error:
        message = f"{source}: not a text in UTF-8 ({error.reason} at byte {error.start}); export it again"
        raise LedgerDamaged(message) from error
    except OSError as error:
        message = f"{error.filename or source}: cannot be used ({error.strerror}); choose another file"
        raise LedgerError(message) from error
    finally:
        _remove(partial)


def _fill(path: Path, rows: Iterable[tuple[str, Row]]) -> None:
    store = open_store(path, write=True)
    try:
        store.fill(rows)
    finally:
        store.close()


def _check_whole(path: Path, source: Path) -> None:
    """Open the ledger that was made, and look for every attachment that an attempt names.

    Raises:
        LedgerDamaged: It is no sensible ledger; the message names the file that it was made from.
    """
    try:
        with Ledger.open(path) as ledger:
            for sha256 in {sha256 for one in attempts(ledger.state) for sha256 in one.arrays.values()}:
                ledger.attachment(sha256)
    except LedgerDamaged as error:
        raise LedgerDamaged(str(error).replace(str(path), str(source), 1)) from error


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", ".lock"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _rows(source: Path, lines: Iterable[str]) -> Iterator[tuple[str, Row]]:
    """Yield `(table, row)` for every line, each held against what was written."""
    n_events, head, seq, previous = 0, GENESIS, 0, GENESIS
    for number, line in enumerate(lines, start=1):
        try:
            table, row = _parse(line.removesuffix("\n"))
            if (table == "head") != (number == 1):
                raise ValueError("it is out of place: the first line, and no other, tells the number of events")  # noqa: EM101, TRY003, TRY301 - completed below
            if table == "head":
                n_events, head = row
                continue
            if table == "events":
                seq, previous = _checked(row, seq, previous)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
            message = f"{source}:{number}: not what was written: {reason}; export it again"
            raise LedgerDamaged(message) from error
        yield table, row
    if (seq, previous) != (n_events, head):
        message = f"{source}: holds {seq} of {n_events} events; it was cut, or put together from two: export it again"
        raise LedgerDamaged(message)


def _parse(line: str) -> tuple[str, Row]:
    start, has_body, body = line.partition(_BODY)
    found: dict[str, Any] = json.loads(f"{start}}}" if has_body else line)
    if has_body:
        json.loads(body[:-1])
        *rest, digest = (found[name] for name in _NAMES)
        return "events", (*rest, body[:-1], digest)
    if "attachment" in found:
        content = base64.b64decode(found["base64"], validate=True)
        if hashlib.sha256(content).hexdigest() != found["attachment"]:
            raise ValueError("the attachment's bytes do not have that hash")  # noqa: EM101, TRY003 - completed by the caller
        return "attachments", (found["attachment"], content)
    if "message" in found:
        return "inbox", (found["message"], found["text"])
    return "head", (found["events"], found["head"])


def _checked(row: Row, seq: int, previous: str) -> tuple[int, str]:
    """Return number and hash of an event that follows the one before it."""
    *content, digest = row
    if content[0] != seq + 1:
        message = f"event {seq + 1} is missing (this is event {content[0]})"
        raise ValueError(message)
    if chain(previous, tuple(content)) != digest:
        message = f"the hash of event {content[0]} does not fit the chain"
        raise ValueError(message)
    return seq + 1, str(digest)
