"""What signals do: Ctrl-C and SIGTERM end a campaign by and by, and SIGHUP ends what it says.

The first Ctrl-C or SIGTERM lets running steps end, the second halts the instruments, a third kills.
"""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

from orchestrator.display.streams import silence, unfailing
from orchestrator.engine.loop import Engine

_ENDING = (signal.SIGINT, signal.SIGTERM)
"""Signals by which a person ends what is going on."""


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
def outliving_the_terminal() -> Iterator[None]:
    """Go on when the terminal goes, or whoever reads the output: what cannot be shown is lost, and nothing else.

    After SIGHUP nothing is written to the terminal or read from it any more.
    """
    terminals = [file for file in range(3) if os.isatty(file)]

    def on_hangup(_number: int, _frame: FrameType | None) -> None:
        silence(terminals)

    with unfailing(), handled(on_hangup, _hangup()):
        yield


@contextmanager
def interrupted_once() -> Iterator[None]:
    """Raise KeyboardInterrupt at the first Ctrl-C, SIGTERM or SIGHUP, and hear no other of them until this is over.

    So what is done at the end is done to its end: a window that is closed may send SIGHUP twice. Ctrl-C is heard also
    where it was ignored, as a shell has it for what it starts in the background.
    """
    numbers = [*_ENDING, *_hangup()]

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    with handled(on_signal, numbers):
        yield


def _hangup() -> list[signal.Signals]:
    """Return SIGHUP, unless it is ignored from the beginning, as `nohup` has it; Windows has none."""
    known = [number for number in signal.Signals if number.name == "SIGHUP"]
    return [number for number in known if signal.getsignal(number) != signal.SIG_IGN]


@contextmanager
def handled(
    handler: Callable[[int, FrameType | None], None] | signal.Handlers, numbers: Iterable[int] = _ENDING
) -> Iterator[None]:
    """Let a handler have signals for a while, SIGINT and SIGTERM unless others are named."""
    try:
        before = {n: signal.signal(n, handler) for n in numbers}
    except ValueError:  # not the main thread: a notebook's kernel or a test keeps its own handlers
        yield
        return
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
