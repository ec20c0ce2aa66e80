"""How a worker of this computer lives: it leaves Ctrl-C to the process that started it, and dies with that process.

Rule of this file: nothing heavy is imported, since every worker comes through here first.
"""

import os
import signal
import threading
import time

_LOOK_S = 1.0


def begin() -> None:
    """Ignore Ctrl-C, and end this process when its parent has died without a word: it would live on for minutes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_S)
        os._exit(1)

    threading.Thread(target=look, daemon=True, name="follow parent").start()
