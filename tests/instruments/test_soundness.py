"""What a driver says of its actions is looked at before anybody relies on it."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from instruments.driver import Action, Quantity
from instruments.soundness import flaws

SOUND: dict[str, Any] = {
    "settings": {"heat": Quantity("K", 0, np.int64(100))},
    "outputs": {"sample": Quantity("", text=True)},
    "expected_s": 60,
    "timeout_s": np.float64(600.0),
}
NAN, INF = math.nan, math.inf


class Forgotten(Mapping[str, Action]):
    """Actions that are asked of the tool, whose link is down."""

    def __getitem__(self, name: str) -> Action:
        """Raise."""
        raise ConnectionResetError(name)

    def __iter__(self) -> Iterator[str]:
        """Tell one name."""
        return iter(("bake",))

    def __len__(self) -> int:
        """Tell how many."""
        return 1


def test_sound_action_has_no_flaw() -> None:
    """Whole numbers and numbers of numpy serve as limits and as times."""
    assert flaws({"bake": Action(**SOUND)}) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"expected_s": NAN}, "bake: expected_s=nan must be a finite number of seconds: the laboratory plans by it"),
        ({"expected_s": "60"}, "bake: expected_s='60' must be a finite number of seconds"),
        ({"expected_s": True}, "bake: expected_s=True must be a finite number of seconds"),
        ({"expected_s": np.float32(60)}, "bake: expected_s="),
        ({"expected_s": 0}, "bake: expected_s=0 and timeout_s=600 must be above 0"),
        ({"expected_s": 601}, "bake: expected_s=601 and timeout_s=600 must be above 0, and the second no less"),
        ({"expected_s": 1e9, "timeout_s": 1e12}, "bake: expected_s=1e+09 is more than thirty years"),
        ({"timeout_s": INF}, "bake: timeout_s=inf must be a finite number of seconds: after it the step is in doubt"),
        ({"timeout_s": NAN}, "bake: timeout_s=nan must be a finite number"),
        ({"timeout_s": 10**400}, "bake: timeout_s=1000"),
        ({"timeout_s": None}, "bake: timeout_s=None must be a finite number"),
        ({"capacity": 0}, "bake: capacity=0 must be a whole number, at least 1"),
        ({"capacity": 1.5}, "bake: capacity=1.5 must be a whole number"),
        ({"capacity": True}, "bake: capacity=True must be a whole number"),
        ({"repeatable": "no"}, "bake: repeatable='no' must be True or False"),
        ({"attended": None}, "bake: attended=None must be True or False"),
        ({"settings": ["heat"]}, "bake: its settings are ['heat'], not a mapping of names to Quantity"),
        ({"settings": {"heat": "K"}}, "bake: its settings hold 'heat': 'K'"),
        ({"outputs": {7: Quantity()}}, "bake: its outputs hold 7: Quantity("),
        ({"outputs": None}, "bake: its outputs are None"),
        ({"settings": {"heat": Quantity(None)}}, "bake: heat: its unit is None, not a text"),  # type: ignore[arg-type]
        ({"settings": {"heat": Quantity(low=NAN)}}, "bake: heat: the lower limit nan must be a finite number, or None"),
        ({"settings": {"heat": Quantity(high=INF)}}, "bake: heat: the upper limit inf must be a finite number"),
        ({"settings": {"heat": Quantity("K", 2, 1)}}, "bake: heat: the lower limit 2 is above the upper limit 1"),
        ({"settings": {"heat": Quantity(required="no")}}, "bake: heat: required='no' must be"),  # type: ignore[arg-type]
        ({"settings": {"heat": Quantity(text=1)}}, "bake: heat: text=1 must be"),  # type: ignore[arg-type]
    ],
)
def test_flaw_of_an_action_is_told(change: dict[str, Any], told: str) -> None:
    """By the name of the action, and of the quantity; the rest of it is sound."""
    (flaw,) = flaws({"bake": Action(**{**SOUND, **change})})
    assert flaw.startswith(told)


@pytest.mark.parametrize(
    ("actions", "told"),
    [
        (None, "its actions are None, not a mapping"),
        ({"bake": {"expected_s": 60}}, "its actions hold 'bake': {'expected_s': 60}"),
        ({7: Action(**SOUND)}, "its actions hold 7: Action("),
        (Forgotten(), "its actions cannot be read: ConnectionResetError: bake"),
    ],
)
def test_actions_that_are_none_are_told(actions: object, told: str) -> None:
    """Whatever a driver has in their place; nothing is raised."""
    (flaw,) = flaws(actions)
    assert flaw.startswith(told)
