"""Words for whatever a driver hands over: values, exceptions, things that cannot be printed. Never an exception.

Rule of this file: what is shown is somebody else's object, and asking it for its text runs somebody else's code.
"""

from collections.abc import Callable

from instruments.driver import FailureClass, InstrumentError, Moved

LONGEST = 2000
"""Characters that are kept; a driver may raise a whole page."""


def shown(thing: object) -> str:
    """Return a thing as Python writes it, shortened."""
    return _written(thing, lambda: repr(thing))


def named(thing: object) -> str:
    """Return a text as it is, and the text of anything else, shortened."""
    return _written(thing, lambda: str(thing))


def in_words(error: BaseException) -> str:
    """Return the kind of an exception and what it says, shortened."""
    return _written(error, lambda: f"{type(error).__name__}: {error}")


def plainly(error: InstrumentError) -> InstrumentError:
    """Return a failure as it may be recorded: of a known class, its reason a text.

    Raises:
        Exception: Its class, or what moved, is none that is known.
    """
    reason = error.reason if type(error.reason) is str else named(error.reason)
    return InstrumentError(FailureClass(error.failure), reason, Moved(error.moved))


def shortened(text: str) -> str:
    """Return as much of a text as is kept, and how long it was."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"


def _written(thing: object, write: Callable[[], str]) -> str:
    """Return what is written of a thing, or that it cannot be shown.

    Raises:
        KeyboardInterrupt: It may be asked in the thread of whoever presses Ctrl-C.
    """
    try:
        return shortened(write())
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - in its text a driver may raise whatever it likes
        return f"{type(thing).__name__}, which cannot be shown"
