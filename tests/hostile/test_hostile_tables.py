"""Spoilt tables: wherever a configuration names one."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hostile_csv import SPOILS, Spoil
from trial import MORE, REFUSED, Answer, ask, chance, contents, faults

from orchestrator.cli import main, screen
from orchestrator.config import ConfigError, Problem

ROOT = Path(__file__).parents[2]
LIPON = "campaigns/lipon"
CASES = 5 * MORE
PAST = "# past\ngas,heat [K],mass_sd,mass\n" + "".join(f"{'Ar' if i % 2 else 'N2'},{i},0.1,{i * i}\n" for i in range(9))
TABLE = """\
campaign: recorded
laboratory:
  table: ../past.csv
  instruments: {bench: {driver: recorded, minutes: 60}}
recipe: campaigns.recorded:look_up
budget: {runs: 2}
"""
PLACES: dict[str, tuple[str, Sequence[str]]] = {
    f"{LIPON}/synthetic_initial.csv": ("configs/lipon.yaml", ["--check"]),
    f"{LIPON}/synthetic_source.csv": ("configs/lipon.yaml", ["--check"]),
    "past.csv": ("configs/table.yaml", ["--check"]),
    f"{LIPON}/published.csv": ("configs/lipon.yaml", ["--out", "out"]),
    f"{LIPON}/defects.csv": ("configs/lipon.yaml", ["--out", "out"]),
}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the shipped configuration and data; a screening ends where its fits would begin."""

    def begun(*_: Any, **__: Any) -> None:
        raise ConfigError([Problem("begun", "everything was read")])

    monkeypatch.setattr("orchestrator.screening.screen.screen", begun)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    shutil.copy(ROOT / "configs" / "lipon.yaml", tmp_path / "configs")
    (tmp_path / "configs" / "table.yaml").write_text(TABLE)
    (tmp_path / "past.csv").write_text(PAST)
    (tmp_path / LIPON).mkdir(parents=True)
    for path in (ROOT / LIPON).glob("*.csv"):
        shutil.copy(path, tmp_path / LIPON)
    return tmp_path


def asked(place: str) -> Answer:
    config, words = PLACES[place]
    return ask(main if "--check" in words else screen, config, *words)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_table_spoilt_anyhow_is_read_or_refused_with_its_line(bench: Path, spoil: Spoil, place: str) -> None:
    """425 cases: the key that names the file, then `file:line` and column; never a traceback, nothing is written."""
    config, _ = PLACES[place]
    text = (bench / place).read_text(encoding="utf-8")
    for case in range(CASES):
        (bench / place).write_bytes(spoil(chance(place, spoil.__name__, case), text))
        before = contents(bench)
        answer = asked(place)
        if answer.err.startswith("begun: "):
            shutil.rmtree("out")
            continue
        assert not faults(answer, rf"^{config}:\d+:\d+: .*{Path(place).name}(:\d+)?: "), (case, answer)
        assert contents(bench) == before, case


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def _device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("place", [*PLACES, "configs/lipon.yaml"])
@pytest.mark.parametrize("make", [_folder, _pipe, _link_to_itself, _device, Path.unlink])
def test_file_that_is_none_is_refused_and_not_waited_for(bench: Path, make: Callable[[Path], None], place: str) -> None:
    """A folder, a pipe that nobody fills, a link to itself, a device without end, nothing at all."""
    make(bench / place)
    answer = asked(place) if place in PLACES else ask(main, place)
    assert answer.status == REFUSED, answer
    assert not faults(answer, rf"{Path(place).name}"), answer
    assert len(answer.err.splitlines()) == 1


@pytest.mark.parametrize("place", [*PLACES, "configs/lipon.yaml"])
def test_file_that_may_not_be_read_is_refused(bench: Path, place: str) -> None:
    """The message says so."""
    (bench / place).chmod(0)
    if os.access(bench / place, os.R_OK):
        pytest.skip("whoever is root may read everything")
    answer = asked(place) if place in PLACES else ask(main, place)
    assert answer.status == REFUSED
    assert "Permission denied" in answer.err


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")])
def test_table_with_other_separators_is_refused_in_one_line(bench: Path, separator: str, name: str) -> None:
    """As many spreadsheets save it, decimal commas and all."""
    path = bench / LIPON / "synthetic_initial.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(
        "".join(line if line[0] == "#" else line.replace(",", separator).replace(".", ",") for line in lines)
    )
    answer = ask(main, "configs/lipon.yaml", "--check")
    assert answer.status == REFUSED
    (line,) = answer.err.splitlines()
    assert f"synthetic_initial.csv:7: the cells are separated by {name}; save it with commas" in line


def test_table_without_any_known_column_is_refused_in_one_line(bench: Path) -> None:
    """The wrong file was named, and that is one mistake."""
    (bench / LIPON / "synthetic_initial.csv").write_text("a,b\n1,2\n")
    answer = ask(main, "configs/lipon.yaml", "--check")
    (line,) = answer.err.splitlines()
    assert "columns 'distance', 'power', 'pressure', 'conductivity' are missing; the file has a, b" in line


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('heat,mass\n1,2\n3,"4\n5,6\n', r"past.csv:3: the quotes do not pair up"),
        ('heat,mass\n1,2\n3,"4\n5",6\n', r"past.csv:3: a quoted cell goes over several lines"),
        ("heat,mass\n1,2\n3,1e300\n", r"past.csv:3: column 'mass': value '1e300' is beyond 1e\+100"),
        ("heat,mass\r1,2\r3,five\r", r"past.csv:3: column 'mass': value 'five' is not a number"),
        ("heat,mass\n1,2\n3," + "9" * 90_000 + "\n", r"past.csv:3: column 'mass': value '9{60}'... is not a finite"),
        ("heat,origin,mass\n1,2,3\n3,4,5\n", r"past.csv: 'origin' is a column of runs.csv; rename it"),
    ],
)
def test_table_mistakes_are_told_with_their_line(bench: Path, text: str, rule: str) -> None:
    """Also those that the reader of CSV finds, and in files from an old Macintosh."""
    (bench / "past.csv").write_text(text, newline="")
    answer = asked("past.csv")
    assert not faults(answer, r"^configs/table.yaml:3:3: .*" + rule), answer
