"""Ledgers of older versions are asked with the rules of their time."""

from pathlib import Path

import pytest

from orchestrator.ledger import Ledger
from orchestrator.ledger.export import import_jsonl
from orchestrator.replay.verify import verify

GOLDEN = sorted((Path(__file__).parent.parent / "golden").glob("v*.jsonl"))


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_verify_of_a_golden_ledger_holds(golden: Path, tmp_path: Path) -> None:
    """Also where the configuration of that time lacks a key that changes the suggestions of today."""
    import_jsonl(golden, tmp_path / "ledger.sqlite")
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        found = verify(ledger)
    assert found.n_suggestions > 0
    assert found.holds, found.difference
