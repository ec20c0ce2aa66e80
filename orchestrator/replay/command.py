"""The command `replay-ledger`: its words, and what each of them does.

Rule of this file: nothing heavy is imported before it is known what is asked, so that --help answers at once.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from orchestrator.address import ledger_place
from orchestrator.display.parser import Parser

if TYPE_CHECKING:
    from orchestrator.ledger import Ledger, State

FINE, DIFFERENT, DAMAGED = 0, 1, 5
_VERDICTS = ("invalid", "valid", "infeasible", "sample")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's words."""
    words = Parser(
        prog="replay-ledger",
        description="Summarise a ledger after checking its chain of hashes; verify it, ask it what if, compare it.",
        epilog="Exit status: 0 fine, 1 the compared campaigns differ, 2 usage, 5 ledger damaged or not verified.",
    )
    words.add_argument("ledger", metavar="LEDGER", help="the ledger's file or address, or the campaign's folder")
    words.add_argument("--csv", metavar="FILE", help="write one row a run, a decision or a sample")
    words.add_argument("--report", metavar="DIR", help="write report.html and runs.csv anew from the ledger alone")
    words.add_argument("--at", type=int, metavar="SEQ", help="summary, table and report as of this event")
    question = words.add_mutually_exclusive_group()
    question.add_argument(
        "--verify", action="store_true", help="ask for every suggestion again and hash every attachment"
    )
    question.add_argument(
        "--what-if",
        nargs="+",
        action="extend",
        metavar="KEY=VALUE",
        help="what another planner would have chosen at each decision, as planner.acquisition=ucb",
    )
    question.add_argument(
        "--explain", type=int, metavar="RUN", help="which parameters drove the prediction that this run was chosen on"
    )
    question.add_argument("--samples", action="store_true", help="what became of each sample, where it is and has been")
    question.add_argument("--diff", metavar="OTHER", help="compare with another campaign's ledger")
    question.add_argument(
        "--verdict", metavar="RUN=WORD", help=f"change what a run counts for: {', '.join(_VERDICTS)} (as recorded)"
    )
    question.add_argument(
        "--export", metavar="FORMAT", help="write it to --out as csv, jsonl (lossless), parquet or ro-crate"
    )
    question.add_argument("--import", dest="source", metavar="FILE", help="make LEDGER from JSON lines")
    words.add_argument("--out", metavar="PATH", help="with --export: the file or the folder")
    words.add_argument("--head", metavar="HASH", help="with --verify: an event's hash that the chain must contain")
    words.add_argument("--note", metavar="TEXT", default="", help="with --verdict: why")
    words.add_argument("--who", metavar="NAME", help="with --verdict: whose word it is (default: the user)")
    return words


def run(args: argparse.Namespace) -> int:
    """Do what the words say and return the exit status.

    Raises:
        ConfigError: Words that do not fit together or to the ledger, or a file that cannot be written.
        LedgerError: There is no such ledger.
        LedgerDamaged: The chain is broken, or an event is not allowed where it stands.
    """
    from orchestrator.ledger import Ledger  # noqa: PLC0415 - so that --help answers at once

    _check_words(args)
    place = ledger_place(args.ledger)
    if args.verdict is not None:
        return _verdict(args, place)
    if args.source is not None:
        return _import(Path(args.source), place)
    with Ledger.open(place) as ledger:
        return _ask(args, ledger, place)


def _ask(args: argparse.Namespace, ledger: "Ledger", place: str | Path) -> int:
    """Answer a question about a ledger that is open to read."""
    from orchestrator.ledger import Ledger  # noqa: PLC0415 - so that --help answers at once

    if args.verify:
        return _verify(args, ledger, place)
    if args.what_if is not None:
        return _what_if(args, ledger)
    if args.explain is not None:
        return _explain(args.explain, ledger)
    if args.export is not None:
        return _export(args, ledger)
    if args.diff is not None:
        with Ledger.open(ledger_place(args.diff)) as other:
            return _diff(ledger, other)
    return _summarise(args, ledger)


