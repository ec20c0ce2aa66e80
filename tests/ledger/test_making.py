"""A ledger comes into being whole or not at all."""

from pathlib import Path

import pytest

from orchestrator.ledger import Ledger, LedgerError


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
