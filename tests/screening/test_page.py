"""The page of a screening: complete, self-contained, the same bytes again, and honest about what is known."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from orchestrator.report.drawing import inline_svg, style
from orchestrator.screening.influence import influence
from orchestrator.screening.page import badge, html
from orchestrator.screening.pictures.effects import strongest_pair
from orchestrator.screening.pictures.maps import draw
from orchestrator.space import Parameter

HEAT, TIME = Parameter("heat", "K", 0, 50), Parameter("time", "s", 1, 9)
GAS = Parameter("gas", choices=("argon", "nitrogen"))


class Reader(HTMLParser):
    """Collects what a reader sees, and checks that every element is closed."""

    def __init__(self, page):
        super().__init__()
        self.open, self.texts, self.n_svg = [], [], 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, _attributes):
        """Remember an element that was opened."""
        self.n_svg += tag == "svg"
        if tag not in ("meta", "br", "link"):
            self.open.append(tag)

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


def drawn_map(screening):
    """Return the drawn map of two parameters."""
    with style():
        drawn, _ = draw(screening, screening.recommended)
    return inline_svg(drawn[0].figure, "map", "a map")


def page(screening):
    return html(screening, influence(screening, screening.recommended))


@pytest.fixture(scope="module")
def oven_page(oven):
    """The page of three parameters."""
    return page(oven)


def test_page_shows_every_picture_for_three_parameters(oven, oven_page):
    """Three maps, the path, three errors, three importances, three effects, and two fits for each model."""
    reader = Reader(oven_page)
    assert not reader.open
    assert reader.n_svg == 3 + 1 + 3 + 3 + 3 + 2 * len(oven.models)
    for title in ("Recommendation", "Why this point", "How far every model is off", "Main effects", "Row by row"):
        assert title in reader.text


def test_maps_are_hatched_where_they_extrapolate_and_nowhere_else(make):
    """Rows at every corner leave nothing outside their hull; rows drawn within the space do."""
    inner = make([HEAT, TIME], lambda x: 1 + x[0])
    corners = tuple({"heat": heat, "time": time} for heat in (0.0, 50.0) for time in (1.0, 9.0))
    outer = replace(inner, target=replace(inner.target, points=(*corners, *inner.target.points[4:])))
    assert ["<pattern" in drawn_map(one) for one in (inner, outer)] == [True, False]


def test_page_is_the_same_again_and_asks_nothing_of_a_network(oven, oven_page):
    """No date, no chance, no script, no address but the names of SVG's own vocabulary."""
    assert oven_page == page(oven)
    assert "<script" not in oven_page
    assert set(re.findall(r"https?://[^\"' )]+", oven_page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_page_escapes_what_the_files_say(oven_page):
    """A comment of a data file is text, never markup."""
    assert "SYNTHETIC &lt;rows&gt;" in oven_page


@pytest.mark.parametrize(
    ("origins", "words"),
    [
        (("simulated",), "SIMULATED data"),
        (("recorded",), "RECORDED data"),
        (("",), "data of UNSAID origin"),
        (("real", "simulated"), "MIXED data: real, simulated"),
    ],
)
def test_badge_says_where_the_rows_come_from(oven, origins, words):
    """As loud as it must be."""
    assert badge(replace(oven, target=replace(oven.target, origins=origins))) == words


def test_page_says_where_the_rows_come_from_beside_every_picture(oven_page):
    """The badge stands at the head and under each picture, so that none can be shown without it."""
    reader = Reader(oven_page)
    assert reader.text.count("SIMULATED data") >= reader.n_svg + 1


@pytest.mark.parametrize(
    ("parameters", "n_maps"),
    [([HEAT], 1), ([HEAT, TIME], 1), ([GAS, HEAT], 1), ([GAS], 0), ([HEAT, TIME, GAS, Parameter("d", "cm", 0, 1)], 3)],
)
def test_page_draws_what_a_space_allows(make, parameters, n_maps):
    """A curve for one number, a map for two, three for more, none for choices alone."""
    screening = make(parameters, lambda x: 2 + x @ np.arange(1, len(x) + 1), levels=5)
    reader = Reader(page(screening))
    assert reader.n_svg == n_maps + 1 + 3 + 3 + len(parameters) + 2


def test_page_of_a_pool_names_the_best_of_the_table(make):
    """Of a table's own points, the recommended one is among them, and it is said that only those can be performed."""
    screening = make([HEAT, TIME], lambda x: 1 + x[0], pool=True)
    reader = Reader(page(screening))
    assert screening.recommended.candidate.point in screening.space.candidates
    assert "among the points of the table" in reader.text
    assert "of the table's points" in reader.text


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("heat + 10 * time <= 60", "blank: breaks a constraint"),
        ("heat + 10 * time == 60", "Each point is drawn within the constraints"),
    ],
)
def test_page_draws_only_what_meets_the_constraints(make, rule, words):
    """Slices are blank where a rule is broken; an equality, which slices would leave, is drawn by points on it."""
    screening = make([HEAT, TIME], lambda x: 1 + x[0] + x[1], constraints=(rule,))
    assert words in Reader(page(screening)).text
    assert not screening.space.broken(screening.recommended.optimum.point)