def _check_words(args: argparse.Namespace) -> None:
    """Refuse a word that the question asked has no use for."""
    asked = {
        "--verify": args.verify,
        "--what-if": args.what_if,
        "--explain": args.explain is not None,
        "--samples": args.samples,
        "--diff": args.diff,
        "--verdict": args.verdict,
        "--export": args.export,
        "--import": args.source,
    }
    question = next((name for name, value in asked.items() if value), None)
    rules: list[tuple[str, Any, tuple[str | None, ...]]] = [
        ("--csv", args.csv, (None, "--what-if", "--samples")),
        ("--report", args.report, (None,)),
        ("--at", args.at, (None, "--samples")),
        ("--out", args.out, ("--export",)),
        ("--head", args.head, ("--verify",)),
        ("--note", args.note, ("--verdict",)),
        ("--who", args.who, ("--verdict",)),
    ]
    for word, value, questions in rules:
        if value and question not in questions:
            allowed = " or ".join(name or "the summary" for name in questions)
            _refuse(word, f"goes with {allowed} only")


def _refuse(where: str, message: str) -> NoReturn:
    from orchestrator.config import ConfigError, Problem  # noqa: PLC0415 - so that --help answers at once

    raise ConfigError([Problem(where, message)])


def _written(path: str, write: Callable[[Path], object]) -> None:
    try:
        write(Path(path))
    except OSError as error:
        _refuse(path, f"cannot be written: {error.strerror}")


# ---- other formats ---------------------------------------------------------------------------------------------------


def _export(args: argparse.Namespace, ledger: "Ledger") -> int:
    from orchestrator.ledger.export import export  # noqa: PLC0415 - so that --help answers at once

    if args.out is None:
        _refuse("--export", "needs --out: the file or the folder to write")
    export(ledger, args.export, Path(args.out))
    return FINE


def _import(source: Path, place: str | Path) -> int:
    from orchestrator.ledger.export import import_jsonl  # noqa: PLC0415 - so that --help answers at once

    if isinstance(place, str):
        _refuse("--import", f"makes a file, and {place} is none; choose a path")
    import_jsonl(source, place)
    return FINE


# ---- summary, table, report -----------------------------------------------------------------------------------------


def _go_back(args: argparse.Namespace, ledger: "Ledger") -> None:
    """Let the ledger's state be that of the event that --at names."""
    if args.at is not None:
        from orchestrator.replay.decisions import state_at  # noqa: PLC0415 - so that --help answers at once

        if not 1 <= args.at <= ledger.state.n_events:
            _refuse(f"--at {args.at}", f"no such event; the ledger has events 1 to {ledger.state.n_events}")
        ledger.state = state_at(ledger, args.at)


def _samples(args: argparse.Namespace, ledger: "Ledger") -> int:
    from orchestrator.display import samples as words  # noqa: PLC0415 - so that --help answers at once
    from orchestrator.ledger.samples import samples  # noqa: PLC0415 - as above
    from orchestrator.replay import sheet  # noqa: PLC0415 - as above

    found = samples(ledger.state)
    if args.csv is not None:
        _written(args.csv, lambda path: sheet.write_csv(path, words.COLUMNS, [words.cells(one) for one in found]))
        return FINE
    if found:
        sheet.show(words.HEADINGS, [words.row(one) for one in found])
    sys.stdout.write(words.counted(found) + "\n")
    return FINE


def _summarise(args: argparse.Namespace, ledger: "Ledger") -> int:
    _go_back(args, ledger)
    if args.samples:
        return _samples(args, ledger)
    if args.csv is not None:
        from orchestrator.ledger.export import write_runs_csv  # noqa: PLC0415 - as above

        _written(args.csv, lambda path: write_runs_csv(ledger.state, path))
    if args.report is not None:
        from orchestrator.replay.results import write_results  # noqa: PLC0415 - as above

        _written(args.report, lambda folder: write_results(ledger, folder))
    if args.csv is None and args.report is None:
        _print_summary(ledger.state)
    return FINE


def _print_summary(state: "State") -> None:
    from orchestrator.display.summary import closing_text, plain_text, summary  # noqa: PLC0415 - as above

    if not sys.stdout.isatty():
        sys.stdout.write(plain_text(summary(state)) + "\n")
        return
    from rich.console import Console  # noqa: PLC0415 - as above

    Console().print(closing_text(summary(state)))


# ---- verify ---------------------------------------------------------------------------------------------------------


def _verify(args: argparse.Namespace, ledger: "Ledger", place: str | Path) -> int:
    from rich.console import Console  # noqa: PLC0415 - so that --help answers at once
    from rich.progress import Progress  # noqa: PLC0415 - as above

    from orchestrator.replay.verify import verify  # noqa: PLC0415 - as above

    if args.head is not None and (len(args.head) < 8 or not set(args.head) <= set("0123456789abcdef")):
        _refuse(f"--head {args.head}", "is no hash; give at least its first 8 digits, 0-9 and a-f")
    beside = place.parent if isinstance(place, Path) else None
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("asking again", total=ledger.state.n_events)
        found = verify(ledger, beside=beside, head=args.head, on_event=lambda seq: progress.update(task, completed=seq))
    from orchestrator.replay.wording import verification_lines  # noqa: PLC0415 - as above

    sys.stdout.write("".join(f"{label:12} {line}".rstrip() + "\n" for label, line in verification_lines(found)))
    return FINE if found.holds else DAMAGED


