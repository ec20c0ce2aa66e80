"""Spectra as files: a plain table of frequency and impedance, or what two common potentiostats export as text.

The three formats are tables below a header line with known column names, so a reader of their own is shorter than any
library: galvani (BioLogic) is under the GPL and made for the binary format, gamry-parser (Gamry) needs Python 3.12 and
polars. Binary exports are refused with the way out.

Rule of this file: what a file says is untrusted. It is bounded in size, and every row must be numbers, or the file is
refused with its line.

Source: column names and units as EC-Lab writes them (`.mpt`) and as Gamry Framework does (`.DTA`, table ZCURVE).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from instruments.driver import Reading

MOST_BYTES = 5_000_000
FEWEST_POINTS, MOST_POINTS = 5, 10_000
LARGEST_OHM = 1e15
_SEPARATORS = "\t;,"
_NO_NUMBER = math.nan


class SpectrumFileError(ValueError):
    """A file that holds no spectrum that may count; the message says why and what to do."""


@dataclass(frozen=True)
class Format:
    """One kind of table.

    Args:
        columns: The names of frequency, real and imaginary part.
        sign: What the third column is multiplied with.
        is_indented: Whether rows begin with a tab, and the table ends where one does not.
    """

    columns: tuple[str, str, str]
    sign: float = 1.0
    is_indented: bool = False


FORMATS = (
    Format(("frequency_hz", "z_real_ohm", "z_imag_ohm")),
    Format(("freq/Hz", "Re(Z)/Ohm", "-Im(Z)/Ohm"), sign=-1.0),
    Format(("Freq", "Zreal", "Zimag"), is_indented=True),
)


def read_spectrum(path: Path) -> Reading:
    """Return the spectrum of a file as a sweep returns it, from high to low frequency.

    Args:
        path: A table with the columns `frequency_hz,z_real_ohm,z_imag_ohm`, a `.mpt` of EC-Lab or a `.DTA` of Gamry.

    Raises:
        SpectrumFileError: No such file, too large, no known table, a row that is no numbers, too few points, or
            several sweeps in one file.
    """
    found, kind, start = _table(_lines(path), path.name)
    rows = list(_rows(found, kind, start, path.name))
    if not FEWEST_POINTS <= len(rows) <= MOST_POINTS:
        message = f"{path.name}: {len(rows)} points; a spectrum has {FEWEST_POINTS} to {MOST_POINTS}"
        raise SpectrumFileError(message)
    frequency_hz, real, imag = np.array(rows).T
    order = np.argsort(-frequency_hz, kind="stable")
    falling = frequency_hz[order]
    if falling[-1] <= 0 or not np.all(np.diff(falling) < 0):
        message = f"{path.name}: a frequency is not above 0, or stands twice; export one sweep alone"
        raise SpectrumFileError(message)
    if max(np.abs(real).max(), np.abs(imag).max()) > LARGEST_OHM:
        message = f"{path.name}: an impedance above {LARGEST_OHM:g} ohm; is the unit ohm?"
        raise SpectrumFileError(message)
    return Reading({}, {"frequency_hz": falling, "z_real_ohm": real[order], "z_imag_ohm": kind.sign * imag[order]})


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise SpectrumFileError(message) from error
    if len(content) > MOST_BYTES:
        message = f"{path.name}: larger than {MOST_BYTES // 1_000_000} MB; is it one spectrum?"
        raise SpectrumFileError(message)
    if b"\0" in content:
        message = f"{path.name}: is no text; export it as text (.mpt, .DTA or CSV)"
        raise SpectrumFileError(message)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "EXPERIMENTABORTED" in text:
        message = f"{path.name}: the potentiostat says that the sweep was aborted; sweep again"
        raise SpectrumFileError(message)
    return text.splitlines()


def _table(lines: Sequence[str], name: str) -> tuple[Sequence[str], Format, int]:
    """Return the lines, the format and the number of the header line."""
    for number, line in enumerate(lines):
        for kind in FORMATS:
            cells = _cells(line)
            if set(kind.columns) <= set(cells):
                return lines, kind, number
    known = "; ".join(", ".join(kind.columns) for kind in FORMATS)
    message = f"{name}: no line names the columns of a spectrum; there must be {known}"
    raise SpectrumFileError(message)


def _cells(line: str) -> list[str]:
    separator = next((s for s in _SEPARATORS if s in line), ",")
    return [cell.strip().strip('"') for cell in line.split(separator)]


def _rows(lines: Sequence[str], kind: Format, start: int, name: str) -> Iterator[list[float]]:
    places = [_cells(lines[start]).index(column) for column in kind.columns]
    for number, line in enumerate(lines[start + 1 :], start=start + 2):
        if kind.is_indented and not line.startswith("\t"):
            return
        if not line.strip() or line.startswith("#"):
            continue
        cells = _cells(line)
        values = [_number(cells[place]) if place < len(cells) else _NO_NUMBER for place in places]
        is_units = number == start + 2 and all(map(math.isnan, values))
        if is_units:
            continue
        if not all(map(math.isfinite, values)):
            message = f"{name}:{number}: {line.strip()[:80]!r} is not {', '.join(kind.columns)} as numbers"
            raise SpectrumFileError(message)
        yield values


def _number(text: str) -> float:
    """Return a number, also one with a comma as its decimal point; not-a-number for anything else."""
    try:
        return float(text.replace(",", ".")) if "_" not in text else _NO_NUMBER
    except ValueError:
        return _NO_NUMBER
