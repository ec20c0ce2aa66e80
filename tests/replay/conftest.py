"""Campaigns to replay: a tiny one and the shipped one, each run once."""

import shutil
from pathlib import Path

import pytest
import tiny

from orchestrator.campaign import Campaign

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of seven tiny runs, some failed, with its report; not to be written to."""
    return tiny.run(tmp_path_factory.mktemp("tiny"), report=True)


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of nine runs of the tiny campaign from another seed."""
    return tiny.run(tmp_path_factory.mktemp("stranger"), seed=4, budget__runs=9)


@pytest.fixture
def ledger(original: Path, tmp_path: Path) -> Path:
    """A copy of that campaign's folder; its ledger."""
    shutil.copytree(original.parent, tmp_path / "copy")
    return tmp_path / "copy" / "ledger.sqlite"


@pytest.fixture(scope="session")
def lipon(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of six runs of the shipped campaign, with its report; not to be written to."""
    folder = tmp_path_factory.mktemp("lipon")
    Campaign.from_yaml(ROOT / "configs" / "lipon.yaml", out=folder, overrides={"budget.runs": 6}).run()
    return folder / "ledger.sqlite"
