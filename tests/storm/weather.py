"""Simulated LiPON campaigns in bad weather: which faults, how often, how many at a time, and where the process dies.

The person before the screen is played, too: what is paused is looked at and run again.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from invariants import check

from instruments.impedance.simulated import AnalyzerFaults
from instruments.sputter.faults import SputterFaults
from orchestrator.campaign import Campaign
from orchestrator.chance import stream
from orchestrator.ledger import Event, Ledger, State

LIPON = Path(__file__).parents[2] / "configs" / "lipon.yaml"
FAULTS = {
    **{f"sputter.{name}": FAULT.default for name, FAULT in SputterFaults.model_fields.items()},
    **{f"analyzer.{name}": FAULT.default for name, FAULT in AnalyzerFaults.model_fields.items()},
}
"""Every fault of every simulated driver, with its shipped rate."""

RATES = (0.0, 0.05, 0.2, 0.5)
MOST_LIVES = 400

_SMALL = {
    "data": {},
    "planner": {"surrogate": "svr", "initial_runs": 7, "levels": None, "samples": 16},
    "recipe.points_per_decade": 5,
    "budget": {"runs": 8},
    "report": {},
    "screening": {},
    "laboratory.bottleneck": None,
}


@dataclass(frozen=True)
class Weather:
    """One campaign to be.

    Args:
        seed: Of the campaign.
        rates: The rate of each fault by `instrument.fault`; the others never happen.
        further: Other settings by dotted path.
    """

    seed: int
    rates: Mapping[str, float]
    further: Mapping[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings by dotted path."""
        all_rates = dict.fromkeys(FAULTS, 0.0) | dict(self.rates)
        placed = {f"laboratory.instruments.{n.replace('.', '.faults.')}": rate for n, rate in all_rates.items()}
        return {**_SMALL, **placed, "seed": self.seed, **self.further}


def mixed(seed: int) -> Weather:
    """Return weather drawn from a seed: faults at rates up to a half, one to three runs at a time, any policy."""
    dice = stream(seed, "weather")

    def drawn(*options: Any) -> Any:
        return options[int(dice.integers(len(options)))]

    rates = {name: drawn(0.0, *RATES) for name in FAULTS}
    further = {
        "laboratory.in_flight": drawn(1, 2, 3),
        "laboratory.bottleneck": drawn(None, "sputter"),
        "laboratory.instruments.sputter.load_lock": bool(drawn(0, 1)),
        "recipe.thickness_nm": drawn(60, 300, 2200),
        "policies": {
            "after_instrument_failure": drawn("pause", "continue"),
            "measurement_attempts": drawn(1, 2, 3),
            "instrument_attempts": drawn(1, 2, 3),
            "backoff_min": drawn(0, 10),
            "breaker": {"failed": 4, "of_last": 5},
        },
    }
    return Weather(seed, rates, further)


class Death(BaseException):
    """The process dies here: nothing catches it, nothing is cleaned up but what the interpreter cleans."""


@contextmanager
def dying_after(n_events: int, *, loses_held: bool = False) -> Iterator[None]:
    """Let the process die after so many events, with or without those that were held back; after 0 never."""
    append, left = Ledger.append, n_events

    def fatal(self: Ledger, *args: Any, **kwargs: Any) -> Event:
        nonlocal left
        event = append(self, *args, **kwargs)
        left -= 1
        if left == 0:
            if loses_held:
                self._store._held.clear()
                self._store._held_content.clear()
            raise Death
        return event

    Ledger.append = fatal  # type: ignore[method-assign]  # for as long as this life lasts
    try:
        yield
    finally:
        Ledger.append = append  # type: ignore[method-assign]


def embark(weather: Weather, folder: Path) -> Campaign:
    """Return the campaign, as one more process would build it."""
    campaign = Campaign.from_yaml(LIPON, out=folder, overrides=weather.settings)
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    return campaign


def sail(weather: Weather, folder: Path, lives: Callable[[], int] | None = None) -> State:
    """Run a campaign to its end, whatever pauses or kills it, and hold its ledger against the rules at every rest.

    Args:
        weather: The campaign.
        folder: Where its ledger goes.
        lives: How many events each process lives for; by default for ever.

    Returns:
        The state of the closed campaign.
    """
    for _ in range(MOST_LIVES):
        campaign = embark(weather, folder)
        lives_for = 0 if lives is None else lives()
        try:
            with dying_after(lives_for, loses_held=lives_for % 2 == 1):
                outcome = campaign.run()
        except Death:
            continue
        instruments = campaign.laboratory.instruments
        state = check(folder / "ledger.sqlite", {name: i.actions for name, i in instruments.items()})
        if state.status == "closed":
            assert outcome.stop.exit_code in (0, 4)
            return state
    message = f"not closed after {MOST_LIVES} lives: {state.reason}"
    raise AssertionError(message)


ONLY_RESUMING = {"campaign_opened", "instrument_connected", "step_in_doubt", "doubt_resolved"}


def story(folder: Path) -> list[tuple[Any, ...]]:
    """Everything that happened, pauses included, without what only a death adds."""
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        return [
            (e.kind, e.lab_s, e.utc, e.run, e.step, {k: v for k, v in e.body.items() if k != "prefix"})
            for e in ledger.events()
            if e.kind not in ONLY_RESUMING
        ]
