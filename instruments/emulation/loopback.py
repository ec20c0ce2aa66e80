"""What every emulator is around its protocol: a name, a server on loopback, a link that can be made bad."""

from instruments.emulation.misbehaviour import Misbehaviour, Mischief, Mood
from instruments.emulation.server import Converse, LoopbackServer
from instruments.emulation.world import World


class LoopbackEmulator:
    """An emulated instrument on loopback; the emulator of a tool inherits it and brings what it answers.

    Args:
        name: Its role in the laboratory.
        world: Has the chance of its link.
        at: A loopback address, and a port; 0 takes a free one.
        converse: What it answers; see `Converse`.
        misbehaviour: The chances of a bad link.
        address: How people write where it is; `{host}` and `{port}` stand for those of the server.

    Raises:
        ValueError: The host is not loopback.
        OSError: The port is taken.
    """

    def __init__(
        self,
        name: str,
        world: World,
        at: tuple[str, int],
        converse: Converse,
        misbehaviour: Misbehaviour,
        *,
        address: str,
    ) -> None:
        self.name = name
        self._mood = Mood(misbehaviour, world.chance(f"link of {name}"))
        self._server = LoopbackServer(*at, converse, self._mood)
        self.host, self.port = self._server.host, self._server.port
        self._address = address.format(host=self.host, port=self.port)

    def start(self) -> str:
        """Serve from a daemon thread, and return the address."""
        self._server.start()
        return self._address

    def stop(self) -> None:
        """Stop serving; safe to call twice."""
        self._server.stop()

    def cut(self) -> None:
        """Cut every connection, as a pulled cable does."""
        self._server.cut()

    def misbehave(self, *mischief: Mischief) -> None:
        """Do these to the next exchanges, in this order."""
        self._mood.order(*mischief)
