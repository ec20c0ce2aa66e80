"""The command `sweep-campaigns`: its words, and what it does.

Rule of this file: nothing heavy is imported before it is known what is asked, so that --help answers at once.
"""

import argparse
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.display.parser import Parser

if TYPE_CHECKING:
    from orchestrator.sweep.outcome import Sweep
    from orchestrator.sweep.performance import Result
    from orchestrator.sweep.plan import Plan, Planned
    from orchestrator.sweep.results import Results
    from orchestrator.sweep.words import Asked

FINE, STOPPED = 0, 3
_WIDTH_OF_A_FILE = 160


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's words."""
    words = Parser(
        prog="sweep-campaigns",
        description="Perform many simulated campaigns, to choose a planner or a laboratory before anything real moves: "
        "every combination of what is varied, each with the same seeds.",
        epilog="Finished campaigns are kept in the folder and not repeated: the same command goes on where it was "
        "stopped, and more seeds or variations add to it. Exit status: 0 done, 2 configuration or usage, 3 stopped, "
        "the same command goes on.",
    )
    words.add_argument("config", metavar="CONFIG", help="the campaign's YAML file; all its instruments are simulated")
    words.add_argument(
        "--seeds",
        default="20",
        metavar="N",
        help="how many seeds, from the configuration's own on, or which, as 101-200 (default 20)",
    )
    words.add_argument(
        "--vary",
        action="append",
        default=[],
        metavar="KEY=A,B",
        help="alternatives for a key, as planner.acquisition=ei,[ucb, mean]; several make every combination",
    )
    words.add_argument(
        "--case",
        nargs="+",
        action="append",
        default=[],
        metavar=("NAME", "KEY=VALUE"),
        help="an alternative of several keys under a name, as two-at-once laboratory.in_flight=2; alone it is the "
        "configuration as it stands",
    )
    words.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="set any key in all variations"
    )
    words.add_argument("--runs", type=int, metavar="N", help="every campaign's whole budget of runs")
    words.add_argument("--jobs", type=int, metavar="N", help="campaigns at a time (default: one a core)")
    words.add_argument("--cluster", metavar="ADDRESS", help="perform on a Dask cluster, as tcp://10.0.0.5:8786")
    words.add_argument("--out", metavar="DIR", help="the folder of the results (default runs/<campaign>/sweep)")
    words.add_argument("--format", choices=("csv", "parquet"), default="csv", help="of the tables (default csv)")
    words.add_argument("--new", action="store_true", help="forget the results in the folder and begin again")
    words.add_argument("--check", action="store_true", help="only show what would be performed")
    return words


def run(args: argparse.Namespace) -> int:
    """Perform what is left of the sweep, write tables and picture; return the exit status.

    Raises:
        ConfigError: A configuration, a word, a cluster or a folder that cannot be used.
    """
    _check_words(args)
    asked = _asked(args)
    from orchestrator.sweep.plan import make  # noqa: PLC0415 - so that --help answers at once
    from orchestrator.sweep.regret import yardstick  # noqa: PLC0415 - as above
    from orchestrator.sweep.results import opened  # noqa: PLC0415 - as above

    plan = make(asked)
    stick = yardstick(plan)  # a truth that fails is told of now, not after the last campaign
    if args.check:
        return _preview(plan)
    from orchestrator.sweep.outcome import sweep_of  # noqa: PLC0415 - so that --help answers at once

    with opened(asked.folder, new=args.new) as results:
        complaint = _perform(args, plan, results)
        sweep = sweep_of(plan, stick, results.by_key)
        _show(sweep, asked.folder, args.format)
    if complaint:
        sys.stderr.write(f"{complaint}; to go on: {_again(args)}\n")
        return STOPPED
    return FINE


def _check_words(args: argparse.Namespace) -> None:
    from orchestrator.config import ConfigError, Problem  # noqa: PLC0415 - so that --help answers at once

    problems = []
    if args.jobs is not None and args.jobs < 1:
        problems.append(Problem(f"--jobs {args.jobs}", "is fewer than one campaign at a time; give 1 or more"))
    if args.jobs is not None and args.cluster is not None:
        problems.append(Problem("--jobs", "is of this computer; on a cluster its workers decide how many at a time"))
    if args.format == "parquet" and find_spec("pyarrow") is None:
        message = 'needs pyarrow, which is not installed: pip install "closed-loop-campaign[analysis]"'
        problems.append(Problem("--format parquet", message))
    if problems:
        raise ConfigError(problems)


