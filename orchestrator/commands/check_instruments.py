"""The command `check-instruments`: who answers, what their limits are, and whether their drivers keep to the protocol.

Rule of this file: what has a link to the world outside is moved only where the user names it.
"""

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from orchestrator.display.parser import Parser

if TYPE_CHECKING:
    from rich.console import Console

    from instruments.conformance import Finding
    from instruments.driver import Action, Command, Identity, Quantity
    from orchestrator.campaign import Campaign

FINE, STOPPED, FAILED = 0, 3, 4
_POINTS = 20
_PAIR = "NAME=VALUE"
_STYLES = {"passed": "green", "failed": "bold red", "skipped": "dim"}


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's words."""
    words = Parser(
        prog="check-instruments",
        description="Connect the instruments of a configuration, show who answers and within which limits, and hold "
        "their drivers against the protocol. Simulated instruments perform a step; others move only with --move.",
        epilog="Exit status: 0 all passed, 2 configuration or usage, 3 interrupted, "
        "4 a driver does not keep to the protocol.",
    )
    words.add_argument("config", metavar="CONFIG", help="the campaign's YAML file")
    words.add_argument("roles", nargs="*", metavar="ROLE", help="only these instruments (default: all)")
    words.add_argument(
        "--move",
        action="append",
        default=[],
        metavar="ROLE",
        help="let this instrument perform steps, be halted in the middle of one, and be asked beyond its limits",
    )
    words.add_argument(
        "--with",
        nargs="+",
        action="extend",
        default=[],
        dest="settings",
        metavar="NAME=VALUE",
        help="settings of the step to perform, where the recipe's first command is for another instrument",
    )
    words.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="set any key of the configuration"
    )
    return words


def run(args: argparse.Namespace) -> int:
    """Check and print; return the exit status.

    Raises:
        ConfigError: A configuration or a word that cannot be used, or an instrument that does not answer.
    """
    from rich.console import Console  # noqa: PLC0415 - so that --help answers at once

    from orchestrator.campaign import Campaign  # noqa: PLC0415 - as above
    from orchestrator.config import read_pairs  # noqa: PLC0415 - as above
    from orchestrator.engine.signals import interrupted_once  # noqa: PLC0415 - as above
    from orchestrator.laboratory.twins import twins  # noqa: PLC0415 - as above

    campaign = Campaign.from_yaml(args.config, overrides=read_pairs(args.set, form=_PAIR))
    _refuse_unknown(args, campaign)
    commands = _commands(args, campaign)
    console, counts = Console(highlight=False), Counter[str]()
    identities: dict[str, Identity] = {}
    roles = args.roles or list(campaign.laboratory.instruments)
    for role in roles:
        with interrupted_once():
            try:
                counts += _check(console, campaign, role, commands.get(role), identities)
            except KeyboardInterrupt:
                _halt(campaign, role)
                return STOPPED
    for warning in twins(identities):
        console.print(f"\n[bold yellow]{_plain(warning)}[/]", soft_wrap=True)
    told = [
        f"{counts['passed']} passed",
        f"[bold red]{counts['failed']} failed[/]" if counts["failed"] else "none failed",
    ]
    told += [f"{counts['skipped']} not asked"] if counts["skipped"] else []
    console.print(f"\n{len(roles)} {'instrument' if len(roles) == 1 else 'instruments'}: {', '.join(told)}")
    return FAILED if counts["failed"] else FINE


def _halt(campaign: "Campaign", role: str) -> None:
    """Halt an instrument that may be moving, and then say so, if there is still somebody to read it."""
    from rich.console import Console  # noqa: PLC0415 - so that --help answers at once

    from instruments.conformance import halt  # noqa: PLC0415 - as above
    from orchestrator.display.streams import unfailing  # noqa: PLC0415 - as above

    try:
        halt(campaign.laboratory.instruments[role])
    except Exception as error:  # noqa: BLE001 - whatever it is, a person must hear of it
        words, style = f"interrupted, and {role} could not be halted: {error}; see to it", "bold red"
    else:
        words, style = f"interrupted; {role} was halted", ""
    with unfailing():
        Console(highlight=False).print(words, style=style, markup=False)


def _refuse_unknown(args: argparse.Namespace, campaign: "Campaign") -> None:
    from orchestrator.config import ConfigError, Problem  # noqa: PLC0415 - so that --help answers at once

    known = list(campaign.laboratory.instruments)
    unknown = [role for role in (*args.roles, *args.move) if role not in known]
    if unknown:
        message = f"is no instrument of {args.config}; it has {', '.join(known)}"
        raise ConfigError([Problem(role, message) for role in unknown])


def _commands(args: argparse.Namespace, campaign: "Campaign") -> "dict[str, Command]":
    """Return what each role may be asked to perform: those that tell their phases, and those the user names."""
    from instruments.driver import Command  # noqa: PLC0415 - so that --help answers at once
    from orchestrator.chance import stream  # noqa: PLC0415 - as above
    from orchestrator.clock import is_phased  # noqa: PLC0415 - as above
    from orchestrator.config import read_pairs  # noqa: PLC0415 - as above
    from orchestrator.laboratory.rehearsal import rehearse  # noqa: PLC0415 - as above

    settings, laboratory = campaign.settings, campaign.laboratory
    points = list(campaign.planner.space.sample(_POINTS, stream(settings.seed, "check", "points")))
    found = rehearse(laboratory, points, settings.seed)
    given = read_pairs(args.settings, "--with", _PAIR)
    for role in args.move if given else ():
        action = found[role].action if role in found else next(iter(laboratory.instruments[role].actions))
        found[role] = Command(role, action, {**(found[role].settings if role in found else {}), **given})
    may_move = {role for role, driver in laboratory.instruments.items() if is_phased(driver)} | set(args.move)
    _refuse_unprepared(args, campaign, found)
    return {role: command for role, command in found.items() if role in may_move}


