"""What the report shows of a campaign, whatever became of it."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure

from orchestrator.report import write_report
from orchestrator.report.maps import distances

SMALL = {"x": {"unit": "cm", "low": 0.0, "high": 8.0}, "y": {"low": 0.0, "high": 1.0}}
POINT = {"x": 6.0, "y": 0.5}
TITLES = [
    "Convergence",
    "Measured against predicted",
    "What the planner predicts now",
    "Where runs failed",
    "How much the source was trusted",
    "The laboratory's time",
    "All runs",
    "Why runs failed",
    "As recorded",
]


class _Page(HTMLParser):
    """Collects what a reader sees, and checks that every element is closed."""

    VOID = ("meta", "br", "hr", "img", "link", "input")

    def __init__(self, html):
        super().__init__()
        self.open, self.texts, self.tags = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, _attributes):
        """Remember an element that was opened."""
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, _attributes):
        """Remember an element without content."""
        self.tags.append(tag)

    def handle_endtag(self, tag):
        """Check that what is closed is what was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Remember text, style sheets apart."""
        if not self.open or self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self):
        """The text as it is read."""
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="session")
def long_file(long_story, tmp_path_factory):
    """Return the report of the long campaign."""
    return write_report(long_story.ledger, long_story.planner, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="session")
def long_page(long_file):
    """Return the report of the long campaign as a reader sees it."""
    return _Page(long_file.read_text(encoding="utf-8"))


@pytest.fixture
def page(tmp_path):
    """Return a maker of pages from stories."""

    def make(one, figures=()):
        path = write_report(one.ledger, one.planner, tmp_path / "out", figures)
        made = _Page(path.read_text(encoding="utf-8"))
        assert made.open == []
        assert "script" not in made.tags
        return made

    return make


def test_report_holds_every_figure_and_table(long_page):
    """A whole campaign shows all sections: 1 + 1 + 3 + 3 + 1 + 1 figures."""
    made = long_page
    assert made.open == []
    assert [title for title in TITLES if title in made.text] == TITLES
    assert made.tags.count("figure") == made.tags.count("svg") == 10


def test_report_answers_first(long_story, long_page):
    """Before any figure stand the best value with unit and sd, its run, its point and how it compares."""
    best = max(long_story.ledger.state.finished, key=lambda run: run.value or 0.0)
    head = long_page.text.split("Convergence")[0]
    assert f"{best.value:.3f} ± 0.050 uS/cm" in head
    assert f"in run {best.number}" in head
    assert re.search(r"distance [\d.]+ cm power [\d.]+ W pressure [\d.]+ Pa", head)
    assert "the best of the 12 initial rows" in head
    assert "values are of another tool" in head
    assert "11 measured, 9 failed" in head
    assert "lab time" in head


def test_report_says_simulated_in_the_head_and_in_every_caption(long_page):
    """Simulated data are called simulated beside each picture and in the window's title."""
    captions = long_page.tags.count("figcaption")
    assert captions == 10
    assert long_page.text.count("SIMULATED data") == captions + 2


@pytest.mark.parametrize(("origin", "words"), [("recorded", "RECORDED data"), ("real", "REAL data")])
def test_report_says_where_data_come_from(story, page, origin, words):
    """Data of another origin are never called simulated."""
    one = story(parameters=SMALL, origin=origin)
    one.measured(POINT, 1.0)
    text = page(one).text
    assert words in text
    assert "SIMULATED" not in text


def test_report_of_the_same_ledger_has_the_same_bytes(long_story, long_file, tmp_path):
    """No date, no chance, no address of an object gets into the file."""
    again = write_report(long_story.ledger, long_story.planner, tmp_path)
    assert again.read_bytes() == long_file.read_bytes()


def test_report_needs_nothing_from_elsewhere(long_file):
    """The page loads nothing: no address but the names of the SVG languages."""
    html = long_file.read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\"' <)]+", html)) == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "@import" not in html
    assert len(html) < 2_000_000


def test_report_closes_with_the_ledgers_head(long_story, long_page):
    """The foot names the number of events and the hash of the last, so that a cut ledger is noticed."""
    state = long_story.ledger.state
    assert f"Ledger: {state.n_events} events, head {state.head}" in long_page.text