# ---- what if --------------------------------------------------------------------------------------------------------


def _what_if(args: argparse.Namespace, ledger: "Ledger") -> int:
    from orchestrator.config import read_scalar  # noqa: PLC0415 - so that --help answers at once
    from orchestrator.replay import sheet, wording  # noqa: PLC0415 - as above
    from orchestrator.replay.what_if import what_if  # noqa: PLC0415 - as above

    loose = [text for text in args.what_if if "=" not in text]
    if loose:
        _refuse(f"--what-if {loose[0]}", "is not KEY=VALUE")
    pairs = (text.split("=", 1) for text in args.what_if)
    found = list(what_if(ledger, {key: read_scalar(value) for key, value in pairs}))
    if args.csv is not None:
        names = list((ledger.state.opened or {})["configuration"]["parameters"])
        headings, rows = wording.alternative_cells(found, names)
        _written(args.csv, lambda path: sheet.write_csv(path, headings, rows))
        return FINE
    if found:
        sheet.show(*wording.alternatives(found, ledger.state))
    sys.stdout.write(wording.agreement(found) + "\n")
    return FINE


# ---- explain --------------------------------------------------------------------------------------------------------


def _explain(run: int, ledger: "Ledger") -> int:
    from orchestrator.replay import explain, sheet  # noqa: PLC0415 - so that --help answers at once

    try:
        found = explain.explain(ledger, run)
    except explain.ExplanationError as error:
        _refuse(f"--explain {run}", str(error))
    sys.stdout.write("".join(f"{line}\n" for line in explain.heading(found)))
    sheet.show(*explain.table(found))
    sys.stdout.write("".join(f"{line}\n" for line in explain.remarks(found)))
    return FINE


# ---- diff -----------------------------------------------------------------------------------------------------------


def _diff(one: "Ledger", other: "Ledger") -> int:
    from orchestrator.replay import sheet, wording  # noqa: PLC0415 - so that --help answers at once
    from orchestrator.replay.difference import compare  # noqa: PLC0415 - as above

    found = compare(one.state, other.state)
    names = (str(one.path), str(other.path))
    for headings, rows in wording.comparison_tables(found, one.state, other.state, names):
        sheet.show(headings, rows)
        sys.stdout.write("\n")
    sys.stdout.write(wording.comparison_line(found) + "\n")
    return FINE if found.is_same else DIFFERENT


# ---- verdict --------------------------------------------------------------------------------------------------------


def _verdict(args: argparse.Namespace, place: str | Path) -> int:
    from orchestrator.ledger import Kind, Ledger, amend  # noqa: PLC0415 - so that --help answers at once

    run, word = _judged(args.verdict)
    with Ledger.open(place) as ledger:
        _check_run(args.verdict, ledger.state, run)
    body = {"verdict": word, "note": args.note, "who": args.who or _user()}
    is_in = amend(place, Kind.VERDICT_CHANGED, body, run=run)
    when = "recorded" if is_in else "left for the running campaign, which copies it before its next decision"
    sys.stdout.write(f"run {run} is {word}: {when}; it counts from the next suggestion on\n")
    return FINE


def _user() -> str:
    import getpass  # noqa: PLC0415 - beside its only use

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without user names
        return "operator"


def _judged(text: str) -> tuple[int, str]:
    run, _, word = text.partition("=")
    if not run.isdecimal() or word not in _VERDICTS:
        rule = f"give the run's number and one of {', '.join(_VERDICTS)}, as 7=invalid"
        _refuse(f"--verdict {text}", f"is no verdict; {rule}")
    return int(run), word


def _check_run(text: str, state: "State", number: int) -> None:
    run = state.runs.get(number)
    if run is None:
        there = f"the last one is run {max(state.runs)}" if state.runs else "there are no runs yet"
        _refuse(f"--verdict {text}", f"the campaign has no run {number}; {there}")
    if run.stage != "finished":
        _refuse(f"--verdict {text}", f"run {number} is {run.stage}; a verdict is given once it has finished")
