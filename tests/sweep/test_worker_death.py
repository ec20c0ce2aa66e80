OVEN = "laboratory.instruments.oven"


def test_campaign_whose_worker_died_is_performed_again(folder):
    """One worker is killed once: every campaign is finished, and nobody is told of trouble."""
    assert folder.sweep("--seeds", "3", "--set", f"{OVEN}.flag={folder.path / 'killed'}") == 0
    assert (folder.path / "killed").exists()
    assert [row["status"] for row in folder.rows("campaigns")] == ["finished"] * 3


def test_campaign_that_kills_every_worker_is_given_up_alone(folder):
    """After three deaths it is a row with its reason; those who were under way beside it are finished."""
    words = ["--seeds", "1", "--vary", f"{OVEN}.lethal=false,true", "--jobs", "2"]
    assert folder.sweep(*words) == 3
    rows = folder.rows("campaigns")
    assert [(row[f"{OVEN}.lethal"], row["status"]) for row in rows] == [("false", "finished"), ("true", "error")]
    assert "its worker died 3 times, is there memory enough?" in rows[1]["reason"]
