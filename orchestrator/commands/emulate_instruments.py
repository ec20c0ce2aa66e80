"""The command `emulate-instruments`: serve what stands at the other end of a configuration's drivers.

A driver names its emulator by its class attribute `emulator`, as `package.module:Class`. The emulator gets those of the
driver's options that it names too (host, port, register map), and its own from the section `emulation` of the YAML,
which `run-campaign` looks at for a forecast alone, where `simulated` names who stands in for the driver. All emulators
share one world, whose chance is that of the simulated instruments: the same seed and the same commands give the same
films.
"""

import argparse
import inspect
import queue
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import FrameType

from instruments.emulation import Emulator, World
from orchestrator.chance import stream
from orchestrator.config import ConfigError, Configuration, Problem, load, read_scalar
from orchestrator.display.parser import Parser
from orchestrator.laboratory import bind, driver_of, imported

_LOOK_S = 0.1


@dataclass(frozen=True)
class Emulated:
    """The emulators of one laboratory.

    Args:
        world: What they share.
        emulators: By role.
        others: The roles that are not served, and why.
    """

    world: World
    emulators: Mapping[str, Emulator]
    others: Mapping[str, str]

    def start(self) -> dict[str, str]:
        """Serve, and return the addresses by role."""
        return {role: emulator.start() for role, emulator in self.emulators.items()}

    def stop(self) -> None:
        """Stop serving."""
        for emulator in self.emulators.values():
            emulator.stop()


def emulated(configuration: Configuration) -> Emulated:
    """Build the emulators of a configuration's instruments.

    Raises:
        ConfigError: An option that an emulator does not have, an address that is taken or not on this computer.
    """
    settings = configuration.settings
    world = World(settings.laboratory.rate, partial(stream, settings.seed, "step"))
    emulators: dict[str, Emulator] = {}
    others: dict[str, str] = {}
    for role in settings.laboratory.instruments:
        driver = driver_of(configuration, role)
        name = getattr(driver, "emulator", None)
        if name is None:
            is_phased = hasattr(driver, "phases")
            others[role] = "simulated inside the campaign" if is_phased else "has no emulator"
            continue
        emulators[role] = _emulator(configuration, role, str(name), world)
    return Emulated(world, emulators, others)


def _emulator(configuration: Configuration, role: str, name: str, world: World) -> Emulator:
    place = ("laboratory", "instruments", role)
    called = imported(configuration, (*place, "driver"), name)
    known = inspect.signature(called).parameters
    wanted = configuration.settings.laboratory.instruments[role].options
    shared = {key: value for key, value in wanted.items() if key in known}
    own = {key: v for key, v in configuration.settings.emulation.get(role, {}).items() if key != "simulated"}
    bound = bind(configuration, ("emulation", role), called, shared | own, {"name": role, "world": world})
    try:
        found: Emulator = bound()
    except Exception as error:
        reason = f"{error.strerror or error}" if isinstance(error, OSError) else str(error)
        raise configuration.error(place, f"its emulator cannot be served: {reason}") from error
    return found


def parser() -> argparse.ArgumentParser:
    """Return the parser of `emulate-instruments`."""
    found = Parser(
        prog="emulate-instruments",
        description="Serve emulators of a campaign's instruments on this computer, so that the campaign can be "
        "rehearsed through real sockets. They say that they are emulators; what they measure is simulated.",
    )
    found.add_argument("config", metavar="CONFIG", help="the campaign's YAML file")
    found.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="set any key, as laboratory.rate=3000 or emulation.sputter.misbehaviour.drop=0.01",
    )
    found.add_argument("--seed", type=int, metavar="N", help="the campaign's seed")
    return found


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM.

    Raises:
        ConfigError: Everything that is wrong with the configuration.
    """
    loose = [text for text in args.set if "=" not in text]
    if loose:
        raise ConfigError([Problem(f"--set {text}", "is not KEY=VALUE") for text in loose])
    overrides = {key: read_scalar(value) for key, value in (text.split("=", 1) for text in args.set)}
    if args.seed is not None:
        overrides["seed"] = args.seed
    served = emulated(load(args.config, overrides))
    if not served.emulators:
        reasons = ", ".join(f"{role} {why}" for role, why in served.others.items())
        raise ConfigError([Problem(args.config, f"no instrument has an emulator: {reasons}")])
    ended: queue.SimpleQueue[None] = queue.SimpleQueue()  # an Event cannot be set by a handler that interrupts its wait

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.put(None)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    sys.stdout.write(_welcome(args.config, served, served.start()))
    sys.stdout.flush()
    while ended.empty():
        # A signal may reach another thread: the main one, which runs handlers, has to look up now and then.
        time.sleep(_LOOK_S)
    served.stop()
    return 0


def _welcome(config: str, served: Emulated, addresses: Mapping[str, str]) -> str:
    width = max(len(role) for role in (*addresses, *served.others))
    lines = [f"{role:<{width}}  {address}  emulated, its data are simulated" for role, address in addresses.items()]
    lines += [f"{role:<{width}}  {why}" for role, why in served.others.items()]
    rate = f"{served.world.rate:g} s of lab time pass in a second; Ctrl-C ends it"
    return "\n".join([*lines, rate, f"now, in another terminal: run-campaign {config}", ""])
