"""A PostgreSQL server of our own on loopback, from the installed binaries."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from orchestrator.address import Address

START_S = 30


def binaries() -> Path | None:
    """The folder of initdb and postgres, wherever they are installed."""
    folders = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    if (config := shutil.which("pg_config")) is not None:
        told = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False).stdout.strip()
        folders.append(Path(told))
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


def unprivileged() -> dict[str, Any]:
    """What makes a child process another user's: PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    pytest.skip("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Server:
    """A server of our own that can be stopped and started again.

    Args:
        folder: Where its data, socket and log go.
        tools: The folder of its binaries.
    """

    def __init__(self, folder: Path, tools: Path) -> None:
        self._folder, self._tools, self._user, self._port = folder, tools, unprivileged(), free_port()
        if self._user:
            os.chown(folder, self._user["user"], self._user["group"])
        made = [tools / "initdb", "-D", folder / "data", "-A", "trust", "-U", "lab", "-E", "UTF8", "--locale=C", "-N"]
        done = subprocess.run(made, cwd=folder, capture_output=True, text=True, check=False, **self._user)
        if done.returncode:
            pytest.skip(f"initdb failed: {done.stderr.strip()[-300:]}")
        self.url = f"postgresql://lab@127.0.0.1:{self._port}/postgres"
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = {"port": self._port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self._folder}
        options |= {"fsync": "off", "shared_buffers": "16MB", "max_connections": 40}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._tools / "postgres", "-D", self._folder / "data", *words],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                **self._user,
            )
        until = time.monotonic() + START_S
        while not answers(self.url):
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                pytest.skip(f"postgres did not start: {(self._folder / 'log').read_text()[-300:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop it at once, whoever is connected."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=START_S)


def answers(url: str) -> bool:
    try:
        with connected(Address(url)):
            return True
    except sa.exc.OperationalError:
        return False


@contextmanager
def connected(place: Address) -> Iterator[sa.Connection]:
    """A plain client of the database, of whom the ledger knows nothing; each statement is its own transaction."""
    engine = sa.create_engine(
        sa.make_url(place.url).set(drivername="postgresql+psycopg"),
        poolclass=sa.NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"options": f'-c search_path="{place.campaign}"' if place.campaign else ""},
    )
    with engine.connect() as connection:
        yield connection
