"""One command asked in this process, and what its answer must be like whatever it was given."""

import contextlib
import io
import os
import re
import traceback
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

MORE = int(os.environ.get("HOSTILE_CASES", "1"))
"""How many times as many cases as usual are tried."""

ACCEPTED, REFUSED, DAMAGED = 0, 2, 5
_LONGEST_LINE, _MOST_LINES = 1000, 25


def chance(*case: object) -> Random:
    """Return the generator of a case, the same whenever it is tried."""
    return Random(" ".join(map(str, case)))  # noqa: S311 - nothing is kept secret here


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    status: int
    out: str
    err: str


def ask(command: Callable[[Sequence[str]], int], *words: object) -> Answer:
    """Run a command here; what it does not catch becomes its traceback, as in a terminal."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = command([str(word) for word in words])
        except BaseException:  # noqa: BLE001 - a traceback is what is looked for
            status = 1
            err.write(traceback.format_exc())
    return Answer(status, out.getvalue(), err.getvalue())


def faults(answer: Answer, place: str, statuses: Sequence[int] = (ACCEPTED, REFUSED)) -> list[str]:
    """Return what is wrong with an answer, in words.

    Args:
        answer: What a command said.
        place: A pattern of what the first line of a refusal must name.
        statuses: Those that are allowed.
    """
    found = []
    if answer.status not in statuses:
        found.append(f"status {answer.status}")
    if "Traceback" in answer.err + answer.out:
        found.append("a traceback")
    if answer.status in (REFUSED, DAMAGED):
        lines = answer.err.splitlines()
        found += ["nothing is said"] if not answer.err.strip() else []
        found += [f"no place in {line[:200]!r}" for line in lines[:1] if not re.search(place, line)]
        found += [f"a line of {len(line)} characters" for line in lines if len(line) > _LONGEST_LINE]
        found += [f"{len(lines)} lines"] if len(lines) > _MOST_LINES else []
        found += ["the same line twice"] if len(set(lines)) < len(lines) else []
    odd = {c for c in answer.err + answer.out if c != "\n" and unicodedata.category(c) in ("Cc", "Cs", "Cf")}
    found += [f"control characters {sorted(odd)!r}"] if odd else []
    return found


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, and the folders as empty ones."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }
