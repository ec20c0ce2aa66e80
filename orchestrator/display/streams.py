"""Standard output and standard error that never fail: what cannot be written is lost, and whoever writes goes on.

Rule of this file: a terminal that was closed, or a pipe that nobody reads, is no reason to stop a laboratory.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Unfailing(io.FileIO):
    """A file that loses what it cannot write."""

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write, or lose it; the buffer above is rid of it either way."""
        with suppress(OSError):
            written: int | None = super().write(data)
            if written is not None:  # else it would have to wait, which a display does not
                return written
        return memoryview(data).nbytes


@contextmanager
def unfailing() -> Iterator[None]:
    """Let no write to standard output or standard error fail for a while."""
    former = (sys.stdout, sys.stderr)
    out, err = (_unfailing(stream) for stream in former)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            yield
    finally:
        for stream in (out, err, *former):
            _empty(stream)


def _unfailing(stream: TextIO) -> TextIO:
    """Return a stream onto the same file, or the stream itself where it does not lead straight to one."""
    if not _is_file(stream):
        return stream
    _empty(stream)
    file = _Unfailing(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(file), encoding=stream.encoding, errors=stream.errors, line_buffering=True
    )


def _is_file(stream: TextIO) -> bool:
    """Return whether a stream leads straight to an open file; that of a notebook, or a console of Windows, does not."""
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # with python -u there is nothing between
    return isinstance(raw, io.FileIO) and not raw.closed


def _empty(stream: TextIO) -> None:
    """Write what a stream holds back; if that fails, lose it, lest it fail again when the process ends."""
    if not _is_file(stream):
        return
    try:
        stream.flush()
    except OSError:
        silence([stream.fileno()])


def silence(files: list[int]) -> None:
    """Lead open files to nowhere, for good. Safe in a signal handler."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for file in files:
        os.dup2(nowhere, file)
    os.close(nowhere)
