import shutil

import pytest

from orchestrator.config import load
from orchestrator.sweep.fingerprint import fingerprint
from orchestrator.sweep.luggage import pack
from orchestrator.sweep.performance import Code, perform
from orchestrator.sweep.results import opened

PAST = "heat,mass\n10,-900\n90,-2500\n"


@pytest.fixture
def packed(folder):
    """Luggage with a data file and a file that an option of the oven names."""
    (folder.path / "past.csv").write_text(PAST)
    (folder.path / "shift.txt").write_text("1.5")
    overrides = {"data.initial": str(folder.path / "past.csv")}
    options = {"laboratory.instruments.oven.calibration": "shift.txt"}
    return lambda **more: pack(load(folder.config, overrides | options | more))


def test_luggage_brings_its_files_to_where_there_are_none(folder, packed):
    """A campaign is performed after its owner's files are gone."""
    luggage = packed()
    shutil.rmtree(folder.path)
    found = perform(luggage, 5, "k", Code((), fingerprint(())))
    assert (found["status"], len(found["runs"])) == ("finished", 4)


def test_luggage_leaves_a_file_that_a_driver_only_names(folder, packed):
    """Text is no file to bring, be there one of that name; or what a driver writes would change the key."""
    (folder.path / "diary").write_text("1.1.1\n")
    luggage = packed(**{"laboratory.instruments.oven.diary": "diary"})
    assert {".".join(place) for place in luggage.files} == {
        "data.initial",
        "laboratory.instruments.oven.calibration",
    }


def test_campaign_is_not_performed_by_other_code(packed):
    """A worker with another version says so instead of finding another campaign."""
    found = perform(packed(), 5, "k", Code((), fingerprint(()) | {"numpy": "1.0"}))
    assert found["status"] == "error"
    assert "numpy is 2" in found["reason"]
    assert "there and 1.0 here" in found["reason"]


def test_key_depends_on_what_a_campaign_depends_on(packed, folder):
    """Seed, settings, code and content of files count; name, report and screening do not."""
    key = packed().key(1, "code")
    assert (
        packed(**{"campaign": "other", "seed": 9, "report.figures": [], "screening.truth": None}).key(1, "code") == key
    )
    others = [packed().key(2, "code"), packed().key(1, "other code"), packed(**{"budget.runs": 5}).key(1, "code")]
    (folder.path / "past.csv").write_text(PAST + "50,-100\n")
    others.append(packed().key(1, "code"))
    assert len({key, *others}) == 5


def test_results_survive_a_torn_line(tmp_path):
    """What was written whole is there; what was torn by a death is gone, and the next result stands on its own line."""
    with opened(tmp_path) as results:
        results.add({"key": "a", "status": "finished"})
        results.add({"key": "b", "status": "error"})
    with (tmp_path / "results.jsonl").open("ab") as file:
        file.write(b'{"key": "c", "stat')
    with opened(tmp_path) as results:
        assert (results.is_done("a"), results.is_done("b"), results.is_done("c")) == (True, False, False)
        results.add({"key": "c", "status": "halted"})
    with opened(tmp_path) as results:
        assert results.is_done("c")
