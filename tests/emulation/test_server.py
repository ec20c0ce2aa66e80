"""The emulators' server and its moods, on a protocol that says every line back."""

import socket
from collections.abc import Iterator

import numpy as np
import pytest

from instruments.emulation import LoopbackEmulator, LoopbackServer, Misbehaviour, World
from instruments.emulation.misbehaviour import GOOD_LINK, Mischief, Mood


def echo(waiting: bytes) -> tuple[bytes | None, int]:
    """Say a line back; hang up on one that begins with an exclamation mark."""
    line, end, _ = waiting.partition(b"\n")
    if line.startswith(b"!"):
        return None, 0
    return (line + end, len(line) + 1) if end else (b"", 0)


@pytest.fixture
def mood() -> Mood:
    return Mood(Misbehaviour(late_s=0.05), np.random.default_rng(1))


@pytest.fixture
def server(mood: Mood) -> Iterator[LoopbackServer]:
    """A server on a free port."""
    made = LoopbackServer("127.0.0.1", 0, echo, mood)
    made.start()
    yield made
    made.stop()
    made.stop()


def said(server: LoopbackServer, *pieces: bytes) -> bytes:
    """Send pieces, and return what comes back before the other end hangs up or is silent for a while."""
    with socket.create_connection((server.host, server.port), timeout=0.3) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            return connection.recv(4096)
        except TimeoutError:
            return b"silence"
        except ConnectionError:
            return b""


def test_server_waits_for_a_whole_request(server: LoopbackServer) -> None:
    """A request may come in pieces."""
    assert said(server, b"hel", b"lo\n") == b"hello\n"


@pytest.mark.parametrize(
    ("mischief", "answer"), [(Mischief.DROP, b""), (Mischief.SILENT, b"silence"), (Mischief.LATE, b"hello\n")]
)
def test_server_misbehaves_once_as_it_is_told(
    server: LoopbackServer, mood: Mood, mischief: Mischief, answer: bytes
) -> None:
    """One exchange is bad, the next one is good again."""
    mood.order(mischief)
    assert said(server, b"hello\n") == answer
    assert said(server, b"hello\n") == b"hello\n"


def test_server_garbles_to_the_same_length(server: LoopbackServer, mood: Mood) -> None:
    """Nonsense of the right size is the hardest to notice."""
    mood.order(Mischief.GARBLE)
    answer = said(server, b"hello, this is a long line\n")
    assert len(answer) == 27
    assert not answer.startswith(b"hello")


def test_server_hangs_up_on_nonsense_and_on_too_much(server: LoopbackServer) -> None:
    """Others are served all the same."""
    assert said(server, b"!\n") == b""
    assert said(server, b"x" * 100_000) == b""
    assert said(server, b"hello\n") == b"hello\n"


def test_server_cuts_every_connection(server: LoopbackServer) -> None:
    """As a pulled cable does."""
    with socket.create_connection((server.host, server.port), timeout=5) as connection:
        connection.sendall(b"hello\n")
        assert connection.recv(100) == b"hello\n"
        server.cut()
        assert connection.recv(100) == b""


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "example.org", "", "::"])  # noqa: S104
def test_server_refuses_to_leave_this_computer(host: str, mood: Mood) -> None:
    """An emulator is nobody else's business."""
    with pytest.raises(ValueError, match=r"must be 127\.0\.0\.1 or localhost"):
        LoopbackServer(host, 0, echo, mood)


def test_mood_draws_the_same_again() -> None:
    """A bad link is as reproducible as everything else."""
    chances = Misbehaviour(drop=0.2, garble=0.2)
    first, second = (Mood(chances, np.random.default_rng(7)) for _ in range(2))
    drawn = [first.next() for _ in range(200)]
    assert drawn == [second.next() for _ in range(200)]
    assert set(drawn) == {Mischief.NONE, Mischief.DROP, Mischief.GARBLE}


def test_mood_of_a_good_link_does_nothing() -> None:
    """Nothing is done unless it is asked for."""
    good = Mood(GOOD_LINK, np.random.default_rng(7))
    assert {good.next() for _ in range(100)} == {Mischief.NONE}


def test_emulator_tells_where_it_is_and_misbehaves_when_told() -> None:
    """With the port it really got; its link is cut once, and good again."""
    world = World(1.0, lambda _name: np.random.default_rng(1))
    emulator = LoopbackEmulator("parrot", world, ("127.0.0.1", 0), echo, GOOD_LINK, address="parrot://{host}:{port}")
    assert emulator.start() == f"parrot://127.0.0.1:{emulator.port}"
    emulator.misbehave(Mischief.DROP)
    answers = []
    for _ in range(2):
        with socket.create_connection((emulator.host, emulator.port), timeout=5) as connection:
            connection.sendall(b"hello\n")
            answers.append(connection.recv(100))
    emulator.stop()
    emulator.stop()
    assert (emulator.name, answers) == ("parrot", [b"", b"hello\n"])
