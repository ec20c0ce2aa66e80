"""The report says which parameters make the model's estimate at the best point."""

import numpy as np

from orchestrator.report.material import gather
from orchestrator.report.tables import facts


def told(one):
    return {fact.label: fact for fact in facts(gather(one.ledger, one.planner))}


def test_report_names_the_drivers_of_the_best_estimate(long_story):
    """Every parameter with what it adds, in the objective's unit, and what it is compared with."""
    fact = told(long_story)["what drives that estimate"]
    assert fact.text.endswith(" uS/cm")
    assert sorted(part.split()[0] for part in fact.text.split(", ")) == ["distance", "power", "pressure"]
    assert fact.remark.startswith("from ")
    assert fact.remark.endswith("measured rows (Shapley values)")


def test_report_of_nine_parameters_tells_no_drivers(story):
    """Beyond eight parameters nothing is enumerated, and the report is made all the same."""
    names = [f"x{i}" for i in range(9)]
    one = story(parameters={name: {"low": 0.0, "high": 1.0} for name in names})
    for value in np.linspace(0.1, 0.9, 4):
        one.measured(dict.fromkeys(names, float(value)), float(value) ** 2)
    assert "model's estimate there now" in told(one)
    assert "what drives that estimate" not in told(one)
