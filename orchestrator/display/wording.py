"""How numbers, points and foreign text are written for people: in the report, in the terminal, in closing words.

Rule of this file: what an instrument or a user wrote is untrusted; `clean` takes out whatever could steer a terminal.
"""

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.objective import Objective

_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def clean(text: object, limit: int | None = None) -> str:
    """Return text on one line, without control characters, cut to `limit` characters."""
    kept = (
        " " if c in "\n\t\r" else c for c in str(text) if c in "\n\t\r" or unicodedata.category(c) not in _UNPRINTABLE
    )
    line = " ".join("".join(kept).split())
    return line if limit is None or len(line) <= limit else line[: limit - 1].rstrip() + "…"


def asked(request: Mapping[str, Any], *, is_soon: bool) -> str:
    """Return in words what another process has asked of a running campaign.

    Args:
        request: The body of `requested`.
        is_soon: Whether it ends after the steps under way; else after the runs.
    """
    note = f": {clean(request['note'])}" if request.get("note") else ""
    first = "steps" if is_soon else "runs"
    return f"asked to {clean(request['ask'])} by {clean(request['who'])}{note}; the {first} under way end first"


def lasting(days: float) -> str:
    """Return a duration as people say it: days, or hours, minutes or seconds where it was short."""
    for unit, per_day, least in (
        ("days", 1, 1.0),
        ("hours", 24, 1 / 24),
        ("minutes", 1440, 1 / 1440),
        ("seconds", 86400, 0.0),
    ):
        if days >= least:
            return f"{number(days * per_day, 3)} {unit}"
    return "no time"


def number(value: float, digits: int = 4) -> str:
    """Return a number with so many significant digits and no idle zeros, in plain notation where it is readable."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    magnitude = math.floor(math.log10(abs(value)))
    if not -4 < magnitude < 6:
        return f"{value:.{digits}g}"
    text = f"{value:.{max(0, digits - 1 - magnitude)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def with_sd(value: float | None, sd: float | None, sign: str = "±") -> str:
    """Return `1.934 ± 0.091`: the sd with two significant digits, the value with the same decimals; "" for None."""
    if value is None:
        return ""
    if not sd or not math.isfinite(sd):
        return number(value)
    largest = max(abs(value), sd)
    if sd < 1e-4 or largest >= 1e6:
        return f"{value:.4g} {sign} {sd:.2g}"
    decimals = max(0, 1 - math.floor(math.log10(sd)))
    return f"{value:.{decimals}f} {sign} {sd:.{decimals}f}"


def with_unit(text: str, unit: str) -> str:
    """Return the text followed by its unit; a pure number ("1") has none."""
    return text if unit in ("", "1") or not text else f"{text} {clean(unit)}"


def named(name: str, unit: str = "1") -> str:
    """Return a name without the unit that a table's header may end with: `power (W)` in W is power."""
    short = clean(name)
    for ending in (f"({clean(unit)})", f"[{clean(unit)}]"):
        short = short.removesuffix(ending).rstrip() or short
    return short


def setting(value: float | str, digits: int = 4) -> str:
    """Return one value of a point: a number or a choice."""
    return clean(value) if isinstance(value, str) else number(value, digits)


def signed(value: float, digits: int = 3) -> str:
    """Return a number that is added to another, `+0.31` or `-0.04`."""
    text = number(value, digits)
    return text if text.startswith("-") else f"+{text}"


def column(values: Sequence[float | str]) -> list[str]:
    """Return the values of a column with the same decimals: four digits for the largest, without common idle zeros."""
    sizes = [abs(value) for value in values if not isinstance(value, str) and value != 0]
    is_plain = bool(sizes) and 1e-3 <= max(sizes) < 1e6 and min(sizes) >= 1e-3 * max(sizes)
    if not is_plain or any(isinstance(value, str) for value in values):
        return [setting(value) for value in values]
    decimals = max(0, 3 - math.floor(math.log10(max(sizes))))
    texts = [f"{float(value):.{decimals}f}" for value in values]
    while "." in texts[0] and all(text.endswith(("0", ".")) for text in texts):
        texts = [text[:-1] for text in texts]
    return texts


def point_text(point: Mapping[str, float | str], units: Mapping[str, str]) -> str:
    """Return `distance 6.6 cm, power 61.3 W`, in the order of `units`."""
    known = ((name, unit) for name, unit in units.items() if name in point)
    parts = (f"{named(name, unit)} {with_unit(setting(point[name]), unit)}" for name, unit in known)
    return ", ".join(parts)


def beside(details: Mapping[str, Any], further: "Iterable[Objective]") -> str:
    """Return what was measured of further objectives, `impurity 3.7 %, film_h 14 h (beyond 12)`; "" for nothing."""
    parts = []
    for o in further:
        value = o.among(details)
        if value is not None:
            broken = "" if o.limit is None or o.is_kept(value) else f" (beyond {number(o.limit)})"
            parts.append(f"{named(o.name, o.unit)} {with_unit(number(value), o.unit)}{broken}")
    return ", ".join(parts)


def plural(n: int, noun: str) -> str:
    """Return `1 run` or `3 runs`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def listed(counts: Mapping[str, int]) -> str:
    """Return `3 infeasible, 1 sample`."""
    return ", ".join(f"{n} {clean(name)}" for name, n in counts.items())


def number_ranges(numbers: Sequence[int]) -> str:
    """Return whole numbers in their order, `1-3, 5`."""
    ordered = sorted(set(numbers))
    starts = [n for n in ordered if n - 1 not in ordered]
    ends = [n for n in ordered if n + 1 not in ordered]
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))
