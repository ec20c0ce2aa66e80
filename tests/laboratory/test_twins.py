"""Two names for one tool: told before the campaign, and not refused."""

from pathlib import Path

import pytest
from worlds import CONFIG, write_config

from instruments.driver import Identity, Origin
from orchestrator.cli import check, main
from orchestrator.laboratory.twins import twins

TWO = CONFIG.replace('scale: {driver: "worlds:Scale"}', 'stove: {role: oven, driver: "worlds:BlockingOven"}')
TWO = TWO.replace("bake_and_weigh", "bake_only").replace("bottleneck: oven", "clock: wall")
TWO = TWO.replace("worlds:Oven", "worlds:BlockingOven")
TOLD = "oven and stove answer as the same tool (tests, blocking oven, 3)"


def test_same_tool_under_two_names_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both commands that look at a laboratory say so, once, and have nothing else against it."""
    path = str(write_config(tmp_path, TWO))
    assert check([path]) == 0
    assert capsys.readouterr().out.count(TOLD) == 1
    assert main([path, "--check"]) == 0
    assert capsys.readouterr().out.count(TOLD) == 1


@pytest.mark.parametrize(
    ("other", "n_told"),
    [
        (Identity("ACME", "HP1", "42", Origin.REAL), 1),
        (Identity("ACME", "HP1", "43", Origin.REAL), 0),
        (Identity("ACME", "HP1", "42", Origin.SIMULATED), 0),
    ],
)
def test_only_real_tools_with_the_same_number_are_twins(other: Identity, n_told: int) -> None:
    """Simulated ones are all of one make."""
    assert len(twins({"one": Identity("ACME", "HP1", "42", Origin.REAL), "other": other})) == n_told


def test_tools_without_a_number_are_no_twins() -> None:
    """Nothing tells them apart, nor says that they are one."""
    nameless = Identity("ACME", "HP1", "", Origin.REAL)
    assert twins({"one": nameless, "other": nameless}) == []
