"""Ask a driver something it may never answer, and go on without it."""

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from instruments.showing import shown

T = TypeVar("T")


def within(seconds: float, ask: Callable[[], T]) -> T:
    """Return what a call returns, or raise what it raises, if it is back in time.

    A call that is not stays behind in its daemon thread.

    Args:
        seconds: How long it may take, s on the wall.
        ask: The call.

    Raises:
        TimeoutError: It is not back in time.
        RuntimeError: It ended its thread, as `sys.exit` does.
    """
    outcome: queue.SimpleQueue[tuple[T | None, Exception | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            outcome.put((ask(), None))
        except Exception as error:  # noqa: BLE001 - raised again by who waits
            outcome.put((None, error))
        except BaseException as error:  # noqa: BLE001 - a driver's exit is not that of whoever asks it
            outcome.put((None, RuntimeError(f"it ended its thread by {shown(error)}")))

    threading.Thread(target=work, daemon=True).start()
    try:
        value, error = outcome.get(timeout=seconds)
    except queue.Empty:
        message = f"no answer within {seconds:g} s"
        raise TimeoutError(message) from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value]  # without an error it is what was returned
