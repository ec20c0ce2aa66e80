"""Which formats there are, and one way to ask for any of them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator.ledger.export.jsonl import write_jsonl
from orchestrator.ledger.export.runs_csv import write_runs_csv
from orchestrator.ledger.ledger import Ledger
from orchestrator.ledger.store import LedgerError


def export(ledger: Ledger, format: str, target: Path) -> None:  # noqa: A002 - the word people use
    """Write a ledger in another format.

    Args:
        ledger: Open to read.
        format: csv or jsonl (a file), parquet (a folder), ro-crate (a folder, or a `.zip`).
        target: The file or the folder; made anew, together with the folders above it.

    Raises:
        LedgerError: There is no such format, its extra is not installed, or the target cannot be written.
        LedgerDamaged: The ledger's bytes are not what was written.
    """
    if format not in FORMATS:
        message = f"format {format!r} is unknown; choose one of {', '.join(FORMATS)}"
        raise LedgerError(message)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        FORMATS[format](ledger, target)
    except OSError as error:
        message = f"{target}: cannot be written ({error.strerror or error}); choose another place"
        raise LedgerError(message) from error


def _csv(ledger: Ledger, target: Path) -> None:
    write_runs_csv(ledger.state, target)


def _parquet(ledger: Ledger, target: Path) -> None:
    from orchestrator.ledger.export.parquet import write_parquet  # noqa: PLC0415 - pyarrow only when it is asked for

    write_parquet(ledger, target)


def _crate(ledger: Ledger, target: Path) -> None:
    from orchestrator.ledger.export.crate import write_crate  # noqa: PLC0415 - beside the other that is seldom needed

    write_crate(ledger, target)


FORMATS: Mapping[str, Callable[[Ledger, Path], None]] = {
    "csv": _csv,
    "jsonl": write_jsonl,
    "parquet": _parquet,
    "ro-crate": _crate,
}
"""What `export` can write, by name."""
