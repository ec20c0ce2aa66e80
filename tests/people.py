"""People for tests: one who types at a terminal made of pipes, and one who fills in forms of a drop folder."""

import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from instruments.people.terminal import Terminal


class Typist:
    """Reads what a terminal shows and types the answer to each prompt.

    Args:
        answer: From the prompt to the line to type; None types nothing more.
    """

    def __init__(self, answer: Callable[[str], str | None]) -> None:
        keys_in, self._keys_out = os.pipe()
        screen_in, screen_out = os.pipe()
        self._reader = os.fdopen(keys_in, encoding="utf-8")
        self._writer = os.fdopen(screen_out, "w", encoding="utf-8")
        self._screen = os.fdopen(screen_in, "rb", buffering=0)
        self.terminal = Terminal(self._reader, self._writer)
        self.shown = ""
        self._answer = answer
        self._is_open = True
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        seen = ""
        while chunk := self._screen.read(4096):
            self.shown += chunk.decode()
            seen += chunk.decode()
            if seen.endswith(": "):
                line = self._answer(seen.rpartition("\n")[2].strip())
                seen = ""
                if line is not None:
                    self.type(f"{line}\n")

    def type(self, text: str) -> None:
        """Type something, unless the input has ended."""
        if self._is_open:
            os.write(self._keys_out, text.encode())

    def leave(self) -> None:
        """End the input, as Ctrl-D does."""
        if self._is_open:
            self._is_open = False
            os.close(self._keys_out)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave, and close the screen."""
        self._writer.close()
        self._thread.join(5)
        self._screen.close()
        self.leave()
        for thread in threading.enumerate():
            if thread.name == "terminal":
                thread.join(1)
        self._reader.close()


def lines(*texts: str) -> Callable[[str], str | None]:
    """Return a person who answers prompts with these lines, in order, and then with nothing."""
    left: queue.SimpleQueue[str] = queue.SimpleQueue()
    for text in texts:
        left.put(text)
    return lambda _prompt: None if left.empty() else left.get()


class Filler:
    """Watches the orders of a drop folder and answers each once.

    Args:
        folder: The drop folder.
        answers: From a command id to the file's suffix and text; None drops nothing.
    """

    def __init__(self, folder: Path, answer: Callable[[str], tuple[str, str] | None]) -> None:
        self._folder, self._answer = folder, answer
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        seen: set[str] = set()
        while not self._is_over.wait(0.02):
            for order in sorted(self._folder.glob("orders/*.yaml")):
                if order.stem not in seen:
                    seen.add(order.stem)
                    self._drop(order.stem)

    def _drop(self, command_id: str) -> None:
        answer = self._answer(command_id)
        if answer is not None:
            suffix, text = answer
            unfinished = self._folder / "results" / f"{command_id}{suffix}.part"
            unfinished.write_text(text)
            unfinished.replace(unfinished.with_suffix(""))

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Go home."""
        self._is_over.set()
        self._thread.join(5)
