"""One thread of linear algebra a process; a real PostgreSQL server: of POSTGRES_URL, or one of our own on loopback."""

import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from postgres_server import Server, binaries, connected

from orchestrator.address import Address

# The matrices of the tests are small, and idle threads of BLAS spin: they cost as much as the tests themselves, here
# and in every process that a test starts. Nothing above imports numpy, which reads this once.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# A shell has what it starts in the background ignore Ctrl-C, and so would every process that a test starts there.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def new_server() -> Iterator[Server]:
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    tools = binaries()
    if tools is None:
        pytest.skip("neither POSTGRES_URL nor the binaries initdb and postgres are there")
    folder = Path(tempfile.mkdtemp(prefix="ledger-"))
    try:
        server = Server(folder, tools)
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def own_server() -> Iterator[Server]:
    """A server that a test may stop."""
    yield from new_server()


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest) -> str:
    """The URL of a database in which campaigns may be made."""
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    given = os.environ.get("POSTGRES_URL")
    return given or str(request.getfixturevalue("own_server").url)


@pytest.fixture
def campaign_address(database: str) -> Iterator[Address]:
    """A campaign that does not exist yet, and is gone after the test."""
    place = Address(database, f"test-{uuid.uuid4().hex[:12]}")
    yield place
    with connected(place) as connection:
        connection.exec_driver_sql(f'DROP SCHEMA IF EXISTS "{place.campaign}" CASCADE')


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | Address:
    """A place for a ledger, in a file and in PostgreSQL."""
    if request.param == "sqlite":
        return tmp_path / "ledger.sqlite"
    return request.getfixturevalue("campaign_address")


@pytest.fixture
def client(place: Path | Address) -> Callable[[], Any]:
    """Makes a plain connection to the place, that knows nothing of ledgers."""

    @contextmanager
    def connect() -> Iterator[sa.Connection]:
        if isinstance(place, Address):
            with connected(place) as connection:
                yield connection
        else:
            engine = sa.create_engine(f"sqlite:///{place}", poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                yield connection

    return connect
