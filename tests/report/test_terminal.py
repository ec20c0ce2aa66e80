"""What the watchers print while a campaign runs."""

import errno
import io
import time

import pytest
from rich.console import Console

from orchestrator.display.terminal import LiveWatcher, PlainWatcher
from orchestrator.display.watcher import Silent
from orchestrator.ledger import State

POINT = {"distance": 6.0, "power": 100.0, "pressure": 0.5}


@pytest.fixture
def plain():
    """Return a maker of plain watchers and the text they wrote."""

    def make(one, stream=None):
        stream = stream or io.StringIO()
        return PlainWatcher(one.settings, stream), stream

    return make


def watch(one, watcher, begin=1):
    """Tell a watcher the events of a story from `begin`, each with the state as it was then."""
    state = State()
    for event in one.ledger.events():
        state.apply(event)
        if event.seq >= begin:
            watcher.event(event, state)


class Teller:
    """Tells a watcher of each event as it is recorded."""

    def __init__(self, one, watcher):
        self.one, self.watcher = one, watcher
        self.append = one.ledger.append
        one.ledger.append = self

    def __call__(self, *args, **options):
        """Record an event and tell of it."""
        event = self.append(*args, **options)
        self.watcher.event(event, self.one.ledger.state)
        return event


def picture(watcher, width=120, height=40):
    console = Console(file=io.StringIO(), width=width, height=height, legacy_windows=False)
    watcher._console = console
    console.print(watcher.picture())
    return console.file.getvalue()


def test_terminal_plain_writes_one_line_a_run(story, plain):
    """A measured run shows its value, a failed one its class and reason, both the best so far and the lab hours."""
    one = story()
    watcher, stream = plain(one)
    Teller(one, watcher)
    one.measured(POINT, 1.25)
    one.failed(POINT, "sample")
    measured, failed = stream.getvalue().splitlines()
    point = "distance 6 cm, power 100 W, pressure 0.5 Pa"
    best = "best 1.25 (run 1)"
    assert measured == f"run   1 measured {point} | conductivity 1.250 +- 0.050 uS/cm | {best} | lab 18.8 h"
    assert failed.startswith(f"run   2 failed   {point} | sample: pinhole short: |Z| is flat")
    assert failed.endswith(f"{best} | lab 34.8 h")


def test_terminal_plain_tells_of_a_pause(story, plain):
    """A pause is told with its reason at once, not when the run ends."""
    one = story()
    watcher, stream = plain(one)
    one.tell("paused", {"reason": "cooling\x1b[2J water", "who": "engine"})
    one.tell("resumed", {"who": "operator"})
    watch(one, watcher)
    assert stream.getvalue().splitlines() == ["paused cooling[2J water", "resumed by operator"]


def test_terminal_plain_writes_to_any_encoding(story):
    """A stream that knows only ASCII gets question marks, not an exception."""
    one = story(name="Leitfähigkeit", unit="µS/cm")
    raw = io.BytesIO()
    watcher = PlainWatcher(one.settings, io.TextIOWrapper(raw, encoding="ascii"))
    one.measured(POINT, 1.0)
    watch(one, watcher)
    assert b"Leitf?higkeit 1.000 +- 0.050 ?S/cm" in raw.getvalue()


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(errno.EIO, "Input/output error")])
def test_terminal_plain_outlives_its_reader(story, monkeypatch, error):
    """A pipe that nobody reads any more, or a terminal that was closed, does not stop a laboratory."""

    class Gone(io.StringIO):
        def write(self, _text):
            raise error

    one = story()
    one.measured(POINT, 1.0)
    watch(one, PlainWatcher(one.settings, Gone()))
    monkeypatch.setattr("sys.stderr", Gone())
    Silent().notice("the disk is full")


def test_terminal_live_shows_the_campaign_so_far(long_story):
    """The picture has origin, lab day, budget, runs, the best marked, failures by class."""
    watcher = LiveWatcher(long_story.settings, Console(file=io.StringIO()))
    watch(long_story, watcher)
    shown = picture(watcher)
    best = max(long_story.ledger.state.finished, key=lambda run: run.value or 0.0)
    for words in (
        "lipon",
        "SIMULATED data",
        f"lab day {long_story.lab_s / 86400:.1f}",
        "20 of 30 runs",
        "9 of 10 failures",
        "351 of 720 lab hours",
        f"★ {best.number}",
        f"best {best.value:.3f} ± 0.050 uS/cm (run {best.number})",
        "2 infeasible",
        "instrument: reflected power 14 W",
    ):
        assert words in shown
    assert "\n   5 " not in shown  # only the latest rows fit