def test_report_of_nothing_measured(story, page):
    """A campaign that has only just been opened says so instead of drawing empty axes."""
    made = page(story(parameters=SMALL))
    assert "Nothing was measured" in made.text
    assert "nothing can be predicted" in made.text
    assert "Not finished" in made.text
    assert "figure" not in made.tags


def test_report_of_one_run(story, page):
    """One measured run is enough for a map."""
    one = story(parameters=SMALL)
    one.measured(POINT, 1.25)
    made = page(one)
    assert "1.250 ± 0.050 uS/cm" in made.text
    assert "No run failed." in made.text
    assert "The campaign had no source." in made.text


def test_report_tells_how_the_members_use_the_source(story, page):
    """An averaged surrogate has no left-out errors, but shares of its members."""
    one = story(parameters=SMALL, source=[(POINT, 1.1)])
    evidence = {"rule": "averaged over ways", "rows": 4, "error": {}, "ways": {"coral-svr": 0.625, "none": 0.375}}
    one.measured(POINT, 1.25, kind="model", mean=1.2, sd=0.1, source_weight=0.5, source_evidence=evidence)
    made = page(one)
    assert "share of the members" in made.text
    assert "0.625" in made.text
    assert "The shares are those of the last suggestion." in made.text
    assert "left-out error" not in made.text


def test_report_of_failures_alone(story, page):
    """When every run failed the report shows where and why, and claims no best."""
    one = story(parameters=SMALL)
    for failure in ("infeasible", "sample", "infeasible"):
        one.failed(POINT, failure)
    text = page(one).text
    assert "Nothing was measured" in text
    assert "0 measured, 3 failed" in text
    assert "2 infeasible, 1 sample" in text
    assert "runs 1, 3" in text


def test_report_of_a_paused_campaign_says_why(story, page):
    """A pause and its reason stand in the head; the step under way is in the table and the timeline."""
    one = story(parameters=SMALL)
    one.measured(POINT, 1.0)
    one.begin(one.suggest(POINT), 1, "sputter")
    one.tell("paused", {"reason": "cooling water interlock: look at the pump", "who": "engine"})
    text = page(one).text
    assert "Paused: cooling water interlock: look at the pump" in text
    assert "under way when paused" in text


def test_report_tells_which_steps_were_in_doubt_and_what_came_of_it(story, page):
    """The same doubt is told once, with its attempts; where none was, nothing is said of doubts."""
    one = story(parameters=SMALL)
    one.measured(POINT, 1.0)
    assert "in doubt" not in page(one).text
    for run in (2, 3, 4):
        step_id = one.begin(one.suggest(POINT), 1, "sputter")
        one.tell("step_in_doubt", {"id": step_id, "reason": "no answer within 12 h"}, run, 1)
        if run < 4:
            one.tell("doubt_resolved", {"id": step_id, "how": "late", "note": "it has answered <b>"}, run, 1)
    made = page(one)
    assert re.search(r"sputter.deposit\s+no answer within 12 h\s+late: it has answered <b>\s+2.1.1, 3.1.1", made.text)
    assert re.search(r"sputter.deposit\s+no answer within 12 h\s+still in doubt\s+4.1.1", made.text)
    assert "b" not in made.tags


def test_report_escapes_what_instruments_and_users_wrote(story, page):
    """Markup in names, reasons and remarks is text, in the page and inside the figures."""
    evil = r"<script>alert(1)</script>&amp;$\nope{$"
    one = story(parameters={evil: {"unit": "<b>", "low": 0, "high": 1}, "y": {"low": 0, "high": 1}}, name=f"<i>{evil}")
    one.measured({evil: 0.5, "y": 0.5}, 1.0, why=evil)
    one.failed({evil: 0.2, "y": 0.5}, "infeasible", reason=f"{evil}\x1b[31m\x00 {'long ' * 500}")
    made = page(one)
    assert "script" not in made.tags
    assert "b" not in made.tags
    assert made.text.count(evil) >= 5
    assert "\x1b" not in made.text


