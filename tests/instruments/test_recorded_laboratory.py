from pathlib import Path

import numpy as np
import pytest

from instruments.driver import Command, FailureClass, InstrumentError, Moved, Origin, PhasedInstrument
from instruments.recorded import RecordedLaboratory

SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"
TABLE = """# yields of a small study
ligand,heat (C),yield
L1,30,0.5
L1,30,0.7

# measured later
L2,30,0.1
L2,90,0.9
"""


def bench(folder, text=TABLE, **options):
    path = folder / "table.csv"
    path.write_text(text)
    given = {"name": "bench", "table": path, "inputs": ["ligand", "heat (C)"], "output": "yield"}
    return RecordedLaboratory(**(given | options))


def look_up(laboratory, seed=0, **settings):
    steps = laboratory.phases(Command("bench", "measure", settings, "1.1.1"), np.random.default_rng(seed))
    phase = next(steps)
    with pytest.raises(StopIteration) as done:
        next(steps)
    return phase, done.value.value


def test_recorded_laboratory_tells_its_limits_from_the_table(tmp_path):
    """Text columns are text; numbers have the range of the column."""
    laboratory = bench(tmp_path)
    settings = laboratory.actions["measure"].settings
    assert isinstance(laboratory, PhasedInstrument)
    assert laboratory.connect().origin is Origin.RECORDED
    assert settings["ligand"].text
    assert (settings["heat (C)"].low, settings["heat (C)"].high) == (30, 90)


def test_recorded_laboratory_draws_among_replicates(tmp_path):
    """Both values of a point come up, each with its line in the file."""
    laboratory = bench(tmp_path, minutes=5.0)
    found = [look_up(laboratory, seed, ligand="L1", **{"heat (C)": 30}) for seed in range(30)]
    assert {(reading.value, reading.line, reading.replicates) for _, reading in found} == {(0.5, 3, 2), (0.7, 4, 2)}
    assert {phase.duration_s for phase, _ in found} == {300}


def test_recorded_laboratory_reads_what_a_spreadsheet_leaves(tmp_path):
    """Blanks after commas, rows of commas alone and indented comments are as harmless as in every other table."""
    text = "ligand, heat (C), yield\n  # by hand\nL1 , 30, 0.5\n,,\nL2, 90, 0.9\n"
    _, reading = look_up(bench(tmp_path, text), **{"ligand": "L1", "heat (C)": 30.0})
    assert reading.value == 0.5


def test_recorded_laboratory_counts_lines_past_comments(tmp_path):
    """A row after a blank line and a comment is named by its line in the file."""
    _, reading = look_up(bench(tmp_path), ligand="L2", **{"heat (C)": 90.0})
    assert (reading.value, reading.line, reading.replicates) == (0.9, 8, 1)


@pytest.mark.parametrize(
    ("ligand", "heat", "words"),
    [("L2", 80.0, "nearest is line 8, ligand=L2, heat (C)=90"), ("L3", 30.0, "no row at ligand=L3, heat (C)=30")],
)
def test_recorded_laboratory_names_the_nearest_row(tmp_path, ligand, heat, words):
    """A point that was never measured is refused, nothing is interpolated."""
    with pytest.raises(InstrumentError) as caught:
        look_up(bench(tmp_path), ligand=ligand, **{"heat (C)": heat})
    assert (caught.value.failure, caught.value.moved) == (FailureClass.INSTRUMENT, Moved.NO)
    assert words in caught.value.reason


def test_recorded_laboratory_refuses_values_outside_the_table(tmp_path):
    """The range of a column is a hard limit."""
    with pytest.raises(InstrumentError, match="above the tool's limit of 90"):
        look_up(bench(tmp_path), ligand="L1", **{"heat (C)": 91.0})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ligand,yield\nL1,0.5\n", "no column 'heat (C)'; it has ligand, yield"),
        ("ligand,heat (C),yield\n", "no rows below the header"),
        ("", "no column 'ligand'"),
        ("ligand,heat (C),yield\nL1,30,nan\n", "table.csv:2: yield='nan' must be a finite number"),
        ("ligand,heat (C),yield\nL1,30,1\nL1,warm,1\n", "table.csv:3: heat (C)='warm' must be a finite number"),
        ("ligand,heat (C),yield\nL1,30,1\n,30,1\n", "table.csv:3: ligand='' must be text"),
        ("ligand,heat (C),yield\nL1,30\n", "table.csv:2: yield=None must be a finite number"),
    ],
)
def test_recorded_laboratory_names_the_defect_of_a_table(tmp_path, text, words):
    """A defect is told with file, line, column and value."""
    with pytest.raises(ValueError, match=r"table\.csv") as caught:
        bench(tmp_path, text)
    assert words in str(caught.value)


@pytest.mark.parametrize(("file", "n_points"), [("p3ht_cnt.csv", 178), ("crossed_barrel.csv", 600)])
def test_recorded_laboratory_answers_every_point_of_a_real_table(file, n_points):
    """Every distinct point of a published table has an answer that stands in it."""
    path = SHARED_DATA / file
    if not path.exists():
        pytest.skip(f"needs {path}, a table that is no part of the project")
    columns = path.read_text().splitlines()[0].split(",")
    laboratory = RecordedLaboratory(name="bench", table=path, inputs=columns[:-1], output=columns[-1])
    rows = [tuple(float(cell) for cell in line.split(",")) for line in path.read_text().splitlines()[1:]]
    points = {row[:-1] for row in rows}
    assert len(points) == n_points
    for point in points:
        _, reading = look_up(laboratory, **dict(zip(columns, point, strict=False)))
        assert (*point, reading.value) in rows
