"""The benchmark's laboratories are what they claim to be."""

import numpy as np
import pytest

from benchmarks.planners import pools
from benchmarks.planners.families import FAMILIES, laboratories
from benchmarks.planners.laboratory import Laboratory
from benchmarks.planners.landscapes import SHAPES, random_region

SIMULATED = ("gaussians3", "gaussians5", "gaussians8", "misleading3", "traps3", "lipon")
needs_tables = pytest.mark.skipif(not pools.folder().exists(), reason="the recorded tables are not beside the project")


def top(laboratory: Laboratory) -> dict[str, float]:
    """Return the point that the laboratory claims to be the best."""
    row = np.array([[laboratory.traits[f"top {name}"] for name in laboratory.space.names]], dtype=float)
    return laboratory.space.decode(row)[0]


@pytest.mark.parametrize("family", SIMULATED)
@pytest.mark.parametrize("seed", [0, 6])
def test_optimum_is_reached_and_never_exceeded_where_runs_succeed(family, seed):
    """The best point gives the optimum and does not fail, and no random point that can be made is better."""
    laboratory = FAMILIES[family](family, seed)
    points = laboratory.space.sample(2000, np.random.default_rng(1))
    feasible = laboratory.truth(points)[~laboratory.fails(points)]
    assert laboratory.truth([top(laboratory)])[0] == pytest.approx(laboratory.optimum, rel=1e-6)
    assert not laboratory.fails([top(laboratory)])[0]
    assert feasible.max() <= laboratory.optimum * 1.001


@pytest.mark.parametrize("family", SIMULATED)
def test_past_rows_were_made_where_runs_succeed_and_do_not_know_the_optimum(family):
    """All 18 rows are feasible, and the best of them is not a solution."""
    laboratory = FAMILIES[family](family, 4)
    points = [point for point, _ in laboratory.initial]
    assert len(points) == 18
    assert not laboratory.fails(points).any()
    assert laboratory.truth(points).max() < 0.95 * laboratory.optimum


@pytest.mark.parametrize("family", SIMULATED)
def test_exact_laboratory_is_the_same_one_and_measures_the_truth(family):
    """Past rows and answers are true values, at the same points; a cache never takes one laboratory for the other."""
    noisy, exact = FAMILIES[family](family, 4), FAMILIES[family](family, 4).exact()
    points = [point for point, _ in noisy.initial]
    assert [point for point, _ in exact.initial] == points
    assert np.array([value for _, value in exact.initial]) == pytest.approx(noisy.truth(points))
    made = [answer for run in range(1, 20) if (answer := exact.answer(points[0], run)).value is not None]
    assert made
    assert {answer.value for answer in made} == {made[0].truth}
    assert exact.fingerprint != noisy.fingerprint


@needs_tables
def test_recorded_table_keeps_its_noise():
    """There is no truth to take instead."""
    with pytest.raises(ValueError, match="composites is recorded"):
        FAMILIES["composites"]("composites", 0).exact()


@pytest.mark.parametrize("shape", SHAPES)
def test_region_takes_its_share_of_the_space(shape):
    """A failing region of any shape takes the share that was asked for."""
    region = random_region(shape, 3, 0.2, np.random.default_rng(3))
    assert np.mean(region(np.random.default_rng(4).random((8192, 3)))) == pytest.approx(0.2, abs=0.02)


def test_source_is_as_near_as_its_kind_says():
    """Source rows go with this tool's values where the source is near, and hardly where it misleads."""
    found = {"near": [], "misleading": []}
    for laboratory in laboratories("gaussians3", "tune", 16):
        if (kind := laboratory.traits["source"]) in found:
            points, values = zip(*laboratory.source, strict=True)
            found[kind].append(np.corrcoef(laboratory.truth(points), values)[0, 1])
    assert np.median(found["near"]) > 0.9
    assert np.median(found["misleading"]) < 0.5


def test_trap_has_the_past_rows_around_the_second_hill():
    """The best past row of a trap is nearer to the second hill than to the first in most laboratories."""
    away = []
    for laboratory in laboratories("traps3", "tune", 8):
        X = laboratory.space.encode([point for point, _ in laboratory.initial])
        best = X[laboratory.truth([point for point, _ in laboratory.initial]).argmax()]
        away.append(np.linalg.norm(best - laboratory.space.encode([top(laboratory)])[0]))
    assert np.median(away) > 0.4


def test_answers_of_a_run_are_the_same_for_every_planner():
    """Chance belongs to the laboratory and the run, not to who asks."""
    first, second = FAMILIES["gaussians3"]("gaussians3", 2), FAMILIES["gaussians3"]("gaussians3", 2)
    points = first.space.sample(5, np.random.default_rng(0))
    assert [first.answer(p, run) for run, p in enumerate(points)] == [
        second.answer(p, run) for run, p in enumerate(points)
    ]


def test_runs_fail_in_the_failing_region_and_now_and_then_elsewhere():
    """Every run in the region is infeasible; of the others about four in a hundred lose their sample."""
    laboratory = FAMILIES["gaussians3"]("gaussians3", 0)
    points = laboratory.space.sample(600, np.random.default_rng(0))
    answers = [laboratory.answer(point, run) for run, point in enumerate(points)]
    infeasible = [answer.failure == "infeasible" for answer in answers]
    lost = [a.failure == "sample" for a, inside in zip(answers, infeasible, strict=True) if not inside]
    assert infeasible == laboratory.fails(points).tolist()
    assert 0.02 < np.mean(lost) < 0.07


def test_halves_share_no_laboratory():
    """What is tuned on is never what is judged on."""
    halves = [{lab.fingerprint for lab in laboratories("gaussians3", half, 10)} for half in ("tune", "final")]
    assert len(halves[0]) == 10
    assert not halves[0] & halves[1]


def test_laboratories_that_were_looked_at_are_passed_over():
    """What was judged on once is not judged on again."""
    first, second, both = (laboratories("gaussians3", "final", n, skip) for n, skip in ((2, 0), (3, 2), (5, 0)))
    assert [lab.seed for lab in (*first, *second)] == [lab.seed for lab in both] == [1, 3, 5, 7, 9]


@needs_tables
@pytest.mark.parametrize("family", ["composites", "barrels", "couplings"])
def test_recorded_laboratory_answers_with_measured_values_alone(family):
    """Every answer is a value of the table at that very point, and the optimum is the best mean of a point."""
    laboratory = FAMILIES[family](family, 0)
    pool = laboratory.space.candidates
    values = [laboratory.answer(point, run).value for run, point in enumerate(pool)]
    assert all(value in laboratory.replicates(point) for value, point in zip(values, pool, strict=True))
    assert laboratory.optimum == max(np.mean(laboratory.replicates(point)) for point in pool)