def test_terminal_live_shows_the_step_under_way(story):
    """The step, its attempt and the phase that is over are shown until the step ends."""
    one = story()
    watcher = LiveWatcher(one.settings, Console(file=io.StringIO()))
    Teller(one, watcher)
    run = one.suggest(POINT)
    one.begin(run, 1, "sputter", attempt=2, phase="pre-sputter")
    assert "run 1  sputter.deposit, attempt 2: pre-sputter done" in picture(watcher)
    one.tell("step_finished", {"id": "1.1.2", "reading": {"values": {}, "arrays": {}}, "state": {}}, run, 1)
    assert "sputter.deposit" not in picture(watcher)


def test_terminal_live_shouts_a_pause(story):
    """A paused campaign shows its reason in a frame."""
    one = story()
    one.tell("paused", {"reason": "[red]interlock[/]: look at the water", "who": "engine"})
    watcher = LiveWatcher(one.settings, Console(file=io.StringIO()))
    watch(one, watcher)
    assert "[red]interlock[/]: look at the water" in picture(watcher)


def test_terminal_watchers_tell_what_was_asked_from_elsewhere(story, plain):
    """At once, with who and why, until the campaign is paused."""
    one = story()
    live, (watcher, stream) = LiveWatcher(one.settings, Console(file=io.StringIO())), plain(one)
    one.tell("requested", {"ask": "stop", "who": "ada@lab1", "note": "[red]enough[/]", "message": 1})
    watch(one, watcher)
    watch(one, live)
    words = "asked to stop by ada@lab1: [red]enough[/]; the runs under way end first"
    assert stream.getvalue().splitlines() == [words]
    assert words in picture(live)
    one.tell("paused", {"reason": "enough", "who": "ada@lab1"})
    watch(one, live, begin=one.ledger.state.n_events)
    assert words not in picture(live)


def test_terminal_live_goes_on_where_a_resumed_campaign_was(long_story):
    """A watcher that begins in the middle knows the runs that were before it."""
    watcher = LiveWatcher(long_story.settings, Console(file=io.StringIO()))
    watch(long_story, watcher, begin=long_story.ledger.state.n_events)
    assert "20 of 30 runs" in picture(watcher)


def test_terminal_watchers_count_a_run_once(story, plain):
    """The run that the first event finishes is not counted twice."""
    one = story()
    one.measured(POINT, 1.0)
    watcher, stream = plain(one)
    watch(one, watcher, begin=one.ledger.state.n_events)
    assert len(stream.getvalue().splitlines()) == 1
    assert len(watcher._board.runs) == 1


def test_terminal_live_strips_what_would_steer_the_terminal(story):
    """Escape sequences and markup from an instrument are shown as text."""
    one = story(roles={"s\x1b[2Jputter": "de[bold]posit"})
    one.failed(POINT, "instrument", reason="\x1b]0;owned\x07[blink]x[/blink]\u202e")
    watcher = LiveWatcher(one.settings, Console(file=io.StringIO()))
    watch(one, watcher)
    shown = picture(watcher)
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert "[blink]x[/blink]" in shown


@pytest.mark.parametrize("width", [50, 80, 120, 200])
def test_terminal_live_fits_its_console(long_story, width):
    """No line is wider than the console, and a small window still shows the latest runs."""
    watcher = LiveWatcher(long_story.settings, Console(file=io.StringIO()))
    watch(long_story, watcher)
    lines = picture(watcher, width=width, height=24).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) <= 24
    assert ("not shown for want of width" in " ".join(lines)) == (width < 80)


def test_terminal_live_is_fast_enough_for_a_simulated_clock(story):
    """Ten thousand events are taken in well under a second, however slow the terminal is."""
    one = story()
    run = one.suggest(POINT)
    one.begin(run, 1, "sputter")
    last = list(one.ledger.events())[-1]
    with LiveWatcher(one.settings, Console(file=io.StringIO(), force_terminal=True)) as watcher:
        watcher.event(last, one.ledger.state)
        start = time.perf_counter()
        for _ in range(10_000):
            watcher.event(last, one.ledger.state)
        assert time.perf_counter() - start < 2.0
