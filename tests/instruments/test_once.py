"""The same command twice: the driver's tool moves once."""

import pytest

from instruments.driver import Command, FailureClass, InstrumentError, Reading
from instruments.once import Once


class Lift:
    """Counts how often it was moved."""

    def __init__(self) -> None:
        self.once, self.floor, self.is_stuck = Once(), 0, False

    def up(self, command_id: str) -> int:
        """Go up by one floor, and tell which it is."""
        return int(self.once.perform(Command("lift", "up", {}, command_id), self._moved).floor)

    def _moved(self) -> Reading:
        if self.is_stuck:
            raise InstrumentError(FailureClass.INSTRUMENT, "stuck")
        self.floor += 1
        return Reading({"floor": self.floor})


@pytest.mark.parametrize(
    ("ids", "floors"),
    [
        (["1.1.1", "1.1.1", "1.1.2", "1.1.2"], [1, 1, 2, 2]),
        (["1.1.1", "1.1.2", "1.1.1"], [1, 2, 3]),
        (["", ""], [1, 2]),
    ],
    ids=["the same again", "the latest alone", "no id"],
)
def test_once_moves_once_for_the_same_id(ids: list[str], floors: list[int]) -> None:
    """It remembers the latest command that has an id."""
    lift = Lift()
    assert [lift.up(command_id) for command_id in ids] == floors


def test_once_keeps_no_failure() -> None:
    """What failed may be tried again under the same id."""
    lift = Lift()
    lift.is_stuck = True
    with pytest.raises(InstrumentError):
        lift.up("1.1.1")
    lift.is_stuck = False
    assert lift.up("1.1.1") == 1


def test_once_forgets() -> None:
    """As when the connection ends."""
    lift = Lift()
    lift.up("1.1.1")
    lift.once.forget()
    assert lift.up("1.1.1") == 2
