"""Every surrogate serves the planner by the name the YAML gives."""

from pathlib import Path

import pytest

from orchestrator.config import ConfigError
from orchestrator.planner import Planner
from orchestrator.surrogates import NAMES

LIPON = Path(__file__).parents[2] / "configs" / "lipon.yaml"


@pytest.mark.parametrize("name", ["ann", "random-forest", "gradient-boosting", "tradaboost", "ratio"])
def test_planner_suggests_with_every_surrogate_and_the_same_again(name):
    """A point of the space with a doubt and a record of the source, equal when asked twice."""
    overrides = {"planner.surrogate": name, "planner.samples": 64, "planner.levels": 5}
    planner = Planner.from_yaml(LIPON, seed=3, overrides=overrides)
    first = planner.suggest()
    assert planner.suggest() == first
    assert first.kind == "model"
    assert first.sd > 0
    assert set(first.source_evidence) >= {"rule", "rows", "error"}


@pytest.mark.parametrize("mode", ["paper", "paper-search"])
def test_planner_suggests_in_the_modes_of_the_paper(mode):
    """Features in their own units, the published settings or a search for them."""
    overrides = {"planner.mode": mode, "planner.features": [], "planner.samples": 64, "planner.levels": 5}
    suggestion = Planner.from_yaml(LIPON, seed=3, overrides=overrides).suggest()
    assert suggestion.kind == "model"


def test_planner_names_all_surrogates_where_one_is_unknown():
    """The message has the place and every name."""
    with pytest.raises(ConfigError) as refused:
        Planner.from_yaml(LIPON, overrides={"planner.surrogate": "forest"})
    assert all(f"'{name}'" in str(refused.value) for name in NAMES)
