"""The command `screen-surrogates`: its words, and what it does.

Rule of this file: nothing heavy is imported before it is known what is asked, so that --help answers at once.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.display.parser import Parser

if TYPE_CHECKING:
    from orchestrator.config import ConfigError, Configuration
    from orchestrator.screening.catalogue import Entry
    from orchestrator.screening.result import Screening

FINE = 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's words."""
    words = Parser(
        prog="screen-surrogates",
        description="Compare surrogates on the rows that a configuration names: errors on seen and unseen rows, "
        "predicted optimum, what the source is worth.",
        epilog="Exit status: 0 done, 2 configuration, data or usage.",
    )
    words.add_argument("config", metavar="CONFIG", help="the campaign's YAML file")
    words.add_argument("--models", metavar="A,B", help="only these, as svr or coral-svr:paper (default: all)")
    words.add_argument("--levels", type=int, metavar="N", help="levels a parameter on the search grid (default 200)")
    words.add_argument("--out", metavar="DIR", help="the folder of the results (default runs/<campaign>/screening)")
    words.add_argument("--json", action="store_true", help="print JSON instead of tables")
    words.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="set any key, as data.source=null"
    )
    return words


def run(args: argparse.Namespace) -> int:
    """Screen, print and write; return the exit status.

    Raises:
        ConfigError: A configuration, a word or a data file that cannot be used, or a folder that cannot be written.
    """
    from orchestrator.config import load  # noqa: PLC0415 - so that --help answers at once

    configuration = load(args.config, _overrides(args))
    entries = _entries(args, configuration)
    folder = Path(args.out) if args.out is not None else Path("runs") / configuration.settings.campaign / "screening"
    found = _screened(configuration, entries, folder)
    _show(found, _written(found, folder), as_json=args.json)
    return FINE


def _overrides(args: argparse.Namespace) -> dict[str, Any]:
    from orchestrator.config import read_pairs  # noqa: PLC0415 - so that --help answers at once

    models = None if args.models is None else [word.strip() for word in args.models.split(",")]
    given = {"screening.levels": args.levels, "screening.models": models}
    return read_pairs(args.set) | {key: value for key, value in given.items() if value is not None}


def _entries(args: argparse.Namespace, configuration: "Configuration") -> "tuple[Entry, ...]":
    from orchestrator.config import ConfigError, Problem  # noqa: PLC0415 - so that --help answers at once
    from orchestrator.screening.catalogue import chosen, own  # noqa: PLC0415 - as above

    try:
        return chosen(configuration.settings.screening.models, own(configuration.settings))
    except ValueError as error:
        if args.models is not None:
            raise ConfigError([Problem(f"--models {args.models}", str(error))]) from error
        raise configuration.error(("screening", "models"), str(error)) from error


def _screened(configuration: "Configuration", entries: "tuple[Entry, ...]", folder: Path) -> "Screening":
    from rich.console import Console  # noqa: PLC0415 - so that --help answers at once
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - as above

    from orchestrator.screening.material import read  # noqa: PLC0415 - as above
    from orchestrator.screening.screen import screen  # noqa: PLC0415 - as above

    material = read(configuration)
    _made(folder)  # before half a minute of fits, not after it
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading")
        try:
            return screen(
                material,
                entries,
                configuration.settings.screening.levels,
                lambda what: progress.update(task, description=what),
            )
        except ValueError as error:
            raise configuration.error(("screening",), str(error)) from error


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _written(found: "Screening", folder: Path) -> dict[str, Path]:
    from orchestrator.screening.output import write  # noqa: PLC0415 - so that --help answers at once

    try:
        return write(found, folder)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> "ConfigError":
    from orchestrator.config import ConfigError, Problem  # noqa: PLC0415 - so that --help answers at once

    message = f"cannot be written: {error.strerror}; choose another folder with --out"
    return ConfigError([Problem(str(folder), message)])


def _show(found: "Screening", paths: dict[str, Path], *, as_json: bool) -> None:
    from rich.console import Console  # noqa: PLC0415 - so that --help answers at once

    if as_json:
        sys.stdout.write(next(iter(paths.values())).read_text(encoding="utf-8"))
        return
    from orchestrator.screening.terminal import files, show  # noqa: PLC0415 - as above

    show(found, Console())
    sys.stdout.write(files(paths))
