"""The exact maximum of the acquisition over a grid: never another point than the one that asking everywhere finds."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.config.schema import PlannerConfig
from orchestrator.data import Rows
from orchestrator.objective import Objective
from orchestrator.planner import Observation, Planner, summit
from orchestrator.planner.acquisition import Doubt, Outlook, Reference, ceiling, evaluate
from orchestrator.planner.belief import Belief
from orchestrator.planner.feasibility import Feasibility
from orchestrator.planner.lattice import Blocks, Lattice
from orchestrator.space import Parameter, ParameterSpace
from orchestrator.surrogates.deviation import Deviation
from orchestrator.surrogates.separable import Separable

OBJECTIVE = Objective("conductivity", "uS/cm")
DISTANCE = Parameter("distance", "cm", 3, 12)
PRESSURE = Parameter("pressure", "Pa", 0.2, 4, scale="log")
POWER = Parameter("power", "W", 50, 300, levels=(50.0, 60.0, 90.0, *np.linspace(100, 300, 31).tolist()))
PLANE, BOX = ParameterSpace([DISTANCE, PRESSURE]), ParameterSpace([DISTANCE, POWER, PRESSURE])
SCALED, PAPER, RATIO = {"mode": "scaled"}, {"mode": "paper"}, {"surrogate": "ratio"}
NOTHING = np.empty(0, dtype=np.intp)


def true(point):
    numbers = [value for value in point.values() if not isinstance(value, str)]
    return sum(np.sin((k + 2) * number) for k, number in enumerate(numbers))


def observations(space, n, seed=0):
    """Random runs, of which those at low pressure failed."""
    points = space.sample(n, np.random.default_rng(seed))
    failed = [point["pressure"] < 0.3 for point in points]
    return [
        Observation(p, failure="infeasible") if f else Observation(p, true(p))
        for p, f in zip(points, failed, strict=True)
    ]


def rows(space, n, seed=9):
    points = tuple(space.sample(n, np.random.default_rng(seed)))
    return Rows(Path("past.csv"), "", points, np.array([true(p) for p in points]), None, ("",) * n, ("",) * n)


def everywhere(belief, lattice):
    """The acquisition at every point of a grid, asked as people ask: by points."""
    index = np.unravel_index(np.arange(lattice.n_points), lattice.shape)
    return belief.promise(belief.at(lattice.columns_at(index)))


@pytest.mark.parametrize(
    ("space", "levels", "model", "acquisition", "n"),
    [
        (PLANE, 140, SCALED, "ei", 4),
        (PLANE, 131, PAPER, "ucb", 25),
        (BOX, 24, SCALED, "ei", 40),
        (BOX, 23, SCALED, "pi", 25),
        (BOX, 24, SCALED, "ucb", 12),
        (BOX, 24, PAPER, "ei", 25),
        (BOX, 24, PAPER, "pi", 8),
        (BOX, 24, RATIO, "ei", 20),
    ],
)
def test_summit_is_the_best_of_all_points(space, levels, model, acquisition, n):
    """With failures, a source, runs pending, a log scale and uneven levels: as asking everywhere."""
    given_settings = PlannerConfig(acquisition=acquisition, source_weight=0.4, kappa=0.5 + n / 10, **model)
    known, pending = observations(space, n, n), space.sample(2, np.random.default_rng(n + 50))
    belief = Belief(space, OBJECTIVE, given_settings, known, pending=pending, source=rows(space, 12))
    lattice = Lattice.of(space, levels, natural=model == PAPER)
    assert lattice.n_points > 2**14
    promise = everywhere(belief, lattice)
    for barred in (NOTHING, np.sort(np.argsort(promise)[-3:])):
        promise[barred] = -np.inf
        found = lattice.places(summit.summit(belief, lattice, barred), within=1e-9)[0]
        assert found == promise.argmax()


@pytest.mark.parametrize("levels", [16, 41], ids=["all points at once", "by blocks"])
def test_summit_meets_the_constraints(levels):
    """The best of the allowed points, though better ones are barred; fixed parameters stay where they are."""
    thickness = Parameter("thickness", "nm", 100, 900, fixed=800.0)
    gas = Parameter("gas", choices=("N2",), fixed="N2")
    parameters = [DISTANCE, gas, Parameter("power", "W", 50, 300), thickness, PRESSURE]
    free, space = (ParameterSpace(parameters, constraints=c) for c in ([], ["distance * pressure <= 4", "power > 90"]))
    belief = Belief(space, OBJECTIVE, PlannerConfig(), observations(free, 30))
    lattice = Lattice.of(space, levels, natural=False)
    assert lattice.shape == (levels, levels, 1, levels)
    promise = everywhere(belief, lattice)
    allowed = space.allowed(lattice.columns_at(np.unravel_index(np.arange(lattice.n_points), lattice.shape)))
    assert not allowed[promise.argmax()]
    promise[~allowed] = -np.inf
    assert lattice.places(summit.summit(belief, lattice, NOTHING), within=1e-9)[0] == promise.argmax()


def test_summit_looks_at_a_fraction_of_the_grid(monkeypatch):
    """Of eight million points some ten thousand are asked for their doubt: what is left out provably cannot win."""
    space = ParameterSpace([DISTANCE, Parameter("power", "W", 50, 300), PRESSURE])
    n_asked = []
    search = summit._Search
    look = search._look
    monkeypatch.setattr(
        search, "_look", lambda self, level, places: n_asked.append(len(places)) or look(self, level, places)
    )
    belief = Belief(space, OBJECTIVE, PlannerConfig(), observations(space, 60))
    summit.summit(belief, Lattice.of(space, 201, natural=False), NOTHING)
    assert sum(n_asked) < 100_000


@pytest.mark.parametrize("acquisition", ["ei", "ucb", "pi"])
def test_summit_gives_no_block_too_low_a_ceiling(acquisition):
    """No block of any level that waits holds a point better than its ceiling."""
    config = PlannerConfig(acquisition=acquisition)
    belief, lattice = Belief(BOX, OBJECTIVE, config, observations(BOX, 30)), Lattice.of(BOX, 23, natural=False)
    promise = everywhere(belief, lattice).reshape(lattice.shape)
    search = summit._Search(belief, lattice, belief.mean_on(lattice.features), NOTHING)
    for level in range(len(search._maxima), 0, -1):
        search._look(level, np.arange(np.prod(search._blocks[level].shape)))
    for level in range(len(search._maxima)):
        blocks, size = search._blocks[level], 2**level
        highest = np.full(blocks.shape, -np.inf)
        np.maximum.at(highest, tuple(i // size for i in np.indices(lattice.shape)), promise)
        waiting = search._levels == level
        assert (search._ceilings[waiting] >= highest.ravel()[search._places[waiting]] - 1e-9).all()


def test_summit_of_equals_is_the_first():
    """Points that differ by rounding alone are one choice, whatever the order in which they are found."""
    for values in ([1.0, 1.0 + 1e-15, 0.5], [1.0 + 1e-15, 1.0, 0.5]):
        found = summit._Found(NOTHING)
        found.add(np.array([70, 8, 2]), np.array(values))
        found.add(np.array([9]), np.array([1.0 - 1e-15]))
        assert found.first == 8
    found = summit._Found(np.array([8]))
    found.add(np.array([8, 9]), np.array([2.0, 1.0]))
    assert found.first == 9


@given(st.lists(st.integers(1, 5), min_size=1, max_size=2), st.integers(4097, 4103), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_summit_begins_with_the_largest_mean_of_each_block(first, last, seed):
    """Of grids of odd and even length, down to a single level."""
    rng, shape = np.random.default_rng(seed), (*first, last)
    mean = Separable(0.1, rng.normal(size=4), tuple(rng.normal(size=(n, 4)) for n in shape))
    padded = np.full([n + n % 2 for n in shape], -np.inf)
    index = np.unravel_index(np.arange(np.prod(shape)), shape)
    padded[index] = mean.at(index)
    pairs = padded.reshape([k for n in padded.shape for k in (n // 2, 2)])
    wanted = pairs.max(axis=tuple(range(1, pairs.ndim, 2)))
    np.testing.assert_allclose(summit._pyramid(mean)[0], wanted, atol=1e-12)


@given(st.integers(0, 999), st.floats(0, 0.5), st.sampled_from([1e-3, 0.1]))
@settings(max_examples=30, deadline=None)
def test_deviation_keeps_within_its_bounds(seed, reach, noise):
    """Wherever one goes from a point, as far as was said, the doubt is neither smaller nor larger."""
    rng = np.random.default_rng(seed)
    deviation = Deviation(rng.normal(size=(7, 3)), rng.normal(size=7), noise)
    X = np.vstack([rng.normal(size=(20, 3)), deviation._X])
    radius = np.full(len(X), reach)
    sd, (lowest, highest) = deviation.around(X, radius)
    np.testing.assert_array_equal(sd, deviation.at(X))
    step = rng.normal(size=X.shape)
    there = deviation.at(X + reach * rng.random((len(X), 1)) * step / np.linalg.norm(step, axis=1)[:, None])
    assert (there <= highest * (1 + 1e-7)).all()
    assert (there >= lowest * (1 - 1e-7)).all()


@given(st.integers(0, 999), st.floats(0, 0.3), st.integers(0, 12))
@settings(max_examples=30, deadline=None)
def test_feasibility_keeps_within_its_bounds(seed, reach, n):
    """As for the doubt, and at the point itself it is what it is."""
    rng = np.random.default_rng(seed)
    feasibility = Feasibility(rng.random((n, 2)), rng.choice([0.0, 0.3, 1.0], size=n))
    X, reaches = rng.random((30, 2)), reach * rng.random((30, 2))
    p, (lowest, highest) = feasibility.around(X, reaches)
    np.testing.assert_allclose(p, feasibility.at(X), rtol=1e-6)
    there = feasibility.at(X + reaches * rng.uniform(-1, 1, size=X.shape))
    assert (there <= highest + 1e-7).all()
    assert (there >= lowest - 1e-7).all()


@given(
    st.sampled_from(["ei", "ucb", "pi"]),
    st.floats(-3, 3),
    st.tuples(st.floats(1e-3, 2), st.floats(1e-3, 2)).map(sorted),
    st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99)).map(sorted),
    st.tuples(*[st.floats(0, 1)] * 3),
)
def test_ceiling_is_not_exceeded(name, score, sds, ps, shares):
    """Whatever score, doubt and feasibility a point within a block has."""
    config, reached = PlannerConfig(acquisition=name), Reference(best=1.0, worst=-1.0, spread=0.5)
    sd, p = (low + share * (high - low) for share, (low, high) in zip(shares, (sds, ps), strict=False))
    inside = evaluate(config, Outlook(*(np.array([v]) for v in (score - shares[2], sd, p))), reached)
    sd_range, p_range = ((np.array([low]), np.array([high])) for low, high in (sds, ps))
    highest = ceiling(config, np.array([score]), Doubt(sd_range[0], sd_range, p_range[0], p_range), reached)
    assert inside[0] <= highest[0] + 1e-12


def test_lattice_is_every_level_and_both_ends():
    """Ranges are divided evenly on their scale; levels are taken as they are."""
    lattice = Lattice.of(BOX, 11, natural=True)
    assert lattice.shape == (11, 34, 11)
    assert lattice.features[0].tolist() == pytest.approx(np.linspace(3, 12, 11).tolist())
    assert lattice.features[1].tolist() == pytest.approx(list(POWER.levels))
    assert lattice.features[2].tolist() == pytest.approx(np.geomspace(0.2, 4, 11).tolist())
    assert all((axis[0], axis[-1]) == (0, 1) for axis in lattice.columns)


def test_lattice_knows_its_points():
    """A point of the grid is found by its place, one beside it is not."""
    lattice = Lattice.of(PLANE, 11, natural=False)
    columns = np.array([[0.3, 0.7], [0.3, 0.70001], [1.0, 0.0]])
    assert lattice.places(columns, within=1e-6).tolist() == [40, 110]
    assert lattice.places(np.empty((0, 2)), within=1e-6).tolist() == []


def test_blocks_reach_every_one_of_their_points():
    """The last block of an axis may be smaller; no point is farther from the centre than was said."""
    lattice = Lattice.of(BOX, 11, natural=True)
    for size in (2, 4, 16):
        blocks = Blocks(lattice, size)
        for place in np.ndindex(blocks.shape):
            index = tuple(np.array([i]) for i in place)
            centre, reach = blocks.centres(index), blocks.reaches(lattice.features, index)[0]
            for axis, i, c, r in zip(lattice.features, place, centre, reach, strict=True):
                apart = np.abs(axis[size * i : size * (i + 1)] - axis[c])
                assert apart.max() == pytest.approx(r)


@pytest.mark.parametrize(
    ("space", "levels"),
    [
        (ParameterSpace(PLANE.parameters, PLANE.sample(5, np.random.default_rng(0))), 21),
        (ParameterSpace([DISTANCE, Parameter("gas", choices=("N2", "Ar"))]), 21),
        (ParameterSpace([Parameter(name) for name in "abcd"]), 21),
        (PLANE, None),
        (ParameterSpace(PLANE.parameters, constraints=["distance + pressure == 9"]), 21),
        (ParameterSpace(PLANE.parameters, constraints=["8.001 <= distance <= 8.002"]), 21),
        (ParameterSpace([Parameter(name, levels=tuple(map(float, range(500)))) for name in "abc"]), 21),
    ],
    ids=["a pool", "choices", "four", "none wanted", "an equality", "nothing allowed", "too many points"],
)
def test_lattice_is_left_out_where_there_is_none(space, levels):
    """Samples are searched instead."""
    assert Lattice.of(space, levels, natural=False) is None


def test_planner_on_a_grid_needs_no_luck():
    """Neither the seed nor the number of the suggestion moves the point; it is the best of the grid."""
    known = observations(PLANE, 14)
    points = [
        Planner(PLANE, OBJECTIVE, PlannerConfig(levels=51), seed=seed).ask(known, number=number).point
        for seed, number in ((0, 15), (1, 15), (0, 16))
    ]
    assert points[0] == points[1] == points[2]
    assert len(str(points[0]["distance"])) < 6
    belief = Belief(PLANE, OBJECTIVE, PlannerConfig(), known)
    lattice = Lattice.of(PLANE, 51, natural=False)
    assert lattice.places(PLANE.encode(points[:1]), within=1e-6)[0] == everywhere(belief, lattice).argmax()


def test_planner_uses_every_level_up_before_repeating():
    """Nine settings are nine runs, then replicates are due."""
    space = ParameterSpace([Parameter(name, low=0, high=2, levels=(0.0, 1.0, 2.0)) for name in ("heat", "pressure")])
    one = Planner(space, OBJECTIVE, PlannerConfig(initial_runs=2))
    for _ in range(9):
        point = one.suggest().point
        one.tell(point, true(point))
    assert len({tuple(o.point.values()) for o in one.observations}) == 9
    assert one.suggest().point in [o.point for o in one.observations]


def test_planner_samples_where_the_surrogate_knows_no_bounds():
    """A Gaussian process with a rough kernel is searched exactly on a small grid, by samples on a large one."""
    known = observations(BOX, 14)
    one, other = (Planner(BOX, OBJECTIVE, PlannerConfig(surrogate="gp", levels=n, samples=64)) for n in (5, 200))
    lattice = Lattice.of(BOX, 5, natural=False)
    suggested = BOX.encode([one.ask(known, number=15).point])
    assert lattice.places(suggested, within=1e-6)[0] == everywhere(one.belief(known), lattice).argmax()
    assert not len(
        Lattice.of(BOX, 200, natural=False).places(BOX.encode([other.ask(known, number=15).point]), within=1e-6)
    )
