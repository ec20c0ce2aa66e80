"""The command `emulate-instruments`: serve what stands at the other end of a configuration's drivers."""

import argparse
import queue
import signal
import sys
import time
from collections.abc import Mapping
from types import FrameType
from typing import TYPE_CHECKING

from orchestrator.display.parser import Parser

if TYPE_CHECKING:
    from orchestrator.laboratory.emulation import Emulated

_LOOK_S = 0.1


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
    from orchestrator.config import ConfigError, Problem, load, read_pairs  # noqa: PLC0415 - so that --help answers at once
    from orchestrator.laboratory.emulation import emulated  # noqa: PLC0415 - as above

    overrides = read_pairs(args.set)
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


def _welcome(config: str, served: "Emulated", addresses: Mapping[str, str]) -> str:
    width = max(len(role) for role in (*addresses, *served.others))
    lines = [f"{role:<{width}}  {address}  emulated, its data are simulated" for role, address in addresses.items()]
    lines += [f"{role:<{width}}  {why}" for role, why in served.others.items()]
    rate = f"{served.world.rate:g} s of lab time pass in a second; Ctrl-C ends it"
    return "\n".join([*lines, rate, f"now, in another terminal: run-campaign {config}", ""])
