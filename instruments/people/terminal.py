"""A terminal that several drivers may ask questions in, one at a time, and give up on any question at once."""

import queue
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

_LONGEST_LINE = 1000
_LOOK_S = 0.1
_GONE = "the terminal is gone"


class PutOff(Exception):  # noqa: N818 - nothing went wrong
    """The question stays open: the person leaves, or somebody else ended the waiting."""


class Terminal:
    """Two streams of text.

    Args:
        reader: Where a person types; standard input by default.
        writer: Where questions appear; standard output by default.
    """

    def __init__(self, reader: TextIO | None = None, writer: TextIO | None = None) -> None:
        self._reader, self._writer = reader or sys.stdin, writer or sys.stdout
        self._terminals = [stream for stream in (self._reader, self._writer) if _is_terminal(stream)]
        self._turn = _turn_of(self._reader)

    @property
    def is_readable(self) -> bool:
        """Whether there is anything to read from."""
        return self._reader is not None and not self._reader.closed

    @contextmanager
    def taken(self, given_up: threading.Event) -> Iterator[None]:
        """Have the terminal alone; what was typed before anything was asked is forgotten.

        Args:
            given_up: Ends the waiting for one's turn.

        Raises:
            PutOff: The waiting was ended.
        """
        while not self._turn.acquire(timeout=_LOOK_S):
            if given_up.is_set():
                message = "the question was put off"
                raise PutOff(message)
        try:
            if self._reader.isatty():
                _forget(_lines_of(self._reader))
            yield
        finally:
            self._turn.release()

    def say(self, text: str = "") -> None:
        """Write a line, if there is still a terminal to write it to."""
        with suppress(OSError, ValueError):
            self._write(f"{text}\n")

    def ask(self, prompt: str, given_up: threading.Event) -> str:
        """Write a prompt and return the line that a person types.

        Args:
            prompt: What to write before the cursor.
            given_up: Ends the waiting.

        Raises:
            PutOff: The waiting was ended, nobody types any more, or the terminal is gone.
        """
        try:
            self._write(prompt)
        except (OSError, ValueError) as error:
            raise PutOff(_GONE) from error
        lines = _lines_of(self._reader)
        while not given_up.is_set():
            if self._is_gone:
                raise PutOff(_GONE)
            try:
                line = lines.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if line is None:
                lines.put(None)  # the end of the input stays the end
                raise PutOff(_GONE if self._is_gone else "nobody types any more")
            return line.rstrip("\r\n")
        message = "the question was put off"
        raise PutOff(message)

    @property
    def _is_gone(self) -> bool:
        return not all(_is_terminal(stream) for stream in self._terminals)

    def _write(self, text: str) -> None:
        self._writer.write(text)
        self._writer.flush()


Lines = queue.SimpleQueue[str | None]
_LINES: "weakref.WeakKeyDictionary[TextIO, Lines]" = weakref.WeakKeyDictionary()
_TURNS: "weakref.WeakKeyDictionary[TextIO, threading.Lock]" = weakref.WeakKeyDictionary()
_MAKING = threading.Lock()


def _is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream leads to a terminal, which it no longer does when that was closed."""
    return stream is not None and not stream.closed and stream.isatty()


def _lines_of(reader: TextIO) -> Lines:
    """Return the lines of a stream, read by one daemon thread: a blocked read cannot be called back."""
    with _MAKING:
        found = _LINES.get(reader)
        if found is None:
            found = _LINES[reader] = queue.SimpleQueue()
            threading.Thread(target=_read, args=(reader, found), name="terminal", daemon=True).start()
        return found


def _turn_of(reader: TextIO) -> threading.Lock:
    with _MAKING:
        return _TURNS.setdefault(reader, threading.Lock())


def _forget(lines: Lines) -> None:
    while not lines.empty():
        line = lines.get()
        if line is None:
            lines.put(None)
            return


def _read(reader: TextIO, lines: Lines) -> None:
    try:
        while line := reader.readline(_LONGEST_LINE):
            lines.put(line)
    except (OSError, ValueError):
        pass  # the stream was closed under the reader
    lines.put(None)
