"""Benchmarks as commands: asked wrongly, they say how they are asked."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["main_job", "spectra", "transfer"])
@pytest.mark.parametrize(("word", "status"), [("--help", 0), ("many", 2)])
def test_benchmark_tells_how_it_is_asked(name: str, word: str, status: int) -> None:
    """No traceback for a word that is no number."""
    asked = subprocess.run(
        [sys.executable, f"benchmarks/{name}.py", word], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert asked.returncode == status
    assert f"usage: {name}.py" in asked.stdout + asked.stderr
    assert "Traceback" not in asked.stderr
