"""Arrays as CSV files, one file a reading."""

import csv
import io
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orchestrator.files.spreadsheet import harmless
from orchestrator.ledger.attempted import Attempted, attempts
from orchestrator.ledger.ledger import Ledger


def write_spectra(ledger: Ledger, folder: Path) -> Iterator[tuple[Attempted, Path]]:
    """Write the arrays of each reading as columns, and yield what was read with its file.

    A complex array makes two columns, `<name>_re` and `<name>_im`; one of several dimensions is written row after row;
    a shorter one leaves its last cells empty.
    """
    for one in attempts(ledger.state):
        if one.arrays:
            folder.mkdir(exist_ok=True)
            path = folder / f"{one.run.number}.{one.step.number}.{one.attempt.number}.csv"  # no name from the ledger
            arrays = {name: _loaded(ledger.attachment(sha256)) for name, sha256 in one.arrays.items()}
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                columns = dict(_columns(arrays))
                writer.writerow(map(harmless, columns))
                writer.writerows(
                    zip_longest(*(map(repr, column.tolist()) for column in columns.values()), fillvalue="")
                )
            yield one, path


def _loaded(content: bytes) -> NDArray[np.generic]:
    array: NDArray[np.generic] = np.load(io.BytesIO(content), allow_pickle=False)
    return array.reshape(-1)


def _columns(arrays: dict[str, NDArray[np.generic]]) -> Iterator[tuple[str, NDArray[np.generic]]]:
    for name, array in arrays.items():
        if array.dtype.kind == "c":
            yield f"{name}_re", array.real
            yield f"{name}_im", array.imag
        else:
            yield name, array
