"""Read a file that a person has named, or say in words why it cannot be read.

Rule of this file: only a plain file of bounded size is read. A pipe could keep the reader waiting for ever, a device
never ends.
"""

import codecs
from pathlib import Path

_OTHER_CODES = {
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_NOTHING = "no such file"


class Unreadable(ValueError):  # noqa: N818 - what the file is
    """A file that cannot be read; the message says why and what to do, and leaves its name to the caller."""


def what_else(path: Path) -> str:
    """Return what there is instead of a plain file, "" where there is one; a name that no file can have names none."""
    try:
        return _what_else(path)
    except (OSError, ValueError):
        return _NOTHING


def _what_else(path: Path) -> str:
    if path.is_file():
        return ""
    if path.is_dir():
        return "a folder"
    return "a pipe or a device" if path.exists() else _NOTHING


def read_bytes(path: Path, most: int, what: str) -> bytes:
    """Return what a file holds.

    Args:
        path: The file.
        most: How many bytes it may have.
        what: What it should be, as "a campaign's YAML file".

    Raises:
        Unreadable: There is none, it is no plain file, too large, or may not be read.
    """
    try:
        if other := _what_else(path):
            message = f"{other}; give the path of {what}" if other == _NOTHING else f"is {other}; give {what}"
            raise Unreadable(message)
        if path.stat().st_size > most:
            message = f"is larger than {most} bytes; is it {what}?"
            raise Unreadable(message)
        return path.read_bytes()
    except OSError as error:
        message = f"cannot be read: {error.strerror}; give {what}"
        raise Unreadable(message) from error


def as_text(content: bytes) -> str:
    """Return bytes as text, without the mark that some editors put at its beginning.

    Raises:
        Unreadable: It is no UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        code = _OTHER_CODES.get(content[:2])
        reason = f"it is {code} text" if code else f"line {line} has a byte that is no UTF-8 text"
        message = f"{reason}; save it in UTF-8"
        raise Unreadable(message) from error
