"""The front and its hypervolume, against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from orchestrator.objective.pareto import front, hypervolume

SCORES = st.integers(1, 3).flatmap(
    lambda d: arrays(float, st.tuples(st.integers(1, 8), st.just(d)), elements=st.integers(0, 6).map(float))
)


def test_front_of_a_staircase_is_its_corners() -> None:
    """What is beaten in both is left out; equals stay together."""
    scores = np.array([[1.0, 3.0], [2.0, 2.0], [2.0, 2.0], [1.0, 2.0], [3.0, 1.0], [0.0, 3.0]])
    assert front(scores).tolist() == [True, True, True, False, True, False]


@pytest.mark.parametrize(
    ("scores", "reference", "volume"),
    [
        ([[2.0, 1.0], [1.0, 2.0]], [0.0, 0.0], 3.0),
        ([[2.0, 1.0], [1.0, 2.0]], [1.0, 0.0], 1.0),
        ([[1.0, 1.0, 1.0], [2.0, 0.5, 1.0]], [0.0, 0.0, 0.0], 1.5),
        ([[3.0]], [1.0], 2.0),
        ([[1.0, 1.0]], [2.0, 0.0], 0.0),
    ],
)
def test_hypervolume_of_boxes(scores: list[list[float]], reference: list[float], volume: float) -> None:
    """Boxes whose union is counted by hand."""
    assert hypervolume(np.array(scores), reference) == pytest.approx(volume)


@given(SCORES)
def test_hypervolume_counts_the_cells_that_are_beaten(scores: np.ndarray) -> None:
    """On whole numbers the volume is the number of unit cells below any row."""
    d = scores.shape[1]
    cells = np.stack(np.meshgrid(*[np.arange(6) + 0.5] * d, indexing="ij"), axis=-1).reshape(-1, d)
    beaten = (scores[None] > cells[:, None]).all(axis=2).any(axis=1)
    assert hypervolume(scores, [0.0] * d) == pytest.approx(beaten.sum())


@given(SCORES)
def test_front_is_what_nothing_beats_and_loses_no_volume(scores: np.ndarray) -> None:
    """By the definition, row by row; the rows left out add nothing."""
    kept = front(scores)
    for i, row in enumerate(scores):
        beaten = any((other >= row).all() and (other > row).any() for other in scores)
        assert kept[i] == (not beaten)
    reference = [-1.0] * scores.shape[1]
    assert hypervolume(scores[kept], reference) == pytest.approx(hypervolume(scores, reference))
