"""Spectra handed in as files: what potentiostats export as text, and a plain table; everything else is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.driver import Reading
from instruments.impedance.spectrum_file import MOST_BYTES, SpectrumFileError, read_spectrum

FREQUENCY_HZ = [1e5, 1e4, 1e3, 1e2, 1e1]
PLAIN = "frequency_hz,z_real_ohm,z_imag_ohm\n" + "\n".join(
    f"{f},{100 + i},{-10 * i}" for i, f in enumerate(FREQUENCY_HZ)
)
EC_LAB = "EC-Lab ASCII FILE\nNb header lines : 4\n\nfreq/Hz\tRe(Z)/Ohm\t-Im(Z)/Ohm\t|Z|/Ohm\t\n" + "\n".join(
    f"{f:.7E}\t{100 + i:.7E}\t{10 * i:.7E}\t1.0E+002\t" for i, f in enumerate(FREQUENCY_HZ)
)
GAMRY = (
    "EXPLAIN\nTAG\tEISPOT\nZCURVE\tTABLE\n\tPt\tTime\tFreq\tZreal\tZimag\tZmod\n\t#\ts\tHz\tohm\tohm\tohm\n"
    + "\n".join(f"\t{i}\t{i}\t{f}\t{100 + i}\t{-10 * i}\t1" for i, f in enumerate(FREQUENCY_HZ))
    + "\nEXPERIMENTDONE\tTOGGLE\tT\n"
)


def written(folder: Path, text: str | bytes, name: str = "sweep.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "\ufeff" + PLAIN.replace("\n", "\r\n"),
        PLAIN.replace(",", ";").replace(".", ","),
        "# a comment\n" + PLAIN,
        "\n".join([PLAIN.splitlines()[0], *reversed(PLAIN.splitlines()[1:])]),
        EC_LAB,
        EC_LAB.replace(".", ","),
        EC_LAB.replace("|Z|", "\u00b5").encode("latin-1"),
        GAMRY,
    ],
    ids=["plain", "bom", "semicolons", "comment", "rising", "ec-lab", "decimal comma", "latin-1", "gamry"],
)
def test_spectrum_file_is_read(tmp_path: Path, text: str | bytes) -> None:
    """From high to low frequency, with the sign of a capacitor, whatever wrote it."""
    reading = read_spectrum(written(tmp_path, text))
    assert list(reading.frequency_hz) == FREQUENCY_HZ
    assert list(reading.z_real_ohm) == [100, 101, 102, 103, 104]
    assert list(reading.z_imag_ohm) == [0, -10, -20, -30, -40]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no line names the columns"),
        ("a,b,c\n1,2,3\n", "no line names the columns"),
        (PLAIN + "\n1,ohm,3", "sweep.csv:7: '1,ohm,3' is not frequency_hz, z_real_ohm, z_imag_ohm as numbers"),
        (PLAIN + "\n1,2", "sweep.csv:7: '1,2' is not"),
        (PLAIN + "\n1,nan,3", "sweep.csv:7"),
        (PLAIN + "\n1,1e999,3", "sweep.csv:7"),
        (PLAIN + "\n10,2,3", "stands twice; export one sweep alone"),
        (PLAIN + "\n0,2,3", "is not above 0"),
        (PLAIN + "\n1,1e20,3", "is the unit ohm?"),
        ("\n".join(PLAIN.splitlines()[:4]), "3 points; a spectrum has 5 to 10000"),
        (GAMRY.replace("EXPERIMENTDONE", "EXPERIMENTABORTED"), "says that the sweep was aborted"),
        (b"BIO-LOGIC MODULAR FILE\0\0\1", "is no text; export it as text"),
        (b"1" * (MOST_BYTES + 1), "larger than 5 MB"),
    ],
)
def test_spectrum_file_that_holds_none_is_refused(tmp_path: Path, text: str | bytes, expected: str) -> None:
    """With the line where there is one, and never as half a spectrum."""
    with pytest.raises(SpectrumFileError) as caught:
        read_spectrum(written(tmp_path, text))
    assert expected in str(caught.value)


@given(st.binary(max_size=400) | st.text(alphabet="0123456789.,;\t\nE+-#frequncy_hzial", max_size=400).map(str.encode))
def test_spectrum_file_of_anything_is_a_spectrum_or_refused(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    """No bytes lead to another exception, or to values that are not finite."""
    path = tmp_path_factory.getbasetemp() / "junk.csv"
    path.write_bytes(PLAIN.encode() + b"\n" + junk)
    try:
        reading = read_spectrum(path)
    except SpectrumFileError:
        return
    assert isinstance(reading, Reading)
    assert all(np.isfinite(array).all() for array in reading.arrays.values())
