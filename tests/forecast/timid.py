"""Real tools that may not be touched, and recipes that ask for more than they can."""

from typing import Any, NoReturn

from worlds import NUMBER

from instruments.driver import Action, Command, Identity, Quantity, Reading
from orchestrator.recipe import Lab, Point, Steps

HOUR_S = 3600.0


class Untouchable:
    """A real oven that takes an hour and stands no more than 60 K. Whoever touches it in a forecast has failed."""

    def __init__(self, *, name: str) -> None:
        self.name = name
        heat = {"heat": Quantity("K", 0, 60)}
        self.actions = {"bake": Action(heat, {"sample": Quantity(text=True)}, HOUR_S, 9 * HOUR_S)}

    def connect(self) -> Identity:
        """Fail."""
        self._touched()

    def perform(self, command: Command, report: Any) -> Reading:  # noqa: ARG002 - never used
        """Fail."""
        self._touched()

    def halt(self) -> None:
        """Fail."""
        self._touched()

    def close(self) -> None:
        """Fail."""
        self._touched()

    def _touched(self) -> NoReturn:
        message = f"{self.name} was touched"
        raise AssertionError(message)


class UntouchableScale(Untouchable):
    """A real scale that takes half an hour."""

    def __init__(self, *, name: str) -> None:
        super().__init__(name=name)
        self.actions = {"weigh": Action({"sample": Quantity(text=True)}, {"mass": NUMBER}, HOUR_S / 2, 9 * HOUR_S)}


def bake_again_hotter(point: Point, lab: Lab) -> Steps:
    """Bake, and bake a cake that is too light again at 65 K: nobody can foresee that one is."""
    cake = yield lab.oven.bake(heat=point["heat"])
    weighed = yield lab.scale.weigh(sample=cake.sample)
    if weighed.mass < 0.5:
        yield lab.oven.bake(heat=65.0)
    return float(weighed.mass)