def _asked(args: argparse.Namespace) -> "Asked":
    from orchestrator.config import load  # noqa: PLC0415 - so that --help answers at once
    from orchestrator.sweep.words import Asked, axes_of, seeds_of, settings_of  # noqa: PLC0415 - as above

    settings, axes, seeds = settings_of(args.set), axes_of(args.vary, args.case), seeds_of(args.seeds)
    if args.runs is not None:
        settings["budget.runs"] = args.runs
    if args.out is not None:
        return Asked(args.config, settings, axes, seeds, Path(args.out))
    folder = Path("runs") / load(args.config, settings).settings.campaign / "sweep"
    return Asked(args.config, settings, axes, seeds, folder)


def _preview(plan: "Plan") -> int:
    seeds = sorted({planned.seed for planned in plan.campaigns})
    sys.stdout.write("the sweep is sound\n")
    for variation in plan.variations:
        sys.stdout.write(f"  {variation.name}: {variation.campaign.settings.budget.runs} runs\n")
    sys.stdout.write(
        f"{len(plan.variations)} x {len(seeds)} seeds ({seeds[0]} to {seeds[-1]}) = {len(plan.campaigns)} campaigns\n"
    )
    return FINE


def _perform(args: argparse.Namespace, plan: "Plan", results: "Results") -> str:
    """Perform what is left and keep it; return why it was not all, or ""."""
    from orchestrator.engine.signals import handled  # noqa: PLC0415 - so that --help answers at once
    from orchestrator.sweep.closing import watched  # noqa: PLC0415 - as above
    from orchestrator.sweep.cluster import ClusterLost  # noqa: PLC0415 - as above

    left = [planned for planned in plan.campaigns if not results.is_done(planned.key)]
    if len(left) < len(plan.campaigns):
        n_done = len(plan.campaigns) - len(left)
        sys.stderr.write(f"{n_done} of {len(plan.campaigns)} campaigns were performed before\n")
    if not left:
        return ""
    try:
        # A queue of jobs sends SIGTERM: it ends what Ctrl-C ends.
        with ExitStack() as stack, handled(signal.default_int_handler, [signal.SIGTERM]):
            for result in watched(_crew(args, plan, left, stack), len(left)):
                results.add(result)
    except KeyboardInterrupt:
        return "interrupted"
    except ClusterLost as error:
        return str(error)
    n_broken = sum(not results.is_done(planned.key) for planned in left)
    return f"{n_broken} of {len(plan.campaigns)} campaigns broke" if n_broken else ""


def _crew(args: argparse.Namespace, plan: "Plan", left: "list[Planned]", stack: ExitStack) -> "Iterator[Result]":
    if args.cluster is None:
        from orchestrator.sweep.local import cores, perform_here  # noqa: PLC0415 - so that --help answers at once

        return perform_here(left, plan.code, args.jobs or cores())
    from orchestrator.sweep.cluster import advice, connected, perform_there  # noqa: PLC0415 - as above

    client = stack.enter_context(connected(args.cluster, plan.code))
    for sentence in advice(client):
        sys.stderr.write(f"{sentence}\n")
    return perform_there(left, plan.code, client)


def _show(sweep: "Sweep", folder: Path, kind: str) -> None:
    """Write tables and picture, and print what each variation achieves."""
    from rich.console import Console  # noqa: PLC0415 - so that --help answers at once

    from orchestrator.sweep import closing, picture, tables  # noqa: PLC0415 - as above

    files = {"campaigns": tables.write(tables.campaign_rows(sweep.ended), folder / "campaigns", kind)}
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    if any(group.ended for group in sweep.groups):
        files["runs"] = tables.write(tables.run_rows(sweep.ended), folder / "runs", kind)
        files["picture"] = folder / "regret.png"
        picture.draw(sweep, files["picture"])
        console.print(closing.table(sweep))
    for sentence in closing.notes(sweep):
        console.print(sentence, soft_wrap=True, markup=False, highlight=False)
    for name, path in files.items():
        sys.stdout.write(f"{name:<10}{path}\n")


def _again(args: argparse.Namespace) -> str:
    """Return the command that goes on with this very sweep."""
    words = ["sweep-campaigns", args.config, "--seeds", args.seeds]
    for text in args.vary:
        words += ["--vary", text]
    for case in args.case:
        words += ["--case", *case]
    for name in ("runs", "jobs", "cluster", "out"):
        if getattr(args, name) is not None:
            words += [f"--{name}", str(getattr(args, name))]
    if args.format != "csv":
        words += ["--format", args.format]
    if args.set:
        words += ["--set", *args.set]
    return shlex.join(words)
