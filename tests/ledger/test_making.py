"""A ledger comes into being whole or not at all."""

from pathlib import Path

import pytest

from orchestrator.ledger import Ledger, LedgerError
from orchestrator.ledger.export import import_jsonl

TINY = Path(__file__).parents[1] / "golden" / "v1-tiny.jsonl"


def test_ledger_being_made_leaves_none_when_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Death before the last moment leaves no ledger, and the next attempt makes one."""
    path = tmp_path / "l.sqlite"

    def die(_self: Path, _target: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            Ledger.write(path)
    assert not path.exists()
    with pytest.raises(LedgerError, match="no such ledger"):
        Ledger.open(path)
    Ledger.write(path).close()
    assert path.exists()
    assert not path.with_name("l.sqlite.new").exists()


def test_ledger_is_opened_by_the_folder_of_its_campaign(tmp_path: Path) -> None:
    """As every command takes it, as text or as a path; one writes to a file, and a folder without a ledger has none."""
    import_jsonl(TINY, tmp_path / "runs" / "tiny" / "ledger.sqlite")
    for folder in (tmp_path / "runs" / "tiny", str(tmp_path / "runs" / "tiny")):
        with Ledger.open(folder) as ledger:
            assert ledger.state.opened
    with pytest.raises(LedgerError, match=r"runs/ledger\.sqlite: no such ledger"):
        Ledger.open(tmp_path / "runs")
    with pytest.raises(LedgerError, match="tiny: is a folder; give the ledger's file"):
        Ledger.write(tmp_path / "runs" / "tiny")
