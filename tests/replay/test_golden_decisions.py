"""Ledgers of older versions are asked with the rules of their time, and go on by them."""

import json
from pathlib import Path

import pytest

from orchestrator.campaign import Campaign, OtherConfigurationError
from orchestrator.ledger import Ledger
from orchestrator.ledger.export import import_jsonl
from orchestrator.replay.verify import verify

GOLDEN = Path(__file__).parent.parent / "golden"


def imported(name: str, folder: Path) -> Path:
    import_jsonl(GOLDEN / f"{name}.jsonl", folder / "ledger.sqlite")
    return folder / "ledger.sqlite"


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("v*.jsonl")))
def test_verify_of_a_golden_ledger_holds(name: str, tmp_path: Path) -> None:
    """Also where the configuration of that time lacks a key that changes the suggestions of today."""
    with Ledger.open(imported(name, tmp_path)) as ledger:
        found = verify(ledger)
    assert found.n_suggestions > 0
    assert found.holds, found.difference


def test_campaign_of_an_older_version_goes_on(tmp_path: Path) -> None:
    """Younger keys count with what was done before them; those whose default is another way are named with both."""
    path = imported("v1-tiny", tmp_path)
    with Ledger.open(path) as ledger:
        assert ledger.state.opened is not None
        configuration = ledger.state.opened["configuration"]
    (tmp_path / "old.yaml").write_text(json.dumps(configuration))
    longer = {"budget.runs": 10}
    with pytest.raises(OtherConfigurationError) as caught:
        Campaign.from_yaml(tmp_path / "old.yaml", out=tmp_path, overrides=longer).run()
    assert "planner.levels is 201, but the ledger has null" in str(caught.value)
    assert "planner.most_rows is 500, but the ledger has null" in str(caught.value)
    assert str(caught.value).count("but the ledger has") == 2
    as_then = {"planner.levels": None, "planner.most_rows": None}
    same = Campaign.from_yaml(tmp_path / "old.yaml", out=tmp_path, overrides=longer | as_then)
    same.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    same.run()
    with Ledger.open(path) as ledger:
        assert len(ledger.runs()) == 10
        assert verify(ledger).holds
