"""The command line: `run-campaign`, `replay-ledger`, `screen-surrogates`, `sweep-campaigns`, `emulate-instruments` ...

Each command takes its arguments without the program's name, those of the process by default, and returns the exit
status: 0 finished, 2 configuration or usage, 3 stopped and resumable, 4 halted by a safety or failure rule,
5 ledger damaged. None imports what only another one needs, so that --help answers at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

_USAGE, _STOPPED, _DAMAGED = 2, 3, 5
_LONGEST_LINE = 1000


class Command(Protocol):
    """A module that knows the words of one command and does what they say."""

    def parser(self) -> argparse.ArgumentParser:
        """Return the parser of the command's words."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it and return the exit status."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run, resume or check a campaign (`run-campaign`)."""
    from orchestrator.commands import run_campaign  # noqa: PLC0415 - the other commands have no use for it

    return _guarded(run_campaign, argv)


def replay(argv: Sequence[str] | None = None) -> int:
    """Summarise, verify, question or compare a ledger (`replay-ledger`)."""
    from orchestrator.replay import command  # noqa: PLC0415 - as above

    return _guarded(command, argv)


def screen(argv: Sequence[str] | None = None) -> int:
    """Compare surrogates on the rows a configuration names (`screen-surrogates`)."""
    from orchestrator.screening import command  # noqa: PLC0415 - as above

    return _guarded(command, argv)


def sweep(argv: Sequence[str] | None = None) -> int:
    """Perform many simulated campaigns and compare them (`sweep-campaigns`)."""
    from orchestrator.sweep import command  # noqa: PLC0415 - as above

    return _guarded(command, argv)


def emulate(argv: Sequence[str] | None = None) -> int:
    """Serve emulators of the instruments a configuration names (`emulate-instruments`)."""
    from orchestrator.commands import emulate_instruments  # noqa: PLC0415 - as above

    return _guarded(emulate_instruments, argv)


def check(argv: Sequence[str] | None = None) -> int:
    """Connect instruments, show their limits and examine their drivers (`check-instruments`)."""
    from orchestrator.commands import check_instruments  # noqa: PLC0415 - as above

    return _guarded(check_instruments, argv)


def _guarded(command: Command, argv: Sequence[str] | None) -> int:
    """Run a command and turn what a person can mend into a message and an exit status."""
    _open_streams()
    try:
        args = command.parser().parse_args(argv)
    except SystemExit as error:
        return int(error.code or 0)
    _find_own_modules()
    from orchestrator.config import ConfigError  # noqa: PLC0415 - so that --help answers at once
    from orchestrator.ledger import LedgerDamaged, LedgerError, LedgerRefused  # noqa: PLC0415 - as above

    try:
        return command.run(args)
    except LedgerRefused as error:
        return _failed(
            f"{error}\nevery recorded event is safe; when the cause is gone, the same command goes on", _STOPPED
        )
    except (ConfigError, LedgerError) as error:
        return _failed(str(error), _DAMAGED if isinstance(error, LedgerDamaged) else _USAGE)
    except KeyboardInterrupt:
        return _failed("interrupted before anything moved; the same command goes on", _STOPPED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone; nothing is left to tell
        return _STOPPED


def _find_own_modules() -> None:
    """Let `package.module:Class` name drivers, recipes, truths and figures that lie in the folder one works in."""
    with suppress(FileNotFoundError):  # it was removed
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.append(here)


def _open_streams() -> None:
    """Where the process has no stream to write to, as a shell may have closed it (`>&-`), lose what is written."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - until the process ends


def _failed(message: str, status: int) -> int:
    """Say why. A message quotes what was written by others: it may neither steer the terminal nor tell a password."""
    from orchestrator.address import without_password  # noqa: PLC0415 - so that --help answers at once
    from orchestrator.display.streams import unfailing  # noqa: PLC0415 - as above
    from orchestrator.display.wording import clean  # noqa: PLC0415 - as above

    lines = (clean(without_password(line), _LONGEST_LINE) for line in message.split("\n"))
    with unfailing():
        sys.stderr.write("".join(f"{line}\n" for line in lines))
    return status
