"""The command `run-campaign`: run a campaign, resume it, check it, or say what is to be done about one that runs.

Rule of this file: nothing heavy is imported before it is known what is asked, so that --help answers at once.
"""

import argparse
import re
import shlex
import sys
from typing import TYPE_CHECKING, Any

from orchestrator.display.parser import Parser

if TYPE_CHECKING:
    from orchestrator.campaign import Campaign, Outcome
    from orchestrator.engine import Word

FINE, USAGE = 0, 2
_FORECASTS = 20


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's words."""
    from orchestrator.control import command as control  # noqa: PLC0415 - the other commands have no use for it

    words = Parser(
        prog="run-campaign",
        description="Run a campaign, or resume it where its ledger ends.",
        epilog="Exit status: 0 finished, 2 configuration or usage, 3 stopped and resumable, "
        "4 halted by a safety or failure rule, 5 ledger damaged.",
    )
    words.add_argument("config", nargs="?", metavar="CONFIG", help="the campaign's YAML file")
    words.add_argument("--runs", type=int, metavar="N", help="the campaign's whole budget of runs")
    words.add_argument("--seed", type=int, metavar="N", help="the campaign's seed")
    words.add_argument("--out", metavar="DIR", help="the campaign's folder (default runs/<campaign>)")
    words.add_argument("--new", action="store_true", help="start afresh in a folder beside the one that has a ledger")
    words.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="set any key, as planner.acquisition=ucb",
    )
    words.add_argument(
        "--resolve",
        action="append",
        default=[],
        metavar="RUN.STEP=HOW",
        help="settle a step in doubt: done, failed, repeat",
    )
    words.add_argument("--note", default="", metavar="TEXT", help="why it is settled so, paused, stopped or resumed")
    words.add_argument(
        "--reading",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="what a step that is done has read",
    )
    words.add_argument("--check", action="store_true", help="only check the configuration and show what would run")
    words.add_argument(
        "--forecast", action="store_true", help="with --check: perform the whole campaign on the simulated clock, often"
    )
    words.add_argument("--forecasts", type=int, default=None, metavar="N", help="how often (default 20)")
    words.add_argument("--quiet", action="store_true", help="one plain line a run, also in a terminal")
    control.add_words(words)
    return words


def run(args: argparse.Namespace) -> int:
    """Do what the words say and return the exit status.

    Raises:
        ConfigError: A configuration or a word that cannot be used, or an instrument that does not answer.
        LedgerError: A ledger that is held, refused, damaged or of another campaign.
    """
    from orchestrator.control import command as control  # noqa: PLC0415 - the other commands have no use for it

    if control.is_asked(args):
        return control.run(args)
    from orchestrator.campaign import Campaign  # noqa: PLC0415 - so that --help answers at once
    from orchestrator.engine.signals import outliving_the_terminal  # noqa: PLC0415 - as above

    config, overrides = _overrides(args)
    campaign = Campaign.from_yaml(config, out=args.out, new=args.new, overrides=overrides)
    if args.check or args.forecast or args.forecasts is not None:
        return _check(campaign, args, overrides)
    words = _words(args)
    is_live = sys.stdout.isatty() and not args.quiet and not campaign.laboratory.is_asking_here
    with outliving_the_terminal():  # the drivers are built: who asks a person here must notice that nobody sees it
        outcome = campaign.run(_watcher(campaign, is_live=is_live), words, note=args.note)
        _close(campaign, outcome, is_live=is_live, again=_again(args, config, outcome))
    return outcome.stop.exit_code


