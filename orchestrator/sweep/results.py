"""What came of the campaigns of a sweep: one JSON line each in `results.jsonl`, on the disk before it is counted.

Rule of this file: a line that was torn by a death is no result, and every whole line before it is one.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from orchestrator.config import ConfigError, Problem
from orchestrator.sweep.performance import Result

NAME = "results.jsonl"


class Results:
    """The results of a folder, by key. Use `opened`.

    Args:
        path: The file.
        stream: The file, open to append.
    """

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        self.by_key: dict[str, Result] = {}
        self._path, self._stream = path, stream
        self._read()

    def is_done(self, key: str) -> bool:
        """Whether a campaign has come to an end, be it a halt; one that broke is performed again."""
        return key in self.by_key and self.by_key[key]["status"] != "error"

    def add(self, result: Result) -> None:
        """Keep a result; it is on the disk when this returns.

        Raises:
            ConfigError: The disk refused; what was kept before is safe.
        """
        line = json.dumps(result, separators=(",", ":")).encode() + b"\n"
        try:
            self._stream.write(line)
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            message = f"cannot be written ({error.strerror}); what is in it is safe: mend it and give the same command"
            raise ConfigError([Problem(str(self._path), message)]) from error
        self.by_key[result["key"]] = result

    def _read(self) -> None:
        self._stream.seek(0)
        end = 0
        for number, line in enumerate(self._stream, start=1):
            if not line.endswith(b"\n"):
                break  # torn: the process died while it wrote
            try:
                result = json.loads(line)
                self.by_key[result["key"]] = result
            except (ValueError, TypeError, KeyError) as error:
                message = f"is no result of a sweep ({error!r}); restore the file from a copy, or delete the line"
                raise ConfigError([Problem(f"{self._path}:{number}", message)]) from error
            end += len(line)
        self._stream.truncate(end)
        self._stream.seek(end)


@contextmanager
def opened(folder: Path, *, new: bool = False) -> Iterator[Results]:
    """Open the results of a folder, which is made where there is none.

    Args:
        folder: Where the file is.
        new: Whether to forget what was found before.

    Raises:
        ConfigError: Another sweep writes there, the folder cannot be written, or the file is not one of results.
    """
    lock = FileLock(folder / f"{NAME}.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
        path = folder / NAME
        if new:
            path.unlink(missing_ok=True)
        path.touch()
        stream = path.open("rb+")
    except Timeout as error:
        message = "another sweep writes there; wait for it, or choose another folder with --out"
        raise ConfigError([Problem(str(folder), message)]) from error
    except OSError as error:
        lock.release()
        message = f"cannot be written: {error.strerror}; choose another folder with --out"
        raise ConfigError([Problem(str(folder), message)]) from error
    try:
        with stream:
            yield Results(path, stream)
    finally:
        lock.release()
