"""Rows that are few, constant, repeated, flat or wrong: an error with the way out, or a fallback that is told."""

import re

import pytest

from orchestrator.config import ConfigError, load
from orchestrator.screening.catalogue import chosen
from orchestrator.screening.material import read
from orchestrator.screening.screen import screen
from orchestrator.screening.terminal import plain

CONFIG = """\
campaign: oven
parameters:
  heat: {unit: K, low: 0, high: 50}
  time: {unit: s, low: 1, high: 9}
objective: {name: mass, unit: g}
data: {initial: target.csv, source: SOURCE}
laboratory: {instruments: {oven: {driver: "worlds:Oven"}, scale: {driver: "worlds:Scale"}}}
recipe: worlds:bake_and_weigh
budget: {runs: 3}
"""
GOOD = [(1, 2, 3.0), (9, 3, 2.0), (20, 8, 4.0), (33, 5, 6.0), (41, 2, 1.0), (50, 9, 2.5), (12, 6, 3.5), (28, 1, 5.0)]


@pytest.fixture
def told(tmp_path):
    """Return the words of a screening on rows of heat, time and mass."""

    def of(target, source=None, header="heat,time,mass", models="coral-svr:scaled,coral-svr:paper,ratio"):
        for name, rows in (("target", target), ("source", source or [])):
            lines = [header if name == "target" else "heat,time,mass", *(",".join(map(str, row)) for row in rows)]
            (tmp_path / f"{name}.csv").write_text("\n".join(lines))
        path = tmp_path / "oven.yaml"
        path.write_text(CONFIG.replace("SOURCE", "source.csv" if source else "null"))
        found = screen(read(load(path)), chosen(models.split(",")), levels=5)
        return " ".join(plain(found).split())

    return of


@pytest.mark.parametrize(
    ("target", "header", "words"),
    [
        (GOOD[:2], "heat,time,mass", "has 2 distinct points; at least 3 are needed"),
        ([GOOD[0]] * 8, "heat,time,mass", "has 1 distinct points; at least 3 are needed"),
        ([*GOOD, (7, 7, "nan")], "heat,time,mass", "target.csv:10: column 'mass': value 'nan' is not a finite number"),
        ([*GOOD, (99, 7, 1)], "heat,time,mass", "99 K is outside 0 to 50 K"),
        ([(*row, 1) for row in GOOD], "heat,time,mass", "the header has 3 cells, this row has 4"),
        (GOOD, "heat,minutes,mass", "column 'time' is missing; the file has heat, minutes, mass"),
        (GOOD, "heat [C],time,mass", "column 'heat [C]' is in 'C' but heat is in 'K'"),
    ],
)
def test_screening_refuses_rows_it_cannot_use(told, target, header, words):
    """What is wrong, and where."""
    with pytest.raises(ConfigError, match=re.escape(words)):
        told(target, header=header)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (GOOD[:4], "4 distinct target points, fewer than 6 folds: each point is its own fold (leave-one-out)"),
        ([*GOOD, (1, 2, 3.3)], "1 target row repeats another row's point; replicates stay in one fold"),
        ([(h, 4, m) for h, _, m in GOOD], "time is 4.0 s in every target row: nothing can be learned"),
        ([(5 * t, t, m) for _, t, m in GOOD if t > 1], "the target rows lie in 1 of 2 dimensions"),
        ([(h, t, 2.0) for h, t, _ in GOOD], "all target values are 2: R2 is undefined"),
    ],
)
def test_screening_tells_what_is_peculiar_about_rows(told, target, words):
    """It goes on, with every model, and says so; also with such rows as a source."""
    text = told(target, source=GOOD)
    assert words in text
    assert "is left out" not in text
    assert "is left out" not in told(GOOD, source=target)


def test_screening_without_a_source_leaves_out_the_models_that_need_one(told):
    """Each with the reason."""
    text = told(GOOD, models="svr:scaled,ratio")
    assert "ratio is left out: needs source rows (data.source), and there are none" in text


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ([(2, 2, 9.0)], "the source has one row: models that align it or scale it are fitted without it"),
        (GOOD, "of 8 target rows 8 are source rows too, with the same value: models that borrow have seen"),
    ],
)
def test_screening_tells_what_is_peculiar_about_a_source(told, source, words):
    """A source that cannot be aligned, and one that gives the answers away."""
    assert words in told(GOOD, source=source, models="coral-svr:scaled")


def test_screening_takes_a_source_on_the_same_points_as_it_is(told):
    """Other values at the same points give nothing away."""
    assert "source rows too" not in told(GOOD, source=[(h, t, m + 1) for h, t, m in GOOD], models="coral-svr:scaled")


def test_screening_with_nothing_left_to_fit_is_refused(told):
    """All models need a source."""
    with pytest.raises(ValueError, match="no model could be fitted: ratio: needs source rows"):
        told(GOOD, models="ratio,tradaboost")
