import numpy as np

from campaigns.lipon.make_designs import perform
from campaigns.recorded import look_up
from instruments.recorded import RecordedLaboratory


def test_look_up_returns_what_the_table_says(tmp_path):
    """A point named by column headers is looked up at the bench, with the line and how many replicates there are."""
    table = tmp_path / "table.csv"
    table.write_text("P3HT content (%),dose,current\n40,1,2.5\n60,1,3.5\n")
    bench = RecordedLaboratory(name="bench", table=table, inputs=["P3HT content (%)", "dose"], output="current")
    point = {"P3HT content (%)": 60.0, "dose": 1.0}
    measured = perform(look_up, point, {"bench": bench}, "1", np.random.default_rng(0))
    assert measured.value == 3.5
    assert measured.details == {"table_line": 3, "replicates": 1}
