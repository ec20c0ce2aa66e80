"""Campaigns to export: those of the golden ledgers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.ledger import Ledger
from orchestrator.ledger.export import import_jsonl

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture(params=["tiny", "lipon"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """A campaign of each laboratory, open to read."""
    path = tmp_path / "campaign" / "ledger.sqlite"
    path.parent.mkdir()
    import_jsonl(GOLDEN / f"v1-{request.param}.jsonl", path)
    with Ledger.open(path) as opened:
        yield opened


@pytest.fixture
def lines() -> list[str]:
    """The tiny campaign as JSON lines."""
    return (GOLDEN / "v1-tiny.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
