"""What counts: runs and past rows that keep the limits of further objectives."""

import numpy as np

from orchestrator.objective import Objective
from orchestrator.objective.merit import Merit

YIELD, HOURS = Objective("yield", "%"), Objective("hours", "h", "minimise", worth=2.0)
PURE = Objective("impurity", "%", "minimise", limit=5.0)
STRONG = Objective("strength", "MPa", "maximise", limit=10.0)


def test_rows_count_that_are_known_to_keep_every_limit():
    """At the limit is within it; what is not known of a row, be it null or NaN or a whole column, it does not keep."""
    plain = {"impurity": [5.0, 5.1, None, 1.0], "strength": [10.0, 11.0, 12.0, 9.0]}
    arrays = {name: np.array(column, dtype=float) for name, column in plain.items()}
    for further in (plain, arrays):
        assert Merit(YIELD, (HOURS, PURE)).kept(further, 4).tolist() == [True, False, False, True]
        assert Merit(YIELD, (PURE, STRONG)).kept(further, 4).tolist() == [True, False, False, False]
    assert not Merit(YIELD, (PURE,)).kept({}, 3).any()


def test_all_rows_count_without_limits():
    """Whatever is known of them."""
    for further in ((), (HOURS,)):
        assert Merit(YIELD, further).kept({"hours": [None, 1.0]}, 2).tolist() == [True, True]
    assert Merit(YIELD, (PURE,)).kept({}, 0).tolist() == []
