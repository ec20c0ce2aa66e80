"""What is written down of a race, kept, and counted."""

import json

import numpy as np
import pytest

from benchmarks.planners.cache import Cache
from benchmarks.planners.contenders import Entry
from benchmarks.planners.families import FAMILIES
from benchmarks.planners.figures import count, paired
from benchmarks.planners.race import race
from benchmarks.planners.speed import crowded


@pytest.fixture(scope="module")
def laboratory():
    return FAMILIES["gaussians3"]("gaussians3", 0)


def written(laboratory, truths, failures=()):
    """Return a record whose runs had these true values."""
    runs = [
        {
            "truth": t,
            "value": None if i in failures else t,
            "failure": "infeasible" if i in failures else None,
            "s": 0.1,
        }
        for i, t in enumerate(truths)
    ]
    return {"laboratory": laboratory.fingerprint, "runs": runs, "checks": {}}


def test_entry_reads_settings_as_yaml_does():
    """Numbers, flags and words come out as such."""
    entry = Entry.parse("ours:surrogate=gp+source_weight=0.5+source=false")
    assert (entry.name, entry.settings) == ("ours", {"surrogate": "gp", "source_weight": 0.5, "source": False})


def test_entry_refuses_an_unknown_planner():
    """The message names the planners there are."""
    with pytest.raises(KeyError, match="no planner 'theirs'; there are ours, random"):
        Entry.parse("theirs")


def test_race_gives_the_same_points_again(laboratory):
    """A race is a function of planner and laboratory."""
    points = [[run["point"] for run in race(Entry.parse("ours"), laboratory, 2)["runs"]] for _ in range(2)]
    assert points[0] == points[1]


def test_planners_that_learn_nothing_differ(laboratory):
    """Random points are not those of the Sobol sequence."""
    first, second = (race(Entry.parse(name), laboratory, 3)["runs"] for name in ("random", "sobol"))
    assert [run["point"] for run in first] != [run["point"] for run in second]


def test_count_takes_failed_runs_for_nothing(laboratory):
    """A run in the failing region brings no value, however high it would have been."""
    counted = count(written(laboratory, [2.04, 1.95], failures={0}), laboratory, 2)
    start = laboratory.truth([point for point, _ in laboratory.initial]).max()
    assert counted.regret == pytest.approx([2.04 - start, 2.04 - start, 0.09])
    assert (counted.solved_at, counted.failures) == (2, 1)


def test_paired_gain_is_positive_where_ours_is_better(laboratory):
    """The smaller regret wins the pair."""
    ours, other = (count(written(laboratory, [truth]), laboratory, 1) for truth in (2.0, 1.9))
    result = paired([ours], [other], 1)
    assert (result.wins, result.losses) == (1, 0)
    assert result.median == pytest.approx(0.1)


def test_cache_passes_over_a_torn_last_line_and_finds_the_rest(laboratory, tmp_path):
    """A comparison that was killed while it wrote goes on where it was."""
    path, entry = tmp_path / "results.jsonl", Entry.parse("random")
    Cache(path).add(race(entry, laboratory, 2))
    with path.open("a", encoding="utf-8") as file:
        file.write('{"planner": "ran')
    cache = Cache(path)
    cache.add(race(entry, laboratory, 3))
    assert Cache(path).find(entry, laboratory, 3) is not None
    assert Cache(path).find(Entry.parse("sobol"), laboratory, 2) is None


def test_record_is_plain_json(laboratory):
    """What is kept can be read without this code."""
    record = race(Entry.parse("random"), laboratory, 1)
    assert json.loads(json.dumps(record)) == record
    assert np.isfinite(record["runs"][0]["truth"])


def test_crowded_laboratory_has_so_many_measured_rows(laboratory):
    """A laboratory to time planners in knows as many rows as asked, none of them failed."""
    rows = crowded(laboratory, 60).initial
    assert len(rows) == 60
    assert not laboratory.fails([point for point, _ in rows]).any()