def test_report_of_five_parameters_with_text_to_minimise(story, page):
    """More than four numbers, a choice, levels, a log scale and a goal to minimise are shown legibly."""
    numbers = {f"p{i}": {"low": 0.0, "high": 1.0} for i in range(4)}
    numbers |= {"salt": {"low": 0.001, "high": 1.0, "scale": "log"}, "stirs": {"levels": [1, 2, 4]}}
    one = story(parameters={**numbers, "solvent": {"choices": ["water", "ethanol"]}}, goal="minimise", unit="1")
    rng = np.random.default_rng(5)
    for i in range(7):
        point = {f"p{j}": float(rng.random()) for j in range(4)}
        point |= {"salt": 0.01 * (i + 1), "stirs": [1.0, 2.0, 4.0][i % 3], "solvent": ["water", "ethanol"][i % 2]}
        one.measured(point, 1.0 + point["p0"])
    made = page(one)
    assert "Lowest conductivity of the campaign" in made.text
    assert "Of 7 parameters, the 4 numeric ones are shown" in made.text
    assert made.tags.count("figure") == 8


def test_report_of_a_single_number_draws_a_curve(story, page):
    """With one numeric parameter there is a curve in place of maps."""
    one = story(parameters={"x": {"low": 0.0, "high": 1.0}})
    for x in (0.1, 0.5, 0.9):
        one.measured({"x": x}, x)
    assert "Predicted conductivity with one sd along x." in page(one).text


@pytest.mark.parametrize(
    ("constraint", "is_cut"), [("x * y <= 3", True), ("1 / (y - 0.5) <= 9", True), ("x + y == 6", False)]
)
def test_report_leaves_blank_what_constraints_forbid(story, page, constraint, is_cut):
    """Also where a formula has no value; an equality, which a slice cannot follow, cuts nothing away."""
    one = story(parameters=SMALL, constraints=[constraint])
    for point in one.planner.space.sample(5, np.random.default_rng(0)):
        one.measured(point, point["x"])
    text = page(one).text
    assert ("blank: not allowed by the constraints" in text) is is_cut
    assert constraint in text


def test_report_says_which_features_the_models_see(story, page):
    """A map is what they make of these, not of the parameters alone."""
    one = story(parameters=SMALL, features=["x * (y + 1)", "x + y"])
    for point in one.planner.space.sample(5, np.random.default_rng(0)):
        one.measured(point, point["x"])
    assert "The models see x * (y + 1) and x + y beside the parameters." in page(one).text
    assert "beside the parameters" not in page(story(parameters=SMALL)).text


def test_report_of_a_pool_draws_its_candidates(story, page):
    """Where only single points can be performed, they are shown, not a map between them."""
    pool = [{"a": float(i), "b": float(i * i % 7)} for i in range(12)]
    one = story(
        parameters={"a": {"low": 0.0, "high": 11.0}, "b": {"low": 0.0, "high": 6.0}}, candidates=pool, origin="recorded"
    )
    for point in pool[:5]:
        one.measured(point, point["a"])
    assert "Each point is one of the 12 candidates" in page(one).text


def test_report_shows_a_campaigns_own_figure(story, page):
    """A campaign's figure is drawn from what was read in the best run."""
    seen, one = {}, story(parameters=SMALL)
    one.measured(POINT, 1.0)

    def spectrum(readings, details, origin):
        seen.update(readings=readings, details=details, origin=origin)
        figure = Figure()
        figure.add_subplot().plot(readings["analyzer.sweep"].frequency_hz)
        return figure

    made = page(one, [spectrum])
    assert "The best sample" in made.text
    assert "From run 1." in made.text
    assert seen["origin"] == "simulated"
    assert sorted(seen["readings"]) == ["analyzer.sweep", "evaporator.electrode", "sputter.deposit"]


def test_report_survives_a_campaigns_own_figure_that_fails(story, page):
    """A fault in a campaign's figure is told in its place and costs nothing else."""
    one = story(parameters=SMALL)
    one.measured(POINT, 1.0)

    def broken(readings, _details, _origin):
        return readings["<b>z_ohm"]

    text = page(one, [broken]).text
    assert "broken could not be drawn: KeyError: '<b>z_ohm'" in text
    assert "All runs" in text


def test_report_hull_distance_is_zero_inside_and_grows_outside():
    """The hatched region is where points are outside the convex hull of the measured rows."""
    square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    inside, near, far = distances(np.array([[0.3, 0.6], [1.1, 0.5], [1.5, 0.5]]), square)
    assert inside == pytest.approx(0.0, abs=1e-9)
    assert 0.01 < near < far
