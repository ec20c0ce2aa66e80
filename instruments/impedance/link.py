"""A line to an instrument through PyVISA: every exchange has a timeout, every answer a largest size and a strict form.

Rule of this file: what an instrument says is untrusted. Whatever goes wrong on the line is a `LinkError`.
"""

import math
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_NO_NUMBER = 9e36  # SCPI-99, volume 1, 7.2.1: 9.9E37 is infinity, 9.91E37 is not a number
_SHOWN = 60
_CONNECT_ATTEMPTS = 3


class LinkError(Exception):
    """The line failed: no answer in time, cut, too long, or nonsense."""


class VisaLink:
    """One VISA resource with text lines in both directions.

    Args:
        resource: As VISA names it: `TCPIP::192.168.0.9::5025::SOCKET`, `GPIB0::17::INSTR`, `USB0::...::INSTR`.
        library: The VISA library: `@py` is pure Python; empty is the vendor's that is installed.
        timeout_s: The longest time to wait for an answer, s.
    """

    def __init__(self, resource: str, library: str, timeout_s: float) -> None:
        self._resource, self._library, self._timeout_s = resource, library, timeout_s
        self._open: Any = None

    @property
    def is_open(self) -> bool:
        """Whether there is a line; it may be cut all the same."""
        return self._open is not None

    def open(self, greet: Callable[[], None], halted: threading.Event) -> None:
        """Open the line and greet, again with growing waits if that fails; nothing if it is open.

        Args:
            greet: Asks who and how the instrument is; raises `LinkError` where it does not answer.
            halted: Ends the waiting.

        Raises:
            LinkError: It does not answer.
        """
        try:
            import pyvisa  # noqa: F401, PLC0415 - an extra, and slow to import
            import tenacity  # noqa: PLC0415 - as above
        except ImportError as error:
            message = f"{error.name} is not installed; pip install 'closed-loop-campaign[hardware]'"
            raise LinkError(message) from error
        patience = tenacity.Retrying(
            stop=tenacity.stop_any(
                tenacity.stop_after_attempt(_CONNECT_ATTEMPTS), tenacity.stop_when_event_set(halted)
            ),
            wait=tenacity.wait_exponential(multiplier=0.1, max=2.0),
            sleep=tenacity.sleep_using_event(halted),
            retry=tenacity.retry_if_exception_type(LinkError),
            reraise=True,
        )
        patience(self._open_once, greet)

    def _open_once(self, greet: Callable[[], None]) -> None:
        if self._open is None:
            self._open = self._opened()
        try:
            greet()
        except Exception:
            self.close()
            raise

    def _opened(self) -> Any:  # noqa: ANN401 - the class depends on the kind of resource
        import pyvisa  # noqa: PLC0415 - an extra, and slow to import

        try:
            rooms = pyvisa.ResourceManager(self._library)
            return rooms.open_resource(
                self._resource,
                open_timeout=round(self._timeout_s * 1000),
                timeout=round(self._timeout_s * 1000),
                read_termination="\n",
                write_termination="\n",
            )
        except Exception as error:
            message = f"{self._resource} cannot be opened ({error}); see to its address, cable and power"
            raise LinkError(message) from error

    def write(self, text: str) -> None:
        """Send a line.

        Raises:
            LinkError: The line is cut.
        """
        self._guarded(text, lambda line: line.write(text))

    def ask(self, text: str, most_bytes: int = 256) -> str:
        """Send a query and return its answer, one line of printable ASCII.

        Raises:
            LinkError: No answer in time, a longer one, or one that is no such text.
        """
        self.write(text)
        raw = bytes(self._guarded(text, lambda line: line.read_bytes(most_bytes, break_on_termchar=True)))
        if not raw.endswith(b"\n"):
            message = f"{text} was answered by more than {most_bytes} bytes"
            raise LinkError(message)
        line = raw.rstrip(b"\r\n")
        if not line.isascii() or not line.decode("ascii").isprintable():
            message = f"{text} was answered by nonsense: {line[:_SHOWN]!r}"
            raise LinkError(message)
        return line.decode("ascii").strip()

    def _guarded(self, text: str, act: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - bytes, or nothing
        if self._open is None:
            message = f"{text} was not sent: the line is closed"
            raise LinkError(message)
        try:
            return act(self._open)
        except Exception as error:
            is_late = "TMO" in str(error)  # VI_ERROR_TMO, as every VISA library names it
            message = f"{text} was not answered within {self._timeout_s:g} s" if is_late else f"{text} failed: {error}"
            raise LinkError(message) from error

    def numbers(self, text: str, n: int) -> NDArray[np.float64]:
        """Ask for `n` finite numbers with commas between them.

        Raises:
            LinkError: As for `ask`, or another count, or something that is no finite number.
        """
        parts = self.ask(text, most_bytes=32 * n + 32).split(",")
        if len(parts) != n:
            message = f"{text} was answered by {len(parts)} values instead of {n}"
            raise LinkError(message)
        return np.array([number(text, part) for part in parts])

    def number(self, text: str) -> float:
        """Ask for one finite number.

        Raises:
            LinkError: As for `numbers`.
        """
        return number(text, self.ask(text))

    def close(self) -> None:
        """Close the line; safe to call twice."""
        line, self._open = self._open, None
        if line is not None:
            with suppress(Exception):  # a line that is cut may fail to close, and is closed all the same
                line.close()


def number(question: str, text: str) -> float:
    """Return the finite number that a text is.

    Args:
        question: What was asked, for the message.
        text: The answer.

    Raises:
        LinkError: It is none.
    """
    stripped = text.strip()
    value = float(stripped) if _NUMBER.fullmatch(stripped) else math.nan
    if not math.isfinite(value) or abs(value) > _NO_NUMBER:
        message = f"{question} was answered by {text[:_SHOWN]!r}, which is no finite number"
        raise LinkError(message)
    return value