def _refuse_unprepared(args: argparse.Namespace, campaign: "Campaign", found: "dict[str, Command]") -> None:
    from instruments.driver import CommandRefused, check_command  # noqa: PLC0415 - so that --help answers at once
    from orchestrator.config import ConfigError, Problem  # noqa: PLC0415 - as above

    problems = []
    for role in args.move:
        actions = campaign.laboratory.instruments[role].actions
        if role not in found:
            wanted = " ".join(f"{name}=..." for name, q in next(iter(actions.values())).settings.items() if q.required)
            problems.append(Problem(f"--move {role}", f"the recipe begins elsewhere; say --with {wanted}"))
            continue
        try:
            check_command(found[role], actions)
        except CommandRefused as refused:
            problems.append(Problem(f"--move {role}", f"{refused}; say --with NAME=VALUE"))
    if problems:
        raise ConfigError(problems)


def _check(
    console: "Console",
    campaign: "Campaign",
    role: str,
    command: "Command | None",
    identities: "dict[str, Identity]",
) -> Counter[str]:
    """Check one instrument, print as answers come, note who it is, and return how many there were of each kind."""
    from instruments.conformance import Subject, examine  # noqa: PLC0415 - as above
    from instruments.showing import named  # noqa: PLC0415 - as above

    driver = campaign.laboratory.instruments[role]
    wanted = campaign.settings.laboratory.instruments[role].driver
    console.print(f"\n[bold]{_plain(role)}[/] ({_plain(wanted)})")
    for name, action in driver.actions.items():
        console.print("\n".join(_lines(name, action)), markup=False, soft_wrap=True)
    try:
        identity = driver.connect()
    except Exception as error:  # noqa: BLE001 - whatever it is, nothing else can be asked
        console.print(f"  [bold red]does not answer[/]: {_plain(named(error))}", soft_wrap=True)
        return Counter(failed=1)
    identities[role] = identity
    who = f"{identity.maker}, {identity.model}, {identity.serial}"
    console.print(f"  answers: {_plain(who)} [bold]{_plain(str(identity.origin).upper())}[/]", soft_wrap=True)
    ids = f"9999.{int(time.time()) % 60_000 + 1}"
    longest_s = max((action.timeout_s for action in driver.actions.values()), default=60.0)
    findings = list(_told(console, examine(Subject(driver, command, step_s=longest_s, ids=ids))))
    for note, n in Counter(finding.note for finding in findings if finding.verdict == "skipped").items():
        ask = f"; --move {role} asks" if command is None and "step" in note else ""
        console.print(f"  [dim]not asked {n:2}: {_plain(note + ask)}[/]", soft_wrap=True)
    return Counter(str(finding.verdict) for finding in findings)


def _told(console: "Console", findings: "Iterator[Finding]") -> "Iterator[Finding]":
    """Print answers as they come, and hand them on."""
    for finding in findings:
        style, note = _STYLES[finding.verdict], f": {_plain(finding.note)}" if finding.note else ""
        if finding.verdict != "skipped":
            console.print(f"  [{style}]{finding.verdict}[/]  {finding.question}{note}", soft_wrap=True)
        yield finding


def _lines(name: str, action: "Action") -> "Iterator[str]":
    times = f"usually {_span(action.expected_s)}, in doubt after {_span(action.timeout_s)}"
    yield f"  {name}: {times}{', may be repeated on the same sample' if action.repeatable else ''}"
    width = max((len(setting) for setting in action.settings), default=0)
    for setting, quantity in action.settings.items():
        yield f"    {setting:{width}}  {_limits(quantity)}{'' if quantity.required else ', may be left out'}"
    returned = [f"{output} ({q.unit})" if q.unit not in ("", "1") else output for output, q in action.outputs.items()]
    yield f"    returns {', '.join(returned) or 'nothing'}"


def _limits(quantity: "Quantity") -> str:
    unit = "" if quantity.unit in ("", "1") else f" {quantity.unit}"
    if quantity.text:
        return "text"
    if quantity.low is not None and quantity.high is not None:
        return f"{quantity.low:g} to {quantity.high:g}{unit}"
    if quantity.low is None and quantity.high is None:
        return f"any number{unit and f' in{unit}'}"
    return f"from {quantity.low:g}{unit}" if quantity.low is not None else f"up to {quantity.high:g}{unit}"


def _span(seconds: float) -> str:
    for unit, length_s in (("days", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.3g} {unit}"
    return f"{seconds:.3g} s"


def _plain(text: str) -> str:
    """Return what others wrote, steering neither the console nor its terminal."""
    from rich.markup import escape  # noqa: PLC0415 - so that --help answers at once

    from orchestrator.display.wording import clean  # noqa: PLC0415 - as above

    return escape(clean(text))
