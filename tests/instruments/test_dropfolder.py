"""A person who works by orders in a folder: files taken, files put aside, and who goes on tomorrow."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from people import Filler

from instruments.driver import Attended, Command, FailureClass, InstrumentError, Memory, Moved, Origin, Reading
from instruments.people.dropfolder import DropFolder
from instruments.people.work import Asked, Work

WORK = {
    "electrode": Work(
        instructions="Put the {diameter_mm} mask on {sample}.\nEvaporate <gold> & wait.",
        settings={"sample": Asked(text=True), "diameter_mm": Asked(unit="mm", low=0.2, high=10)},
        enter={"area_cm2": Asked(unit="cm2", low=0, high=1), "note": Asked(text=True, required=False)},
    ),
    "sweep": Work(instructions="Sweep {sample}.", settings={"sample": Asked(text=True)}, spectrum=True),
}
ELECTRODE = Command("evaporator", "electrode", {"sample": "film-1.1.1", "diameter_mm": 1.0}, "1.2.1")
SWEEP = Command("evaporator", "sweep", {"sample": "film-1.1.1"}, "1.3.1")
GOOD = "name,value,unit\narea_cm2,0.0079,cm2\n"
SPECTRUM = "frequency_hz,z_real_ohm,z_imag_ohm\n" + "\n".join(f"{10**i},100,-{i}" for i in range(6))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bench"


@pytest.fixture
def driver(folder: Path) -> Iterator[DropFolder]:
    made = DropFolder(name="evaporator", actions=WORK, folder=folder, look_s=0.03)
    made.connect()
    yield made
    made.close()


def perform(driver: DropFolder, command: Command = ELECTRODE) -> tuple[Reading | InstrumentError, list[Any]]:
    heard: list[Any] = []
    try:
        return driver.perform(command, lambda *news: heard.append(news)), heard
    except InstrumentError as error:
        return error, heard


def begun(driver: DropFolder, command: Command = ELECTRODE) -> tuple[threading.Thread, list[Any]]:
    """Perform in a thread, and return once the whole order lies there."""
    outcome: list[Any] = []
    thread = threading.Thread(target=lambda: outcome.append(perform(driver, command)[0]))
    thread.start()
    order = [driver._folder / "orders" / f"{command.id}.{kind}" for kind in ("yaml", "html", "csv")]
    while not all(path.exists() for path in order):
        time.sleep(0.01)
    return thread, outcome


def files(folder: Path) -> dict[str, list[str]]:
    rooms = sorted(path for path in folder.iterdir() if path.is_dir())
    return {room.name: sorted(path.name for path in room.iterdir()) for room in rooms if any(room.iterdir())}


def test_dropfolder_writes_an_order_and_takes_its_result(driver: DropFolder, folder: Path) -> None:
    """YAML, HTML and a form while it is waited for; afterwards all lie together, and nothing is left to do."""
    thread, outcome = begun(driver)
    assert files(folder) == {"orders": ["1.2.1.csv", "1.2.1.html", "1.2.1.yaml"]}
    order = yaml.safe_load((folder / "orders" / "1.2.1.yaml").read_text())
    assert order["settings"] == {"sample": "film-1.1.1", "diameter_mm": 1.0}
    assert (folder / "orders" / "1.2.1.csv").read_text() == "name,value,unit\narea_cm2,,cm2\nnote,,\n"
    form = (folder / "orders" / "1.2.1.csv").read_text().replace("area_cm2,", "area_cm2,0.0079")
    (folder / "results" / "1.2.1.csv").write_text(form)
    thread.join(5)
    assert outcome == [Reading({"area_cm2": 0.0079})]
    assert files(folder) == {
        "done": ["1.2.1.csv", "1.2.1.order.csv", "1.2.1.order.html", "1.2.1.order.yaml"],
    }


def test_dropfolder_order_is_safe_html(driver: DropFolder, folder: Path) -> None:
    """What the configuration and the recipe say is text in the page, never markup."""
    thread, _ = begun(driver)
    page = (folder / "orders" / "1.2.1.html").read_text()
    driver.halt()
    thread.join(5)
    assert "Put the 1 mm mask on film-1.1.1.\nEvaporate &lt;gold&gt; &amp; wait." in page
    assert "cm2, 0 to 1" in page


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "its first line must be name,value,unit"),
        ("area_cm2,0.0079,cm2\n", "its first line must be name,value,unit"),
        ("name,value,unit\narea_cm2,,cm2\n", "area_cm2: '' is no number (cm2, 0 to 1)"),
        ("name,value,unit\narea_cm2,0.79,mm2\n", "area_cm2: the unit is 'cm2', not 'mm2'; convert the value"),
        ("name,value,unit\narea_cm2,7.9,cm2\n", "area_cm2: 7.9 is not within cm2, 0 to 1"),
        ("name,value,unit\narea,0.0079,cm2\n", "area was not asked for; area_cm2, note was"),
        (GOOD + "area_cm2,0.0080,cm2\n", "area_cm2 stands there twice"),
        ("name,value\nfailed,sample\n", "a failure needs the rows failed, reason and changed"),
        ("name,value\nfailed,lazy\nreason,x\nchanged,no\n", "'lazy' is no class of failure; it is one of infeasible"),
        (b"\xff\xfe\x00", "no UTF-8 text"),
        (b"x" * 5_000_001, "larger than 5 MB"),
    ],
)
def test_dropfolder_puts_bad_files_aside_with_the_reason(
    driver: DropFolder, folder: Path, text: str | bytes, expected: str
) -> None:
    """The order stays, and a better file is taken afterwards."""
    thread, outcome = begun(driver)
    result = folder / "results" / "1.2.1.csv"
    result.write_bytes(text if isinstance(text, bytes) else text.encode())
    reason = folder / "rejected" / "1.2.1.csv.reason.txt"
    while not reason.exists():
        time.sleep(0.01)
    assert expected in reason.read_text()
    assert not result.exists()
    result.write_text(GOOD)
    thread.join(5)
    assert outcome == [Reading({"area_cm2": 0.0079})]
    assert "1.2.1.csv" in files(folder)["rejected"]


def test_dropfolder_puts_nothing_over_what_was_put_aside(driver: DropFolder, folder: Path) -> None:
    """Two bad files of one name both stay."""
    answers = iter([(".csv", "bad"), (".csv", "worse")])
    with Filler(folder, lambda _id: next(answers)):
        thread, _ = begun(driver)
        while len(files(folder).get("rejected", [])) < 2:
            time.sleep(0.01)
        (folder / "results" / "1.2.1.csv").write_text("worse")
        while len(files(folder)["rejected"]) < 4:
            time.sleep(0.01)
        driver.halt()
        thread.join(5)
    assert files(folder)["rejected"] == [
        "1.2.1-2.csv",
        "1.2.1-2.csv.reason.txt",
        "1.2.1.csv",
        "1.2.1.csv.reason.txt",
    ]


def test_dropfolder_waits_until_a_file_has_stopped_growing(folder: Path) -> None:
    """A file that is still being written is not read, though what is there would be a result."""
    driver = DropFolder(name="evaporator", actions=WORK, folder=folder, look_s=0.4)
    driver.connect()
    thread, outcome = begun(driver)
    with (folder / "results" / "1.2.1.csv").open("w") as file:
        file.write(GOOD)
        for _ in range(40):
            file.write("\n")
            file.flush()
            time.sleep(0.02)
        assert not outcome
        file.write("note,all,\n")
    thread.join(5)
    driver.close()
    assert outcome == [Reading({"area_cm2": 0.0079, "note": "all"})]


@pytest.mark.parametrize("name", ["1.2.1.csv.part", "1.2.10.csv", "1.2.csv", ".1.2.1.csv", "1.2.1", "x1.2.1.csv"])
def test_dropfolder_ignores_other_files(driver: DropFolder, folder: Path, name: str) -> None:
    """Unfinished downloads and the results of other orders are left where they are."""
    thread, outcome = begun(driver)
    (folder / "results" / name).write_text(GOOD)
    time.sleep(0.15)
    assert not outcome
    assert (folder / "results" / name).exists()
    driver.halt()
    thread.join(5)


def test_dropfolder_follows_no_link_out_of_the_folder(driver: DropFolder, folder: Path, tmp_path: Path) -> None:
    """A link is no result."""
    (tmp_path / "elsewhere.csv").write_text(GOOD)
    thread, outcome = begun(driver)
    (folder / "results" / "1.2.1.csv").symlink_to(tmp_path / "elsewhere.csv")
    time.sleep(0.15)
    assert not outcome
    driver.halt()
    thread.join(5)


@pytest.mark.parametrize(
    ("text", "failure", "moved"),
    [
        ("name,value\nfailed,operator\nreason,I dropped it\nchanged,yes\n", FailureClass.OPERATOR, Moved.YES),
        ("name;value\nfailed;measurement\nreason;slipped, twice\nchanged;no\n", FailureClass.MEASUREMENT, Moved.NO),
    ],
)
@pytest.mark.parametrize("command", [ELECTRODE, SWEEP], ids=["values", "spectrum"])
def test_dropfolder_takes_a_failure(
    driver: DropFolder, text: str, failure: FailureClass, moved: Moved, command: Command
) -> None:
    """With its class, its reason and whether anything was changed."""
    with Filler(driver._folder, lambda _id: (".failed.csv", text)):
        error, _ = perform(driver, command)
    assert isinstance(error, InstrumentError)
    assert (error.failure, error.moved) == (failure, moved)
    assert f"{command.id}.failed.csv" in files(driver._folder)["done"]


@pytest.mark.parametrize("suffix", [".csv", ".txt", ".mpt", ".DTA"])
def test_dropfolder_takes_a_spectrum(driver: DropFolder, folder: Path, suffix: str) -> None:
    """As a plain table or as a potentiostat exports it, by any of these names."""
    with Filler(folder, lambda _id: (suffix, SPECTRUM)):
        reading, _ = perform(driver, SWEEP)
    assert list(reading.frequency_hz) == [1e5, 1e4, 1e3, 100, 10, 1]


def test_dropfolder_goes_on_tomorrow(driver: DropFolder, folder: Path) -> None:
    """After the process has died, the order still lies there; a result that came in the night counts."""
    thread, _ = begun(driver)
    driver.close()
    thread.join(5)
    assert files(folder)["orders"] == ["1.2.1.csv", "1.2.1.html", "1.2.1.yaml"]
    (folder / "results" / "1.2.1.csv").write_text(GOOD)
    tomorrow = DropFolder(name="evaporator", actions=WORK, folder=folder, look_s=0.03)
    tomorrow.connect()
    assert tomorrow.recall("1.2.1").memory == Memory.RUNNING
    assert perform(tomorrow)[0] == Reading({"area_cm2": 0.0079})
    tomorrow.close()


def test_dropfolder_takes_no_result_from_before_its_order(driver: DropFolder, folder: Path) -> None:
    """A file of that name from another campaign is put aside, and the person is asked."""
    (folder / "results" / "1.2.1.csv").write_text(GOOD.replace("0.0079", "0.5"))
    thread, outcome = begun(driver)
    assert "it lay there before its order" in (folder / "rejected" / "1.2.1.csv.reason.txt").read_text()
    (folder / "results" / "1.2.1.csv").write_text(GOOD)
    thread.join(5)
    assert outcome == [Reading({"area_cm2": 0.0079})]


def test_dropfolder_withdraws_an_order_when_halted(driver: DropFolder, folder: Path) -> None:
    """Nobody does in vain what is not waited for."""
    thread, outcome = begun(driver)
    driver.halt()
    thread.join(5)
    assert (outcome[0].failure, outcome[0].moved) == (FailureClass.HALTED, Moved.NO)
    assert files(folder) == {"withdrawn": ["1.2.1.order.csv", "1.2.1.order.html", "1.2.1.order.yaml"]}


def test_dropfolder_belongs_to_one_campaign(driver: DropFolder, folder: Path) -> None:
    """Two would take each other's results."""
    thread, _ = begun(driver)
    other = DropFolder(name="evaporator", actions=WORK, folder=folder, look_s=0.03)
    other.connect()
    error, _ = perform(other, SWEEP)
    assert "another campaign works in" in str(error)
    driver.halt()
    thread.join(5)


@pytest.mark.parametrize("command_id", ["", "../../etc", "1.2", "1.2.1/x"])
def test_dropfolder_names_files_by_ids_alone(driver: DropFolder, folder: Path, command_id: str) -> None:
    """Nothing else becomes a path."""
    command = Command("evaporator", "electrode", ELECTRODE.settings, command_id)
    error, _ = perform(driver, command)
    assert "to name a file by" in str(error)
    assert files(folder) == {}


def test_dropfolder_is_a_person_elsewhere(driver: DropFolder) -> None:
    """The ledger says human; the display may go on."""
    assert driver.connect().origin == Origin.HUMAN
    assert isinstance(driver, Attended)
    assert not driver.is_at_terminal
