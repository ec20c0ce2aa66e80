"""A work order as files: YAML for programs, HTML to print, and a form to fill in; and what comes back as a table.

Rule of this file: texts and values only; where files lie is the drop folder's business.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from instruments.driver import Command, InstrumentError, Reading, Scalar
from instruments.people.work import FAILURES, Nonsense, Work, failed

if TYPE_CHECKING:
    from jinja2 import Template

MOST_ROWS = 1000


@dataclass(frozen=True)
class WorkOrder:
    """What a person is to do.

    Args:
        role: Who asks.
        work: What the action is.
        command: What is commanded.
    """

    role: str
    work: Work
    command: Command

    def as_yaml(self) -> str:
        """Return it for programs."""
        content = {
            "order": self.command.id,
            "instrument": self.role,
            "action": self.command.action,
            "instructions": self.work.told(self.command),
            "settings": dict(self.command.settings),
            "enter": {name: asked.wanted for name, asked in self.work.enter.items()},
            "spectrum": self.work.spectrum,
        }
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)

    def as_html(self, *, form: str, result: str, failure: str) -> str:
        """Return it for a printer.

        Args:
            form: The file to fill in.
            result: Where to save it.
            failure: Where to save what went wrong.
        """
        return _page().render(
            id=self.command.id,
            role=self.role,
            action=self.command.action,
            instructions=self.work.told(self.command),
            settings=[(name, self.work.shown(self.command, name)) for name in self.work.settings],
            enter=[(name, asked.wanted, asked.required) for name, asked in self.work.enter.items()],
            failures=list(FAILURES.items()),
            form=form,
            result=result,
            failure=failure,
        )

    def as_form(self) -> str:
        """Return the table to fill in."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["name", "value", "unit"])
        writer.writerows([name, "", asked.quantity.unit] for name, asked in self.work.enter.items())
        return out.getvalue()


@cache
def _page() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - where a person works

    loader = FileSystemLoader(Path(__file__).parent)
    rooms = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return rooms.get_template("order.html")


def answer_of(text: str, work: Work) -> Reading | InstrumentError:
    """Return what a filled-in form says: values, or a failure.

    Raises:
        Nonsense: It is no such form; the message says where and what to write.
    """
    told = _told(text)
    if "failed" in told:
        missing = [name for name in ("reason", "changed") if name not in told]
        if missing:
            message = f"a failure needs the rows failed, reason and changed; {' and '.join(missing)} is missing"
            raise Nonsense(message)
        return failed(told["failed"][0], told["reason"][0], told["changed"][0])
    unknown = sorted(set(told) - set(work.enter))
    if unknown:
        message = f"{', '.join(unknown)} was not asked for; {', '.join(work.enter)} was"
        raise Nonsense(message)
    return Reading(_values(told, work))


def _values(told: Mapping[str, tuple[str, str]], work: Work) -> dict[str, Scalar]:
    values: dict[str, Scalar] = {}
    for name, asked in work.enter.items():
        value, unit = told.get(name, ("", ""))
        if not value.strip() and not asked.required:
            continue
        if unit not in ("", asked.quantity.unit):
            message = f"{name}: the unit is {asked.quantity.unit!r}, not {unit[:40]!r}; convert the value"
            raise Nonsense(message)
        try:
            values[name] = asked.read(value)
        except Nonsense as nonsense:
            message = f"{name}: {nonsense}"
            raise Nonsense(message) from nonsense
    return values


def _told(text: str) -> dict[str, tuple[str, str]]:
    """Return value and unit by name."""
    separator = ";" if ";" in text.partition("\n")[0] else ","
    try:
        rows = [
            row for row in csv.reader(io.StringIO(text), delimiter=separator, strict=True) if any(map(str.strip, row))
        ]
    except csv.Error as error:
        message = f"it is no CSV: {error}"
        raise Nonsense(message) from error
    if not rows or [cell.strip() for cell in rows[0][:2]] != ["name", "value"] or len(rows) > MOST_ROWS:
        message = "its first line must be name,value,unit, and a row must follow for each value"
        raise Nonsense(message)
    told: dict[str, tuple[str, str]] = {}
    for row in rows[1:]:
        name, value, unit = ([cell.strip() for cell in row] + ["", ""])[:3]
        if name in told:
            message = f"{name} stands there twice"
            raise Nonsense(message)
        told[name] = (value, unit)
    return told