def test_page_leaves_fixed_parameters_out(make):
    """A parameter of one value is no axis, has no effect and no bar."""
    screening = make([HEAT, TIME, Parameter("batch", "1", 7, 7, fixed=7)], lambda x: 1 + x[0] + x[1])
    reader = Reader(page(screening))
    assert reader.n_svg == 1 + 1 + 3 + 3 + 2 + 2
    assert "batch: " not in reader.text


def test_page_of_equal_rows_says_that_nothing_drives_the_prediction(make):
    """Without variance there are no shares to draw, and the page is made all the same."""
    text = Reader(page(make([HEAT, TIME], lambda _: 2.0, models=("svr:scaled",)))).text
    assert "constant over the grid: no parameter drives it" in text


def test_influence_finds_the_parameter_that_matters(oven):
    """Shuffling, Shapley values and variance agree on the strong parameter and on the idle one."""
    model = oven.models[0]
    found = influence(oven, model)
    for sizes in (found.permutation.mean, found.at_rows, model.variance.total):
        assert np.argmax(sizes) in (0, 1)
        assert np.argmin(sizes) == 2


def test_influence_at_the_recommended_point_adds_up(oven):
    """The mean at the rows and what each parameter adds make the recommended prediction."""
    model = oven.recommended
    at_best = influence(oven, model).at_best
    assert at_best.base + at_best.values.sum() == pytest.approx(model.optimum.value)
    assert at_best.base == pytest.approx(model.in_sample.mean.mean())


def test_influence_of_nine_parameters_has_no_shapley_values(make):
    """Beyond eight parameters nothing is enumerated; permutation importance remains, and the page says so."""
    screening = make([Parameter(f"x{i}", "1", 0, 1) for i in range(9)], lambda x: 1 + x[3], levels=2)
    found = influence(screening, screening.recommended)
    assert found.at_best is None
    assert found.permutation.mean.shape == (9,)
    assert "no Shapley values are enumerated" in Reader(page(screening)).text


def test_page_names_the_strongest_interaction(make):
    """Of a product, the interaction is told with its share; of a sum, none is."""
    product = make([HEAT, TIME], lambda x: 1 + 4 * (x[0] - 0.5) * (x[1] - 0.5), n=30)
    total = make([HEAT, TIME], lambda x: 1 + x[0] + x[1], n=30)
    assert "The strongest is of heat with time" in strongest_pair(product, product.recommended)
    assert strongest_pair(total, total.recommended) == ""


def test_page_has_numbers_along_a_logarithmic_axis(make):
    """No formula stands there as text, neither along an effect nor along a map."""
    parameters = [Parameter("dose", "mg", 1, 100, scale="log"), Parameter("heat", "K", 10, 80, scale="log")]
    text = page(make(parameters, lambda x: x[0] + 2 * x[1] ** 2))
    assert "mathdefault" not in text
    assert "dose [mg]" in text
