"""Data files: what is read, and that everything wrong with them is said at once."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from orchestrator.config.pool import read_pool
from orchestrator.config.schema import ObjectiveConfig, ParameterConfig
from orchestrator.data import DataError, read_csv, read_rows
from orchestrator.objective import Objective
from orchestrator.space import Parameter, ParameterSpace

SPACE = ParameterSpace([Parameter("distance", "cm", 3, 12), Parameter("power", "W", 50, 300)])
OBJECTIVE = Objective("conductivity", "uS/cm")
MEASURED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture
def write(tmp_path):
    """Return a writer of a CSV file in an empty folder."""

    def writer(text, encoding="utf-8"):
        path = tmp_path / "rows.csv"
        path.write_text(text, encoding=encoding)
        return path

    return writer


def test_data_reads_rows_with_provenance(write):
    """Units in headers, a byte order mark, comments, optional and unknown columns are all in order."""
    path = write(
        "# SYNTHETIC\npower [W],distance (cm),conductivity,conductivity_sd,origin,note,operator\n"
        "100,6,1.866,0.05,simulated,best,me\n\n150,7.5,1e-1,,real,,you\n",
        encoding="utf-8-sig",
    )
    rows = read_rows(path, SPACE, OBJECTIVE)
    assert rows.points == ({"distance": 6.0, "power": 100.0}, {"distance": 7.5, "power": 150.0})
    assert rows.values.tolist() == [1.866, 0.1]
    np.testing.assert_array_equal(rows.sds, [0.05, np.nan])
    assert (rows.origins, rows.notes) == (("simulated", "real"), ("best", ""))
    assert (rows.comments, rows.ignored) == (("SYNTHETIC",), ("operator",))
    assert rows.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_data_reports_every_problem_at_once_with_its_line(write):
    """Text in numbers, NaN, an empty cell and values outside the space are all named, in file order."""
    path = write("distance,power,conductivity\n6,abc,1\n2,100,nan\n6,,1\n6,100,-inf\n")
    with pytest.raises(DataError) as error:
        read_rows(path, SPACE, OBJECTIVE)
    lines = str(error.value).replace(str(path), "rows.csv").splitlines()
    assert lines == [
        "rows.csv:2: column 'power': value 'abc' is not a number",
        "rows.csv:3: column 'distance': 2 cm is outside 3 to 12 cm; change the point or the bounds",
        "rows.csv:3: column 'conductivity': value 'nan' is not a finite number",
        "rows.csv:4: column 'power': is empty; give a number or take the row out",
        "rows.csv:5: column 'conductivity': value '-inf' is not a finite number",
    ]


def test_data_shows_ten_problems_and_counts_the_rest(write):
    """Nobody reads two hundred lines."""
    path = write("distance,power,conductivity\n" + "x,100,1\n" * 13)
    with pytest.raises(DataError, match="and 3 more problems") as error:
        read_rows(path, SPACE, OBJECTIVE)
    assert len(str(error.value).splitlines()) == 11


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("# only a comment\n", "is empty"),
        ("distance,power,conductivity\n", "no rows"),
        ("distance,conductivity\n6,1\n", "column 'power' is missing; the file has distance, conductivity"),
        ("distance,power [kW],conductivity\n6,1,1\n", r"'power \[kW\]' is in 'kW' but power is in 'W'"),
        ("distance,power,power,conductivity\n6,1,1,1\n", ":1: column 'power' is there twice"),
        ("distance,power,power [W],conductivity\n6,1,1,1\n", "are both power"),
        ("distance,,conductivity\n6,1,1\n", "column 2 has no name"),
        ("distance,power,conductivity\n6,100\n", ":2: the header has 3 cells, this row has 2"),
        ('distance,power,conductivity\n6,"1,5",1\n', "'1,5' is not a number; write a decimal point"),
        ("distance,power,conductivity,conductivity_sd\n6,100,1,-1\n", "-1 is below 0"),
    ],
)
def test_data_refuses_a_file_it_cannot_use(write, text, words):
    """Each defect of a file has its own words."""
    with pytest.raises(DataError, match=words):
        read_rows(write(text), SPACE, OBJECTIVE)


def test_data_refuses_what_is_no_text_file(tmp_path):
    """A missing file, a folder and a binary file are told apart."""
    with pytest.raises(DataError, match="no such file"):
        read_csv(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match="is a folder; give a table as CSV"):
        read_csv(tmp_path)
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(DataError, match="no UTF-8 text"):
        read_csv(tmp_path / "picture.csv")


def test_pool_reads_parameters_objective_and_points(write):
    """Text becomes choices, bounds come from the column, a constant column is left out, replicates are one point."""
    table = read_csv(write("gas,t (nm),batch,yield (%)\nAr,10,1,5\nN2,20,1,6\nAr,10,1,7\n"))
    parameters, objective, points = read_pool(table, {}, ObjectiveConfig())
    assert parameters == {
        "gas": ParameterConfig(choices=["Ar", "N2"]),
        "t (nm)": ParameterConfig(unit="nm", low=10, high=20),
    }
    assert (objective.name, objective.unit) == ("yield (%)", "%")
    assert points == [{"gas": "Ar", "t (nm)": 10.0}, {"gas": "N2", "t (nm)": 20.0}]


def test_pool_lets_bounds_restrict_the_points(write):
    """A named parameter keeps its unit and bounds; rows beyond them are no candidates."""
    table = read_csv(write("a,b,y\n1,1,5\n2,7,6\n3,9,7\n"))
    named = {"a": ParameterConfig(unit="V", low=1.5, high=5), "b": ParameterConfig(unit="A")}
    parameters, _, points = read_pool(table, named, ObjectiveConfig(name="y"))
    assert (parameters["b"].unit, parameters["b"].low, parameters["b"].high) == ("A", 1.0, 9.0)
    assert [p["a"] for p in points] == [2.0, 3.0]


@pytest.mark.parametrize(
    ("parameters", "objective", "words"),
    [
        ({}, "z", "objective 'z' is no column; the columns are a, b, y"),
        ({"c": ParameterConfig()}, "y", "parameter 'c' is no column"),
        ({"y": ParameterConfig()}, "y", "named as parameter and as objective"),
        ({"b": ParameterConfig()}, "y", "'b' is 7.0 in every row"),
        ({"a": ParameterConfig(low=5, high=6)}, "y", "no row has a point inside"),
    ],
)
def test_pool_refuses_what_the_table_does_not_hold(write, parameters, objective, words):
    """Names that are no columns, and bounds that leave nothing, are said."""
    with pytest.raises(DataError, match=words):
        read_pool(read_csv(write("a,b,y\n1,7,5\n2,7,6\n")), parameters, ObjectiveConfig(name=objective))


@pytest.mark.parametrize(("file", "n_points", "n_parameters"), [("p3ht_cnt", 178, 5), ("crossed_barrel", 600, 4)])
def test_pool_reads_real_tables(file, n_points, n_parameters):
    """Tables of real autonomous laboratories are pools as they are."""
    path = MEASURED / f"{file}.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    parameters, objective, points = read_pool(read_csv(path), {}, ObjectiveConfig())
    assert (len(points), len(parameters)) == (n_points, n_parameters)
    space = ParameterSpace.from_config(parameters, points)
    assert space.candidates == points
    assert objective.name == read_csv(path).header[-1]
