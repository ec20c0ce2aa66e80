"""What drivers hand over and nobody can print: values, keys, exceptions, mappings."""

from collections.abc import Iterator, Mapping
from typing import Any

from instruments.driver import FailureClass, InstrumentError, Moved


class Unshowable:
    """A handle of a vendor's library whose device is gone: every way to write it down raises."""

    def __repr__(self) -> str:
        """Raise."""
        message = "the handle is closed"
        raise OSError(message)

    __str__ = __repr__


class UnshowableError(Exception):
    """An exception that looks its words up in a library that is closed by then."""

    def __str__(self) -> str:
        """Raise."""
        message = "no message file"
        raise OSError(message)

    __repr__ = __str__


class ClosedBuffer(Mapping[str, Any]):
    """Values that are read when they are asked for, from a buffer that is closed by then."""

    def __getitem__(self, name: str) -> Any:
        """Raise."""
        message = "the buffer is closed"
        raise UnshowableError(message)

    def __iter__(self) -> Iterator[str]:
        """Tell names, at least."""
        return iter(("sample", "peak", "mass"))

    def __len__(self) -> int:
        """Tell how many."""
        return 3


def unshowable_failure() -> InstrumentError:
    """Return a failure whose reason nobody can print."""
    return InstrumentError(FailureClass.MEASUREMENT, Unshowable(), Moved.YES)  # type: ignore[arg-type]
