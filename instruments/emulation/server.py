"""A TCP server on loopback that speaks some protocol and can be told to misbehave.

Rule of this file: it listens on loopback only, every thread is a daemon, and what a client sends is bounded in size.
"""

import ipaddress
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from instruments.emulation.misbehaviour import Mischief, Mood

_LARGEST_REQUEST = 65_536
Converse = Callable[[bytes], tuple[bytes | None, int]]
"""From what has come in, the answer (b"" for none, None to hang up) and how many bytes it used; 0 while incomplete."""


class LoopbackServer:
    """Serves a protocol that is a function from request bytes to answer bytes.

    Args:
        host: A loopback address.
        port: The port; 0 takes a free one.
        converse: Called with the bytes that wait; see `Converse`.
        mood: What is done to each exchange.

    Raises:
        ValueError: The host is not loopback.
        OSError: The port is taken.
    """

    def __init__(self, host: str, port: int, converse: Converse, mood: Mood) -> None:
        if not _is_loopback(host):
            message = f"an emulator serves this computer alone; host {host!r} must be 127.0.0.1 or localhost"
            raise ValueError(message)
        self._converse, self._mood = converse, mood
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        outer = self

        class _Conversation(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer._talk(self.request)

        self._server = _Threads((host, port), _Conversation)
        self.host, self.port = host, int(self._server.server_address[1])

    def start(self) -> None:
        """Serve from a daemon thread."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="emulator", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and cut every connection; safe to call twice."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread = None
        self._server.server_close()
        self.cut()

    def cut(self) -> None:
        """Cut every connection, as a pulled cable does."""
        with self._lock:
            connections, self._open = self._open, set()
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _talk(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open.add(connection)
        try:
            self._listen(connection)
        except OSError:
            pass  # the client hung up in the middle of a word
        finally:
            with self._lock:
                self._open.discard(connection)

    def _listen(self, connection: socket.socket) -> None:
        waiting = b""
        while chunk := connection.recv(4096):
            waiting += chunk
            if len(waiting) > _LARGEST_REQUEST:
                return
            while waiting:
                answer, used = self._converse(waiting)
                if answer is None:
                    return
                if used == 0:
                    break
                waiting = waiting[used:]
                if answer and not self._answer(connection, answer):
                    return

    def _answer(self, connection: socket.socket, answer: bytes) -> bool:
        """Send an answer as the mood has it; False when the connection is to be cut."""
        match self._mood.next():
            case Mischief.DROP:
                return False
            case Mischief.SILENT:
                return True
            case Mischief.LATE:
                time.sleep(self._mood.chances.late_s)
            case Mischief.GARBLE:
                answer = self._mood.rng.bytes(len(answer))
            case Mischief.NONE:
                pass
        connection.sendall(answer)
        return True


class _Threads(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False
