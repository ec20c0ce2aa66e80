"""Who asks and who writes: the user and the host of this process, as the operating system knows them."""

import getpass
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime


def person() -> str:
    """Return the user and the host, as `ada@lab1`."""
    user = "unknown"
    with suppress(OSError, KeyError):  # a container without user names
        user = getpass.getuser()
    return f"{user}@{socket.gethostname()}"


def writer() -> str:
    """Return who writes a ledger, by which process and since when."""
    since = datetime.now(UTC).isoformat(timespec="minutes").removesuffix("+00:00")
    user, _, host = person().partition("@")
    return f"{user[:16]}@{host[:16]} (process {os.getpid()} since {since}Z)"
