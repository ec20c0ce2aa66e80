"""The objective: which of two values is better."""

from orchestrator.objective import Objective


def test_objective_turns_values_so_that_larger_is_better():
    """Score and value are inverse, and the goal decides what is better."""
    for goal, best in (("maximise", 3.0), ("minimise", 1.0)):
        objective = Objective("loss", "1", goal)
        assert objective.best([2.0, 1.0, 3.0]) == best
        assert objective.value(objective.score(2.5)) == 2.5
        assert objective.better(best, 2.0)
        assert not objective.better(2.0, 2.0)
    assert Objective("loss").best([]) is None
