"""Emulators: the simulated tools behind real sockets, so that drivers and a whole campaign can be rehearsed.

Knows the shared world, its accelerated clock, a server on loopback and the ways in which a link misbehaves.
Must not know any one tool, nor the loop.
"""

from instruments.emulation.loopback import LoopbackEmulator
from instruments.emulation.misbehaviour import Misbehaviour
from instruments.emulation.server import LoopbackServer
from instruments.emulation.world import Emulator, World

__all__ = ["Emulator", "LoopbackEmulator", "LoopbackServer", "Misbehaviour", "World"]
