"""What Ctrl-C and SIGTERM do: the first lets running steps end, the second halts the instruments, a third kills."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from orchestrator.engine.loop import Engine


@contextmanager
def stopping(engine: Engine) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM end the running steps, and the second halt the instruments."""
    seen: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        seen.append(number)
        name = signal.Signals(number).name
        if len(seen) > 2:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        if len(seen) == 1:
            engine.stop(f"stopped by {name}")
        else:
            engine.halt(f"halted by a second {name}")

    with handled(on_signal):
        yield


@contextmanager
def handled(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    """Let a handler have SIGINT and SIGTERM for a while."""
    try:
        before = {n: signal.signal(n, handler) for n in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: a notebook's kernel or a test keeps its own handlers
        yield
        return
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