def _overrides(args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Return the configuration's file and the values that the command line sets."""
    from orchestrator.config import ConfigError, Problem, read_pairs  # noqa: PLC0415 - so that --help answers at once

    loose = [text for text in args.set if "=" not in text]
    if args.config is None and len(loose) == 1:  # `--set a=1 CONFIG`
        args.config = loose[0]
        args.set.remove(args.config)
    if args.config is None:
        raise ConfigError([Problem("run-campaign", "CONFIG is missing; give the campaign's YAML file")])
    overrides = read_pairs(args.set)
    given = {"budget.runs": args.runs, "seed": args.seed}
    return args.config, overrides | {key: value for key, value in given.items() if value is not None}


def _words(args: argparse.Namespace) -> "list[Word]":
    """Return what the command line says of steps in doubt."""
    from orchestrator.config import ConfigError, Problem, read_scalar  # noqa: PLC0415 - so that --help answers at once
    from orchestrator.engine.doubt import WORDS, Word  # noqa: PLC0415 - as above

    problems = [Problem(f"--reading {text}", "is not NAME=VALUE") for text in args.reading if "=" not in text]
    words = []
    for text in args.resolve:
        found = re.fullmatch(rf"(\d+)\.(\d+)=({'|'.join(WORDS)})", text)
        if found is None:
            problems.append(Problem(f"--resolve {text}", f"is not RUN.STEP={'|'.join(WORDS)}"))
        elif not args.note:
            problems.append(Problem(f"--resolve {text}", "needs a --note that says why"))
        elif not problems:
            values = {name: read_scalar(value) for name, value in (pair.split("=", 1) for pair in args.reading)}
            words.append(Word(int(found[1]), int(found[2]), found[3], args.note, values))  # type: ignore[arg-type]
    if problems:
        raise ConfigError(problems)
    return words


def _watcher(campaign: "Campaign", *, is_live: bool) -> Any:  # noqa: ANN401 - one of two watchers
    from rich.console import Console  # noqa: PLC0415 - so that --help answers at once

    from orchestrator.display.terminal import LiveWatcher, PlainWatcher  # noqa: PLC0415 - as above

    if is_live:
        return LiveWatcher(campaign.settings, Console())
    return PlainWatcher(campaign.settings, sys.stdout)


def _close(campaign: "Campaign", outcome: "Outcome", *, is_live: bool, again: str) -> None:
    from rich.console import Console  # noqa: PLC0415 - so that --help answers at once

    from orchestrator.display.summary import closing_text, summary  # noqa: PLC0415 - as above
    from orchestrator.display.wording import clean  # noqa: PLC0415 - as above

    if not outcome.is_new:
        sys.stdout.write(
            f"{campaign.settings.campaign}: this campaign has ended ({outcome.stop.reason}); nothing was changed\n"
        )
    if is_live:
        Console().print(closing_text(summary(outcome.state), outcome.files))
    else:
        sys.stdout.write(f"{outcome}\n")
    if outcome.stop.status == "paused":
        sys.stdout.write(f"paused: {clean(outcome.stop.reason)}\nto go on: {again}\n")
    elif not outcome.is_new:
        sys.stdout.write(f"to start afresh beside it: {again} --new; for more runs: {again} --runs N\n")


def _again(args: argparse.Namespace, config: str, outcome: "Outcome") -> str:
    """Return the command that goes on with this very campaign."""
    from orchestrator.address import Address, without_password  # noqa: PLC0415 - so that --help answers at once

    words = ["run-campaign", config]
    for name in ("runs", "seed"):
        if getattr(args, name) is not None:
            words += [f"--{name}", str(getattr(args, name))]
    if args.out is not None or args.new:
        words += ["--out", str(outcome.folder)]
    settings = [*args.set, f"ledger={outcome.ledger}"] if args.new and isinstance(outcome.ledger, Address) else args.set
    if settings:
        words += ["--set", *map(without_password, settings)]
    return shlex.join(words)


def _check(campaign: "Campaign", args: argparse.Namespace, overrides: dict[str, Any]) -> int:
    from rich.console import Console  # noqa: PLC0415 - so that --help answers at once

    from orchestrator.commands.preview import preview  # noqa: PLC0415 - as above
    from orchestrator.config import ConfigError, Problem  # noqa: PLC0415 - as above

    if args.forecast or args.forecasts is not None:
        from orchestrator.forecast import command as forecast  # noqa: PLC0415 - as above

        n_forecasts = _FORECASTS if args.forecasts is None else args.forecasts
        if n_forecasts < 1:
            raise ConfigError([Problem(f"--forecasts {n_forecasts}", "must be at least 1")])
        Console(soft_wrap=True).print(preview(campaign, is_connected=False), "")
        return FINE if forecast.run(campaign, n_forecasts, overrides) else USAGE
    try:
        Console(soft_wrap=True).print(preview(campaign))
    finally:
        campaign.laboratory.close()
    return FINE
