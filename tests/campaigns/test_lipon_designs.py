import csv
from collections import Counter

import numpy as np
import pytest

from campaigns.lipon.make_designs import COLUMNS, DESIGNS, FOLDER, balanced_points, make


def read(text):
    """Return the comment lines and the rows of a file."""
    lines = text.splitlines()
    comments = [line for line in lines if line.startswith("#")]
    return comments, list(csv.DictReader(line for line in lines if not line.startswith("#")))


@pytest.fixture(params=DESIGNS, ids=[design.file for design in DESIGNS])
def design(request):
    return request.param


def test_designs_are_what_the_script_makes(design):
    """The committed files come out of the committed script again."""
    comments, rows = read((FOLDER / design.file).read_text())
    made_comments, made_rows = read(make(design))
    assert comments == made_comments
    assert len(rows) == len(made_rows) == design.n_rows
    for row, made in zip(rows, made_rows, strict=True):
        assert [float(row[c]) for c in COLUMNS[:-1]] == pytest.approx([float(made[c]) for c in COLUMNS[:-1]], rel=5e-3)


def test_designs_say_that_they_are_synthetic(design):
    """The first line says what the rows are, and every row carries its origin."""
    comments, rows = read((FOLDER / design.file).read_text())
    assert "SYNTHETIC: simulated by this project" in comments[0]
    assert "not the rows of any paper" in comments[0]
    assert {row["origin"] for row in rows} == {"simulated"}


def test_designs_keep_to_the_published_levels(design):
    """Distinct points, every level in use, equally often give or take one."""
    points = balanced_points(design, np.random.default_rng(11))
    assert len(set(points)) == design.n_rows
    assert design.included is None or design.included in points
    for column, levels in zip(zip(*points, strict=True), design.levels, strict=True):
        counts = Counter(column)
        assert set(counts) == set(levels)
        assert max(counts.values()) - min(counts.values()) <= 1


def test_designs_of_another_seed_differ(design):
    """The seed decides rows and values."""
    assert read(make(design, seed=1))[1] != read(make(design, seed=2))[1]


def test_literature_facts_have_references():
    """Thirteen published facts, each with a reference, a material and where it was seen."""
    with (FOLDER / "literature.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 13
    assert all(row["ref"] and row["material"] and row["where_seen"] for row in rows)
