"""The planner that is told the family: it sees the landscapes that are drawn, and its cloud follows what is known."""

import numpy as np
import pytest

from benchmarks.planners.contenders import Entry
from benchmarks.planners.families import laboratory
from benchmarks.planners.landscapes import OPEN, Hills

torch = pytest.importorskip("torch", reason="PyTorch comes with the extra peers")
pytestmark = pytest.mark.extra

N_PARAMETERS = 3


@pytest.fixture
def family():
    """Hills in three parameters."""
    from benchmarks.planners.informed.family import Family  # noqa: PLC0415 - it needs PyTorch

    return Family(N_PARAMETERS, OPEN)


@pytest.fixture
def rng():
    """Chance."""
    return torch.Generator().manual_seed(5)


def cloud_of(family, rng, n):
    """A cloud in which everything is possible."""
    from benchmarks.planners.informed.posterior import Cloud  # noqa: PLC0415 - it needs PyTorch

    return Cloud(family.drawn(n, rng), lambda guesses: torch.ones(len(guesses), dtype=torch.bool), rng)


def test_informed_landscapes_are_those_of_the_benchmark(family, rng):
    """The same centres, roots and heights give the same values; the swell is round and as wide as there."""
    found, X = family.hills(family.drawn(4, rng)), np.random.default_rng(1).random((20, N_PARAMETERS))
    values = found.at(torch.from_numpy(X)).numpy()
    for i in range(4):
        roots = np.concatenate([found.roots[i].numpy(), np.eye(N_PARAMETERS)[None] / found.swell_width])
        theirs = Hills(found.centres[i].numpy(), roots, found.heights[i].numpy())
        np.testing.assert_allclose(values[i], theirs(X))


def test_informed_cloud_without_knowledge_stays_what_it_was(family, rng):
    """Numbers stay standard normal, rotations rotations, and all of them move."""
    cloud = cloud_of(family, rng, 1000)
    before = cloud.guesses
    cloud.move(lambda guesses, _: torch.zeros(len(guesses), dtype=torch.float64) * guesses.turns.sum(), 1.0, 6, 12)
    z, turns = cloud.guesses.z, cloud.guesses.turns
    assert abs(float(z.mean())) < 0.02
    assert float(z.var()) == pytest.approx(1.0, abs=0.03)
    assert float((z - before.z).abs().median()) > 0.3
    np.testing.assert_allclose(
        (turns @ turns.transpose(-1, -2)).numpy(), np.broadcast_to(np.eye(3), turns.shape), atol=1e-9
    )
    assert float(turns.mean().abs()) < 0.03


def test_informed_cloud_follows_what_is_measured(family, rng):
    """Of a standard normal number of which 2 is measured with a standard deviation of 0.2 the exact answer is known."""
    cloud = cloud_of(family, rng, 600)

    def likelihood(guesses, share):
        return share * -0.5 * ((guesses.z[:, 0] - 2.0) / 0.2) ** 2 + 0.0 * guesses.turns.sum()

    cloud.learn(likelihood, 2, 12)
    cloud.move(likelihood, 1.0, 5, 12)
    first, others = cloud.guesses.z[:, 0], cloud.guesses.z[:, 1:]
    assert float(first.mean()) == pytest.approx(2.0 / 1.04, abs=0.03)
    assert float(first.std()) == pytest.approx(0.2 / np.sqrt(1.04), abs=0.03)
    assert float(others.std()) == pytest.approx(1.0, abs=0.1)


def test_informed_planner_is_for_hills_alone():
    """Of a sputter tool it would know nothing."""
    with pytest.raises(ValueError, match="knows of hills alone, not of lipon"):
        Entry.parse("informed").enter(laboratory("lipon", 0))
