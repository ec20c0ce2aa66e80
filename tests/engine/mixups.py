"""Recipes that mix up their samples: each names another than the one it has made."""

from worlds import Scale

from orchestrator.recipe import Lab, Point, Steps

FIRST = "cake-1.1.1"


class KnowingScale(Scale):
    """A scale with a standard on it."""

    def __init__(self, *, name: str, shelf: dict[str, float]) -> None:
        super().__init__(name=name, shelf=shelf)
        shelf["standard"] = 1.0


def weigh_the_first(point: Point, lab: Lab) -> Steps:
    """Weigh the cake of run 1, whatever became of it."""
    yield lab.oven.bake(heat=point["heat"])
    weighed = yield lab.scale.weigh(sample=FIRST)
    return float(weighed.mass)


def fire_the_first(point: Point, lab: Lab) -> Steps:
    """Put the cake of run 1 into the kiln, where it may be already."""
    cake = yield lab.oven.bake(heat=point["heat"])
    yield lab.kiln.fire(sample=FIRST, heat=900)
    weighed = yield lab.scale.weigh(sample=cake.sample)
    return float(weighed.mass)


def misspell(point: Point, lab: Lab) -> Steps:
    """Weigh what nobody has baked."""
    cake = yield lab.oven.bake(heat=point["heat"])
    weighed = yield lab.scale.weigh(sample=cake.sample.upper())
    return float(weighed.mass)


def bake_and_weigh_beside_a_standard(point: Point, lab: Lab) -> Steps:
    """Weigh a cake that was brought in, then one's own."""
    yield lab.scale.weigh(sample="standard")
    cake = yield lab.oven.bake(heat=point["heat"])
    weighed = yield lab.scale.weigh(sample=cake.sample)
    return float(weighed.mass)
