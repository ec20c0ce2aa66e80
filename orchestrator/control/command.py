"""The words of `run-campaign` that are about a campaign of another process: `--status`, `--pause`, `--stop`.

Rule of this file: nothing heavy is imported before it is known what is asked, so that --help answers at once.
"""

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.address import address, ledger_place

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.address import Address
    from orchestrator.control.asking import Answer
    from orchestrator.ledger import Ask

_WORDS = ("status", "pause", "stop")


def add_words(parser: argparse.ArgumentParser) -> None:
    """Add the words to the parser of `run-campaign`."""
    group = parser.add_argument_group(
        "a campaign that runs in another terminal", "LEDGER is its file or address, or the campaign's folder."
    )
    words = group.add_mutually_exclusive_group()
    words.add_argument("--status", metavar="LEDGER", help="what it is doing right now; changes nothing")
    words.add_argument("--pause", metavar="LEDGER", help="pause after the steps under way; the same command resumes it")
    words.add_argument(
        "--stop", metavar="LEDGER", help="close it after the runs under way; asked twice, after the steps under way"
    )


def is_asked(args: argparse.Namespace) -> bool:
    """Return whether it is about a campaign of another process."""
    return any(getattr(args, word) is not None for word in _WORDS)


def run(args: argparse.Namespace) -> int:
    """Do what the words say and return the exit status.

    Raises:
        ConfigError: Other words beside them.
        LedgerError: There is no such ledger, or it cannot be written.
        LedgerDamaged: Its bytes are not what was written.
    """
    from orchestrator.ledger import Ask  # noqa: PLC0415 - so that --help answers at once

    word = next(word for word in _WORDS if getattr(args, word) is not None)
    text = getattr(args, word)
    _check_alone(args, word, text)
    return _status(text) if word == "status" else _ask(args, Ask(word), text)


def _check_alone(args: argparse.Namespace, word: str, text: str) -> None:
    from orchestrator.config import ConfigError, Problem  # noqa: PLC0415 - so that --help answers at once

    allowed = {word} | ({"note"} if word != "status" else set())
    others = [name for name, value in vars(args).items() if name not in allowed and value not in (None, [], "", False)]
    if text.endswith((".yaml", ".yml")):
        message = "is a configuration; give its ledger, or the campaign's folder, as runs/NAME"
        raise ConfigError([Problem(f"--{word} {text}", message)])
    if others:
        shown = ", ".join("CONFIG" if name == "config" else f"--{name}" for name in others)
        message = f"says it all and takes no {shown}; leave that out"
        raise ConfigError([Problem(f"--{word} {text}", message)])


def _where(text: str) -> "Path | Address":
    from orchestrator.ledger import LedgerError  # noqa: PLC0415 - so that --help answers at once

    try:
        return address(ledger_place(text))
    except ValueError as error:
        raise LedgerError(str(error)) from error


def _status(text: str) -> int:
    from orchestrator.control.status import status_lines  # noqa: PLC0415 - so that --help answers at once
    from orchestrator.display.summary import framed  # noqa: PLC0415 - as above
    from orchestrator.ledger import Ledger, holder  # noqa: PLC0415 - as above

    place = _where(text)
    with Ledger.open(place) as ledger:
        pairs = status_lines(ledger.state, holder(place), datetime.now(UTC))
    if sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415 - as above

        Console().print(framed("status", pairs))
    else:
        sys.stdout.write("".join(f"{label:10} {line}".rstrip() + "\n" for label, line in pairs))
    return 0


def _ask(args: argparse.Namespace, what: "Ask", text: str) -> int:
    from orchestrator.control.asking import ask  # noqa: PLC0415 - so that --help answers at once
    from orchestrator.ledger import holder  # noqa: PLC0415 - as above
    from orchestrator.ledger.person import person  # noqa: PLC0415 - as above

    place = _where(text)
    answer = ask(place, what, who=person(), note=args.note)
    told = _left(answer, what, holder(place)) if answer.is_left else _done(answer, what, text)
    sys.stdout.write("".join(f"{line}\n" for line in told))
    return 0


def _left(answer: "Answer", what: "Ask", holder: str) -> list[str]:
    """Say what follows where the campaign runs."""
    from orchestrator.control.status import Calendar, under_way  # noqa: PLC0415 - so that --help answers at once

    is_soon = what == "pause" or bool(answer.state.requests)
    follows = f"{'pauses' if what == 'pause' else 'closes'} after the {'steps' if is_soon else 'runs'} under way"
    calendar = Calendar.of(answer.state, datetime.now(UTC))
    lines = [f"asked to {what}: {holder or 'the process that runs it'} looks every second, and {follows}"]
    return lines + [f"  {text}" for text in under_way(answer.state, calendar)]


def _done(answer: "Answer", what: "Ask", text: str) -> list[str]:
    """Say what was done where no process runs the campaign."""
    state = answer.state
    if not answer.is_new:
        return [f"it is {state.status} already ({state.reason}); nothing was changed"]
    lines = [f"no process runs this campaign; it is {state.status} now, and its ledger says so ({state.reason})"]
    if state.open_runs:
        left = ", ".join(str(run.number) for run in state.open_runs)
        lines.append(f"left unfinished: run {left}")
    if what == "pause":
        return [*lines, "to go on: run-campaign with its configuration"]
    return [*lines, f"its page as of now: replay-ledger {text} --report DIR"]
